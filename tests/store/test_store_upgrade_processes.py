"""Upgrades by real processes: killed at every statement, and two at the same time."""

from __future__ import annotations

import os
import signal
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, inspect, text
from store_entities import ALL, CUSTOMER, ORDER, Database, create_database, entity, of, with_fields
from store_entities import text as text_field

from crmcore.schema.model import Kind
from crmcore.store.engine import create_store_engine, reading
from crmcore.store.installed import read_installed

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]

_READING = ("SELECT", "PRAGMA", "BEGIN", "SAVEPOINT", "RELEASE", "SHOW", "SET")


def _fork(work: Callable[[], None]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  # a child must end here and not in the rest of the test run
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return pid


def _ended_by(pid: int) -> int:
    """Return the exit code of a child, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _later(url: str) -> Database:
    """An upgrade with a bit of everything: a copy of a parent table, a rename, a conversion, new tables and indexes."""
    customer = with_fields(
        CUSTOMER,
        text_field("title", was=("name",), index=True),
        of(Kind.TEXT, "staff"),
        of(Kind.REF, "agent", ref="user"),
        text_field("region"),
        without=("name", "score"),
        match=(),
    )
    visit = entity("visit", of(Kind.REF, "customer", ref="customer"))
    engine = create_store_engine(url)
    return Database(engine, {**ALL, "customer": customer, "visit": visit}, {"core": "1.1"})


def _state(url: str) -> Any:
    """Everything that an upgrade may change, read without knowing which schemas made it."""
    engine = create_store_engine(url)
    with reading(engine) as connection:
        inspector = inspect(connection)
        names = sorted(inspector.get_table_names())
        structure = {
            name: (
                sorted((c["name"], str(c["type"])) for c in inspector.get_columns(name)),
                sorted(str(i["name"]) for i in inspector.get_indexes(name)),
                sorted((k["constrained_columns"][0], k["referred_table"]) for k in inspector.get_foreign_keys(name)),
            )
            for name in names
        }
        rows = {
            name: sorted(map(str, connection.execute(text(f"SELECT * FROM {name}")).mappings().all()))
            for name in names
            if not name.startswith("crmcore_")
        }
        versions = {o.name: o.version for o in read_installed(connection, Database(engine).tables).values()}
    engine.dispose()
    return structure, rows, versions


def _killed_before(url: str, number: int) -> None:
    """Upgrade, and die before the statement of that number, counting those that change something; 0 counts none."""
    later = _later(url)
    seen = 0

    def die_in_time(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        nonlocal seen
        if not statement.lstrip().upper().startswith(_READING):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def die_at_commit(_c: Any) -> None:
        if seen == number - 1:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(later.engine, "before_cursor_execute", die_in_time)
    event.listen(later.engine, "commit", die_at_commit)
    later.upgrade(drop=("customer.score",))
    os.kill(os.getpid(), signal.SIGKILL)


def test_killed_at_any_statement_the_database_is_the_old_or_the_new_one(database_url: str) -> None:
    old = create_database(database_url)
    customers = old.insert(
        "customer", *({"name": f"N{n}", "staff": n, "score": 1.5, "region": "East"} for n in range(5))
    )
    old.insert("order", *({"customer": id, "number": "1"} for id in customers))
    old.engine.dispose()
    before = _state(database_url)

    states = []
    while not states or states[-1] == before:
        assert _ended_by(_fork(lambda: _killed_before(database_url, len(states) + 1))) == -signal.SIGKILL
        states.append(_state(database_url))

    # The last one died after its commit, all others before theirs.
    assert len(states) > 20
    after = _later(database_url)
    with reading(after.engine) as connection:
        stored = connection.execute(text("SELECT title, staff, region__folded FROM crm_customer ORDER BY id")).all()
        assert stored == [(f"N{n}", str(n), "east") for n in range(5)]
        children = connection.execute(text("SELECT customer FROM crm_order ORDER BY id")).scalars().all()
        assert children == customers
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    assert after.upgrade().statements == ()
    assert states[-1][2] == {"core": "1.1"}
    after.engine.dispose()


def _upgrade_when_told(database: Callable[[], Database], start: int, statements: int) -> Callable[[], None]:
    def work() -> None:
        mine = database()
        os.read(start, 1)
        done = mine.upgrade()
        os.write(statements, b"w" if done.statements else b"-")

    return work


@pytest.mark.parametrize("fresh", [True, False], ids=["a new database", "an old database"])
def test_two_processes_that_upgrade_at_once_do_it_once(database_url: str, *, fresh: bool) -> None:
    if not fresh:
        create_database(database_url).engine.dispose()
    start, go = os.pipe()
    answers, answer = os.pipe()

    def later() -> Database:
        engine = create_store_engine(database_url)
        changed = {**ALL, "order": with_fields(ORDER, text_field("fax", index=True))}
        return Database(engine, changed, {"core": "1.1"})

    children = [_fork(_upgrade_when_told(later, start, answer)) for _ in range(3)]
    os.write(go, b"!!!")

    assert [_ended_by(child) for child in children] == [0, 0, 0]
    assert sorted(os.read(answers, 3)) == sorted(b"w--")
    for descriptor in (start, go, answers, answer):
        os.close(descriptor)
