"""Taking back what an import created: records that nobody changed since are removed for good.

Unlike a deletion (:mod:`crmcore.records.removal`) nothing stays, neither row nor history, so that the mended file can
be imported again. What is left, and why, is found out inside the database. Values that an import changed are
:mod:`crmcore.importing.undo`'s.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    MetaData,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    update,
)
from sqlalchemy import column as named_column
from sqlalchemy import table as named_table

from crmcore.i18n import gettext as _
from crmcore.records.administrators import keep_an_administrator
from crmcore.records.drafts import DraftBatch
from crmcore.records.writing import load_drafts, record_events
from crmcore.schema.model import ANY_ENTITY, SYSTEM_FIELDS, Kind
from crmcore.store.chunks import chunks
from crmcore.store.engine import references_deferred
from crmcore.store.installed import read_installed
from crmcore.store.tables import REF_ENTITY, REF_ID, table_name
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import FromClause

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["LEFT_SHOWN", "Removed", "take_back"]

LEFT_SHOWN = 100
"""At most so many records that stay are named; all are counted."""

_HOOKS = ("crm_before_save", "crm_after_save", "crm_committed")


@frozen
class Removed:
    """What became of the records that an import had created."""

    removed: Mapping[str, int]
    """Entity -> number of records that are gone."""
    left: Sequence[tuple[Ref, str]]
    """The first hundred records that stay, with the reason."""
    reasons: Mapping[str, int]
    """Reason -> number of records that stay."""


@frozen
class _Reference:
    """A column by which records of one entity refer to others, of a disabled plugin's tables too."""

    entity: str
    table: FromClause
    field: str
    target: str
    """Name of an entity, or ``*``."""
    owned: bool
    """Whether its records go with the one that they refer to (``on_delete: delete``)."""

    def points_to(self, target: str, id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the predicate of rows that refer to a record."""
        if self.target == ANY_ENTITY:
            return and_(self.table.c[self.field + REF_ENTITY] == target, self.table.c[self.field + REF_ID] == id)
        return self.table.c[self.field] == id


def take_back(session: Session, import_id: int) -> Removed:
    """Remove the records that an import created, as far as nobody changed them and nothing else refers to them.

    Records that belong to one that stays (`on_delete: delete`) stay with it. The actor needs the right to delete each;
    plugins are asked and told as for a deletion.

    Raises:
        PluginError: a plugin failed.
        AccessDenied: nobody would be left who may do everything.
    """
    with _leaving(session) as leaving:
        for entity in session.runtime.registry.entities.values():
            _collect(session, leaving, entity, import_id)
        there = set(session.connection.execute(select(leaving.c.entity).distinct()).scalars())
        for name in sorted(there):
            _ask_plugins(session, leaving, session.runtime.entity(name))
        references = list(_references(session))
        _hold_back(session, leaving, references, there)
        removed: dict[str, int] = {}
        with references_deferred(session.connection):
            for name in _dependents_first(references, there):
                removed[name] = _remove(session, leaving, session.runtime.entity(name))
        return Removed({name: n for name, n in removed.items() if n}, *_left(session, leaving))


@contextmanager
def _leaving(session: Session) -> Iterator[Table]:
    """Make the table of what the import created: a reason says why a record stays, none that it goes."""
    table = Table(
        "crmcore_leaving",
        MetaData(),
        Column("entity", Text(), primary_key=True),
        Column("id", BigInteger(), primary_key=True, autoincrement=False),
        Column("reason", Text()),
        prefixes=["TEMPORARY"],
    )
    table.create(session.connection, checkfirst=False)
    yield table
    # Not in a `finally`: after an error the transaction, which the table belongs to, is rolled back.
    table.drop(session.connection, checkfirst=False)


def _collect(session: Session, leaving: Table, entity: Entity, import_id: int) -> None:
    table, history = session.runtime.tables.entity[entity.name], session.runtime.tables.history
    # The import may have changed its own records again: by a second row of the file, or by a plugin.
    own_changes = (
        select(func.count())
        .where(
            history.c.entity == entity.name,
            history.c.record_id == table.c.id,
            history.c.import_id == import_id,
            history.c.action != "computed",
        )
        .scalar_subquery()
    )
    may_delete = session.may("delete", entity.name, table)
    reason = case(
        (table.c.deleted_at.is_not(None), literal(_("it was deleted since"), Text)),
        (table.c.version != own_changes + 1, literal(_("it was changed since"), Text)),
        (may_delete.is_not(True), literal(_("you may not delete it"), Text)),
        else_=null(),
    )
    created = select(literal(entity.name, Text), table.c.id, reason).where(table.c.import_id == import_id)
    # Locked, so that nobody changes them or begins to refer to them meanwhile.
    session.connection.execute(
        insert(leaving).from_select(["entity", "id", "reason"], created.with_for_update(of=table))
    )


def _ask_plugins(session: Session, leaving: Table, entity: Entity) -> None:
    if not session.runtime.registry.listeners("crm_validate", entity.name):
        return
    for ids in _pages(session, leaving, entity.name):
        drafts = load_drafts(session, entity, ids)
        for problem in session.ask("crm_validate", DraftBatch(entity, "delete", session, drafts)):
            refused = [draft.id for draft in drafts if problem.row in (None, draft.row)]
            message = evolve(problem, row=None).message
            chosen = and_(leaving.c.entity == entity.name, leaving.c.id.in_(refused), leaving.c.reason.is_(None))
            session.connection.execute(update(leaving).where(chosen).values(reason=message))


def _references(session: Session) -> Iterator[_Reference]:
    tables, entities = session.runtime.tables, session.runtime.registry.entities
    for child in entities.values():
        for field in (*SYSTEM_FIELDS.values(), *child.fields.values()):
            if field.ref:
                owned = field.on_delete == "delete"
                yield _Reference(child.name, tables.entity[child.name], field.name, field.ref, owned)
    for origin in read_installed(session.connection, tables).values():
        for entity, stored in origin.fields.items():
            for name, how in stored.items():
                if how.ref and (entity not in entities or name not in entities[entity].fields):
                    columns = [name + REF_ENTITY, name + REF_ID] if how.kind is Kind.ANY_REF else [name]
                    table = named_table(table_name(entity), *(named_column(c) for c in ("id", *columns)))
                    yield _Reference(entity, table, name, how.ref, how.on_delete == "delete")


def _hold_back(session: Session, leaving: Table, references: Sequence[_Reference], there: set[str]) -> None:
    """Keep what others refer to, and what belongs to something that is kept, until nothing more is found."""
    found = True
    while found:
        found = False
        for target in sorted(there):
            for reference in references:
                if reference.target not in (target, ANY_ENTITY):
                    continue
                found |= _keep_referred(session, leaving, reference, target)
                if reference.owned and reference.entity in there:
                    found |= _keep_owned(session, leaving, reference, target)


def _keep_referred(session: Session, leaving: Table, reference: _Reference, target: str) -> bool:
    goes = leaving.alias()
    child = reference.table.alias()
    seen = evolve(reference, table=child)
    child_goes = select(goes.c.id).where(
        goes.c.entity == reference.entity, goes.c.id == child.c.id, goes.c.reason.is_(None)
    )
    referring = select(child.c.id).where(seen.points_to(target, leaving.c.id), ~child_goes.exists())
    reason = _("{entity}.{field} refers to it").format(entity=reference.entity, field=reference.field)
    return _keep(session, leaving, target, referring.exists(), reason)


def _keep_owned(session: Session, leaving: Table, reference: _Reference, target: str) -> bool:
    stays = leaving.alias()
    child = reference.table.alias()
    seen = evolve(reference, table=child)
    owner = (
        select(child.c.id)
        .join_from(child, stays, and_(stays.c.entity == target, seen.points_to(target, stays.c.id)))
        .where(child.c.id == leaving.c.id, stays.c.reason.is_not(None))
    )
    reason = _("it belongs to a {entity} that stays").format(entity=target)
    return _keep(session, leaving, reference.entity, owner.exists(), reason)


def _keep(session: Session, leaving: Table, entity: str, holds: ColumnElement[bool], reason: str) -> bool:
    statement = (
        update(leaving).where(leaving.c.entity == entity, leaving.c.reason.is_(None), holds).values(reason=reason)
    )
    return session.connection.execute(statement).rowcount > 0


def _dependents_first(references: Sequence[_Reference], there: set[str]) -> Sequence[str]:
    """Return entities so that lines come before their order; in a circle somebody has to be the first."""
    ordered: dict[str, None] = {}
    begun: set[str] = set()

    def visit(name: str) -> None:
        if name in begun:
            return
        begun.add(name)
        for reference in references:
            if reference.target == name and reference.entity in there:
                visit(reference.entity)
        ordered[name] = None

    for name in sorted(there):
        visit(name)
    return list(ordered)


def _remove(session: Session, leaving: Table, entity: Entity) -> int:
    tables, connection = session.runtime.tables, session.connection
    table, history = tables.entity[entity.name], tables.history
    listening = entity.name == "user" or any(session.runtime.registry.listeners(h, entity.name) for h in _HOOKS)
    going = select(leaving.c.id).where(leaving.c.entity == entity.name, leaving.c.reason.is_(None))
    removed = 0
    if listening:
        for ids in _pages(session, leaving, entity.name):
            removed += _remove_told(session, entity, ids)
    else:
        removed = connection.execute(delete(table).where(table.c.id.in_(going))).rowcount
    connection.execute(delete(history).where(history.c.entity == entity.name, history.c.record_id.in_(going)))
    return removed


def _remove_told(session: Session, entity: Entity, ids: Sequence[int]) -> int:
    table = session.runtime.tables.entity[entity.name]
    drafts = load_drafts(session, entity, ids)
    batch = DraftBatch(entity, "delete", session, drafts)
    session.tell("crm_before_save", batch)
    removed = session.connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount
    keep_an_administrator(session, entity, drafts, removed=True)
    session.tell("crm_after_save", batch)
    record_events(session, entity, "delete", drafts)
    return removed


def _pages(session: Session, leaving: Table, entity: str) -> Iterator[Sequence[int]]:
    going = select(leaving.c.id).where(leaving.c.entity == entity, leaving.c.reason.is_(None)).order_by(leaving.c.id)
    yield from chunks(session.connection.execute(going).scalars())


def _left(session: Session, leaving: Table) -> tuple[Sequence[tuple[Ref, str]], Mapping[str, int]]:
    stays = select(leaving).where(leaving.c.reason.is_not(None))
    shown = session.connection.execute(stays.order_by(leaving.c.entity, leaving.c.id).limit(LEFT_SHOWN))
    counted = select(leaving.c.reason, func.count()).where(leaving.c.reason.is_not(None)).group_by(leaving.c.reason)
    reasons = {row[0]: row[1] for row in session.connection.execute(counted)}
    return [(Ref(row.entity, row.id), row.reason) for row in shown], reasons
