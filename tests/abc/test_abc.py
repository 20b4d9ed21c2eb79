"""Plugin abc on both databases: classes by conditions over metrics, worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from crmcore import reporting, scoring
from crmcore.errors import AccessDenied, CRMError, NotFound, UsageError, ValidationError
from crmcore.testing import PluginConformance

SETTINGS = {"abc": {"A": "revenue_365d >= 1000 or orders_365d >= 3", "B": "revenue_365d > 0"}}


class TestConformance(PluginConformance):
    plugin = "abc"


def orders(session, customer, *amounts_and_days, **more):
    for amount, day in amounts_and_days:
        session.create("order", {"customer": customer, "order_date": day, "amount": amount, **more})


@pytest.fixture
def crm(make_crm, database_url):
    """On 2026-01-15: 1 bought for 1000, 2 for 999.99, 3 three times, 4 too long ago, 5 cancelled, 6 nothing."""
    crm = make_crm(enabled=["abc"], settings=SETTINGS, database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": f"C{n}"} for n in range(1, 7)])
        orders(session, 1, ("600", "2025-01-16"), ("400", "2026-01-15"))
        orders(session, 2, ("999.99", "2025-06-01"))
        orders(session, 3, ("1", "2025-06-01"), ("1", "2025-06-02"), ("1", "2025-06-03"))
        orders(session, 4, ("5000", "2025-01-15"))
        orders(session, 5, ("5000", "2025-12-01"), status="cancelled")
    return crm


def classes(crm, **options):
    with crm.session() as session:
        run = scoring.run(session, *scoring.rules(crm.registry, ["abc.class"]), **options)
        return run, [customer.abc_class for customer in session.find("customer")]


def test_customers_are_labelled_by_the_conditions(crm):
    run, found = classes(crm)
    assert found == ["A", "B", "A", "C", "C", "C"]
    assert (run.changed, run.labels) == (6, (("A", 2), ("B", 1), ("C", 3)))


def test_a_second_run_changes_nothing(crm):
    classes(crm)
    assert classes(crm)[0].changed == 0


def test_a_run_as_of_another_day_counts_the_orders_up_to_that_day(crm):
    assert classes(crm, as_of=dt.date(2026, 1, 14))[1] == ["B", "B", "A", "A", "C", "C"]


def test_the_label_says_which_comparison_gave_it_and_on_which_values(crm):
    classes(crm)
    with crm.session() as session:
        (rule,) = scoring.rules(crm.registry, ["abc.class"])
        explained = scoring.explain(session, rule, 3)
    assert (explained.label, explained.stored) == ("A", "A")
    (decision,) = explained.decisions
    assert [(finding.text, finding.held, finding.inputs) for finding in decision.findings] == [
        ("revenue_365d >= 1000", False, (("revenue_365d", Decimal(3)),)),
        ("orders_365d >= 3", True, (("orders_365d", 3),)),
    ]


def test_explaining_goes_on_to_the_label_that_holds(crm):
    with crm.session() as session:
        (rule,) = scoring.rules(crm.registry, ["abc.class"])
        explained = scoring.explain(session, rule, 6)
        with pytest.raises(NotFound):
            scoring.explain(session, rule, 99)
    assert (explained.label, explained.stored) == ("C", None)
    assert [(decision.label, decision.holds) for decision in explained.decisions] == [("A", False), ("B", False)]


def test_the_report_adds_up_customers_and_revenue_by_class(crm):
    classes(crm)
    with crm.session() as session:
        report = reporting.run_report(session, "abc.classes")
    rows = [(row[0], row[1], row[3]) for row in report.rows]
    assert rows == [("A", 2, Decimal("1003")), ("B", 1, Decimal("999.99")), ("C", 3, Decimal(0))]
    assert [round(row[2], 4) for row in report.rows] == [0.3333, 0.1667, 0.5]
    assert [round(row[4], 4) for row in report.rows] == [0.5008, 0.4992, 0.0]


def test_the_reports_window_is_a_parameter(crm):
    classes(crm)
    with crm.session() as session:
        assert sum(row[3] for row in reporting.run_report(session, "abc.classes", {"days": 1}).rows) == 400
        with pytest.raises(ValidationError, match="days"):
            reporting.run_report(session, "abc.classes", {"days": 0})
        with pytest.raises(ValidationError, match="dyas"):
            reporting.run_report(session, "abc.classes", {"dyas": 1})


def test_unknown_rules_and_reports_name_the_known_ones(crm):
    with crm.session() as session:
        with pytest.raises(UsageError, match=r"abc\.classes"):
            reporting.run_report(session, "abc.clases")
    with pytest.raises(UsageError, match=r"abc\.class"):
        scoring.rules(crm.registry, ["abc.klass"])


def test_running_a_rule_needs_the_permission(make_crm):
    crm = make_crm(enabled=["abc"], roles={"sales": {"customer": {"read": True}}, "ops": {"grants": ["scoring.run"]}})
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
        session.create("user", {"login": "olga", "roles": ["ops"]})
    (rule,) = scoring.rules(crm.registry, ["abc.class"])
    with crm.session("anna") as session, pytest.raises(AccessDenied, match=r"scoring\.run"):
        scoring.run(session, rule)
    with crm.session("olga") as session:
        assert scoring.run(session, rule).changed == 0


def test_a_condition_with_a_mistake_stops_the_start_and_shows_the_place(make_crm):
    with pytest.raises(CRMError) as caught:
        make_crm(enabled=["abc"], settings={"abc": {"A": "revenu_365d >= 1000"}})
    assert "Did you mean revenue_365d?" in str(caught.value)
    assert "crm.toml:" in str(caught.value)


def test_a_window_of_its_own_gives_metrics_of_its_own(make_crm):
    crm = make_crm(enabled=["abc"], settings={"abc": {"windows": [7], "A": "orders_7d > 0", "B": "orders_total > 0"}})
    with crm.session() as session:
        session.save_many("customer", [{"name": "new"}, {"name": "old"}])
        orders(session, 1, ("1", "2026-01-09"))
        orders(session, 2, ("1", "2026-01-08"))
    assert classes(crm)[1] == ["A", "B"]


def test_days_of_the_purchase_grades_that_do_not_ascend_are_refused(make_crm):
    with pytest.raises(CRMError, match="purchase_days ascend, and these do not: 30, 15, 7"):
        make_crm(enabled=["abc"], settings={"abc": {"purchase_days": [30, 15, 7]}})
