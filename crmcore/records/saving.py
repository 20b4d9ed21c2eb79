"""The first write door: values that people own, from rows to the database.

Rows become drafts, drafts find the record that they are, plugins normalise, everything is checked, and what is
left is written with its history and its events. A batch of one takes the same way as an import of a million.
"""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve
from sqlalchemy import True_, select

from crmcore.access import live
from crmcore.errors import Conflict, DuplicateRecord, NotFound, ValidationError
from crmcore.i18n import gettext as _
from crmcore.records.administrators import keep_an_administrator
from crmcore.records.checks import check
from crmcore.records.drafts import DraftBatch, RowResult, SaveResult
from crmcore.records.incoming import WITHOUT_KEY, read_rows, refuse_closed, refuse_hidden, rounds
from crmcore.records.matching import find_candidates
from crmcore.records.reading import visible_ids
from crmcore.records.writing import record_events, write_history
from crmcore.store.chunks import chunks
from crmcore.store.rows import allocate_ids, insert_rows, update_rows
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence, Set

    from sqlalchemy import Row

    from crmcore.errors import CRMError
    from crmcore.records.drafts import Draft
    from crmcore.records.matching import Candidate
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity
    from crmcore.types import Action

__all__ = ["OnMatch", "save_one", "save_rows"]

_KEPT = ("source", "external_id", "updated_at")
"""System columns of a stored record that are asked for later."""

OnMatch = Literal["update", "skip", "error", "create"]
"""What becomes of a row that a matching rule recognises: change the record, leave it, refuse the row, or create
another record all the same, unless its external id is taken."""


def save_one(session: Session, entity: Entity, row: Mapping[str, Any], on_match: OnMatch) -> tuple[int, bool]:
    """Save one row and return the id of its record, and whether it was left as it was.

    Raises:
        ValidationError: the schema, a reference or a plugin refuses a value.
        DuplicateRecord: a matching rule recognises a record that is already there.
        NotFound: there is no such record, or the actor may not see it.
        AccessDenied: the actor may not do this.
        Conflict: somebody else changed the record since it was read.
    """
    (draft,) = _save(session, entity, [row], on_match)
    if draft.error is not None:
        raise draft.error
    if draft.problems or draft.id is None:
        raise ValidationError(evolve(problem, row=None) for problem in draft.problems)
    return draft.id, draft.outcome == "skipped"


def save_rows(session: Session, entity: Entity, rows: Iterable[Mapping[str, Any]], on_match: OnMatch) -> SaveResult:
    """Save many rows; a refused row is in the result with its problems and keeps no other row from being saved."""
    drafts = _save(session, entity, rows, on_match)
    return SaveResult(
        tuple(
            RowResult(d.row, d.outcome or "unchanged", d.id, tuple(d.problems), d.version, d.system.get("updated_at"))
            for d in drafts
        )
    )


def _save(session: Session, entity: Entity, rows: Iterable[Mapping[str, Any]], on_match: OnMatch) -> list[Draft]:
    drafts = read_rows(entity, rows)
    if any(draft.id is None for draft in drafts):
        # Before anything is looked up: whoever may not create could otherwise ask who is there.
        session.access.demand(session.actor, "create", entity.name)
    waiting = deque(rounds(entity, drafts))
    while waiting:
        some = waiting.popleft()
        refuse_hidden(session, entity, some)
        new = _recognise(session, entity, [d for d in some if d.id is None], on_match)
        new, again = _normalise_new(session, entity, new, on_match)
        if again:
            waiting.appendleft(again)
        known, again = _once_each([d for d in some if d.id is not None and d.outcome is None])
        if again:
            waiting.appendleft(again)
        known = _load(session, entity, known)
        _hook(session, entity, "crm_before_validate", "update", known)
        _write(session, entity, "create", new, lambda drafts: _insert(session, entity, drafts))
        _write(session, entity, "update", known, lambda drafts: _update(session, entity, drafts))
    return drafts


def _give_owner(session: Session, entity: Entity, drafts: Iterable[Draft]) -> None:
    """Make whoever creates a record by hand its owner, where nobody was named; whoever imports a file owns nothing."""
    owner = entity.owner_field
    if owner and session.actor.id is not None and session.import_id is None:
        for draft in drafts:
            if owner not in draft.incoming:
                draft.values.setdefault(owner, session.actor.id)


def _once_each(drafts: Iterable[Draft]) -> tuple[list[Draft], list[Draft]]:
    """Split off the rows whose record an earlier row has: by another key, so that `rounds` could not know."""
    first: dict[int | None, Draft] = {}
    again = [draft for draft in drafts if first.setdefault(draft.id, draft) is not draft]
    return list(first.values()), again


