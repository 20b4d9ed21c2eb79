"""Erasing a record with what belongs to it, and disclosing all that is held about one.

Values leave the row, its history and the outbox, and a tombstone stays, so that references to the record still lead
somewhere; of a user the login goes too, wherever it says who did something. Rows of imports that name the person are
:mod:`crmcore.erase.rejected_rows`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from sqlalchemy import and_, delete, select, update

from crmcore.access import live
from crmcore.erase.mentions import identifying_values
from crmcore.erase.rejected_rows import RejectedRowsErased, erase_rejected_rows
from crmcore.errors import NotFound
from crmcore.records.administrators import keep_an_administrator
from crmcore.records.pointing import points_to, referrers
from crmcore.records.removal import belongings
from crmcore.records.writing import load_drafts, record_events, touch, write_history
from crmcore.store.chunks import chunks
from crmcore.store.tables import column_names
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.records.drafts import Draft
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["ERASE", "Erased", "erase", "held_about"]

ERASE = "records.erase"
"""The permission to erase; the right to delete is not enough, because this cannot be taken back."""


@frozen
class Erased:
    """What was erased, and what somebody has to look after."""

    records: Mapping[str, int]
    """Entity -> number of records."""
    rejected: RejectedRowsErased
    """Rows of imports that named the record."""


def erase(session: Session, entity: str, id: int) -> Erased:
    """Erase a record and what belongs to it (references with ``on_delete: delete``), deleted ones included.

    Rejected rows of imports that name it, by a value that identifies it, go too, also from rejects files that are
    still where they were written. Plugins that listen to ``crm_committed`` are told, so that they erase what they keep.

    Args:
        session: its actor needs the permission ``records.erase``.
        entity: name of the entity.
        id: of the record.

    Raises:
        AccessDenied: the actor lacks the permission, or nobody would be left who may do everything.
        NotFound: there is no such record.
    """
    session.access.demand_permission(session.actor, ERASE)
    model = session.runtime.entity(entity)
    if not session.sees(entity, id, deleted=True):
        raise NotFound(entity, id)
    with session.savepoint():
        mentions = identifying_values(session, model, id)
        gone = belongings(session, model, id)
        for name, ids in gone.items():
            _erase_rows(session, session.runtime.entity(name), sorted(ids))
        # Last, because files are written at once.
        rejected = erase_rejected_rows(session, mentions)
    return Erased({name: len(ids) for name, ids in gone.items() if ids}, rejected)


def held_about(session: Session, entity: str, id: int) -> dict[str, Any]:
    """Return all that is held about a record, as one JSON object: itself, its history, and what refers to it.

    Raises:
        NotFound: there is no such record that the actor may see.
    """
    model = session.runtime.entity(entity)
    record = session.get(entity, id, deleted=True)
    history = [
        {"at": entry.at.isoformat(), "actor": entry.actor, "action": entry.action, "old": dict(entry.old)}
        for entry in session.history(entity, id)
    ]
    referring: dict[str, list[dict[str, Any]]] = {}
    for child, reference in referrers(session, model.name):
        table = session.runtime.tables.entity[child.name]
        statement = select(table.c.id).where(live(table), points_to(table, reference, entity, [id]))
        visible = statement.where(session.may("read", child.name, table)).order_by(table.c.id)
        for found in session.connection.execute(visible).scalars():
            referring.setdefault(f"{child.name}.{reference.name}", []).append(session.get(child.name, found).as_json())
    return {"record": record.as_json(), "history": history, "referring": referring}


def _erase_rows(session: Session, entity: Entity, ids: list[int]) -> None:
    tables = session.runtime.tables
    empty = {column: None for field in entity.fields.values() for column in column_names(field)}
    drafts = load_drafts(session, entity, ids)
    logins = _logins(session, drafts) if entity.name == "user" else {}
    touch(session, entity, ids, {**empty, "source": None, "external_id": None, "deleted_at": session.now})
    keep_an_administrator(session, entity, drafts, removed=True)
    for table in (tables.history, tables.outbox):
        for some in chunks(ids):
            about = and_(table.c.entity == entity.name, table.c.record_id.in_(some))
            session.connection.execute(delete(table).where(about))
    write_history(session, entity, "erase", [evolve(draft, before={}, values={}) for draft in drafts])
    record_events(session, entity, "erase", drafts)
    # After the rest, which somebody who erases themselves signs.
    for id, known in logins.items():
        _forget_actor(session, id, known)


def _logins(session: Session, users: Iterable[Draft]) -> dict[int, set[str]]:
    """Return the logins that each user has or had: id -> logins."""
    history = session.runtime.tables.history
    found: dict[int, set[str]] = {}
    for draft in users:
        old = select(history.c.old).where(history.c.entity == "user", history.c.record_id == draft.id)
        values = [draft.values, *session.connection.execute(old).scalars()]
        found[draft.id or 0] = {some["login"] for some in values if some.get("login")}
    return found


def _forget_actor(session: Session, id: int, logins: set[str]) -> None:
    """Say of what a user did that ``user:42`` did it."""
    tables, name = session.runtime.tables, str(Ref("user", id))
    for table in (tables.history, tables.imports):
        session.connection.execute(update(table).where(table.c.actor_id == id).values(actor=name))
    session.connection.execute(update(tables.outbox).where(tables.outbox.c.actor.in_(logins)).values(actor=name))
