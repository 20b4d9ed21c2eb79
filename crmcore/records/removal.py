"""Deleting records softly and taking that back, with everything that refers to them.

A reference says what becomes of its record when the one it points to goes (`Field.on_delete`): ``restrict`` keeps
the other from being deleted, ``clear`` empties the reference, ``delete`` deletes the record along, as lines go with
their order. Restoring brings back what was deleted along and fills in what was cleared.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from sqlalchemy import and_, select, true

from crmcore.access import live
from crmcore.errors import Conflict, NotFound, ReferencedRecord, UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext
from crmcore.records.administrators import keep_an_administrator
from crmcore.records.checks import ask_plugins, check_references, check_unique
from crmcore.records.drafts import DraftBatch
from crmcore.records.pointing import points_to, referrers
from crmcore.records.writing import load_drafts, record_events, touch, write_history
from crmcore.store.chunks import chunks
from crmcore.store.tables import column_names
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Row, Table

    from crmcore.records.drafts import Draft
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["delete", "restore"]


@frozen
class _Removal:
    """Everything that goes when one record goes."""

    deleted: Mapping[str, set[int]]
    cleared: list[tuple[Entity, Field, list[int]]] = field(factory=list)
    blocking: list[Problem] = field(factory=list)


def delete(session: Session, entity: Entity, id: int, expected_version: int | None) -> None:
    """Delete a record, so that it can be restored.

    Raises:
        NotFound: there is no such record, or the actor may not see it.
        AccessDenied: the actor may not delete it.
        Conflict: somebody else changed it since it was read.
        ReferencedRecord: other records refer to it and would be left without it.
        ValidationError: a plugin refuses.
    """
    table = session.runtime.tables.entity[entity.name]
    allowed = and_(live(table), session.may("delete", entity.name, table))
    row = session.connection.execute(select(table).where(table.c.id == id, allowed).with_for_update()).first()
    if row is None:
        if session.sees(entity.name, id):
            raise session.access.denied(session.actor, "delete", entity.name, id)
        raise NotFound(entity.name, id)
    if expected_version not in (None, row.version):
        raise Conflict(entity.name, id, int(expected_version or 0), row.version)
    removal = _plan(session, entity, id)
    if removal.blocking:
        raise ReferencedRecord(
            removal.blocking,
            _("{ref} cannot be deleted:").format(ref=Ref(entity.name, id)),
            hint=_("Delete those first, or let them refer to another record."),
        )
    because = Ref(entity.name, id)
    for name, ids in removal.deleted.items():
        own = {id} if name == entity.name else set()
        _delete_rows(session, session.runtime.entity(name), sorted(ids & own), because=None)
        _delete_rows(session, session.runtime.entity(name), sorted(ids - own), because=because)
    for child, reference, referring in removal.cleared:
        _clear(session, child, reference, referring, because=because)


def restore(session: Session, entity: Entity, id: int) -> None:
    """Take the deletion of a record back, with what was deleted and cleared along.

    Raises:
        NotFound: there is no deleted record of that id that the actor may delete.
        ValidationError: a reference or a unique value of it is not valid any more, or a plugin refuses.
    """
    table = session.runtime.tables.entity[entity.name]
    statement = select(table).where(
        table.c.id == id,
        table.c.deleted_at.is_not(None),
        table.c.merged_into.is_(None),
        session.may("delete", entity.name, table),
    )
    row = session.connection.execute(statement.with_for_update()).first()
    if row is None and session.sees(entity.name, id):
        raise UsageError(_("{ref} is not deleted").format(ref=Ref(entity.name, id)))
    if row is None or _was_erased(session, entity, id):
        raise NotFound(entity.name, id)
    gone = _deleted_along(session, entity, id, row.deleted_at).items()
    _restore_rows(session, {name: load_drafts(session, session.runtime.entity(name), ids) for name, ids in gone})
    _fill_in(session, Ref(entity.name, id), row.deleted_at)


def belongings(session: Session, entity: Entity, id: int) -> Mapping[str, set[int]]:
    """Return a record and everything that goes with it, deleted or not: entity -> ids, the record first."""
    return _closure(session, entity, id, lambda _table: true())


def _plan(session: Session, entity: Entity, id: int) -> _Removal:
    """Find out what goes along, what is cleared, and what stands in the way."""
    removal = _Removal(_closure(session, entity, id, live))
    for target, ids in removal.deleted.items():
        for child, reference in referrers(session, target):
            left = _pointing(session, child, reference, target, ids, live) - removal.deleted.get(child.name, set())
            if left and reference.on_delete == "clear":
                removal.cleared.append((child, reference, sorted(left)))
            elif left:
                removal.blocking.append(_in_the_way(session, child, reference, target, sorted(left)))
    return removal


def _pointing(
    session: Session,
    child: Entity,
    reference: Field,
    target: str,
    ids: Iterable[int],
    wanted: Callable[[Table], ColumnElement[bool]],
) -> set[int]:
    table = session.runtime.tables.entity[child.name]
    found: set[int] = set()
    for some in chunks(sorted(ids)):
        statement = select(table.c.id).where(wanted(table), points_to(table, reference, target, some))
        # Locked, so that a record which is just being moved elsewhere is looked at again when it is there.
        locked = statement.order_by(table.c.id).with_for_update()
        found.update(session.connection.execute(locked).scalars())
    return found


def _in_the_way(session: Session, child: Entity, reference: Field, target: str, ids: Sequence[int]) -> Problem:
    message = ngettext(
        "{n} {entity} refers to this {target} by {field}", "{n} {entity} refer to this {target} by {field}", len(ids)
    ).format(n=len(ids), entity=child.name if len(ids) == 1 else child.plural, target=target, field=reference.name)
    seen = next((str(Ref(child.name, id)) for id in ids if session.sees(child.name, id)), None)
    return Problem(message=f"{message} ({seen})" if seen else message, code="referenced")


def _delete_rows(session: Session, entity: Entity, ids: Sequence[int], *, because: Ref | None) -> None:
    if not ids:
        return
    drafts = load_drafts(session, entity, ids)
    ask_plugins(session, entity, "crm_validate", "delete", drafts)
    if problems := _problems(drafts):
        raise ValidationError(problems)
    batch = DraftBatch(entity, "delete", session, drafts)
    session.tell("crm_before_save", batch)
    touch(session, entity, ids, {"deleted_at": session.now})
    keep_an_administrator(session, entity, drafts, removed=True)
    write_history(session, entity, "delete", drafts, because=because)
    session.tell("crm_after_save", batch)
    record_events(session, entity, "delete", drafts)


def _clear(session: Session, entity: Entity, reference: Field, ids: Sequence[int], *, because: Ref) -> None:
    drafts = load_drafts(session, entity, ids)
    for draft in drafts:
        draft.assign(reference.name, None)
    touch(session, entity, ids, dict.fromkeys(column_names(reference)))
    write_history(session, entity, "update", drafts, because=because)
    session.tell("crm_after_save", DraftBatch(entity, "update", session, drafts))
    record_events(session, entity, "update", drafts)


def _deleted_along(session: Session, entity: Entity, id: int, at: dt.datetime) -> Mapping[str, set[int]]:
    """Return what was deleted because it goes with the record, the record first."""
    found: dict[str, set[int]] = defaultdict(set)
    found[entity.name].add(id)
    for row in _history_because_of(session, Ref(entity.name, id), at):
        if row.action == "delete" and row.entity in session.runtime.registry.entities:
            found[row.entity].add(row.record_id)
    return found


def _was_erased(session: Session, entity: Entity, id: int) -> bool:
    history = session.runtime.tables.history
    erased = select(history.c.id).where(
        history.c.entity == entity.name, history.c.record_id == id, history.c.action == "erase"
    )
    return session.connection.execute(erased).first() is not None


def _history_because_of(session: Session, ref: Ref, at: dt.datetime) -> Sequence[Row[Any]]:
    """Return what the history keeps of other records that changed because a record was deleted."""
    history = session.runtime.tables.history
    statement = select(history).where(history.c.because == str(ref), history.c.at == at)
    return session.connection.execute(statement.order_by(history.c.id)).all()


def _closure(
    session: Session, entity: Entity, id: int, wanted: Callable[[Table], ColumnElement[bool]]
) -> dict[str, set[int]]:
    """Follow the references whose records go with the one they point to."""
    found: dict[str, set[int]] = defaultdict(set)
    found[entity.name].add(id)
    frontier = {entity.name: {id}}
    while frontier:
        reached: dict[str, set[int]] = defaultdict(set)
        for target, ids in frontier.items():
            for child, reference in referrers(session, target):
                if reference.on_delete == "delete":
                    pointing = _pointing(session, child, reference, target, ids, wanted)
                    reached[child.name] |= pointing - found[child.name]
                    found[child.name] |= pointing
        frontier = {name: ids for name, ids in reached.items() if ids}
    return found


def _restore_rows(session: Session, deleted: Mapping[str, Sequence[Draft]]) -> None:
    drafts = [(session.runtime.entity(name), some) for name, some in deleted.items()]
    # As if all values were new: every reference and every unique value is looked at again.
    fresh = [(entity, [evolve(draft, before=None) for draft in some]) for entity, some in drafts]
    for entity, some in fresh:
        check_unique(session, entity, some)
        _refuse_problems(entity, some)
        touch(session, entity, [draft.id for draft in some if draft.id], {"deleted_at": None})
    # Once all are there, because they may refer to each other.
    for entity, some in fresh:
        check_references(session, entity, some)
        _refuse_problems(entity, some)
    # Not the schema: what a record lacks that it did not ask for then, nobody could give to it before.
    for entity, restored in drafts:
        ask_plugins(session, entity, "crm_validate", "restore", restored)
        _refuse_problems(entity, restored)
    for entity, restored in drafts:
        write_history(session, entity, "restore", restored)
        session.tell("crm_after_save", DraftBatch(entity, "restore", session, restored))
        record_events(session, entity, "restore", restored)


def _refuse_problems(entity: Entity, drafts: Iterable[Draft]) -> None:
    if problems := _problems(drafts):
        raise ValidationError(problems, _("{entity} cannot be restored:").format(entity=entity.name))


def _problems(drafts: Iterable[Draft]) -> Sequence[Problem]:
    return [evolve(problem, row=None) for draft in drafts for problem in draft.problems]


def _fill_in(session: Session, ref: Ref, at: dt.datetime) -> None:
    """Fill in the references that deleting the record had cleared, where nobody has filled them in since."""
    entities, system = session.runtime.registry.entities, session.as_system()
    for row in _history_because_of(session, ref, at):
        if row.action != "update" or row.entity not in entities or not system.sees(row.entity, row.record_id):
            continue
        fields = entities[row.entity].fields
        for draft in load_drafts(session, entities[row.entity], [row.record_id]):
            missing = {name: old for name, old in row.old.items() if name in fields and name not in draft.values}
            if missing:
                system.update(row.entity, row.record_id, missing)
