"""What must hold for records that come into a stage of a pipeline: an allowed move, and what the stage asks for.

Beside the other checks of the first write door, so that an import and a bulk edit obey what a single move obeys. What
plugins say of a move is asked in :mod:`crmcore.records.checks`. What takes something back is no move: restoring a
deleted record, and undoing an import.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore.records.drafts import Draft
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.schema.model import Entity
    from crmcore.types import Pipeline, Stage

__all__ = ["check_transitions"]


def check_transitions(
    session: Session, entity: Entity, drafts: Sequence[Draft]
) -> Sequence[tuple[Pipeline, Sequence[Draft]]]:
    """Add to each draft what keeps it from the stage that it is given.

    A new record may start in any stage, as records from an older system do; what the stage asks for holds for it too.

    Returns:
        The drafts that come into a stage, by pipeline, for plugins to judge; nothing where the entity has no pipeline.
    """
    registry = session.runtime.registry
    if session.takes_back:
        return ()
    found = []
    for pipeline in _by_entity(registry).get(entity.name, ()):
        moving = []
        for draft in drafts:
            stage = pipeline.stage(draft.values.get(pipeline.field))
            if stage is None:  # none, or one that the schema refuses anyway
                continue
            enters = stage.name != (draft.before or {}).get(pipeline.field)
            if enters:
                moving.append(draft)
                _check_move(entity, pipeline, draft, stage)
            _check_required(entity, pipeline, draft, stage, enters=enters)
        if moving:
            found.append((pipeline, moving))
    return found


def _by_entity(registry: Registry) -> Mapping[str, Sequence[Pipeline]]:
    def collected() -> Mapping[str, Sequence[Pipeline]]:
        found: dict[str, list[Pipeline]] = defaultdict(list)
        for pipeline in registry.pipelines.values():
            found[pipeline.entity].append(pipeline)
        return dict(found)

    return registry.derived("pipelines by entity", collected)


def _check_move(entity: Entity, pipeline: Pipeline, draft: Draft, stage: Stage) -> None:
    """Refuse a move that the stage before does not allow."""
    left = pipeline.stage((draft.before or {}).get(pipeline.field))
    # A stage that the pipeline does not know, of a plugin that is gone for instance, keeps nobody in it.
    if left is None or left.moves is None or stage.name in left.moves:
        return
    allowed = ", ".join(_title(entity, pipeline, name) for name in left.moves)
    message = _("{field} cannot go from {old} to {new}").format(
        field=entity.fields[pipeline.field].title(),
        old=_title(entity, pipeline, left.name),
        new=_title(entity, pipeline, stage.name),
    )
    hint = _("Allowed from here: {stages}.").format(stages=allowed) if allowed else _("Nothing leads on from here.")
    draft.refuse(
        Problem(message=message, hint=hint, field=pipeline.field, value=stage.name, row=draft.row, code="transition")
    )


def _check_required(entity: Entity, pipeline: Pipeline, draft: Draft, stage: Stage, *, enters: bool) -> None:
    """Refuse a stage that asks for what is not there, and taking it away from a record that is in the stage.

    A record that has been in the stage without it, since before the stage asked for it, may be changed otherwise.
    """
    reported = {problem.field for problem in draft.problems}
    for name in stage.required:
        taken_away = name in (draft.before or {})
        if name not in draft.values and name not in reported and (enters or taken_away):
            message = _("the stage {stage} needs {field}").format(
                stage=_title(entity, pipeline, stage.name), field=entity.fields[name].title()
            )
            draft.refuse(Problem(message=message, field=name, row=draft.row, code="stage_required"))


def _title(entity: Entity, pipeline: Pipeline, stage: str) -> str:
    return title_in(entity.fields[pipeline.field].enum_titles.get(stage, {}), stage)
