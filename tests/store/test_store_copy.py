"""Copying into another database: every row is the same afterwards, on either kind, or nothing was copied."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, inspect, text
from store_entities import CUSTOMER, Database, conditions, create_database, everything, fill, with_fields
from store_entities import text as text_field

from crmcore.errors import DatabaseError
from crmcore.store.copying import copy_database
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.portable import canonical_line

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine

ODD = [
    "\u0001\u007f\u0085\u2028\ufeff\ufffe\uffff",
    "\U0010ffff👩\u200d💻e\u0301é",
    "\\N\t\r\n\\.\\\\x00",
    "'; DROP TABLE crm_customer; --",
    "\"'`,{}[]",
]


def _tables(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return inspect(connection).get_table_names()


def test_a_copy_is_the_same_on_either_database_and_goes_on_counting(database: Database, target: Engine) -> None:
    fill(database)
    database.insert("customer", *({"name": odd, "code": f"odd {n}", "tags": [odd]} for n, odd in enumerate(ODD)))
    extremes = ["99999999999999.9999", "-99999999999999.9999", "0.0001", "0.0000"]
    database.insert("customer", *({"credit": credit, "staff": 2**53} for credit in extremes))
    numbers = [5e-324, 1.7976931348623157e308, -0.0, 0.1 + 0.2, 1e22, 123456789012345680.0]
    database.insert(
        "customer",
        *({"score": number, "tags": {"z": n, "a": [1, min(number, 1e22)]}} for n, number in enumerate(numbers)),
    )
    database.insert("customer", {"since": "0001-01-01", "met_at": "9999-12-31T15:59:59.999999Z"})

    steps: list[tuple[int, int]] = []
    copied = copy_database(database.engine, target, database.origins, progress=lambda *step: steps.append(step))

    made = Database(target)
    assert everything(made) == everything(database)
    assert {table.name for table in copied} == set(_tables(target))
    assert {t.name: t.rows for t in copied if t.rows} == {
        "crmcore_history": 1, "crmcore_outbox": 1, "crmcore_installed": 1, "crm_team": 1, "crm_user": 1,
        "crm_customer": 20,
    }  # fmt: skip
    total = 2 * sum(table.rows for table in copied)
    assert steps[-1] == (total, total)
    assert conditions(target) == conditions(database.engine)
    assert made.upgrade().statements == ()
    assert made.insert("customer", {}) == database.insert("customer", {}) == [22]
    assert made.insert("team", {}) == [2]
    assert made.insert("order", {}) == [1]
    for refused in ({"code": "a-1"}, {"source": "erp", "external_id": "1"}, {"parent": 999}):
        with pytest.raises(DatabaseError):
            made.insert("customer", refused)


@pytest.mark.postgresql
def test_there_and_back_again_every_hash_is_the_same(tmp_path: Path, postgres_url: str) -> None:
    first = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    fill(first)
    # In the server's own time zone this is the year 10000, which no driver can say.
    first.insert("customer", {"met_at": "9999-12-31T23:59:59.999999Z"}, {"met_at": "0001-01-01T00:00:00Z"})
    second, third = create_store_engine(postgres_url), create_store_engine(f"sqlite:///{tmp_path / 'again.db'}")

    there = copy_database(first.engine, second, first.origins)
    back = copy_database(second, third, first.origins)

    assert there == back
    assert everything(Database(third)) == everything(first)
    for engine in (first.engine, second, third):
        engine.dispose()


def test_the_hash_of_a_table_can_be_made_by_hand(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    source.insert("order", {"number": "Ä1", "amount": "1.5", "group": None}, {"source": "erp", "external_id": "7"})
    made = create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}")

    copied = {table.name: table.sha256 for table in copy_database(source.engine, made, source.origins)}

    system = '1,"2026-11-21T18:55:00Z",null,"2026-11-21T18:55:00Z",null,null,null,null'
    lines = (
        f'[1,{system},null,null,"Ä1","ä1",null,15000,null,null]\n[2,{system},"erp","7",null,null,null,null,null,null]\n'
    )
    assert copied["crm_order"] == hashlib.sha256(lines.encode()).hexdigest()
    assert copied["crm_team"] == hashlib.sha256(b"").hexdigest()
    for engine in (source.engine, made):
        engine.dispose()


def test_what_a_disabled_plugin_stored_is_copied_too(tmp_path: Path, database_url: str) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    enabled = source.changed_to(with_fields(CUSTOMER, text_field("fax", origin="abc")), abc="1.0")
    enabled.upgrade()
    enabled.insert("customer", {"fax": "1"})
    disabled = Database(source.engine)
    disabled.upgrade()
    made = create_store_engine(database_url)

    copy_database(source.engine, made, disabled.origins)

    assert everything(Database(made, enabled.entities, enabled.versions)) == everything(enabled)
    for engine in (source.engine, made):
        engine.dispose()


def test_the_source_is_copied_as_it_was_at_one_moment(database: Database, tmp_path: Path) -> None:
    database.insert("team", {"name": "A"})
    made = create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}")

    def write_meanwhile(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().startswith("CREATE TABLE crm_team"):
            database.insert("team", {"name": "B"})

    event.listen(made, "before_cursor_execute", write_meanwhile)
    copied = {table.name: table.rows for table in copy_database(database.engine, made, database.origins)}

    assert copied["crm_team"] == 1
    assert database.insert("team", {}) == [3]
    made.dispose()


@settings(max_examples=30)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
                    | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_the_canonical_line_is_a_line_and_blind_to_the_order_of_keys(value: Any) -> None:
    def turned(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: turned(inner) for name, inner in reversed(part.items())}
        return [turned(inner) for inner in part] if isinstance(part, list) else part

    line = canonical_line(["integer", "json"])

    assert line([1, value]) == line([1, turned(value)])
    assert line([1, value]).count("\n") == 1
    assert line([1, value]) != line([2, value])


def test_what_one_database_cannot_keep_is_not_in_the_canonical_line() -> None:
    line = canonical_line(["number", "json"])

    assert line([-0.0, [1e23, -0.0, 2.0]]) == line([0.0, [10**23, 0, 2]]) == f"[0.0,[{10**23},0,2]]\n"
    assert line([0.1, ["2", 2.5]]) == '[0.1,["2",2.5]]\n'


# -- refused, and nothing copied -----------------------------------------------------------------------------------


def test_a_target_that_holds_a_crm_is_refused_by_name(database: Database, tmp_path: Path) -> None:
    target = create_store_engine(f"sqlite:///{tmp_path / 'theirs.db'}")
    Database(target).upgrade()
    Database(target).insert("team", {"name": "theirs"})
    before = everything(Database(target))

    with pytest.raises(DatabaseError, match=r"already \(crm_customer, crm_order, crm_team, …\)"):
        copy_database(database.engine, target, database.origins)
    with pytest.raises(DatabaseError, match="holds a CRM already"):
        copy_database(target, target, database.origins)

    assert everything(Database(target)) == before
    target.dispose()


def test_tables_of_others_in_the_target_are_left_alone(tmp_path: Path, database_url: str) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    target = create_store_engine(database_url)
    with writing(target) as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY)"))
        connection.execute(text("INSERT INTO invoices VALUES (7)"))

    copy_database(source.engine, target, source.origins)

    with reading(target) as connection:
        assert connection.execute(text("SELECT id FROM invoices")).scalars().all() == [7]
    for engine in (source.engine, target):
        engine.dispose()


def test_a_source_that_waits_for_an_upgrade_is_refused_and_leaves_no_file(database: Database, tmp_path: Path) -> None:
    later = database.changed_to(core="1.1")
    made = create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}")

    with pytest.raises(DatabaseError, match="not up to date for: core") as refused:
        copy_database(database.engine, made, later.origins)

    assert "db upgrade" in str(refused.value.hint)
    assert not (tmp_path / "copy.db").exists()


def test_a_new_database_that_somebody_else_was_quicker_to_fill_is_not_removed(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    source.insert("team", {"name": "A"})
    slow, quick = (create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}") for _ in range(2))
    event.listen(slow, "connect", lambda *_: copy_database(source.engine, quick, source.origins), once=True)

    with pytest.raises(DatabaseError, match="holds a CRM already"):
        copy_database(source.engine, slow, source.origins)

    assert everything(Database(quick)) == everything(source)
    for engine in (source.engine, slow, quick):
        engine.dispose()


def test_a_source_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    source, target = (create_store_engine(f"sqlite:///{tmp_path / name}") for name in ("typo.db", "copy.db"))

    with pytest.raises(DatabaseError, match=r"there is no database .*typo\.db"):
        copy_database(source, target, [])

    assert list(tmp_path.iterdir()) == []


@pytest.mark.postgresql
def test_a_value_that_only_sqlite_takes_is_named_and_nothing_is_copied(tmp_path: Path, postgres_url: str) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    source.insert("customer", *({"code": str(n)} for n in range(60)))
    target = create_store_engine(postgres_url)
    values = {
        "name": ("a\0b", "crm_customer, row 42: the value of name does not fit into postgresql"),
        "code": (b"\x00\xff", "crm_customer, row 42: the value of code does not fit"),
        "staff": ("many", "crm_customer, row 42: the value of staff does not fit"),
        "score": ("much", "crm_customer, row 42: the value of score does not fit"),
        "tags": ('["\\u0000"]', "crm_customer, row 42: the value of tags does not fit"),
        "since": ("soon", "a row of the table crm_customer cannot be read"),
    }

    for column, (value, said) in values.items():
        with writing(source.engine) as connection:
            connection.execute(text(f"UPDATE crm_customer SET {column} = :value WHERE id = 42"), {"value": value})
        with pytest.raises(DatabaseError) as refused:
            copy_database(source.engine, target, source.origins)
        with writing(source.engine) as connection:
            connection.execute(text(f"UPDATE crm_customer SET {column} = NULL WHERE id = 42"))
        assert refused.value.message.startswith(said)

    assert _tables(target) == []
    for engine in (source.engine, target):
        engine.dispose()


@pytest.mark.postgresql
def test_a_value_that_only_postgresql_takes_is_named_and_nothing_is_copied(tmp_path: Path, postgres_url: str) -> None:
    source = create_database(postgres_url)
    source.insert("customer", {"score": 1.5}, {"score": 2.5})
    with writing(source.engine) as connection:
        connection.execute(text("UPDATE crm_customer SET score = 'NaN' WHERE id = 2"))
    target = create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}")

    with pytest.raises(DatabaseError, match="crm_customer, row 2: it is not the same in both databases"):
        copy_database(source.engine, target, source.origins)

    assert not (tmp_path / "copy.db").exists()
    for engine in (source.engine, target):
        engine.dispose()


def test_a_row_that_changes_on_its_way_is_named_and_nothing_is_copied(tmp_path: Path, database_url: str) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    source.insert("team", {"name": "A"}, {"name": "B"}, {"name": "C"})
    target = create_store_engine(database_url)

    def spoil(connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("CREATE INDEX ix_crmcore_history_because"):
            connection.exec_driver_sql("UPDATE crm_team SET name = 'b' WHERE id = 2")

    event.listen(target, "before_cursor_execute", spoil)
    with pytest.raises(DatabaseError, match="crm_team, row 2: it is not the same"):
        copy_database(source.engine, target, source.origins)

    event.remove(target, "before_cursor_execute", spoil)
    assert not inspect(target).get_table_names()
    for engine in (source.engine, target):
        engine.dispose()


def test_a_reference_that_leads_nowhere_stops_the_copy(tmp_path: Path, database_url: str) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    source.insert("customer", {})
    with source.engine.connect() as connection:
        connection.connection.cursor().execute("PRAGMA foreign_keys = OFF")
        connection.execute(text("UPDATE crm_customer SET parent = 99"))
        connection.commit()
        connection.connection.cursor().execute("PRAGMA foreign_keys = ON")
    target = create_store_engine(database_url)

    with pytest.raises(DatabaseError):
        copy_database(source.engine, target, source.origins)

    assert not inspect(target).get_table_names()
    for engine in (source.engine, target):
        engine.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
@pytest.mark.parametrize("statement", ['COPY "crm_team"|INSERT INTO "crm_team"', "COMMIT"])
def test_a_copy_that_is_killed_leaves_an_empty_database_and_can_be_repeated(
    tmp_path: Path, database_url: str, statement: str
) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    source.insert("team", {"name": "A"})
    source.engine.dispose()

    def die(*seen: Any) -> None:
        if len(seen) == 1 or str(seen[2]).lstrip().startswith(tuple(statement.split("|"))):
            os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        target = create_store_engine(database_url)
        event.listen(target, "commit" if statement == "COMMIT" else "before_cursor_execute", die)
        copy_database(create_store_engine(source.engine.url), target, source.origins)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

    target = create_store_engine(database_url)
    assert _tables(target) == []
    assert {t.name: t.rows for t in copy_database(source.engine, target, source.origins)}["crm_team"] == 1
    for engine in (source.engine, target):
        engine.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_disk_that_is_full_is_told_and_leaves_no_file(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    source.insert("team", *({"name": "A" * 500} for _ in range(2_000)))
    source.engine.dispose()
    said, say = os.pipe()
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
        target = create_store_engine(f"sqlite:///{tmp_path / 'copy.db'}")
        try:
            copy_database(create_store_engine(source.engine.url), target, source.origins)
        except DatabaseError as error:
            os.write(say, error.message.encode())
            os._exit(0)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"copy.db" in os.read(said, 1000)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("copy")] == []