def _recognise(session: Session, entity: Entity, drafts: Sequence[Draft], on_match: OnMatch) -> list[Draft]:
    """Give drafts the id of the record that they are, and return those that are new."""
    if not drafts:
        return []
    table = session.runtime.tables.entity[entity.name]
    session.locks.lock_keys(entity, drafts)
    # An external id stands for one record, whatever is asked: an index keeps it so.
    found = find_candidates(session.connection, entity, table, drafts, external_only=on_match == "create")
    visible = visible_ids(session, entity, {one.id for some in found.values() for one in some}, deleted=True)
    new = []
    for draft in drafts:
        candidates = found.get(draft.row, ())
        alive = {candidate.id: candidate for candidate in candidates if not candidate.deleted}
        if not candidates:
            new.append(draft)
        elif len(alive) > 1:
            draft.fail(_ambiguous(entity, list(alive.values()), visible))
        elif not alive:
            draft.fail(_was_deleted(entity, candidates[0], visible))
            draft.outcome = "skipped"
        else:
            candidate = next(iter(alive.values()))
            if candidate.id in visible:
                _take(entity, draft, candidate, on_match)
            else:
                draft.fail(_held_by_a_colleague(candidate))
    return new


def _take(entity: Entity, draft: Draft, candidate: Candidate, on_match: OnMatch) -> None:
    draft.id = candidate.id
    if draft.source == WITHOUT_KEY and on_match != "update":
        draft.outcome = "unchanged"  # the very same row has been here before
    elif on_match == "skip":
        draft.outcome = "skipped"
    elif on_match in ("error", "create"):
        draft.fail(_duplicate(entity, candidate))


def _normalise_new(
    session: Session, entity: Entity, drafts: list[Draft], on_match: OnMatch
) -> tuple[list[Draft], list[Draft]]:
    """Let plugins set values of new records, and look once more for those whose keys they changed.

    Returns:
        What is still new, and what has to wait because it has become the same record as an earlier row.
    """
    _give_owner(session, entity, drafts)
    _hook(session, entity, "crm_before_validate", "create", drafts)
    touched = [draft for draft in drafts if draft.set_by_plugins and entity.match_fields & draft.set_by_plugins.keys()]
    if not touched:
        return drafts, []
    _recognise(session, entity, touched, on_match)
    first, *later = rounds(entity, [draft for draft in drafts if draft.id is None]) or [[]]
    return first, [draft for some in later for draft in some]


def _load(session: Session, entity: Entity, drafts: Sequence[Draft]) -> list[Draft]:
    """Read the records to be changed, locked, and lay the new values over the stored ones."""
    if not drafts:
        return []
    codec = session.runtime.codecs[entity.name]
    table = session.runtime.tables.entity[entity.name]
    stored: dict[int | None, Row[Any]] = {}
    by_id = {draft.id: draft for draft in drafts}
    statement = select(table).where(live(table), session.may("update", entity.name, table)).order_by(table.c.id)
    # In the order of the ids, as everybody locks them: two batches of the same records wait and do not deadlock.
    for ids in chunks(sorted(id for id in by_id if id is not None)):
        for row in session.connection.execute(statement.where(table.c.id.in_(ids)).with_for_update(key_share=True)):
            stored[row.id] = row
    for draft in drafts:
        found = stored.get(draft.id)
        if found is None:
            draft.fail(_missing(session, entity, draft))
            continue
        draft.version = found.version
        if draft.expected_version not in (None, found.version):
            draft.fail(Conflict(entity.name, found.id, int(draft.expected_version or 0), found.version))
            continue
        draft.before = codec.decode_json(found)
        draft.system = {name: getattr(found, name) for name in _KEPT}
        laid = {**draft.before, **draft.incoming, **draft.set_by_plugins}
        draft.values = {name: value for name, value in laid.items() if value is not None}
    return [draft for draft in drafts if draft.outcome is None]


def _write(
    session: Session,
    entity: Entity,
    action: Literal["create", "update"],
    drafts: Sequence[Draft],
    write: Callable[[Sequence[Draft]], None],
) -> None:
    """Check drafts, write those that pass, and tell plugins."""
    if not drafts:
        return
    rights = session.access.fields(session.actor, entity.name, action)
    refuse_closed(entity, rights, drafts)
    for draft in drafts:
        if draft.before is not None and not (draft.problems or draft.changed or draft.links or draft.contradicts):
            draft.outcome = "unchanged"
    drafts = _open(drafts)
    check(session, entity, action, drafts)
    drafts = _accepted(drafts)
    for draft in drafts:
        draft.set_by_plugins.clear()
    _hook(session, entity, "crm_before_save", action, drafts)
    touched = [draft for draft in drafts if draft.set_by_plugins]
    if touched:
        check(session, entity, action, touched, plugins=False)
    written = _write_allowed(session, entity, action, _accepted(drafts), write)
    if action == "update":
        keep_an_administrator(session, entity, written)
    for draft in written:
        draft.outcome = "created" if action == "create" else "updated"
    _hook(session, entity, "crm_after_save", action, written, settable=False)
    record_events(session, entity, action, written)


