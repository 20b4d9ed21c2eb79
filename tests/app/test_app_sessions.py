"""Sessions as an integrator uses them: threads, own connections and transactions, tenants, delivery."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine, text

from crmcore import CRM, hookimpl
from crmcore.errors import AccessDenied, CRMError, DatabaseError, UsageError
from crmcore.store.engine import adopt
from crmcore.types import Plugin


def listening(received, *, fail=lambda events: False):
    def crm_committed(crm, events):
        if fail(events):
            raise RuntimeError("server down")
        received.extend((event.entity, event.action, event.record_id) for event in events)

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["customer"]}}
    return Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))


def test_a_plugin_is_told_of_one_entity_at_a_time_the_oldest_event_first(make_crm):
    calls = []

    def crm_committed(crm, events):
        calls.append([(event.entity, event.action, event.record_id) for event in events])

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["team", "customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))
    with make_crm(plugins=[plugin]).session() as session:
        session.create("team", {"name": "East"})
        session.create("customer", {"name": "Acme"})
        session.update("team", 1, {"name": "West"})
    assert calls == [[("team", "create", 1), ("team", "update", 1)], [("customer", "create", 1)]]


def test_threads_with_a_session_each_lose_nothing(make_crm, database_url):
    crm = make_crm(database_url=database_url)

    def work(number):
        for step in range(10):
            with crm.session() as session:
                session.create("customer", {"name": f"C{number}-{step}"})
                session.create("activity", {"subject": "customer:1", "summary": "x", "happened_at": session.now})

    with crm.session() as session:
        session.create("customer", {"name": "first"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    with crm.session(read_only=True) as session:
        assert session.count("customer") == 41
        assert len({record.name for record in session.iterate("customer")}) == 41


def test_two_threads_that_change_one_record_take_turns(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "employees": 0})
    together = threading.Barrier(2)

    def hire(_number):
        together.wait()
        for _step in range(20):
            with crm.session() as session:
                employees = session.update("customer", 1, {}).employees
                session.update("customer", 1, {"employees": employees + 1})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(hire, range(2)))
    with crm.session(read_only=True) as session:
        assert session.get("customer", 1).version == 1 + len(session.history("customer", 1))


def test_what_a_session_for_reading_reads_is_of_one_moment(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    with crm.session(read_only=True) as reader:
        assert reader.count("customer") == 1
        with crm.session() as session:
            session.create("customer", {"name": "Cancity"})
            session.update("customer", 1, {"name": "Zumgoity"})
        assert [record.name for record in reader.iterate("customer")] == ["Acme"]
        with pytest.raises(AccessDenied, match="may only read"):
            reader.update_where("customer", "true", {"name": "Acme"})


def test_concurrent_creations_of_one_unique_value_end_with_one(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    together = threading.Barrier(4)

    def create(_number):
        together.wait()
        try:
            with crm.session() as session:
                session.create("team", {"name": "East"}, on_match="create")
        except CRMError as error:
            return type(error).__name__
        return "created"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(create, range(4)))
    assert outcomes.count("created") == 1
    with crm.session(read_only=True) as session:
        assert session.count("team") == 1


@pytest.fixture
def application(make_crm, database_url):
    """An application with an engine of its own, and a table of its own in the same database."""
    crm = make_crm(database_url=database_url)
    engine = create_engine(crm.engine.url)
    adopt(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE invoice (number TEXT)"))
    yield crm.registry, engine
    engine.dispose()


def counts(engine):
    with engine.connect() as connection:
        return tuple(
            connection.execute(text(f"SELECT count(*) FROM {name}")).scalar() for name in ("crm_customer", "invoice")
        )


def test_an_applications_transaction_commits_both_or_none(application):
    registry, engine = application
    crm = CRM(registry, engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO invoice VALUES ('1')"))
        with crm.session(connection=connection) as session:
            session.create("customer", {"name": "Acme"})
    assert counts(engine) == (1, 1)
    with engine.connect() as connection:
        transaction = connection.begin()
        connection.execute(text("INSERT INTO invoice VALUES ('2')"))
        with crm.session(connection=connection) as session:
            session.create("customer", {"name": "Cancity"})
        transaction.rollback()
    assert counts(engine) == (1, 1)


def test_an_applications_savepoint_takes_back_what_the_session_did_in_it(application):
    registry, engine = application
    crm = CRM(registry, engine)
    with engine.begin() as connection, crm.session(connection=connection) as session:
        session.create("customer", {"name": "Acme"})
        savepoint = connection.begin_nested()
        session.create("customer", {"name": "Cancity"})
        savepoint.rollback()
        session.create("customer", {"name": "Zumgoity"})
    with crm.session(read_only=True) as session:
        assert [record.name for record in session.find("customer")] == ["Acme", "Zumgoity"]


def test_a_connection_without_a_transaction_is_refused(application):
    registry, engine = application
    crm = CRM(registry, engine)
    with engine.connect() as connection, pytest.raises(UsageError, match="no transaction"):
        with crm.session(connection=connection):
            pass


def test_events_are_delivered_after_the_commit_and_not_for_rolled_back_work(make_crm, database_url):
    received = []
    crm = make_crm(plugins=[listening(received)], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.create("team", {"name": "East"})
        assert received == []
    assert received == [("customer", "create", 1)]
    with pytest.raises(ZeroDivisionError), crm.session() as session:
        session.create("customer", {"name": "Cancity"})
        raise ZeroDivisionError
    crm.deliver()
    assert received == [("customer", "create", 1)]


def test_on_an_applications_connection_events_wait_until_it_says_that_it_committed(make_crm, database_url):
    received = []
    crm = make_crm(plugins=[listening(received)], database_url=database_url)
    with crm.engine.connect() as connection:
        with connection.begin():
            with crm.session(connection=connection) as session:
                session.create("customer", {"name": "Acme"})
        assert received == []
        session.committed()
    assert received == [("customer", "create", 1)]


def test_what_an_application_rolls_back_after_the_session_is_never_delivered(make_crm, database_url):
    received = []
    crm = make_crm(plugins=[listening(received)], database_url=database_url)
    with crm.engine.connect() as connection:
        transaction = connection.begin()
        with crm.session(connection=connection) as session:
            session.create("customer", {"name": "Acme"})
        transaction.rollback()
        session.committed()
    assert (received, crm.deliver().delivered) == ([], 0)


def test_a_failed_delivery_is_repeated_after_a_pause_and_holds_up_nobody(make_crm, database_url, crm_clock, caplog):
    received, others = [], []
    broken = [True]
    mail = listening(received, fail=lambda events: broken[0])
    other = listening(others)
    other = Plugin(manifest={**other.manifest, "name": "chat"}, module=other.module)
    crm = make_crm(plugins=[mail, other], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    assert (received, len(others)) == ([], 1)
    assert "server down" in caplog.text
    broken[0] = False
    crm.deliver()
    assert received == []
    crm_clock.advance(minutes=2)
    assert crm.deliver().delivered == 1
    assert (len(received), len(others)) == (1, 1)


def test_a_handler_may_save_and_what_it_causes_is_delivered_too(make_crm, database_url):
    seen = []

    def crm_committed(crm, events):
        for event in events:
            seen.append((event.action, event.record_id))
            if event.action == "create":
                with crm.session(source="mail") as session:
                    session.update("customer", event.record_id, {"notes": "welcome sent"})

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))
    crm = make_crm(plugins=[plugin], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
    assert seen == [("create", 1), ("update", 1)]


def test_tenants_share_a_registry_and_nothing_else(make_crm, tmp_path):
    first = make_crm()
    second = first.tenant(f"sqlite:///{tmp_path / 'second.db'}")
    second.upgrade()
    with first.session() as session:
        session.create("customer", {"name": "Acme"})
    with second.session(read_only=True) as session:
        assert session.count("customer") == 0
    assert second.runtime is first.runtime
    second.close()


def test_a_database_that_is_not_up_to_date_says_what_to_do(make_crm, tmp_path):
    crm = make_crm().tenant(f"sqlite:///{tmp_path / 'empty.db'}")
    with (
        pytest.raises(DatabaseError, match=r"there is no database .*empty\.db[\s\S]*crmcore db upgrade"),
        crm.session(),
    ):
        pass
    (tmp_path / "empty.db").touch()
    with pytest.raises(DatabaseError, match=r"not up to date for: core[\s\S]*crmcore db upgrade"), crm.session():
        pass
    crm.close()


# -- what only happens when two work at the same moment ---------------------------------------------------------------


def together(*works):
    """Run functions in threads that start at the same moment, and return what they returned or raised."""
    barrier = threading.Barrier(len(works))

    def run(work):
        barrier.wait()
        try:
            return work()
        except CRMError as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_two_who_create_the_same_customer_at_once_end_with_one(make_crm, database_url):
    crm = make_crm(database_url=database_url)

    def create():
        with crm.session() as session:
            return session.create("customer", {"name": "Acme"}, on_match="update").id

    assert set(together(*[create] * 4)) == {1}
    with crm.session(read_only=True) as session:
        assert session.count("customer") == 1


def test_two_batches_of_the_same_records_in_opposite_order_do_not_deadlock(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    with crm.session() as session:
        ids = session.save_many("product", [{"name": f"P{n}"} for n in range(2100)]).ids

    def change(ordered, category):
        with crm.session() as session:
            return session.save_many("product", [{"id": id, "category": category} for id in ordered]).count("updated")

    assert together(lambda: change(ids, "a"), lambda: change(ids[::-1], "b")) == [2100, 2100]


def test_update_where_looks_again_at_what_somebody_is_just_changing(make_crm, postgres_url):
    crm = make_crm(database_url=postgres_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "region": "East"})
    changed, done = threading.Event(), []

    def move():
        with crm.session() as session:
            session.update("customer", 1, {"region": "West"})
            changed.set()
            threading.Event().wait(0.5)

    def bulk():
        changed.wait()
        with crm.session() as session:
            done.append(session.update_where("customer", "region = 'East'", {"region": "South"}))

    together(move, bulk)
    with crm.session(read_only=True) as session:
        assert (done, session.get("customer", 1).region) == ([0], "West")


def test_a_line_that_is_just_moved_to_another_order_is_not_deleted_with_the_old_one(make_crm, postgres_url):
    crm = make_crm(database_url=postgres_url)
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        for number in ("1", "2"):
            session.create("order", {"number": number, "customer": 1, "order_date": "2026-01-10"})
        session.create("order_line", {"order": 1, "line_number": 1})
    moved = threading.Event()

    def move():
        with crm.session() as session:
            session.update("order_line", 1, {"order": 2})
            moved.set()
            threading.Event().wait(0.5)

    def delete():
        moved.wait()
        with crm.session() as session:
            session.delete("order", 1)

    together(move, delete)
    with crm.session(read_only=True) as session:
        assert session.get("order_line", 1).order == 2


def test_one_event_that_cannot_be_handled_does_not_hold_up_the_others(make_crm, database_url, crm_clock):
    received = []
    poison = listening(received, fail=lambda events: any(event.record_id == 2 for event in events))
    crm = make_crm(plugins=[poison], database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}"} for n in range(1, 6)])
    assert sorted(id for _entity, _action, id in received) == [1, 3, 4, 5]
    crm_clock.advance(days=1)
    assert crm.deliver().failed == 1


def test_a_session_cannot_be_used_after_its_end(make_crm):
    crm = make_crm()
    with crm.session() as session:
        pass
    with pytest.raises(UsageError, match="has ended"):
        session.count("customer")


def test_an_error_inside_the_block_takes_back_the_sessions_part_of_an_applications_transaction(application):
    registry, engine = application
    crm = CRM(registry, engine)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO invoice VALUES ('1')"))
        with pytest.raises(ZeroDivisionError), crm.session(connection=connection) as session:
            session.create("customer", {"name": "Acme"})
            raise ZeroDivisionError
    assert counts(engine) == (0, 1)


def test_what_is_no_id_no_text_and_no_choice_is_refused_by_name(make_crm):
    crm = make_crm()
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        for id in (None, "1", True, 0, -1, 2**70, 1.0, {}):
            for call in (session.get, session.delete, session.restore, session.history):
                with pytest.raises(UsageError, match="the id of a record"):
                    call("customer", id)
            with pytest.raises(UsageError, match="the id of a record"):
                session.update("customer", id, {"region": "East"})
        for wrong in ({"where": 5}, {"order": {}}, {"limit": "5"}, {"limit": None}, {"limit": 1.5}, {"after": 7}):
            with pytest.raises(UsageError, match=f"{next(iter(wrong))}: unexpected"):
                session.find("customer", **wrong)
        for values in (None, [], "name"):
            with pytest.raises(UsageError, match="values: unexpected"):
                session.create("customer", values)
        with pytest.raises(UsageError, match="expected a mapping"):
            session.save_many("customer", [None])
        with pytest.raises(UsageError, match=r"on_match: unexpected 'upsert'[\s\S]*Known: update"):
            session.save_many("customer", [], on_match="upsert")
        with pytest.raises(UsageError, match="a condition is needed"):
            session.update_where("customer", " ", {"region": "East"})
        assert session.get("customer", 1).version == 1


def test_a_second_session_for_writing_in_one_thread_is_refused_at_once_on_sqlite(make_crm):
    crm = make_crm()
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(UsageError, match="open already"), crm.session():
            pass
        with crm.session(read_only=True) as other:
            assert other.count("customer") == 0
    with crm.session() as session:
        assert session.count("customer") == 1


def test_an_engine_in_place_of_a_connection_is_refused(make_crm):
    crm = make_crm()
    with pytest.raises(UsageError, match="not Engine"), crm.session(connection=crm.engine):
        pass
