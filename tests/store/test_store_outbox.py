"""The outbox: every event reaches its plugin at least once, and two processes do not deliver it at the same time."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select
from store_entities import NOW, Database, create_database

from crmcore.store import outbox
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.types import Event

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTE = dt.timedelta(minutes=1)


def _append(database: Database, *ids: int, plugins: Sequence[str] = ("mail",)) -> None:
    with writing(database.engine) as connection:
        outbox.append(
            connection,
            database.tables,
            plugins=plugins,
            entity="customer",
            action="create",
            record_ids=ids,
            actor="ann",
            at=NOW,
        )


def _claim(database: Database, now: dt.datetime = NOW, limit: int = 10, plugin: str = "mail") -> Sequence[Any]:
    with writing(database.engine) as connection:
        return outbox.claim(connection, database.tables, plugins=[plugin], now=now, limit=limit)


def _waiting(database: Database) -> int:
    with reading(database.engine) as connection:
        return int(connection.execute(select(func.count()).select_from(database.tables.outbox)).scalar_one())


def test_events_are_claimed_oldest_first_with_what_happened(database: Database) -> None:
    _append(database, 7, 8, 9)

    taken = _claim(database, limit=2)

    event = Event(id=taken[0].event.id, entity="customer", action="create", record_id=7, at=NOW, actor="ann")
    assert [claimed.event.record_id for claimed in taken] == [7, 8]
    assert (taken[0].plugin, taken[0].event, taken[0].attempts) == ("mail", event, 1)


def test_a_claimed_event_is_not_claimed_again_while_its_lease_runs(database: Database) -> None:
    _append(database, 7)
    _claim(database)

    assert _claim(database, NOW + outbox.LEASE - MINUTE) == []


def test_the_claim_of_a_dead_process_expires(database: Database) -> None:
    _append(database, 7)
    _claim(database)

    (again,) = _claim(database, NOW + outbox.LEASE)

    assert again.attempts == 2


def test_delivered_events_are_gone(database: Database) -> None:
    _append(database, 7, 8)
    taken = _claim(database)

    with writing(database.engine) as connection:
        outbox.done(connection, database.tables, [claimed.event.id for claimed in taken])

    assert _waiting(database) == 0


def test_each_listening_plugin_has_events_of_its_own(database: Database) -> None:
    _append(database, 7, plugins=["mail", "audit"])

    taken = _claim(database, plugin="mail")
    with writing(database.engine) as connection:
        outbox.done(connection, database.tables, [taken[0].event.id])

    assert [claimed.plugin for claimed in _claim(database, plugin="audit")] == ["audit"]


def test_events_of_a_plugin_that_is_not_loaded_wait(database: Database) -> None:
    _append(database, 7, plugins=["gone"])

    assert _claim(database) == []
    assert _waiting(database) == 1


def test_pauses_after_failures_double_up_to_half_a_day(database: Database) -> None:
    _append(database, 7)
    now, pauses = NOW, []
    for _attempt in range(13):
        (claimed,) = _claim(database, now)
        with writing(database.engine) as connection:
            outbox.failed(connection, database.tables, [claimed], error="x" * 5000, now=now)
            row = connection.execute(select(database.tables.outbox)).one()
        pauses.append((row.due_at - now) // MINUTE)
        now = row.due_at

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 720, 720, 720]
    assert len(row.last_error) == 2000


def test_nothing_is_written_for_no_plugin_and_no_record(database: Database) -> None:
    _append(database)
    _append(database, 1, plugins=[])

    assert _waiting(database) == 0


def test_events_of_a_rolled_back_change_are_not_there(database: Database) -> None:
    with database.engine.connect() as connection, connection.begin() as transaction:
        outbox.append(
            connection,
            database.tables,
            plugins=["mail"],
            entity="customer",
            action="create",
            record_ids=[1],
            actor="ann",
            at=NOW,
        )
        transaction.rollback()

    assert _waiting(database) == 0


def test_two_postgresql_sessions_claim_different_events_without_waiting(postgres_url: str) -> None:
    database = create_database(postgres_url)
    other = Database(create_store_engine(postgres_url))
    _append(database, *range(1, 11))

    with writing(database.engine) as connection:
        mine = outbox.claim(connection, database.tables, plugins=["mail"], now=NOW, limit=5)
        theirs = _claim(other, limit=5)

    assert [c.event.record_id for c in mine] == [1, 2, 3, 4, 5]
    assert [c.event.record_id for c in theirs] == [6, 7, 8, 9, 10]
    for engine in (database.engine, other.engine):
        engine.dispose()
