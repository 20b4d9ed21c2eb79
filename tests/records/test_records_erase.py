"""Erasure on request (R43): nothing of the person stays but a tombstone."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from crmcore import hookimpl
from crmcore.erase import erase, held_about
from crmcore.errors import AccessDenied, NotFound
from crmcore.store import imports as store
from crmcore.types import Plugin


@pytest.fixture
def wang(crm):
    with crm.session() as session:
        values = {"kind": "person", "name": "王伟", "phone": "13800000000", "source": "shop", "external_id": "wang-7"}
        session.create("customer", values)
        session.update("customer", 1, {"phone": "13911111111"})
        visit = {"subject": "customer:1", "summary": "王伟 asked for a discount", "happened_at": "2026-01-10T09:00:00Z"}
        session.create("activity", visit)
        session.create("order", {"customer": 1, "order_date": "2026-01-10", "amount": "10"})
    return crm


def everything(crm):
    """All that the database holds, as text."""
    with crm.session(read_only=True) as session:
        rows = [session.connection.execute(select(table)).all() for table in crm.runtime.tables.metadata.sorted_tables]
    return json.dumps(rows, default=str, ensure_ascii=False)


def test_no_value_of_an_erased_person_is_left_anywhere(wang):
    before = everything(wang)
    assert all(text in before for text in ("王伟", "13800000000", "13911111111", "wang-7"))
    with wang.session() as session:
        assert erase(session, "customer", 1).records == {"customer": 1, "activity": 1}
    after = everything(wang)
    assert not any(text in after for text in ("王伟", "13800000000", "13911111111", "wang-7"))


def test_a_tombstone_stays_and_says_that_it_was_erased(wang):
    with wang.session() as session:
        erase(session, "customer", 1)
        with pytest.raises(NotFound):
            session.get("customer", 1)
        tombstone = session.get("customer", 1, deleted=True)
        assert tombstone.name is None
        assert [entry.action for entry in session.history("customer", 1)] == ["erase"]
        assert session.history("customer", 1)[0].old == {}
        assert session.get("order", 1).customer == 1


def test_of_events_that_wait_only_the_erasure_is_left_for_plugins_that_listen(make_crm, database_url):
    told = []

    def crm_committed(crm, events):
        told.append([(event.entity, event.record_id, event.action) for event in events])
        raise RuntimeError("server down")

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))
    crm = make_crm(plugins=[plugin], database_url=database_url)
    outbox = crm.runtime.tables.outbox
    with crm.session() as session:
        session.create("customer", {"name": "王伟"})
    with crm.session() as session:
        erase(session, "customer", 1)
        assert session.connection.execute(select(outbox.c.action)).scalars().all() == ["erase"]
    assert told[-1] == [("customer", 1, "erase")]


def test_the_last_administrator_cannot_be_erased(crm):
    with crm.session() as session:
        session.create("user", {"login": "root", "roles": ["admin"]})
        with pytest.raises(AccessDenied, match="nobody would be left"):
            erase(session, "user", 1)
        assert session.get("user", 1).login == "root"


def test_the_login_of_an_erased_user_is_left_nowhere_not_even_where_they_erased_themselves(make_crm, database_url):
    def crm_committed(crm, events):
        raise RuntimeError("server down")

    manifest = {"name": "mail", "version": "1", "summary": "x", "listens": {"crm_committed": ["customer", "user"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_committed=hookimpl(crm_committed)))
    crm = make_crm(plugins=[plugin], database_url=database_url)
    with crm.session() as session:
        session.create("user", {"login": "root", "roles": ["admin"]})
        session.create("user", {"login": "wang.wei", "roles": ["admin"]})
    with crm.session("wang.wei") as session:
        session.create("customer", {"name": "Acme"})
        session.update("customer", 1, {"phone": "1"})
        session.update("user", 2, {"login": "wang.wei@example.com"})
    imports = crm.runtime.tables.imports
    with crm.session("wang.wei@example.com") as session:
        session.update("customer", 1, {"phone": "2"})
        store.begin(
            session.connection,
            crm.runtime.tables,
            entity="customer",
            file="a.csv",
            digest="",
            size=1,
            fingerprint="",
            actor=session.actor,
            now=session.now,
        )
        erase(session, "user", 2)
    assert "wang.wei" not in everything(crm)
    with crm.session() as session:
        assert [entry.actor for entry in session.history("customer", 1)] == ["user:2", "user:2"]
        assert session.connection.execute(select(imports.c.actor)).scalars().all() == ["user:2"]


def test_erasing_needs_its_own_permission(make_crm):
    crm = make_crm(roles={"sales": {"customer": {"read": True, "delete": True}}})
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
        session.create("customer", {"name": "王伟"})
    with crm.session("anna") as session, pytest.raises(AccessDenied, match=r"records\.erase"):
        erase(session, "customer", 1)


def test_what_is_not_there_cannot_be_erased(crm):
    with crm.session() as session, pytest.raises(NotFound):
        erase(session, "customer", 1)


def test_all_that_is_held_about_a_person_can_be_disclosed(wang):
    with wang.session(read_only=True) as session:
        held = held_about(session, "customer", 1)
    assert held["record"]["name"] == "王伟"
    assert [entry["old"] for entry in held["history"]] == [{"phone": "13800000000"}]
    assert {name: len(records) for name, records in held["referring"].items()} == {
        "activity.subject": 1,
        "order.customer": 1,
    }
    assert json.loads(json.dumps(held)) == held
