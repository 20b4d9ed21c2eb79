"""Sessions on connections that the application opened with the driver itself, or in a way that would lose its work."""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event, make_url
from sqlalchemy.orm import Session as OrmSession

from crmcore import CRM, Config, Registry, load
from crmcore.config import EntityRights, Role
from crmcore.errors import CRMError, DatabaseError, DuplicateRecord, UsageError
from crmcore.types import SYSTEM, Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WHEN = dt.datetime(2026, 1, 14, 9, 30, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def registry() -> Registry:
    reader = Role(name="reader", rules={"customer": EntityRights(read=True)})
    return load(Config(roles={"reader": reader}))


@pytest.fixture(scope="module")
def sqlite_upgraded(registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CRM]:
    yield from upgraded(registry, f"sqlite:///{tmp_path_factory.mktemp('connections') / 'crm.db'}")


@pytest.fixture(scope="module")
def postgres_upgraded(registry: Registry, shared_postgres_url: str) -> Iterator[CRM]:
    yield from upgraded(registry, shared_postgres_url)


def upgraded(registry: Registry, url: str) -> Iterator[CRM]:
    """Make the tables once: what these tests are about is not how."""
    with CRM(registry, url) as crm:
        crm.upgrade()
        with crm.engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE invoice (number TEXT)")
        yield crm


@pytest.fixture
def on_sqlite(sqlite_upgraded: CRM) -> Iterator[CRM]:
    yield sqlite_upgraded
    empty(sqlite_upgraded)


@pytest.fixture
def on_postgresql(postgres_upgraded: CRM) -> Iterator[CRM]:
    yield postgres_upgraded
    empty(postgres_upgraded)


@pytest.fixture(params=["on_sqlite", pytest.param("on_postgresql", marks=pytest.mark.postgresql)])
def crm(request: pytest.FixtureRequest) -> CRM:
    found: CRM = request.getfixturevalue(request.param)
    return found


def empty(crm: CRM) -> None:
    tables = ("crm_activity", "crm_order", "crm_customer", "crm_user", "crmcore_history", "invoice")
    with crm.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
            return
        for table in (*tables, "sqlite_sequence"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


@pytest.fixture
def opened(crm: CRM) -> Iterator[Any]:
    """A connection of the driver, as the application's code opened it, in a transaction that has not written yet."""
    connection = open_driver(crm)
    yield connection
    connection.close()


def open_driver(crm: CRM) -> Any:
    if crm.engine.dialect.name == "sqlite":
        # Conversions and another form of rows, as applications have them.
        connection = sqlite3.connect(
            crm.engine.url.database or "", detect_types=sqlite3.PARSE_DECLTYPES, isolation_level=None
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN IMMEDIATE")
        return connection
    psycopg = pytest.importorskip("psycopg")
    url = make_url(crm.engine.url).set(drivername="postgresql").render_as_string(hide_password=False)
    found = psycopg.connect(url, row_factory=psycopg.rows.dict_row, cursor_factory=psycopg.ClientCursor)
    found.adapters.register_loader("jsonb", psycopg.types.string.TextLoader)
    return found


def names(crm: CRM) -> list[str]:
    with crm.session(read_only=True) as session:
        return [record.name for record in session.find("customer", order="id")]


def invoices(crm: CRM) -> int:
    with crm.engine.connect() as connection:
        found: int = connection.exec_driver_sql("SELECT count(*) FROM invoice").scalar_one()
        return found


def bill(connection: Any, number: str) -> None:
    connection.cursor().execute(f"INSERT INTO invoice VALUES ('{number}')")


def test_what_both_wrote_is_committed_together(crm: CRM, opened: Any) -> None:
    bill(opened, "1")
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Acme"})
    assert (names(crm), invoices(crm)) == ([], 0)

    opened.commit()

    assert (names(crm), invoices(crm)) == (["Acme"], 1)


def test_what_both_wrote_is_rolled_back_together(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Acme"})
    bill(opened, "1")

    opened.rollback()

    assert (names(crm), invoices(crm)) == ([], 0)


def test_an_error_takes_back_the_sessions_part_and_leaves_the_transaction_usable(crm: CRM, opened: Any) -> None:
    bill(opened, "1")
    with pytest.raises(ZeroDivisionError), crm.session(connection=opened) as session:
        session.create("customer", {"name": "Acme"})
        raise ZeroDivisionError
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Cancity"})
        with pytest.raises(DuplicateRecord):
            session.create("customer", {"name": "Cancity"})

    opened.commit()

    assert (names(crm), invoices(crm)) == (["Cancity"], 1)


def test_the_applications_savepoint_takes_back_a_whole_session(crm: CRM, opened: Any) -> None:
    opened.cursor().execute("SAVEPOINT theirs")
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Acme"})
    opened.cursor().execute("ROLLBACK TO SAVEPOINT theirs")
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Cancity"})
    opened.commit()

    assert names(crm) == ["Cancity"]


def test_a_session_inside_a_session_works_in_the_same_transaction(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened) as outer:
        outer.create("customer", {"name": "Acme"})
        with pytest.raises(ZeroDivisionError), crm.session(connection=opened) as inner:
            inner.update("customer", 1, {"region": "East"})
            raise ZeroDivisionError
        assert outer.get("customer", 1).region is None
    opened.commit()

    assert names(crm) == ["Acme"]


def test_a_session_of_its_own_inside_one_that_was_lent_is_refused_before_it_waits_for_itself(
    on_sqlite: CRM,
) -> None:
    with on_sqlite.engine.begin() as connection, on_sqlite.session(connection=connection) as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(UsageError, match="open already"), on_sqlite.session():
            pass
        with on_sqlite.session(connection=session.connection) as inner:
            assert inner.count("customer") == 1
    with on_sqlite.session() as session:
        assert session.count("customer") == 1


def test_values_of_every_kind_come_back_as_on_a_connection_of_our_own(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened) as session:
        session.save_many(
            "customer", [{"name": "Acme", "annual_revenue": "1234.5"}, *({"name": f"C{n}"} for n in range(80))]
        )
        session.create("order", {"number": "1", "customer": 1, "order_date": dt.date(2026, 1, 10)})
        session.create("user", {"login": "ada", "roles": ["sales", "east"], "active": True})
        session.create("activity", {"subject": "customer:1", "summary": "x", "happened_at": WHEN})
        session.update("customer", 1, {"region": "East"})
        stored = [session.get(*key) for key in (("customer", 1), ("order", 1), ("user", 1), ("activity", 1))]
        assert session.history("customer", 1)[0].at == session.now
        assert session.find("activity", "happened_at >= '2026-01-14'").records == (stored[-1],)
    opened.commit()

    with crm.session(read_only=True) as session:
        assert [session.get(record.entity, record.id) for record in stored] == stored
    assert (stored[1].order_date, stored[2].roles, stored[3].happened_at) == (
        dt.date(2026, 1, 10),
        ["sales", "east"],
        WHEN,
    )


def test_rows_that_are_fetched_some_at_a_time_come_back_the_same(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened) as session:
        session.save_many("user", [{"login": f"u{n}", "roles": [f"r{n}"]} for n in range(5)])
        user = session.table("user")
        chosen = sa.select(user.c.login, user.c.roles, user.c.created_at).order_by(user.c.id)
        found = session.execute(chosen.execution_options(yield_per=2))
        portions = [[tuple(row) for row in some] for some in found.partitions()]
        stopped = session.execute(chosen.execution_options(stream_results=True))
        first = stopped.first()
    opened.commit()

    rows = [(f"u{n}", [f"r{n}"], session.now) for n in range(5)]
    assert portions == [rows[:2], rows[2:4], rows[4:]]
    assert first == rows[0]


def test_the_connection_is_left_as_it_was(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened, read_only=True) as session:
        session.count("customer")
    cursor = opened.cursor()
    cursor.execute("SELECT 5 AS five")
    assert cursor.fetchone()["five"] == 5
    opened.rollback()
    if isinstance(opened, sqlite3.Connection):
        with pytest.raises(sqlite3.OperationalError, match="no such function: REGEXP"):
            opened.execute("SELECT 'a' REGEXP 'a'")
    else:
        assert opened.autocommit is False


def test_events_of_a_drivers_connection_wait_for_its_commit(crm: CRM, opened: Any) -> None:
    with crm.session(connection=opened) as session:
        session.create("customer", {"name": "Acme"})
    opened.commit()

    session.committed()

    assert session.has_events is False  # nobody listens here; what is delivered is tested with SQLAlchemy's connections


def test_threads_with_connections_of_their_own_share_what_dresses_them(crm: CRM) -> None:
    done, failed = [], []

    def work(number: int) -> None:
        connection = open_driver(crm)
        try:
            with crm.session(connection=connection) as session:
                session.create("customer", {"name": f"C{number}"})
            connection.commit()
            done.append(number)
        except Exception as error:  # noqa: BLE001  # of any kind: it is shown
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (failed, sorted(names(crm))) == ([], ["C0", "C1", "C2", "C3"])


# -- what would lose or leak work is refused -----------------------------------------------------------------------


def test_a_drivers_connection_without_a_transaction_is_refused(crm: CRM, opened: Any) -> None:
    opened.rollback()
    if not isinstance(opened, sqlite3.Connection):
        opened.autocommit = True

    with pytest.raises(UsageError, match=r"no transaction|by itself"), crm.session(connection=opened):
        pass


def test_a_transaction_that_somebody_began_by_hand_will_do(on_postgresql: CRM) -> None:
    connection = open_driver(on_postgresql)
    connection.autocommit = True
    with connection.transaction(force_rollback=True), on_postgresql.session(connection=connection) as session:
        session.create("customer", {"name": "Acme"})
    connection.close()
    assert names(on_postgresql) == []


def test_a_transaction_that_has_failed_says_so(on_postgresql: CRM) -> None:
    connection = open_driver(on_postgresql)
    with pytest.raises(Exception, match="does not exist"):
        connection.execute("SELECT nonsense")
    with pytest.raises(DatabaseError, match="the transaction has failed before"):
        with on_postgresql.session(connection=connection) as session:
            session.count("customer")
    connection.close()


def test_sqlite_without_foreign_keys_is_refused(on_sqlite: CRM) -> None:
    crm = on_sqlite
    connection = sqlite3.connect(crm.engine.url.database)
    connection.execute("BEGIN")
    with pytest.raises(DatabaseError, match="foreign keys are switched off"), crm.session(connection=connection):
        pass
    connection.close()


def test_an_engine_that_begins_nothing_on_sqlite_is_refused_before_it_commits_too_early(on_sqlite: CRM) -> None:
    crm = on_sqlite
    engine = sa.create_engine(crm.engine.url)
    event.listen(engine, "connect", lambda driver, _entry: driver.execute("PRAGMA foreign_keys = ON"))
    with engine.connect() as connection, connection.begin():
        with pytest.raises(UsageError, match="no transaction"), crm.session(connection=connection):
            pass
    engine.dispose()


@pytest.mark.parametrize("given", ["the engine", "the connection"])
def test_autocommit_on_postgresql_is_refused(on_postgresql: CRM, given: str) -> None:
    crm = on_postgresql
    engine = sa.create_engine(crm.engine.url, isolation_level="AUTOCOMMIT")

    with pytest.raises(UsageError, match="commits every statement by itself"):
        if given == "the engine":
            with CRM(crm.registry, engine).session() as session:
                session.create("customer", {"name": "Acme"})
        else:
            with engine.connect() as connection, connection.begin(), crm.session(connection=connection) as session:
                session.create("customer", {"name": "Acme"})

    engine.dispose()
    assert names(crm) == []


def test_an_autocommit_engine_on_sqlite_commits_nothing_that_was_rolled_back(on_sqlite: CRM) -> None:
    crm = on_sqlite
    engine = sa.create_engine(crm.engine.url, isolation_level="AUTOCOMMIT")
    with pytest.raises(ZeroDivisionError), CRM(crm.registry, engine).session() as session:
        session.create("customer", {"name": "Acme"})
        raise ZeroDivisionError
    engine.dispose()
    assert names(crm) == []


def test_a_connection_to_the_other_kind_of_database_is_refused(on_sqlite: CRM, on_postgresql: CRM) -> None:
    with on_postgresql.engine.begin() as connection:
        with pytest.raises(UsageError, match="one of postgresql, the database of sqlite"):
            with on_sqlite.session(connection=connection):
                pass


@pytest.mark.parametrize("wrong", [object(), "sqlite:///crm.db", 5])
def test_what_is_no_connection_is_refused(on_sqlite: CRM, wrong: object) -> None:
    with pytest.raises(UsageError, match=r"SQLAlchemy, sqlite3 or psycopg, not"), on_sqlite.session(connection=wrong):
        pass


@pytest.mark.parametrize("wrong", [None, 5, object(), ("ada",)])
def test_what_is_no_actor_is_refused_and_not_taken_for_the_system(on_sqlite: CRM, wrong: object) -> None:
    with pytest.raises(UsageError, match="an actor is a login or an Actor"), on_sqlite.session(wrong):
        pass


def test_a_login_that_nobody_has_is_refused_even_if_it_is_the_systems(on_sqlite: CRM) -> None:
    for login in ("", SYSTEM.login):
        with pytest.raises(CRMError, match="no active user has the login"), on_sqlite.session(login):
            pass


def test_an_actor_of_the_applications_own_making_has_the_rights_of_its_roles(crm: CRM) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    with crm.session(Actor(login="sso:ada", roles=("reader",))) as session:
        assert session.count("customer") == 1
        with pytest.raises(CRMError, match="may not create customer"):
            session.create("customer", {"name": "Cancity"})
    with crm.session(Actor(login="sso:bob", roles=("no_such_role",)), read_only=True) as session:
        assert session.count("customer") == 0


# -- blocks that are entered and left in different places ----------------------------------------------------------


def in_thread(work: Callable[[], object]) -> list[object]:
    """Run something in a thread of its own, and return what it returned or raised."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as error:  # noqa: BLE001  # it is what the test looks at
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


def test_a_session_that_another_thread_works_with_says_so(crm: CRM) -> None:
    with crm.session() as session:
        (error,) = in_thread(lambda: session.create("customer", {"name": "Acme"}))
    assert isinstance(error, UsageError)
    assert "a session belongs to one thread" in error.message
    assert names(crm) == []


def test_a_session_that_another_thread_has_closed_does_not_shut_its_thread_out(on_sqlite: CRM) -> None:
    crm = on_sqlite
    block = crm.session()
    block.__enter__().create("customer", {"name": "Acme"})

    assert in_thread(lambda: block.__exit__(None, None, None)) == [False]

    with crm.session() as session:
        assert session.count("customer") == 1


def test_an_orm_session_and_the_crm_share_one_transaction(crm: CRM) -> None:
    with OrmSession(crm.engine) as orm, orm.begin():
        orm.execute(sa.text("INSERT INTO invoice VALUES ('1')"))
        with crm.session(connection=orm.connection()) as session:
            session.create("customer", {"name": "Acme"})
    with pytest.raises(ZeroDivisionError), OrmSession(crm.engine) as orm, orm.begin():
        with crm.session(connection=orm.connection()) as session:
            session.create("customer", {"name": "Cancity"})
        raise ZeroDivisionError
    assert (names(crm), invoices(crm)) == (["Acme"], 1)


def test_the_applications_statements_belong_to_the_transaction_of_a_session(crm: CRM) -> None:
    with pytest.raises(ZeroDivisionError), crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.connection.execute(sa.text("INSERT INTO invoice VALUES ('1')"))
        raise ZeroDivisionError
    assert (names(crm), invoices(crm)) == ([], 0)


def test_a_database_that_may_only_be_read_can_be_read_and_says_that_it_cannot_be_written(crm: CRM) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    url = crm.engine.url
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(f"sqlite:///file:{url.database}?mode=ro&uri=true")
    else:
        engine = sa.create_engine(url, connect_args={"options": "-c default_transaction_read_only=on"})
    reader = CRM(crm.registry, engine)

    assert names(reader) == ["Acme"]
    with pytest.raises(DatabaseError, match="may only be read"), reader.session() as session:
        session.create("customer", {"name": "Cancity"})
    with pytest.raises(DatabaseError, match="may only be read"), engine.begin() as connection:
        with reader.session(connection=connection) as session:
            session.create("customer", {"name": "Cancity"})
    engine.dispose()
