"""Plugin abc: grades by expected purchase (R9), the pyramid (R11) and Pareto classes (R12), worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from crmcore import scoring
from crmcore.reporting import run_report

TODAY = dt.date(2026, 1, 15)


def run(crm, name):
    with crm.session() as session:
        scoring.run(session, *scoring.rules(crm.registry, [name]))


def labels(crm, field):
    with crm.session() as session:
        return [customer[field] for customer in session.iterate("customer", order="id")]


@pytest.mark.parametrize(
    ("days", "grade"),
    [(-8, "C"), (-7, "H"), (0, "H"), (7, "H"), (8, "A"), (15, "A"), (16, "B"), (30, "B"), (31, "C"), (None, "C")],
)
def test_the_grade_says_when_an_order_is_expected(make_crm, days, grade):
    crm = make_crm(enabled=["abc"])
    expected = None if days is None else TODAY + dt.timedelta(days=days)
    with crm.session() as session:
        session.create("customer", {"name": "A", "expected_order_date": expected})
    run(crm, "abc.purchase")
    assert labels(crm, "purchase_grade") == [grade]


def customers(session, values, field="amount"):
    """Create customers, each with one order of a value; none for None."""
    session.save_many("customer", [{"name": f"C{number}"} for number, _value in enumerate(values, 1)])
    rows = [
        {"customer": number, "order_date": "2026-01-10", field: str(value)}
        for number, value in enumerate(values, 1)
        if value is not None
    ]
    session.save_many("order", rows)


def test_a_thousand_customers_make_a_pyramid_of_10_190_300_and_500(make_crm, database_url):
    crm = make_crm(enabled=["abc"], database_url=database_url)
    with crm.session() as session:
        customers(session, range(1000, 0, -1))
    run(crm, "abc.pyramid")
    tiers = labels(crm, "pyramid_tier")
    assert [tiers.count(tier) for tier in ("vip", "major", "ordinary", "small")] == [10, 190, 300, 500]
    assert (tiers[0], tiers[9], tiers[10], tiers[199], tiers[200], tiers[499], tiers[500]) == (
        "vip",
        "vip",
        "major",
        "major",
        "ordinary",
        "ordinary",
        "small",
    )


def test_the_first_of_a_few_is_vip_and_equals_share_the_better_tier(make_crm):
    crm = make_crm(enabled=["abc"])
    with crm.session() as session:
        customers(session, [50, 50, 30, 20, 10])
    run(crm, "abc.pyramid")
    assert labels(crm, "pyramid_tier") == ["vip", "vip", "ordinary", "small", "small"]


def test_pareto_classes_end_where_80_and_95_percent_are_reached(make_crm, database_url):
    # Of 100 in all: before A 0, B 50, C 75 (below 80: A); D 90 (below 95: B); E 96 and F 99: C.
    crm = make_crm(enabled=["abc"], database_url=database_url)
    with crm.session() as session:
        customers(session, [50, 25, 15, 6, 3, 1])
    run(crm, "abc.pareto")
    assert labels(crm, "pareto_class") == ["A", "A", "A", "B", "C", "C"]


def test_the_value_may_be_profit_and_below_zero(make_crm):
    # Above zero are 150: before A 0, B 100 (below 120), C and D are worth nothing or less.
    crm = make_crm(enabled=["abc"], settings={"abc": {"pareto_by": "profit_total"}})
    with crm.session() as session:
        customers(session, [100, 50, 0, -50], field="profit")
    run(crm, "abc.pareto")
    assert labels(crm, "pareto_class") == ["A", "A", "C", "C"]


def report(crm, **parameters):
    with crm.session() as session:
        return run_report(session, "abc.pareto", parameters)


def facts(found):
    return {fact.name: fact.value for fact in found.facts}


def test_a_fifth_of_the_customers_may_bring_four_fifths(make_crm, database_url):
    crm = make_crm(enabled=["abc"], database_url=database_url)
    with crm.session() as session:
        customers(session, [500, 300, 40, 40, 30, 30, 20, 20, 10, 10])
    found = report(crm)
    assert facts(found) == {
        "total": Decimal(1000),
        "customers_needed": 2,
        "share_needed": 0.2,
        "top": 0.8,
        "last": pytest.approx(0.04),
    }
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows[0.1] == (1, Decimal(500), 0.5)
    assert rows[0.5] == (5, Decimal(910), pytest.approx(0.91))
    assert rows[1.0] == (10, Decimal(1000), 1.0)


def test_the_profit_curve_rises_above_the_whole_and_comes_down(make_crm, database_url):
    # R12: the top 20 % bring 150 % of the profit, and the last 30 % lose 50 %.
    crm = make_crm(enabled=["abc"], database_url=database_url)
    with crm.session() as session:
        customers(session, [100, 50, 0, 0, 0, 0, 0, -10, -20, -20], field="profit")
    found = facts(report(crm, by="profit"))
    assert found == {
        "total": Decimal(100),
        "customers_needed": 1,
        "share_needed": 0.1,
        "top": 1.5,
        "last": -0.5,
        "losing": 3,
        "lost": Decimal(-50),
    }


def test_without_a_sum_above_zero_there_are_no_shares(make_crm):
    crm = make_crm(enabled=["abc"])
    with crm.session() as session:
        customers(session, [5, -5, None])
    found = report(crm)
    assert [row[3] for row in found.rows] == [None] * 12
    assert found.charts == ()
    assert len(found.notes) == 2


def test_a_window_leaves_older_orders_out(make_crm):
    crm = make_crm(enabled=["abc"])
    with crm.session() as session:
        customers(session, [5, 7])
        session.create("order", {"customer": 1, "order_date": "2025-01-01", "amount": "1000"})
    assert facts(report(crm, days=30))["total"] == 12
    assert facts(report(crm))["total"] == 1012


def test_an_empty_crm_has_an_empty_curve(make_crm):
    found = report(make_crm(enabled=["abc"]))
    assert (found.rows, facts(found)) == ((), {"total": 0})
