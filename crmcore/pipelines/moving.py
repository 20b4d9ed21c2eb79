"""Finding pipelines and stages by what people call them, and moving a record to a stage.

Which moves are allowed is decided at the first write door, in :mod:`crmcore.records.transitions`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.conformance import did_you_mean
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.schema.values import fold
from crmcore.types.names import is_called

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.schema.records import Record
    from crmcore.types import Pipeline, Stage

__all__ = ["move", "pipeline_named", "pipelines_of", "stage_named"]


def pipeline_named(registry: Registry, name: str | None = None) -> Pipeline:
    """Return a pipeline by its full or its short name; without one, the only one.

    Raises:
        UsageError: there is none of that name, there are several, or there is none at all.
    """
    known = registry.pipelines
    found = [p for full, p in known.items() if name is None or is_called(full, name)]
    if len(found) == 1:
        return found[0]
    if not known:
        hint = _("Enable a plugin that declares one: crmcore plugins enable sales")
        raise UsageError(_("there is no pipeline"), hint=hint)
    hint = _("Known: {known}").format(known=", ".join(sorted(known)))
    if name is None:
        raise UsageError(_("there is more than one pipeline: say which"), hint=hint)
    raise UsageError(_("there is no pipeline {name!r}").format(name=name), hint=hint)


def pipelines_of(registry: Registry, entity: str) -> tuple[Pipeline, ...]:
    """Return the pipelines that records of an entity go through.

    Raises:
        UsageError: there is none.
    """
    found = tuple(pipeline for pipeline in registry.pipelines.values() if pipeline.entity == entity)
    if not found:
        raise UsageError(
            _("{entity} records go through no pipeline").format(entity=entity),
            hint=_("`crmcore pipeline list` shows the pipelines."),
        )
    return found


def stage_named(registry: Registry, pipeline: Pipeline, called: str) -> Stage:
    """Return a stage by its code or its title in any language.

    Raises:
        UsageError: there is none of that name.
    """
    titles = registry.entities[pipeline.entity].fields[pipeline.field].enum_titles
    stage = pipeline.stage(called)
    if stage is not None:
        return stage
    wanted = fold(called.strip())
    for stage in pipeline.stages:
        if wanted in {fold(each) for each in (stage.name, *titles.get(stage.name, {}).values())}:
            return stage
    spoken = [title_in(titles.get(stage.name, {}), stage.name) for stage in pipeline.stages]
    raise UsageError(
        _("{pipeline} has no stage {stage!r}").format(pipeline=pipeline.name, stage=called),
        hint=did_you_mean(called, spoken) or _("Stages: {stages}").format(stages=", ".join(spoken)),
    )


def move(session: Session, pipeline: Pipeline, id: int, stage: str, values: Mapping[str, Any] | None = None) -> Record:
    """Move a record to a stage.

    Args:
        session: the transaction.
        pipeline: that the record goes through.
        id: of the record.
        stage: name of the stage, a value of the pipeline's field.
        values: what is set along: the fields that the stage asks for.

    Returns:
        The record as it was stored.

    Raises:
        UsageError: there is no such stage, or `values` sets the stage too.
        ValidationError: the move is not allowed, or the stage asks for more.
        NotFound, AccessDenied: as their names say.
    """
    found = stage_named(session.runtime.registry, pipeline, stage)
    if values and pipeline.field in values:
        raise UsageError(_("{field} is set twice").format(field=pipeline.field))
    return session.update(pipeline.entity, id, {**(values or {}), pipeline.field: found.name})
