"""Reminders: asked of plugins, for some days, for somebody."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from sqlalchemy import literal_column, select

from crmcore import hookimpl
from crmcore.errors import UsageError
from crmcore.reminders import reminders
from crmcore.types import Actor, Plugin, Ref, Reminder

TODAY = dt.date(2026, 1, 15)


def plugin(name, remind):
    return Plugin(
        manifest={"name": name, "version": "1.0", "summary": "Reminds."},
        module=SimpleNamespace(crm_reminders=hookimpl(remind)),
    )


def reminding(*entries):
    def crm_reminders(tx, since, until):
        for days, owner in entries:
            due = tx.today + dt.timedelta(days=days)
            yield Reminder(kind="tea.make", due=due, ref=Ref("user", days + 1), title=f"in {days}", owner=owner)

    return plugin("tea", crm_reminders)


@pytest.fixture
def crm(make_crm):
    return make_crm(plugins=[reminding((3, None), (0, 7), (6, 8), (7, None))])


def due(crm, **options):
    with crm.session(read_only=True) as session:
        return [entry.title for entry in reminders(session, **options).entries]


def test_the_most_urgent_comes_first_and_a_week_has_seven_days(crm):
    assert due(crm) == ["in 0", "in 3", "in 6"]


def test_fewer_days_may_be_asked_for(crm):
    assert due(crm, days=1) == ["in 0"]


def test_somebodys_reminders_are_their_own_and_nobodys(crm):
    assert due(crm, owner=7, days=30) == ["in 0", "in 3", "in 7"]


def test_plugins_are_asked_for_the_days_in_question(make_crm):
    asked = []

    def crm_reminders(tx, since, until):
        asked.append((since, until))
        return ()

    due(make_crm(plugins=[plugin("tea", crm_reminders)]), days=10, since=dt.date(2026, 3, 1))
    assert asked == [(dt.date(2026, 3, 1), dt.date(2026, 3, 10))]


def test_a_plugin_that_fails_is_named_and_the_others_remind(make_crm):
    def crm_reminders(tx, since, until):
        raise ZeroDivisionError

    crm = make_crm(plugins=[plugin("broken", crm_reminders), reminding((1, None))])
    with crm.session() as session:
        found = reminders(session)
    assert [entry.title for entry in found.entries] == ["in 1"]
    assert [failure.plugin for failure in found.failures] == ["broken"]


def test_something_that_is_no_reminder_is_the_plugins_failure(make_crm):
    def crm_reminders(tx, since, until):
        return ["call them"]

    with make_crm(plugins=[plugin("broken", crm_reminders)]).session() as session:
        (failure,) = reminders(session).failures
    assert "Reminder" in failure.message


@pytest.mark.parametrize("days", [0, -1, 3661])
def test_days_that_cannot_be_meant_are_refused(crm, days):
    with pytest.raises(UsageError, match="between 1 and 3,660"):
        due(crm, days=days)


@pytest.fixture
def logged(make_crm, database_url):
    """Activities about customer 1: planned, late, followed up, to follow up, and one that has happened."""
    crm = make_crm(database_url=database_url)
    at = dt.datetime(2026, 1, 10, 9, tzinfo=dt.UTC)
    with crm.session() as session:
        session.save_many("customer", [{"name": "A"}, {"name": "B"}])
        session.create("user", {"login": "li.wei"})
        about = {"subject": "customer:1", "kind": "call"}
        session.create("activity", {**about, "summary": "planned", "due_date": TODAY + dt.timedelta(3), "owner": 1})
        session.create("activity", {**about, "summary": "late", "due_date": TODAY - dt.timedelta(3)})
        session.create("activity", {**about, "summary": "far", "due_date": TODAY + dt.timedelta(30)})
        followed = {"happened_at": at - dt.timedelta(1), "follow_up_date": TODAY}
        session.create("activity", {**about, "summary": "followed", **followed})
        session.create("activity", {**about, "summary": "open", "happened_at": at, "follow_up_date": TODAY})
    return crm


def test_planned_activities_and_those_to_follow_up_are_reminded_of(logged):
    with logged.session() as session:
        found = reminders(session).entries
    assert [(entry.title, entry.due, entry.reason, entry.owner) for entry in found] == [
        ("follow up Call: open", TODAY, "", None),
        ("Call: late", TODAY, "was due on 2026-01-12", None),
        ("Call: planned", TODAY + dt.timedelta(3), "", 1),
    ]
    assert {entry.ref for entry in found} == {Ref("customer", 1)}


def test_a_plugin_whose_statement_fails_keeps_nobody_from_reminding(make_crm, database_url):
    def crm_reminders(tx, since, until):
        tx.execute(select(literal_column("no_such_column")))
        return ()

    plugins = [plugin("broken", crm_reminders), reminding((1, None))]
    crm = make_crm(plugins=plugins, database_url=database_url)
    with crm.session() as session:
        found = reminders(session)
        assert session.count("customer") == 0
    assert [entry.title for entry in found.entries] == ["in 1"]
    assert [failure.plugin for failure in found.failures] == ["broken"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"due": dt.datetime(2026, 1, 15, tzinfo=dt.UTC)},
        {"due": "2026-01-15"},
        {"due": None},
        {"ref": "user:1"},
        {"title": None},
        {"reason": 3},
    ],
    ids=str,
)
def test_a_reminder_that_cannot_be_meant_is_the_plugins_failure(make_crm, wrong):
    def crm_reminders(tx, since, until):
        yield Reminder(**{"kind": "broken.x", "due": since, "ref": Ref("user", 1), "title": "x", **wrong})

    crm = make_crm(plugins=[plugin("broken", crm_reminders), reminding((1, None))])
    with crm.session() as session:
        found = reminders(session)
    assert [entry.title for entry in found.entries] == ["in 1"]
    assert f"Reminder.{next(iter(wrong))}: expected" in found.failures[0].message


def test_what_has_been_due_for_longer_is_due_on_the_first_day(make_crm):
    with make_crm(plugins=[reminding((-40, None))]).session() as session:
        assert [entry.due for entry in reminders(session).entries] == [TODAY]


def test_the_calendar_may_end_within_the_days(make_crm):
    with make_crm(plugins=[reminding((0, None))]).session() as session:
        assert [entry.due for entry in reminders(session, since=dt.date(9999, 12, 30)).entries] == [
            dt.date(9999, 12, 30)
        ]


def test_a_plugin_that_looks_at_what_the_actor_may_not_read_has_nothing_to_tell_and_has_not_failed(
    make_crm, database_url, caplog
):
    def crm_reminders(tx, since, until):
        tx.execute(select(tx.table("customer").c.credit_limit))
        yield Reminder(kind="limits.check", due=since, ref=Ref("customer", 1), title="Check")

    roles = {"sales": {"customer": {"read": True, "hide": ["credit_limit"]}}}
    crm = make_crm(
        plugins=[plugin("limits", crm_reminders), reminding((1, None))], roles=roles, database_url=database_url
    )
    with crm.session(Actor(login="li", roles=("sales",))) as session:
        found = reminders(session)
    with crm.session() as session:
        everything = reminders(session)
    assert ([entry.title for entry in found.entries], found.failures) == (["in 1"], ())
    assert [entry.title for entry in everything.entries] == ["Check", "in 1"]
    assert caplog.records == []
