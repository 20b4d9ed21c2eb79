"""Engines: how they are configured, and what people read when a database cannot be worked with."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from store_entities import create_database

from crmcore.errors import DatabaseError
from crmcore.store import engine as store_engine
from crmcore.store.engine import adopt, check_connection, create_store_engine, reading, writing
from crmcore.store.failures import shown

if TYPE_CHECKING:
    from pathlib import Path


def _pragma(connection: sa.Connection, name: str) -> Any:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


# -- SQLite as it should be ----------------------------------------------------------------------------------------


def test_an_sqlite_connection_is_durable_patient_and_keeps_references(tmp_path: Path) -> None:
    engine = create_store_engine(f"sqlite:///{tmp_path / 'crm.db'}")

    with reading(engine) as connection:
        found = [_pragma(connection, name) for name in ("journal_mode", "foreign_keys", "busy_timeout", "synchronous")]

    assert found == ["wal", 1, 120_000, 1]
    engine.dispose()


def test_tables_made_in_a_transaction_go_when_it_is_rolled_back(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with pytest.raises(ZeroDivisionError), writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
        _ = 1 / 0

    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_what_a_reading_transaction_writes_is_rolled_back(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with reading(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")

    with reading(engine) as connection:
        assert sa.inspect(connection).get_table_names() == []
    engine.dispose()


def test_two_writers_that_read_first_wait_for_each_other(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE counter (n INTEGER)")
        connection.exec_driver_sql("INSERT INTO counter VALUES (0)")

    def count() -> None:
        for _ in range(20):
            with writing(engine) as connection:
                locked = " FOR UPDATE" if connection.dialect.name == "postgresql" else ""
                n = connection.exec_driver_sql(f"SELECT n FROM counter{locked}").scalar_one()
                connection.execute(sa.text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT n FROM counter").scalar_one() == 80
    engine.dispose()


def test_readers_are_not_held_up_by_a_writer(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")

    with writing(engine) as writer:
        writer.exec_driver_sql("INSERT INTO made VALUES (1)")
        with reading(engine) as reader:
            assert reader.exec_driver_sql("SELECT count(*) FROM made").scalar_one() == 0
    engine.dispose()


def test_savepoints_take_back_just_their_part(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
        connection.exec_driver_sql("INSERT INTO made VALUES (1)")
        savepoint = connection.begin_nested()
        connection.exec_driver_sql("INSERT INTO made VALUES (2)")
        savepoint.rollback()

    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT id FROM made").scalars().all() == [1]
    engine.dispose()


# -- an integrator's engine ----------------------------------------------------------------------------------------


def test_an_adopted_engine_gets_what_it_lacks_also_in_its_open_connections(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'theirs.db'}")
    with engine.connect() as connection:
        assert _pragma(connection, "foreign_keys") == 0

    assert adopt(adopt(engine)) is engine

    with writing(engine) as connection:
        check_connection(connection)
        assert (_pragma(connection, "foreign_keys"), _pragma(connection, "journal_mode")) == (1, "wal")
    engine.dispose()


def test_a_connection_without_foreign_keys_is_refused(tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'theirs.db'}")

    with engine.connect() as connection, pytest.raises(DatabaseError, match="foreign keys are switched off") as caught:
        check_connection(connection)

    assert "CRM(registry, engine)" in (caught.value.hint or "")
    engine.dispose()


def test_any_connection_to_postgresql_will_do(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url.replace("postgresql", "postgresql+psycopg", 1))
    with engine.connect() as connection:
        check_connection(connection)
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match="in memory"):
        create_store_engine(url)
    with pytest.raises(DatabaseError, match="in memory"):
        adopt(sa.create_engine(url))


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@h/d", "oracle://h", "sqlite+aiosqlite:///x.db", "postgresql+asyncpg://h/d"]
)
def test_other_databases_are_refused_without_telling_the_password(url: str) -> None:
    with pytest.raises(DatabaseError, match="is not supported") as caught:
        create_store_engine(url)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "crm.db", "//", "postgresql://u:p@h:port/d"])
def test_a_text_that_is_no_url_is_told(url: str) -> None:
    with pytest.raises(DatabaseError):
        create_store_engine(url)


def test_a_missing_driver_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(DatabaseError) as caught:
        create_store_engine("postgresql://localhost/crm")

    assert 'pip install "crmcore[postgres]"' in (caught.value.hint or "")


# -- failures ------------------------------------------------------------------------------------------------------


def _failure(url: str) -> DatabaseError:
    engine = create_store_engine(url)
    with pytest.raises(DatabaseError) as caught, writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
    engine.dispose()
    return caught.value


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    error = _failure(f"sqlite:///{tmp_path / 'nowhere' / 'crm.db'}")

    assert error.message == f"the folder {tmp_path / 'nowhere'} of the database does not exist"


def test_a_folder_in_place_of_a_file_is_told(tmp_path: Path) -> None:
    assert _failure(f"sqlite:///{tmp_path}").message == f"the database {tmp_path} cannot be opened"


@pytest.mark.parametrize("content", [b"name,city\nAnn,Oslo\n" * 100, b"PK\x03\x04" + bytes(2000)])
def test_a_file_that_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "crm.db"
    path.write_bytes(content)

    assert _failure(f"sqlite:///{path}").message == f"{path} is not an SQLite database"


def test_a_damaged_database_is_told(tmp_path: Path) -> None:
    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    database.insert("customer", *({"name": "x" * 200} for _ in range(200)))
    database.engine.dispose()
    path = tmp_path / "crm.db"
    whole = bytearray(path.read_bytes())
    whole[4096:-4096] = bytes(len(whole) - 8192)
    path.write_bytes(whole)

    with pytest.raises(DatabaseError, match="is damaged"), reading(database.engine) as connection:
        connection.exec_driver_sql("SELECT sum(length(name)) FROM crm_customer").all()
    database.engine.dispose()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write every file")
def test_a_file_that_may_only_be_read_is_told_to_a_user(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    create_database(f"sqlite:///{path}").engine.dispose()
    path.chmod(0o400)

    assert _failure(f"sqlite:///{path}").message == f"the database {path} may only be read"


def test_a_read_only_connection_is_told(tmp_path: Path) -> None:
    path = tmp_path / "crm.db"
    create_database(f"sqlite:///{path}").engine.dispose()

    error = _failure(f"sqlite:///file:{path}?mode=ro&uri=true")

    assert "may only be read" in error.message


def test_a_lock_that_is_not_given_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_engine, "_BUSY_MILLISECONDS", 50)
    path = tmp_path / "crm.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")

    assert _failure(f"sqlite:///{path}").message == f"the database {path} is locked by another process"

    other.close()


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    engine = create_store_engine(f"sqlite:///{tmp_path / 'crm.db'}")
    with pytest.raises(DatabaseError, match="is full; nothing was written"), writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (text TEXT)")
        connection.exec_driver_sql("PRAGMA max_page_count = 5")
        connection.execute(sa.text("INSERT INTO made VALUES (:text)"), {"text": "x" * 100_000})
    engine.dispose()


def test_missing_tables_name_the_command_that_makes_them(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with pytest.raises(DatabaseError, match="do not fit the schemas") as caught, reading(engine) as connection:
        connection.exec_driver_sql("SELECT * FROM crm_customer")
    engine.dispose()

    assert "crmcore db upgrade" in (caught.value.hint or "")


def test_a_broken_constraint_that_nobody_explained_keeps_its_values_to_itself(database_url: str) -> None:
    database = create_database(database_url)
    database.insert("customer", {"code": "secret code"})

    with pytest.raises(DatabaseError) as caught:
        database.insert("customer", {"code": "secret code"})
    database.engine.dispose()

    assert "secret code" not in str(caught.value)


def test_a_wrong_password_is_told_and_not_repeated(postgres_url: str) -> None:
    engine = create_store_engine(postgres_url)
    role = f"role_{make_url(postgres_url).database}"
    with writing(engine) as connection:
        connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")

    error = _failure(postgres_url.replace("postgres@", f"{role}:wrong-secret@"))

    with writing(engine) as connection:
        connection.exec_driver_sql(f"DROP ROLE {role}")
    engine.dispose()
    assert "wrong user or password" in error.message
    assert "wrong-secret" not in str(error)


def test_a_database_that_is_not_there_is_told(postgres_url: str) -> None:
    missing = make_url(postgres_url).set(database="nowhere")

    assert "no such database or user" in _failure(missing.render_as_string(hide_password=False)).message


def test_a_server_that_is_down_is_told(tmp_path: Path) -> None:
    pytest.importorskip("psycopg")

    error = _failure(f"postgresql://user:hidden@/crm?host={tmp_path}")

    assert "is the server running?" in error.message
    assert "hidden" not in str(error)


def test_a_lost_connection_is_told_and_the_next_one_works(postgres_url: str) -> None:
    engine = create_store_engine(postgres_url)
    with pytest.raises(DatabaseError), reading(engine) as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        other = create_store_engine(postgres_url)
        with writing(other) as killer:
            killer.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        other.dispose()
        connection.exec_driver_sql("SELECT 1")

    with reading(engine) as connection:
        assert connection.exec_driver_sql("SELECT 1").scalar_one() == 1
    engine.dispose()


def test_a_value_too_long_for_an_index_names_the_way_out(postgres_url: str) -> None:
    database = create_database(postgres_url)
    noise = "".join(chr(0x4E00 + n * 7919 % 20_000) for n in range(4000))

    with pytest.raises(DatabaseError, match="too long for an index") as caught:
        database.insert("customer", {"code": noise})
    database.engine.dispose()

    assert "maxLength" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:secret@h/d", "postgresql://u:***@h/d"),
        ("postgresql://h/d?user=u&password=secret", "postgresql://h/d?user=u"),
        ("postgresql://h/d?sslpassword=secret&passfile=secret", "postgresql://h/d"),
        ("sqlite:///crm.db", "sqlite:///crm.db"),
    ],
)
def test_urls_are_shown_without_their_secrets(url: str, expected: str) -> None:
    assert shown(make_url(url)) == expected


# -- forks ---------------------------------------------------------------------------------------------------------


def _in_child(engine: sa.Engine, answers: Any) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO made VALUES (2)")
        answers.put(os.getpid())
    engine.dispose()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_opens_connections_of_its_own(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE made (id INTEGER)")
    context = multiprocessing.get_context("fork")
    answers = context.Queue()

    child = context.Process(target=_in_child, args=(engine, answers))
    child.start()
    assert answers.get(timeout=30) == child.pid
    child.join(30)

    with writing(engine) as connection:
        connection.exec_driver_sql("INSERT INTO made VALUES (1)")
        assert connection.exec_driver_sql("SELECT count(*) FROM made").scalar_one() == 2
    engine.dispose()
