"""Metrics on both databases: aggregates and plugins' own SELECTs, for rules and for whoever may see what."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import event, func, select

import crmcore
from crmcore import hookimpl, metric_values, scoring
from crmcore.errors import AccessDenied, PluginError, UsageError
from crmcore.metrics import metric_table
from crmcore.metrics.kept import kept_metrics
from crmcore.types import Label, Metric, MetricQuery, Plugin, ScoringRule

ORDERS = {"entity": "customer", "relation": "orders", "date_field": "order_date"}
REVENUE = Metric(name="demo.revenue", aggregate="sum", field="amount", **ORDERS)
RECENT = Metric(name="demo.recent", aggregate="count", days=30, **ORDERS)
LARGEST = Metric(name="demo.largest", aggregate="max", field="amount", where="status != 'cancelled'", **ORDERS)
LAST = Metric(name="demo.last", aggregate="max", field="order_date", **ORDERS)
OVERDUE = Metric(
    name="demo.overdue", entity="customer", relation="orders", aggregate="count", where="shipped_date < today()"
)
VISITS = Metric(
    name="demo.visits", entity="customer", relation="activities", aggregate="count", date_field="happened_at"
)
OWN = Metric(name="demo.own", entity="customer", relation="orders", aggregate="count", where="customer.region = 'East'")


def spans(tx, as_of):
    """Days from the first order to the last, and what all cost together."""
    order = tx.table("order")
    until = order.c.order_date <= as_of
    return (
        select(
            order.c.customer.label("id"),
            func.count(order.c.order_date.distinct()).label("days"),
            func.sum(order.c.amount).label("cost"),
            func.min(order.c.order_date).label("first"),
            func.avg(order.c.id * 0 + 1.5).label("half"),
        )
        .where(until)
        .group_by(order.c.customer)
    )


SPANS = MetricQuery(spans)
DAYS = Metric(name="demo.days", entity="customer", query=SPANS, kind="integer")
COST = Metric(name="demo.cost", entity="customer", query=SPANS, kind="money")
FIRST = Metric(name="demo.first", entity="customer", query=SPANS, kind="date")
HALF = Metric(name="demo.half", entity="customer", query=SPANS, kind="number")
QUERIED = (DAYS, COST, FIRST, HALF)


def demo(*metrics, rules=(), name="demo"):
    module = SimpleNamespace(
        crm_metrics=hookimpl(lambda settings: metrics), crm_scoring_rules=hookimpl(lambda settings: rules)
    )
    fields = {"bought": {"type": "string", "maxLength": 9, "x-crm": {"computed_by": "demo"}}}
    schemas = {"customer.extend.json": {"$schema": "urn:crmcore:extension:1", "properties": fields}} if rules else {}
    return Plugin(manifest={"name": name, "version": "1.0", "summary": "x"}, module=module, schemas=schemas)


ROLES = {
    "east": {"customer": {"read": "region = 'East'"}, "order": {"read": "amount < 100"}, "activity": {"read": True}},
    "blind": {"customer": {"read": True}, "order": {"read": True, "hide": ["amount"]}},
    "nobody": {"customer": {"read": True}},
}


@pytest.fixture
def make(make_crm, database_url):
    """Two customers, East and West, who ordered for 50 and 200 and for 30; the third ordered nothing."""

    def made(*metrics, **more):
        crm = make_crm(
            plugins=[demo(*metrics, **more)], roles=ROLES, database_url=database_url, timezone="Asia/Shanghai"
        )
        with crm.session() as session:
            for role in ROLES:
                session.create("user", {"login": role, "roles": [role]})
            for name, region in (("A", "East"), ("B", "West"), ("C", "East")):
                session.create("customer", {"name": name, "region": region})
            for customer, day, amount, status in (
                (1, "2025-12-01", 50, "completed"),
                (1, "2026-01-10", 200, "cancelled"),
                (2, "2026-01-15", 30, None),
            ):
                values = {"customer": customer, "order_date": day, "amount": amount}
                session.create("order", {**values, **({"status": status} if status else {})})
            session.create(
                "activity", {"subject": "customer:2", "kind": "visit", "happened_at": "2026-01-14T17:00:00Z"}
            )
        return crm

    return made


def values(crm, *names, login=None, as_of=None):
    """Return the metrics of each customer, by id."""
    with crm.session(*([login] if login else [])) as tx:
        found = metric_values(tx, "customer", names, as_of)
        rows = tx.execute(select(found).order_by(found.c.id)).all()
    return {row.id: tuple(row)[1:] for row in rows}


def test_it_is_offered_to_plugins():
    assert crmcore.metric_values is metric_values
    assert "metric_values" in crmcore.__all__


def test_aggregates_are_columns_called_by_their_own_names(make):
    crm = make(REVENUE, RECENT, LARGEST, LAST)

    with crm.session() as tx:
        assert list(metric_values(tx, "customer", ["demo.revenue", "recent"]).c.keys()) == ["id", "revenue", "recent"]
    assert values(crm, "revenue", "demo.recent", "largest", "last") == {
        1: (Decimal(250), 1, Decimal(50), dt.date(2026, 1, 10)),
        2: (Decimal(30), 1, Decimal(30), dt.date(2026, 1, 15)),
        3: (Decimal(0), 0, None, None),
    }


def test_the_last_day_that_counts_may_be_given(make):
    crm = make(REVENUE, RECENT, DAYS)

    assert values(crm, "revenue", "recent", "days", as_of=dt.date(2025, 12, 30)) == {
        1: (Decimal(50), 1, 1),
        2: (Decimal(0), 0, None),
        3: (Decimal(0), 0, None),
    }


def test_instants_belong_to_the_day_of_the_instance(make):
    crm = make(VISITS)  # 01:00 on the 15th in Shanghai

    assert values(crm, "visits", as_of=dt.date(2026, 1, 14))[2] == (0,)
    assert values(crm, "visits", as_of=dt.date(2026, 1, 15))[2] == (1,)


def test_today_in_the_condition_of_a_metric_is_the_last_day_that_counts(make):
    crm = make(OVERDUE)
    with crm.session() as session:
        session.update("order", 1, {"shipped_date": "2026-01-05"})

    assert values(crm, "overdue", as_of=dt.date(2026, 1, 5))[1] == (0,)
    assert values(crm, "overdue", as_of=dt.date(2026, 1, 6))[1] == (1,)


def test_a_query_gives_metrics_of_every_kind(make):
    assert values(make(*QUERIED), "days", "cost", "first", "half") == {
        1: (2, Decimal(250), dt.date(2025, 12, 1), 1.5),
        2: (1, Decimal(30), dt.date(2026, 1, 15), 1.5),
        3: (None, None, None, None),
    }


def test_an_actor_gets_visible_records_over_visible_related_ones(make):
    crm = make(REVENUE, RECENT, OWN, *QUERIED)

    assert values(crm, "revenue", "recent", "days", "cost", login="east") == {
        1: (Decimal(50), 0, 1, Decimal(50)),
        3: (Decimal(0), 0, None, None),
    }
    assert values(crm, "own")[1] == (2,)
    assert values(crm, "revenue", "days", login="nobody") == dict.fromkeys((1, 2, 3), (Decimal(0), None))


def test_a_rule_looks_at_everything_whoever_runs_it(make):
    rule = ScoringRule(name="demo.bought", entity="customer", field="bought", labels=[Label("big", "cost >= 200")])
    crm = make(REVENUE, *QUERIED, rules=[rule])

    with crm.session("east") as session:
        table = metric_table(session, "customer", ["revenue", "cost"], session.today)
        rows = session.execute(select(table.table.c.id, *table.columns.values()).select_from(table.source)).all()
    assert sorted(map(tuple, rows)) == [
        (1, Decimal(250), Decimal(250)), (2, Decimal(30), Decimal(30)), (3, Decimal(0), None)
    ]  # fmt: skip
    with crm.session() as session:
        assert scoring.run(session, rule).labels == (("big", 1), (None, 2))
        explained = scoring.explain(session, rule, 1)
    assert explained.decisions[0].findings[0].inputs == (("cost", Decimal(250)),)


def test_a_metric_of_a_field_that_the_actor_may_not_read_is_denied(make):
    crm = make(REVENUE, RECENT, LARGEST, DAYS)

    assert values(crm, "recent", login="blind")[1] == (1,)
    for name in ("revenue", "largest", "days"):
        with pytest.raises(AccessDenied, match="amount"):
            values(crm, name, login="blind")


def test_every_source_is_scanned_once(make):
    metrics = (REVENUE, RECENT, LARGEST, LAST, VISITS, *QUERIED)
    crm = make(*metrics)
    statements = []
    with crm.session() as tx:
        event.listen(tx.connection, "before_cursor_execute", lambda c, cursor, sql, *rest: statements.append(sql))
        tx.execute(select(metric_values(tx, "customer", [metric.name for metric in metrics])))
    (statement,) = statements

    assert statement.count("FROM crm_order") == 2  # the relation, and the query
    assert statement.count("FROM crm_activity") == 1


def test_names_that_differ_beyond_the_length_of_a_column_are_kept_apart(make_crm, database_url):
    plugin, start = "a" * 30, "what_customers_have_ordered_by_their_"
    sums = [
        Metric(name=f"{plugin}.{start}{end}", entity="customer", relation="orders", aggregate=end, field="amount")
        for end in ("sum", "max")
    ]
    crm = make_crm(plugins=[demo(*sums, name=plugin)], database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "A"})
        for amount in (1, 2):
            session.create("order", {"customer": 1, "order_date": "2026-01-10", "amount": amount})
        with kept_metrics(session, "customer", sums, dt.date(2026, 1, 15)) as kept:
            row = session.connection.execute(select(*(kept.columns[one.name] for one in sums)).select_from(kept.source))
            assert [str(value) for value in row.one()] == ["3.0000", "2.0000"]


def test_unknown_and_ambiguous_names_are_refused(make_crm):
    crm = make_crm(
        plugins=[demo(REVENUE), demo(Metric(name="other.revenue", aggregate="count", **ORDERS), name="other")]
    )

    with pytest.raises(UsageError, match=r"customer has no metric 'revnue'\nKnown: demo.revenue, other.revenue"):
        values(crm, "revnue")
    with pytest.raises(UsageError, match="customer has more than one metric 'revenue'"):
        values(crm, "revenue")
    with pytest.raises(UsageError, match="two of the metrics are called revenue"):
        values(crm, "demo.revenue", "other.revenue")
    with pytest.raises(UsageError, match="order has no metric"), crm.session() as tx:
        metric_values(tx, "order", ["demo.revenue"])
    with pytest.raises(UsageError, match="there is no entity 'custmer'"), crm.session() as tx:
        metric_values(tx, "custmer", [])


def failing(tx, as_of):
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (failing, "ZeroDivisionError"),
        (lambda tx, as_of: None, "the query of metric demo.days gave no SELECT"),
        (lambda tx, as_of: select(tx.table("order").c.id), "the query of metric demo.days has no column days"),
        (lambda tx, as_of: select(tx.table("order").c.amount.label("days")), "has no column id"),
        (lambda tx, as_of: select(tx.table("order").c.amonut), "amonut"),
    ],
)
def test_what_goes_wrong_in_a_query_is_the_plugins(make_crm, query, said):
    crm = make_crm(
        plugins=[demo(Metric(name="demo.days", entity="customer", query=MetricQuery(query), kind="integer"))]
    )

    with pytest.raises(PluginError, match=r"plugin demo 1\.0 failed in demo\.days") as caught:
        values(crm, "days")
    assert said in str(caught.value)


@pytest.mark.parametrize("day", [dt.date.min, dt.date.max], ids=str)
def test_windows_may_reach_beyond_the_calendar(make_crm, database_url, day):
    crm = make_crm(plugins=[demo(RECENT, VISITS)], database_url=database_url, timezone="Asia/Shanghai")
    with crm.session() as session:
        session.create("customer", {"name": "C"})
        values = metric_values(session, "customer", ["recent", "visits"], day)
        assert [tuple(row) for row in session.execute(select(values))] == [(1, 0, 0)]


def test_metrics_of_one_record_are_those_that_it_has_among_all(make_crm, database_url):
    def places(tx, as_of):
        order = tx.table("order")
        place = func.rank().over(order_by=func.sum(order.c.amount).desc())
        return select(order.c.customer.label("id"), place.label("place")).group_by(order.c.customer)

    place = Metric(name="demo.place", entity="customer", query=MetricQuery(places), kind="integer")
    crm = make_crm(plugins=[demo(REVENUE, *QUERIED, place)], database_url=database_url)
    with crm.session() as session:
        session.save_many("customer", [{"name": name} for name in "ABC"])
        rows = [{"customer": n, "order_date": "2026-01-02", "amount": str(10 * n)} for n in (1, 2, 2)]
        session.save_many("order", rows)
        for id, expected in ((1, (10, 1, 10, 2)), (2, (40, 1, 40, 1)), (3, (0, None, None, None))):
            names = ["revenue", "days", "cost", "place"]
            found = metric_table(session, "customer", names, session.today, only=id)
            columns = [found.columns[name] for name in names]
            statement = select(*columns).select_from(found.source).where(found.table.c.id == id)
            assert tuple(session.connection.execute(statement).one()) == expected