def _write_allowed(
    session: Session,
    entity: Entity,
    action: Action,
    drafts: Sequence[Draft],
    write: Callable[[Sequence[Draft]], None],
) -> Sequence[Draft]:
    """Write, and take back what the actor could not have done with the record as it is now."""
    table = session.runtime.tables.entity[entity.name]
    allowed = session.may(action, entity.name, table)
    if isinstance(allowed, True_):
        write(drafts)
        return drafts
    while drafts:
        with session.connection.begin_nested() as savepoint:
            write(drafts)
            within: set[int | None] = set()
            for ids in chunks([draft.id for draft in drafts]):
                inside = select(table.c.id).where(table.c.id.in_(ids), allowed)
                within.update(session.connection.execute(inside).scalars())
            if len(within) == len(drafts):
                break
            savepoint.rollback()
        for draft in drafts:
            if draft.id not in within:
                draft.id = draft.id if action == "update" else None
                draft.fail(session.access.denied(session.actor, action, entity.name, draft.id))
        drafts = _open(drafts)
    return drafts


def _insert(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    if not drafts:
        return
    codec = session.runtime.codecs[entity.name]
    ids = allocate_ids(session.connection, codec.table, len(drafts))
    for id, draft in zip(ids, drafts, strict=True):
        draft.id = id
    common = {
        "version": 1,
        "created_at": session.now,
        "created_by": session.actor.id,
        "updated_at": session.now,
        "updated_by": session.actor.id,
        "import_id": session.import_id,
    }
    own = {
        "id": ids,
        "source": [draft.source for draft in drafts],
        "external_id": [draft.external_id for draft in drafts],
    }
    insert_rows(session.connection, codec, [draft.values for draft in drafts], own, common)


def _update(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    codec = session.runtime.codecs[entity.name]
    alike: dict[tuple[str, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        alike[tuple(sorted(draft.changed))].append(draft)
    for fields, some in alike.items():
        rows = [(draft.id or 0, draft.version, draft.values, _changed_system(session, draft)) for draft in some]
        for id in update_rows(session.connection, codec, fields, rows):
            # Only without a row lock, on an application's own SQLite transaction, can somebody have come between.
            (draft,) = (draft for draft in some if draft.id == id)
            raise Conflict(entity.name, id, draft.version, draft.version + 1)
    write_history(session, entity, "update", drafts)


def _hook(
    session: Session, entity: Entity, hook: str, action: str, drafts: Sequence[Draft], *, settable: bool = True
) -> None:
    if drafts:
        session.tell(hook, DraftBatch(entity, action, session, drafts, settable))


def _open(drafts: Sequence[Draft]) -> Sequence[Draft]:
    return [draft for draft in drafts if draft.outcome is None]


def _accepted(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Reject the drafts with problems and return the others."""
    for draft in drafts:
        if draft.problems:
            draft.outcome = "rejected"
    return _open(drafts)


def _changed_system(session: Session, draft: Draft) -> dict[str, Any]:
    changed = {"updated_at": session.now, "updated_by": session.actor.id}
    return {**changed, "source": draft.source, "external_id": draft.external_id} if draft.links else changed


def _missing(session: Session, entity: Entity, draft: Draft) -> CRMError:
    """Say why a record cannot be changed, without giving away that a hidden one exists."""
    if draft.id is not None and session.sees(entity.name, draft.id):
        return session.access.denied(session.actor, "update", entity.name, draft.id)
    return NotFound(entity.name, draft.id)


def _duplicate(entity: Entity, candidate: Candidate) -> DuplicateRecord:
    message = _("{ref} is the same record: same {alternative}").format(
        ref=Ref(entity.name, candidate.id), alternative=candidate.alternative
    )
    problem = Problem(message=message, code="duplicate", field=candidate.alternative)
    hint = _("Change that one, or create another with on_match='create' (--duplicate at the command line).")
    return DuplicateRecord([problem], hint=hint)


def _held_by_a_colleague(candidate: Candidate) -> DuplicateRecord:
    message = _("a colleague already has this record: same {alternative}").format(alternative=candidate.alternative)
    problem = Problem(message=message, code="duplicate", field=candidate.alternative)
    return DuplicateRecord([problem], hint=_("Ask an administrator whose it is."))


def _ambiguous(entity: Entity, candidates: Sequence[Candidate], visible: Set[int]) -> DuplicateRecord:
    named = ", ".join(str(Ref(entity.name, c.id)) for c in candidates if c.id in visible)
    message = _("{n} records match by {alternative}: {named}").format(
        n=len(candidates), alternative=candidates[0].alternative, named=named or _("none that you may see")
    )
    return DuplicateRecord([Problem(message=message, code="ambiguous")], hint=_("Give its id, or a stronger key."))


def _was_deleted(entity: Entity, candidate: Candidate, visible: Set[int]) -> DuplicateRecord:
    if candidate.id not in visible:
        return _held_by_a_colleague(candidate)
    ref = Ref(entity.name, candidate.id)
    message = _("{ref} is the same record and was deleted: same {alternative}").format(
        ref=ref, alternative=candidate.alternative
    )
    return DuplicateRecord([Problem(message=message, code="deleted")], hint=_("Restore it to change it."))
