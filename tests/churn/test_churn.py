"""Plugin churn on both databases: rhythms, labels, reasons, retention and reminders, worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from sqlalchemy import select

from crmcore import metric_values, scoring
from crmcore.reminders import reminders
from crmcore.reporting import run_report
from crmcore.testing import PluginConformance
from crmcore.types import Actor, Ref

TODAY = dt.date(2026, 1, 15)


class TestConformance(PluginConformance):
    plugin = "churn"


def order(session, customer, *days_ago_and_amounts, **more):
    rows = [
        {"customer": customer, "order_date": TODAY - dt.timedelta(days=days), "amount": str(amount), **more}
        for days, amount in days_ago_and_amounts
    ]
    session.save_many("order", rows)


@pytest.fixture
def crm(make_crm, database_url):
    """Rhythms: 1 every 10 days, 2 the same and 40 days late, 3 amounts falling, 4 gone, 5 two orders, 6 none."""
    crm = make_crm(enabled=["churn"], database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}"} for n in range(1, 7)])
        order(session, 1, (5, 100), (15, 100), (25, 100), (35, 100))
        order(session, 2, (40, 200), (50, 200), (60, 200), (62, 200))  # gaps 10, 10, 2
        order(session, 3, (1, 20), (11, 20), (21, 20), (31, 100), (41, 100))
        order(session, 4, (200, 50), (230, 50), (260, 50), (270, 50), (310, 50))  # gaps 30, 30, 10, 40
        order(session, 5, (800, 10), (900, 10))
        order(session, 1, (1, 9999), status="cancelled")
    return crm


def score(crm, **options):
    with crm.session() as session:
        for rule in scoring.rules(crm.registry, ["churn.risk", "churn.overdue", "churn.attention"]):
            scoring.run(session, rule, **options)


def stored(crm, field):
    with crm.session() as session:
        return [customer[field] for customer in session.find("customer", order="id")]


def measured(crm, *names):
    with crm.session() as session:
        values = metric_values(session, "customer", [f"churn.{name}" for name in names])
        return [tuple(row) for row in session.execute(select(*(values.c[n] for n in names)).order_by(values.c.id))]


def test_the_rhythm_of_a_customer_is_the_median_of_its_gaps(crm):
    assert measured(crm, "order_days", "days_since_order", "usual_interval", "overdue") == [
        (4, 5, 10.0, 0.5),
        (4, 40, 10.0, 4.0),
        (5, 1, 10.0, 0.1),
        (5, 200, 30.0, pytest.approx(200 / 30)),
        (2, 800, 100.0, 8.0),
        (None, None, None, None),
    ]


def test_the_last_three_amounts_are_held_against_those_before(crm):
    found = measured(crm, "recent_amount", "usual_amount", "amount_trend")
    assert found[2] == (Decimal(20), Decimal(100), 0.2)
    assert found[0] == (Decimal(100), Decimal(100), 1.0)
    assert found[4] == (Decimal(10), None, None)


def test_orders_of_one_day_are_one(make_crm):
    crm = make_crm(enabled=["churn"])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        order(session, 1, (10, 30), (10, 70), (20, 50))
    assert measured(crm, "order_days", "usual_interval", "recent_amount") == [(2, 10.0, Decimal(75))]


def test_an_even_number_of_gaps_has_the_average_of_the_two_in_the_middle(make_crm):
    crm = make_crm(enabled=["churn"])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        order(session, 1, (0, 1), (1, 1), (4, 1), (14, 1), (114, 1))  # gaps 1, 3, 10, 100
    assert measured(crm, "usual_interval") == [(6.5,)]


def test_customers_are_labelled_by_their_own_rhythm(crm):
    score(crm)
    assert stored(crm, "churn_risk") == ["steady", "at_risk", "at_risk", "lost", "lost", None]
    assert stored(crm, "churn_overdue")[:3] == [0.5, 4.0, 0.1]
    assert stored(crm, "attention") == [None, "changing", "changing", "changing", None, None]


def test_a_run_as_of_an_earlier_day_knows_only_what_was_known_then(crm):
    score(crm, as_of=TODAY - dt.timedelta(days=45))
    # 2 had ordered 5 days before, 3 not yet three times; 4 was at risk: 155 days, usually 30, is five times.
    assert stored(crm, "churn_risk") == [None, "steady", None, "lost", "lost", None]


def test_a_complaint_makes_a_problem_customer(crm):
    with crm.session() as session:
        at = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
        session.create("activity", {"subject": "customer:1", "kind": "complaint", "happened_at": at})
    score(crm)
    assert stored(crm, "attention")[0] == "problem"


def test_who_buys_often_and_in_rhythm_is_a_value_customer(make_crm):
    crm = make_crm(enabled=["churn"])
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        order(session, 1, *((days, 100) for days in range(3, 63, 10)))
    score(crm)
    assert stored(crm, "attention") == ["value"]


def test_the_report_says_why_and_how_much_is_at_stake(crm):
    score(crm)
    with crm.session() as session:
        found = run_report(session, "churn.at_risk")
    # 2 brings 200 every 10 days, 7,300 a year; 3 used to bring 100 every 10 days, 3,650.
    assert [(row[0], row[1], row[2], row[5]) for row in found.rows] == [
        ("C2", Ref("customer", 2), TODAY - dt.timedelta(days=40), Decimal(7300)),
        ("C3", Ref("customer", 3), TODAY - dt.timedelta(days=1), Decimal(3650)),
    ]
    assert [row[6] for row in found.rows] == [
        "no order for 40 days, usually one every 10",
        "amounts down to 20%: 20 lately, 100 before",
    ]
    assert {fact.name: fact.value for fact in found.facts} == {"customers": 2, "a_year": Decimal(10950)}


def test_nobody_is_told_of_customers_they_may_not_see(make_crm):
    crm = make_crm(enabled=["churn"], roles={"sales": {"customer": {"read": "id = 2"}, "order": {"read": True}}})
    with crm.session() as session:
        session.save_many("customer", [{"name": "A"}, {"name": "B"}])
        for customer in (1, 2):
            order(session, customer, (60, 1), (70, 1), (80, 1))
    score(crm)
    with crm.session(Actor(login="li.wei", roles=("sales",))) as session:
        assert [row[0] for row in run_report(session, "churn.at_risk").rows] == ["B"]
        assert [entry.ref.id for entry in reminders(session).entries] == [2]


def test_retention_and_churn_add_up_to_the_whole(make_crm, database_url):
    # Periods of 30 days: a, b, c, d ordered in the one before; a and b again; e is new, f came back after a pause.
    crm = make_crm(enabled=["churn"], database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": name} for name in "abcdef"])
        for customer in (1, 2, 3, 4):
            order(session, customer, (31, 1))
        for customer in (1, 2, 5, 6):
            order(session, customer, (29, 1), (0, 1))
        order(session, 6, (100, 1))
        found = run_report(session, "churn.retention", {"days": 30, "periods": 2})
    since = dt.date(2025, 12, 17)
    assert found.rows[-1] == (since, TODAY, 4, 2, 2, 0.5, 0.5, 1, 1)
    assert found.rows[0][2:7] == (0, 0, 0, None, None)
    assert {fact.name: fact.value for fact in found.facts} == {"retention": 0.5, "churn": 0.5}


def test_winning_back_is_expected_at_one_in_four_against_one_in_sixteen(crm):
    score(crm)
    with crm.session() as session:
        found = run_report(session, "churn.win_back")
    assert [row[0] for row in found.rows] == ["C4", "C5"]
    # 50 every 30 days are 608.33 a year, a quarter of which is 152.08.
    assert found.rows[0][3:5] == (Decimal("608.33"), Decimal("152.08"))
    assert {fact.name: fact.value for fact in found.facts} == {
        "lost": 2,
        "won_back": 0.5,
        "prospects": 1,
        "won": 0.0625,
        "ratio": 4.0,
    }


def test_somebody_is_reminded_when_twice_the_usual_interval_has_passed(crm):
    with crm.session() as session:
        session.create("user", {"login": "li.wei"})
        session.update("customer", 2, {"owner": 1})
    score(crm)
    with crm.session() as session:
        week, month = reminders(session, days=7), reminders(session, days=30)
    assert [(entry.ref.id, entry.due, entry.owner) for entry in week.entries] == [(2, TODAY, 1)]
    # 1 ordered 5 days ago and is due after 20, 3 ordered yesterday.
    later = [(entry.ref.id, entry.due - TODAY) for entry in month.entries[1:]]
    assert later == [(1, dt.timedelta(days=15)), (3, dt.timedelta(days=19))]
    assert week.entries[0].reason == "no order for 40 days, usually one every 10"


def test_the_label_explains_itself(crm):
    with crm.session() as session:
        (rule,) = scoring.rules(crm.registry, ["churn.risk"])
        explained = scoring.explain(session, rule, 2)
    held = [(finding.text, finding.inputs) for finding in explained.decisions[-1].findings if finding.held]
    assert ("overdue >= 2", (("overdue", 4.0),)) in held


def test_who_may_not_read_names_and_owners_is_reminded_by_reference(make_crm, crm_clock):
    hidden = ["name", "owner", "churn_risk"]
    roles = {"partner": {"customer": {"read": True, "hide": hidden}, "order": {"read": True}}}
    crm = make_crm(enabled=["churn"], roles=roles)
    with crm.session() as session:
        session.create("customer", {"name": "C"})
        order(session, 1, (40, 200), (50, 200), (60, 200))
    with crm.session(Actor(login="ann", roles=("partner",))) as session:
        found = reminders(session)
    assert [(entry.title, entry.owner) for entry in found.entries] == [("Call customer:1: an order is overdue", None)]
    assert found.failures == ()
