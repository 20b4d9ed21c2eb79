"""What must hold for drafts before they are written: schema, references, uniqueness, plugins' own rules.

Every check adds problems to the drafts and none stops at the first, so that a row is reported whole.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve
from sqlalchemy import select

from crmcore.access import live
from crmcore.i18n import gettext as _
from crmcore.records.drafts import DraftBatch
from crmcore.records.matching import find_candidates
from crmcore.records.reading import visible_ids
from crmcore.records.transitions import check_transitions
from crmcore.schema.model import ANY_ENTITY
from crmcore.schema.values import fold, from_json
from crmcore.store.chunks import chunks
from crmcore.store.tables import compared_column
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmcore.records.drafts import Draft
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["ask_plugins", "check", "check_references", "check_unique"]


def check(session: Session, entity: Entity, action: str, drafts: Sequence[Draft], *, plugins: bool = True) -> None:
    """Add to each draft the problems that keep it from being written.

    Args:
        session: the transaction.
        entity: the drafts' entity.
        action: ``create`` or ``update``.
        drafts: what is to be written.
        plugins: ask plugins too; their findings stand when values are checked a second time.
    """
    with _without_secrets(session, entity, drafts):
        _check_references(session, entity, drafts)
        _check_schema(session, entity, drafts)
        _check_unique(session, entity, drafts)
        _check_external_ids(session, entity, drafts)
        moving = check_transitions(session, entity, drafts)
    if plugins:
        ask_plugins(session, entity, "crm_validate", action, drafts)
        for pipeline, some in moving:
            ask_plugins(session, entity, "crm_check_transition", action, some, pipeline=pipeline)


def check_references(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Refuse references of drafts that are to come back to records that are not there or not visible."""
    with _without_secrets(session, entity, drafts):
        _check_references(session, entity, drafts)


