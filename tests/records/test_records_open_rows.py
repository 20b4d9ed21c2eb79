"""Tables of an actor who may not read every field: what is there, what is closed, and what is just not there."""

from __future__ import annotations

import logging
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from crmcore import hookimpl
from crmcore.errors import AccessDenied
from crmcore.reminders import reminders
from crmcore.types import SYSTEM, Plugin

ROLES = {"sales": {"customer": {"read": True, "hide": ["city", "phone"]}, "order": {"read": True}}}
CLOSED = r"^anna may not read customer\.(city|phone)"


@pytest.fixture
def make(make_crm, database_url):
    """Give a function that returns a CRM with a plugin that reminds, two customers, and anna, who may not read all."""

    def made(remind=lambda tx: ()):
        module = SimpleNamespace(crm_reminders=hookimpl(lambda tx, since, until: remind(tx)))
        spy = Plugin(manifest={"name": "spy", "version": "1", "summary": "x"}, module=module)
        crm = make_crm(plugins=[spy], roles=ROLES, database_url=database_url)
        with crm.session() as session:
            session.create("user", {"login": "anna", "roles": ["sales"]})
            session.create("customer", {"name": "Acme", "city": "Xi'an", "phone": "1"})
            session.create("customer", {"name": "Beta", "city": "Xi'an", "referred_by": 1})
        return crm

    return made


@pytest.mark.parametrize("aliased", [False, True])
def test_a_hidden_field_is_closed_and_an_unknown_one_is_missing(make, aliased):
    with make().session("anna", read_only=True) as session:
        table = session.table("customer")
        rows = table.alias().alias("again") if aliased else table

        assert not {"city", "city__folded", "phone", "phnoe"} & {*rows.c.keys(), *rows.columns.keys()}
        assert ("city" in rows.c, "name" in rows.c, rows.c.get("phone")) == (False, True, None)
        for ask in (
            lambda: rows.c.city,
            lambda: rows.c["phone"],
            lambda: rows.columns["phone"],
            lambda: rows.c.city__folded,
            lambda: rows.c["name", "city"],
            lambda: select(rows).filter_by(phone="1"),
        ):
            with pytest.raises(AccessDenied, match=CLOSED):
                ask()
        with pytest.raises(AttributeError, match="phnoe"):
            _ = rows.c.phnoe
        with pytest.raises(KeyError, match="phnoe"):
            _ = rows.c["phnoe"]


def test_what_is_open_is_selected_joined_and_read_again(make):
    with make().session("anna", read_only=True) as session:
        customer, referrer = session.table("customer"), session.table("customer").alias("referrer")
        joined = select(customer.c.name, referrer.c.name).join(referrer, referrer.c.id == customer.c.referred_by)
        within = select(customer).subquery()
        known = select(within.c.name).where(within.c.id.in_(select(customer.c.referred_by)))

        assert session.execute(joined).all() == [("Beta", "Acme")]
        assert session.execute(known).all() == [("Acme",)]
        assert not {"phone", "city"} & {*session.execute(select(customer)).keys()}


def test_a_plugin_that_asks_for_a_hidden_field_has_nothing_to_tell_and_has_not_failed(make, caplog):
    crm = make(lambda tx: tx.execute(select(tx.table("customer").c.phone)).all())

    with crm.session("anna", read_only=True) as session:
        assert (reminders(session).entries, reminders(session).failures) == ((), ())
    assert not caplog.records


@pytest.mark.parametrize("error", [KeyError("phone"), AttributeError("phone")], ids=["key", "attribute"])
def test_a_mistake_of_a_plugin_is_its_failure_for_everybody_whatever_they_may_read(make, caplog, error):
    def remind(tx):
        raise error

    crm = make(remind)

    for actor in (SYSTEM, "anna"):
        caplog.clear()
        with caplog.at_level(logging.ERROR), crm.session(actor, read_only=True) as session:
            (failure,) = reminders(session).failures
        assert (failure.plugin, failure.cause) == ("spy", error)
        assert [record.name for record in caplog.records] == ["crmcore.plugins"]
