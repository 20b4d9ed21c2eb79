"""The timeline of records on both databases: what the core knows, what plugins tell, and what is not told."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from crmcore import hookimpl
from crmcore.errors import UsageError
from crmcore.timeline import timeline
from crmcore.types import Actor, Plugin, Ref, TimelineEntry

if TYPE_CHECKING:
    from crmcore.testing import Clock


def plugin(tell):
    return Plugin(
        manifest={"name": "teller", "version": "1.0", "summary": "Tells."},
        module=SimpleNamespace(crm_timeline=hookimpl(tell)),
    )


def titles(told):
    return [entry.title for entry in told.entries]


def test_activities_are_told_with_who_did_them_and_what_was_said(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "佛山企业电子"})
        session.create("user", {"login": "li.wei", "name": "李伟"})
        visit = {"subject": "customer:1", "kind": "visit", "summary": "Offer", "body": "500 pieces", "done_by": 1}
        session.create("activity", {**visit, "happened_at": "2026-01-10T09:30:00Z"})
        session.create("activity", {"subject": "customer:1", "kind": "call", "due_date": "2026-02-01"})
        told = timeline(session, "customer", [1])
    assert titles(told) == ["planned: Call", "Customer created", "Visit: Offer"]
    planned, _created, offer = told.entries
    assert planned.at == dt.date(2026, 2, 1)
    assert (offer.at, offer.detail, offer.actor, offer.ref) == (
        dt.datetime(2026, 1, 10, 9, 30, tzinfo=dt.UTC),
        "500 pieces",
        "李伟",
        Ref("activity", 1),
    )


def test_what_happened_with_a_customers_contacts_and_deals_is_the_customers_too(make_crm, database_url):
    crm = make_crm(database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": "A"}, {"name": "B"}])
        session.create("contact", {"name": "Ann", "customer": 1})
        session.create("opportunity", {"name": "Deal", "customer": 2})
        for subject in ("contact:1", "opportunity:1"):
            session.create("activity", {"subject": subject, "kind": "mail", "happened_at": "2026-01-10T09:30:00Z"})
        told = timeline(session, "customer", [1, 2])
    mails = [(entry.about, entry.ref) for entry in told.entries if entry.kind == "mail"]
    assert sorted(mails) == [(Ref("customer", 1), Ref("activity", 1)), (Ref("customer", 2), Ref("activity", 2))]


def test_a_change_of_a_label_says_from_what_to_what(make_crm, database_url, crm_clock: Clock):
    from crmcore import scoring

    settings = {"abc": {"A": "revenue_365d >= 1000", "B": "revenue_365d > 0"}}
    crm = make_crm(enabled=["abc"], settings=settings, database_url=database_url)
    (rule,) = scoring.rules(crm.registry, ["abc.class"])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        scoring.run(session, rule)
    crm_clock.advance(days=1)
    with crm.session() as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-15", "amount": "1000"})
        scoring.run(session, rule)
        told = timeline(session, "customer", [1])
    changes = [(entry.title, entry.at.day) for entry in told.entries if entry.kind == "label"]
    assert changes == [("Class: C → A", 16), ("Class: empty → C", 15)]


def test_plugins_tell_theirs_in_the_order_of_time(make_crm):
    def crm_timeline(tx, entity, ids):
        for id in ids:
            yield TimelineEntry(about=Ref(entity, id), at=dt.date(2020, 1, 1), kind="old", title="long ago")
            yield TimelineEntry(about=Ref(entity, id), at=dt.date(2030, 1, 1), kind="new", title="to come")

    crm = make_crm(plugins=[plugin(crm_timeline)])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        assert titles(timeline(session, "customer", [1])) == ["to come", "Customer created", "long ago"]


def test_a_plugin_that_fails_is_named_and_the_rest_is_told(make_crm):
    def crm_timeline(tx, entity, ids):
        raise KeyError("gone")

    crm = make_crm(plugins=[plugin(crm_timeline)])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        told = timeline(session, "customer", [1])
    assert titles(told) == ["Customer created"]
    (failure,) = told.failures
    assert (failure.plugin, failure.hook) == ("teller", "crm_timeline")


def test_who_may_not_see_a_record_or_an_activity_is_told_nothing_of_it(make_crm):
    roles = {"sales": {"customer": {"read": "id = 1"}, "activity": {"read": "owner = me"}}}
    crm = make_crm(roles=roles)
    with crm.session() as session:
        session.save_many("customer", [{"name": "A"}, {"name": "B"}])
        session.create("user", {"login": "li.wei"})
        at = {"kind": "note", "happened_at": "2026-01-10T09:30:00Z"}
        session.create("activity", {"subject": "customer:1", "summary": "mine", "owner": 1, **at})
        session.create("activity", {"subject": "customer:1", "summary": "yours", **at})
    with crm.session(Actor(login="li.wei", id=1, roles=("sales",))) as session:
        told = timeline(session, "customer", [1, 2])
    assert titles(told) == ["Customer created", "Note: mine"]


def test_an_actor_who_may_not_read_a_label_is_not_told_of_its_changes(make_crm):
    from crmcore import scoring

    crm = make_crm(enabled=["abc"], roles={"sales": {"customer": {"read": True, "hide": ["abc_class"]}}})
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        scoring.run(session, *scoring.rules(crm.registry, ["abc.class"]))
    with crm.session(Actor(login="li.wei", roles=("sales",))) as session:
        assert [entry.kind for entry in timeline(session, "customer", [1]).entries] == ["created"]


def test_an_entity_that_there_is_not_is_refused(make_crm):
    crm = make_crm()
    with crm.session() as session, pytest.raises(UsageError, match="nothing"):
        timeline(session, "nothing", [1])


@pytest.mark.parametrize("at", [dt.datetime(2026, 1, 1), "2026-01-01", None], ids=str)  # noqa: DTZ001  # that is the mistake
def test_an_entry_that_cannot_be_placed_in_time_is_the_plugins_failure(make_crm, at):
    def crm_timeline(tx, entity, ids):
        yield TimelineEntry(about=Ref(entity, ids[0]), at=at, kind="x", title="x")

    with make_crm(plugins=[plugin(crm_timeline)]).session() as session:
        session.create("customer", {"name": "A"})
        told = timeline(session, "customer", [1])
    assert titles(told) == ["Customer created"]
    assert "TimelineEntry.at: expected a datetime.date" in told.failures[0].message


def test_entries_about_other_records_are_left_out(make_crm):
    def crm_timeline(tx, entity, ids):
        for id in (1, 2):
            yield TimelineEntry(about=Ref("customer", id), at=tx.today, kind="x", title=f"about {id}")

    with make_crm(plugins=[plugin(crm_timeline)]).session() as session:
        session.save_many("customer", [{"name": "A"}, {"name": "B"}])
        assert "about 1" in titles(timeline(session, "customer", [1]))
        assert "about 2" not in titles(timeline(session, "customer", [1]))


def test_names_of_users_are_told_to_those_who_may_read_them(make_crm, database_url):
    everything = {"customer": {"read": True}, "activity": {"read": True}}
    roles = {"sales": {**everything, "user": {"read": True}}, "partner": {**everything}}
    crm = make_crm(roles=roles, database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        session.create("user", {"login": "li.wei", "name": "李伟"})
        visit = {"subject": "customer:1", "kind": "visit", "done_by": 1, "happened_at": "2026-01-10T09:30:00Z"}
        session.create("activity", visit)
    who = {}
    for role in roles:
        with crm.session(Actor(login=role, roles=(role,))) as session:
            who[role] = [entry.actor for entry in timeline(session, "customer", [1]).entries if entry.kind == "visit"]
    assert who == {"sales": ["李伟"], "partner": [None]}


def test_an_activity_is_told_of_whom_it_was_with_and_of_who_did_it(make_crm, database_url):
    with make_crm(database_url=database_url).session() as session:
        session.create("team", {"name": "East"})
        session.create("user", {"login": "li.wei", "name": "李伟", "team": 1})
        session.create("customer", {"name": "A"})
        session.create("contact", {"name": "Ann", "customer": 1})
        visit = {"subject": "customer:1", "kind": "visit", "contact": 1, "done_by": 1}
        session.create("activity", {**visit, "happened_at": "2026-01-10T09:30:00Z"})
        session.create("activity", {"subject": "user:1", "kind": "call", "happened_at": "2026-01-09T09:30:00Z"})
        told = {ref: titles(timeline(session, ref, [1])) for ref in ("customer", "contact", "user", "team", "activity")}
    assert told == {
        "customer": ["Customer created", "Visit"],
        "contact": ["Contact created", "Visit"],
        "user": ["User created", "Visit", "Call"],
        "team": ["Team created", "Call"],
        "activity": ["Activity created"],
    }