def check_unique(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Refuse values of drafts that are to come back which a live record has by now."""
    with _without_secrets(session, entity, drafts):
        _check_unique(session, entity, drafts)


@contextmanager
def _without_secrets(session: Session, entity: Entity, drafts: Sequence[Draft]) -> Iterator[None]:
    """Let what is found inside the ``with`` block say of hidden fields neither what they hold nor which they are.

    What was found before is about what the actor gave.
    """
    before = [len(draft.problems) for draft in drafts]
    yield
    hidden = session.access.fields(session.actor, entity.name).hidden
    if not hidden:
        return
    for draft, start in zip(drafts, before, strict=True):
        found = draft.problems[start:]
        # A problem of no field may quote the whole record.
        open_ = [p for p in found if p.field not in hidden and (p.field is not None or p.value is None)]
        draft.problems[start:] = open_ if len(open_) == len(found) else [*open_, _hidden(draft)]


def _hidden(draft: Draft) -> Problem:
    message, hint = _("a field that you may not read is not valid"), _("Ask somebody who may read all of the record.")
    return Problem(message=message, hint=hint, row=draft.row, code="hidden")


def _check_schema(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    validator = session.runtime.registry.validator(entity.name)
    for draft in drafts:
        if not validator.is_valid(draft.values):
            # A value that could not even be read is absent here, and not missing.
            reported = {problem.field for problem in draft.problems}
            for problem in validator.problems(draft.values):
                if problem.field not in reported:
                    draft.refuse(evolve(problem, row=draft.row))


def _check_references(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Refuse new references to records that are not there or not visible; follow those to merged ones."""
    pointing = [field for field in entity.fields.values() if field.ref]
    wanted: dict[str, set[int]] = defaultdict(set)
    new = list(_new_references(pointing, drafts))
    for _draft, _field, ref in new:
        wanted[ref.entity].add(ref.id)
    known = {target: _survivors(session, target, ids) for target, ids in wanted.items()}
    for draft, field, ref in new:
        survivor = known[ref.entity].get(ref.id)
        if survivor is None:
            message = _("there is no {ref}").format(ref=ref)
            draft.refuse(Problem(message=message, field=field.name, value=str(ref), row=draft.row, code="reference"))
        elif survivor != ref.id:
            draft.assign(field.name, str(Ref(ref.entity, survivor)) if field.ref == ANY_ENTITY else survivor)


def _new_references(fields: Sequence[Field], drafts: Sequence[Draft]) -> Iterator[tuple[Draft, Field, Ref]]:
    for field in fields:
        for draft in drafts:
            value = draft.values.get(field.name)
            if value is not None and value != (draft.before or {}).get(field.name):
                yield draft, field, Ref.parse(value) if field.ref == ANY_ENTITY else Ref(str(field.ref), value)


def _survivors(session: Session, target: str, ids: set[int]) -> dict[int, int]:
    """Return for each id the live record that it stands for, if the actor may see it."""
    if target not in session.runtime.registry.entities:
        return {}
    found = {id: id for id in _visible(session, target, ids)}
    if target == "user" and session.actor.id in ids:
        found[session.actor.id] = session.actor.id  # everybody may name themselves, whatever users they may see
    missing = ids - found.keys()
    table = session.runtime.tables.entity[target]
    merged: dict[int, int] = {}
    for some in chunks(missing):
        rows = session.connection.execute(
            select(table.c.id, table.c.merged_into).where(table.c.id.in_(some), table.c.merged_into.is_not(None))
        )
        merged.update((row.id, row.merged_into) for row in rows)
    if merged:
        survivors = _survivors(session, target, set(merged.values()))
        found.update((old, survivors[new]) for old, new in merged.items() if new in survivors)
    return found


def _visible(session: Session, target: str, ids: set[int]) -> Iterator[int]:
    table = session.runtime.tables.entity[target]
    # The lock that a foreign key takes as well: a delete has to wait for us, an ordinary change does not.
    statement = select(table.c.id).where(live(table), session.may("read", target, table))
    for some in chunks(sorted(ids)):
        yield from session.connection.execute(
            statement.where(table.c.id.in_(some)).order_by(table.c.id).with_for_update(read=True, key_share=True)
        ).scalars()


def _check_unique(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Refuse values of unique fields that a live record, or an earlier draft, has already."""
    table = session.runtime.tables.entity[entity.name]
    for field in (field for field in entity.fields.values() if field.unique):
        column = table.c[compared_column(field)]
        holders: dict[Any, int | None] = {}
        claimed = {id(draft): _comparable(field, draft) for draft in drafts}
        values = {value for value in claimed.values() if value is not None}
        for some in chunks(values):
            rows = session.connection.execute(select(column, table.c.id).where(live(table), column.in_(some)))
            holders.update((value, holder) for value, holder in rows)
        taken: list[tuple[Draft, int | None]] = []
        for draft in drafts:
            value = claimed[id(draft)]
            if value is None:
                continue
            if value in holders and (holders[value] is None or holders[value] != draft.id):
                taken.append((draft, holders[value]))
            else:
                holders[value] = draft.id
        seen = visible_ids(session, entity, {holder for _draft, holder in taken if holder is not None})
        for draft, holder in taken:
            who = str(Ref(entity.name, holder)) if holder in seen and holder is not None else _("another record")
            draft.refuse(_taken(field, draft, who))


def _check_external_ids(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Refuse a second external id of one source for a record, and one that another record has."""
    table = session.runtime.tables.entity[entity.name]
    linking = [draft for draft in drafts if draft.links]
    holders = find_candidates(session.connection, entity, table, linking, external_only=True) if linking else {}
    for draft in drafts:
        if draft.row in holders:
            draft.refuse(_external(draft, _("another record has this external id")))
        elif draft.contradicts:
            message = _("the record has another external id of this source: {known}")
            draft.refuse(_external(draft, message.format(known=draft.system["external_id"])))


def _external(draft: Draft, message: str) -> Problem:
    return Problem(message=message, field="external_id", value=draft.external_id, row=draft.row, code="external_id")


def _comparable(field: Field, draft: Draft) -> Any:
    """Return the value of a unique field as it is compared, or None where it does not change."""
    value = draft.values.get(field.name)
    if value is None or value == (draft.before or {}).get(field.name):
        return None
    return fold(value) if field.folded else from_json(field, value)


def _taken(field: Field, draft: Draft, who: str) -> Problem:
    return Problem(
        message=_("{who} has this {field} already").format(who=who, field=field.title()),
        field=field.name,
        value=draft.values[field.name],
        row=draft.row,
        code="unique",
    )


def ask_plugins(session: Session, entity: Entity, hook: str, action: str, drafts: Sequence[Draft], **more: Any) -> None:
    """Add to each draft what plugins say of it, without values that the actor may not read."""
    if not session.runtime.registry.listeners(hook, entity.name):
        return
    by_row = {draft.row: draft for draft in drafts}
    hidden = session.access.fields(session.actor, entity.name).hidden
    for found in session.ask(hook, DraftBatch(entity, action, session, drafts), **more):
        problem = evolve(found, value=None) if found.field in hidden else found
        # A problem of no particular row is one of the whole batch.
        for draft in drafts if problem.row is None else (by_row[problem.row],):
            draft.refuse(evolve(problem, row=draft.row))
