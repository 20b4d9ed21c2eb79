"""Undoing an import: what it created is removed for good, what it changed gets its old values back.

Only as far as nobody changed it since; everything else stays and is counted with its reason. Removing is
:mod:`crmcore.records.taking_back`; old values go through the first write door, as any change does.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, func, insert, select

from crmcore.errors import NotFound, UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.rehearsal import rehearsal
from crmcore.records.taking_back import LEFT_SHOWN, take_back
from crmcore.store import imports as store
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Row, Select

    from crmcore.app import CRM
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity
    from crmcore.types import Actor

__all__ = ["UNDO", "UndoResult", "undo_import"]

UNDO = "undo"
"""Source of what an undone import changes back, as hooks and history see it."""

_ROWS_PER_BATCH = 1000


@frozen
class UndoResult:
    """What undoing an import did, or in a dry run would do."""

    removed: Mapping[str, int]
    """Entity -> number of records that are gone."""
    reverted: Mapping[str, int]
    """Entity -> number of records that have their old values back."""
    left: tuple[tuple[Ref, str], ...]
    """The first hundred records that stay as they are, each with the reason."""
    reasons: Mapping[str, int]
    """Reason -> number of records that stay as they are."""


@frozen
class _Reversion:
    """A record that an import changed, the version that the import left, and its values from before."""

    entity: str
    id: int
    version: int
    values: Mapping[str, Any]


@define
class _Left:
    """Records that stay as they are: all counted, the first ones named."""

    shown: list[tuple[Ref, str]] = field(factory=list)
    reasons: Counter[str] = field(factory=Counter)

    def add(self, ref: Ref, reason: str) -> None:
        """Count a record."""
        self.reasons[reason] += 1
        if len(self.shown) < LEFT_SHOWN:
            self.shown.append((ref, reason))


def undo_import(crm: CRM, id: int, *, actor: Actor | str, dry_run: bool = False) -> UndoResult:
    """Take an import back, in one transaction.

    The actor's rights decide, whoever imported: to delete each record that goes, to change each that gets old values
    back; without the right it stays. An import that was never finished can be undone, too; nobody continues it then.

    Args:
        crm: whose import it is.
        id: of the import.
        actor: who undoes it.
        dry_run: find out what would happen, on a rehearsal.

    Raises:
        NotFound: there is no such import.
        UsageError: it was undone already.
        AccessDenied: the actor may not delete any record of the import's entity.
    """
    if dry_run:
        with rehearsal(crm) as connection, crm.session(actor, connection=connection, source=UNDO) as session:
            return _undo(session, id)
    with crm.session(actor, source=UNDO) as session:
        return _undo(session, id)


def _undo(session: Session, id: int) -> UndoResult:
    connection, tables = session.connection, session.runtime.tables
    found = store.lock(connection, tables, id)
    if found is None:
        raise NotFound("import", id)
    if found.state == "undone":
        raise UsageError(_("import {id} was undone already").format(id=id))
    session.access.demand(session.actor, "delete", session.runtime.entity(found.entity).name)
    with session.savepoint(), session.taking_back():
        result = _take_all_back(session, id)
        store.close(connection, tables, id, state="undone", now=session.now)
    return result


def _take_all_back(session: Session, id: int) -> UndoResult:
    left = _Left()
    reverted: Counter[str] = Counter()
    removed: Counter[str] = Counter()
    with _changed(session, id) as changed:
        batches = _reversions(session, changed, id, left)
        refused = [pair for some in batches for pair in _revert(session, some, reverted)]
    while True:
        gone = take_back(session, id)
        removed.update(gone.removed)
        if not (refused and gone.removed):
            break
        # What has just gone may have held the code that an older record is to have again; and that record may have
        # referred to what could not go before.
        again = [one for one, _reason in refused]
        refused = _revert(session, again, reverted)
        if len(refused) == len(again):
            break
    for one, reason in refused:
        left.add(Ref(one.entity, one.id), reason)
    shown = (*gone.left, *left.shown)[:LEFT_SHOWN]
    return UndoResult(removed, reverted, shown, Counter(gone.reasons) + left.reasons)


@contextmanager
def _changed(session: Session, id: int) -> Iterator[Table]:
    """Make the table of what the import changed: which versions it made of each record, and how many."""
    names = ("first", "last", "n")
    table = Table(
        "crmcore_changed_by_import",
        MetaData(),
        Column("entity", Text(), primary_key=True),
        Column("id", BigInteger(), primary_key=True, autoincrement=False),
        *(Column(name, BigInteger()) for name in names),
        prefixes=["TEMPORARY"],
    )
    history = session.runtime.tables.history
    numbers = (func.min(history.c.version), func.max(history.c.version), func.count())
    changes = (
        select(history.c.entity, history.c.record_id, *numbers)
        .where(history.c.import_id == id, history.c.action != "computed")
        .group_by(history.c.entity, history.c.record_id)
    )
    table.create(session.connection, checkfirst=False)
    session.connection.execute(insert(table).from_select(["entity", "id", *names], changes))
    yield table
    # Not in a `finally`: after an error the transaction, which the table belongs to, is rolled back.
    table.drop(session.connection, checkfirst=False)


def _reversions(session: Session, changed: Table, import_id: int, left: _Left) -> Iterator[Sequence[_Reversion]]:
    """Yield what can be changed back, in batches of one entity; note what was changed again since."""
    names = session.connection.execute(select(changed.c.entity).distinct().order_by(changed.c.entity)).scalars().all()
    for name in names:
        entity = session.runtime.registry.entities.get(name)
        if entity is None:
            ids = session.connection.execute(select(changed.c.id).where(changed.c.entity == name)).scalars()
            for id in ids:
                left.add(Ref(name, id), _("its plugin is disabled"))
            continue
        for rows in _pages(session, changed, entity, import_id):
            unchanged = []
            for row in rows:
                reason = _changed_since(row)
                if reason:
                    left.add(Ref(name, row.id), reason)
                else:
                    unchanged.append(row)
            yield _with_old_values(session, entity, import_id, unchanged)


def _pages(session: Session, changed: Table, entity: Entity, import_id: int) -> Iterator[Sequence[Row[Any]]]:
    table, last = session.runtime.tables.entity[entity.name], 0
    # Without what the import had created itself: that goes altogether.
    statement: Select[Any] = (
        select(table.c.id, table.c.version, table.c.deleted_at, changed.c.first, changed.c.last, changed.c.n)
        .join_from(changed, table, changed.c.id == table.c.id)
        .where(changed.c.entity == entity.name, table.c.import_id.is_distinct_from(import_id))
        .order_by(table.c.id)
        .limit(_ROWS_PER_BATCH)
    )
    while page := session.connection.execute(statement.where(table.c.id > last)).all():
        yield page
        last = page[-1].id


def _changed_since(row: Row[Any]) -> str | None:
    if row.deleted_at is not None:
        return _("it was deleted since")
    # A gap between the versions that the import made is somebody else's change as well.
    if row.version != row.last or row.n != row.last - row.first + 1:
        return _("it was changed since")
    return None


def _with_old_values(
    session: Session, entity: Entity, import_id: int, rows: Sequence[Row[Any]]
) -> Sequence[_Reversion]:
    history = session.runtime.tables.history
    old: dict[int, dict[str, Any]] = {row.id: {} for row in rows}
    entries = select(history.c.record_id, history.c.old).where(
        history.c.entity == entity.name,
        history.c.record_id.in_(old),
        history.c.import_id == import_id,
        history.c.action == "update",
    )
    # The latest first, so that of several values of a field the oldest remains.
    for record_id, values in session.connection.execute(entries.order_by(history.c.id.desc())):
        old[record_id].update(values)
    # What nobody may set was a plugin's doing, and is again.
    settable = {name for name, field in entity.fields.items() if not (field.readonly or field.computed_by)}
    return [
        _Reversion(entity.name, row.id, row.version, {n: v for n, v in old[row.id].items() if n in settable})
        for row in rows
    ]


def _revert(session: Session, some: Iterable[_Reversion], reverted: Counter[str]) -> list[tuple[_Reversion, str]]:
    """Give records their old values, count them, and return those that cannot have them, with the reason."""
    refused = []
    for entity, group in groupby(sorted(some, key=lambda one: one.entity), key=lambda one: one.entity):
        batch = list(group)
        rows = [{**one.values, "id": one.id, "version": one.version} for one in batch]
        saved = session.save_many(entity, rows, on_problem="reject")
        for one, result in zip(batch, saved.rows, strict=True):
            if result.outcome == "rejected":
                refused.append((one, "; ".join(str(evolve(problem, row=None)) for problem in result.problems)))
            else:
                reverted[entity] += 1
    return refused
