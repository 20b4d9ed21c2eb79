"""The outbox: events written with the change that made them, delivered to plugins after it was committed.

One row per event and listening plugin, so that one plugin's failures hold up nobody else. Delivery is at least once: a
claim is a lease, and what a process that died had claimed is due again when the lease has run out. Calling the
plugins is :mod:`crmcore.app`'s.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from attrs import frozen
from sqlalchemy import Connection, delete, insert, select, update

from crmcore.store.chunks import chunks
from crmcore.types import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from crmcore.store.tables import Tables

__all__ = ["Claimed", "append", "claim", "done", "failed"]

LEASE = dt.timedelta(minutes=10)
"""Longer than any delivery should take; a dead process's events wait so long."""

_FIRST_DELAY = dt.timedelta(minutes=1)
_LONGEST_DELAY = dt.timedelta(hours=12)
_LONGEST_ERROR = 2000


@frozen
class Claimed:
    """An event that this process is to deliver to one plugin."""

    plugin: str
    event: Event
    attempts: int
    """How often delivery was tried, this time included."""


def append(
    connection: Connection,
    tables: Tables,
    *,
    plugins: Iterable[str],
    entity: str,
    action: str,
    record_ids: Sequence[int],
    actor: str,
    at: dt.datetime,
) -> None:
    """Write an event for each record and plugin.

    Args:
        connection: the transaction of the change.
        tables: the tables.
        plugins: names of the plugins that listen.
        entity: name of the entity.
        action: what happened: ``create``, ``update``, ``delete``, ``restore``, ``computed`` or ``erase``.
        record_ids: the records.
        actor: login of who did it.
        at: the instant of the change; the event is due at once.
    """
    rows = [
        {
            "at": at,
            "plugin": plugin,
            "entity": entity,
            "action": action,
            "record_id": id,
            "actor": actor,
            "attempts": 0,
            "due_at": at,
        }
        for plugin in plugins
        for id in record_ids
    ]
    if rows:
        connection.execute(insert(tables.outbox), rows)


def claim(
    connection: Connection, tables: Tables, *, plugins: Collection[str], now: dt.datetime, limit: int
) -> Sequence[Claimed]:
    """Take events that are due, oldest first, so that no other process delivers them meanwhile.

    Args:
        connection: a writing transaction of its own, committed before the events are delivered.
        tables: the tables.
        plugins: names of the plugins that are loaded; events of others wait for theirs.
        now: the instant.
        limit: at most so many.
    """
    outbox = tables.outbox
    due = (
        select(outbox.c.id)
        .where(outbox.c.plugin.in_(plugins), outbox.c.due_at <= now)
        .order_by(outbox.c.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    # The ids are read first: as a subquery of the UPDATE, PostgreSQL may run the locking SELECT more than once.
    ids = connection.execute(due).scalars().all()
    taken: list[Claimed] = []
    for some in chunks(ids):
        statement = (
            update(outbox)
            .where(outbox.c.id.in_(some))
            .values(due_at=now + LEASE, attempts=outbox.c.attempts + 1)
            .returning(outbox)
        )
        for row in connection.execute(statement):
            event = Event(
                id=row.id, entity=row.entity, action=row.action, record_id=row.record_id, at=row.at, actor=row.actor
            )
            taken.append(Claimed(row.plugin, event, row.attempts))
    return sorted(taken, key=lambda claimed: claimed.event.id)


def done(connection: Connection, tables: Tables, ids: Sequence[int]) -> None:
    """Remove events that were delivered."""
    for some in chunks(ids):
        connection.execute(delete(tables.outbox).where(tables.outbox.c.id.in_(some)))


def failed(connection: Connection, tables: Tables, claimed: Iterable[Claimed], *, error: str, now: dt.datetime) -> None:
    """Put events back whose delivery failed, to be tried again after a pause that doubles every time."""
    outbox = tables.outbox
    for one in claimed:
        # The exponent is bounded because the pause is, and a timedelta is not a big number.
        pause = min(_FIRST_DELAY * 2 ** min(one.attempts - 1, 16), _LONGEST_DELAY)
        connection.execute(
            update(outbox)
            .where(outbox.c.id == one.event.id)
            .values(due_at=now + pause, last_error=error[:_LONGEST_ERROR])
        )
