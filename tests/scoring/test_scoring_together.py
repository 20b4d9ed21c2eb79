"""Rules that run together: one scan for each source of metrics, one history entry for each record."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from scoring_plugin import EXTENSION, REVENUE, customers, demo, rank
from sqlalchemy import event, func, select

from crmcore import hookimpl, scoring
from crmcore.errors import PluginError, UsageError
from crmcore.types import Label, Metric, MetricQuery, Plugin, ScoringRule

BIG = ScoringRule(
    name="demo.tier", entity="customer", field="tier", labels=[Label("big", "revenue >= 100 or hits > 5")]
)
MARGIN = ScoringRule(name="demo.margin", entity="customer", field="margin", expression="revenue - 10")
POINTS = ScoringRule(name="demo.points", entity="customer", field="points", expression="margin * 2")


def counting(**columns):
    def counted(tx, as_of):
        order = tx.table("order")
        selected = select(order.c.customer.label("id"), *(made(order).label(name) for name, made in columns.items()))
        return selected.group_by(order.c.customer)

    return MetricQuery(counted)


@pytest.fixture
def crm(make_crm, database_url):
    crm = make_crm(plugins=[demo([BIG, MARGIN, POINTS], [REVENUE])], database_url=database_url)
    customers(crm, hits=[9, None])
    with crm.session() as session:
        session.save_many(
            "order",
            [
                {"number": "1", "customer": 2, "order_date": "2020-01-01", "status": "confirmed", "amount": "250"},
                {"number": "2", "customer": None, "order_date": "2020-01-01", "status": "confirmed", "amount": "7"},
            ],
            on_problem="reject",
        )
    return crm


def run_all(crm):
    with crm.session() as session:
        return scoring.run_all(session, scoring.rules(crm.registry))


def test_every_rule_says_what_it_changed_by_itself(crm):
    runs = run_all(crm)
    with crm.session() as session:
        found = [(record.tier, str(record.margin), record.points) for record in session.iterate("customer")]

    assert [(done.rule.name, done.changed) for done in runs] == [
        ("demo.tier", 2), ("demo.margin", 2), ("demo.points", 2)
    ]  # fmt: skip
    assert found == [("big", "-10.0000", -20), ("big", "240.0000", 480)]
    assert [done.changed for done in run_all(crm)] == [0, 0, 0]


def test_what_runs_together_is_one_change_of_a_record(crm):
    run_all(crm)
    with crm.session() as session:
        entries = session.history("customer", 1)

    assert [{*entry.old} for entry in entries] == [{"points"}, {"tier", "margin"}]  # points read the margin


def test_orders_are_scanned_once_for_all_rules_that_run_together(crm):
    statements = []
    with crm.session() as session:
        event.listen(session.connection, "before_cursor_execute", lambda c, cursor, sql, *rest: statements.append(sql))
        scoring.run_all(session, scoring.rules(crm.registry, ["demo.tier", "demo.margin"]))

    assert sum(statement.count("FROM crm_order") for statement in statements) == 1


def test_nothing_of_a_run_stays_in_the_session(crm):
    with crm.session() as session:
        chosen = scoring.rules(crm.registry)
        assert scoring.run_all(session, chosen) != ()
        assert [done.changed for done in scoring.run_all(session, chosen)] == [0, 0, 0]


def test_a_select_may_group_records_that_belong_to_nobody(make_crm, database_url):
    orders = Metric(
        name="demo.orders", entity="customer", query=counting(orders=lambda order: func.count()), kind="integer"
    )
    rule = ScoringRule(name="demo.points", entity="customer", field="points", expression="orders")
    crm = make_crm(plugins=[demo([rule], [orders])], database_url=database_url)
    customers(crm, hits=[1, 2])
    with crm.session() as session:
        table = session.runtime.tables.entity["order"]
        session.connection.execute(
            table.insert().values(id=1, version=1, created_at=session.now, updated_at=session.now, amount=5)
        )

    assert run_all(crm)[0].summary.filled == 0


def test_a_select_that_gives_a_record_twice_is_named_by_its_metric(make_crm, database_url):
    def twice(tx, as_of):
        customer = tx.table("customer")
        some = select(customer.c.id, customer.c.hits.label("orders"))
        return some.union_all(some)

    metric = Metric(name="demo.orders", entity="customer", query=MetricQuery(twice), kind="integer")
    rule = ScoringRule(name="demo.points", entity="customer", field="points", expression="orders")
    crm = make_crm(plugins=[demo([rule], [metric])], database_url=database_url)
    customers(crm, hits=[1, 2])

    with pytest.raises((UsageError, PluginError), match=r"demo\.orders gives a record more than once"):
        run_all(crm)
    with crm.session() as session:
        assert [record.points for record in session.iterate("customer")] == [None, None]


def test_a_rule_waits_for_what_a_select_may_read(make_crm, database_url):
    def sized(tx, as_of):
        customer = tx.table("customer")
        return select(customer.c.id, func.length(customer.c.tier).label("letters"))

    letters = Metric(name="demo.letters", entity="customer", query=MetricQuery(sized), kind="integer")
    rule = ScoringRule(name="demo.points", entity="customer", field="points", expression="letters")
    crm = make_crm(plugins=[demo([rank(by="hits", top=0.5, rest=1.0), rule], [letters])], database_url=database_url)
    customers(crm, hits=[9, 1])

    run_all(crm)
    with crm.session() as session:
        assert [(record.tier, record.points) for record in session.iterate("customer")] == [("top", 3), ("rest", 4)]


def test_a_hook_that_is_told_of_values_may_run_other_rules(make_crm):
    def crm_computed(tx, batch):
        if any("tier" in change.changed for change in batch):
            scoring.run_all(tx, scoring.rules(tx.runtime.registry, ["demo.margin"]))

    module = SimpleNamespace(
        crm_scoring_rules=hookimpl(lambda settings: [BIG, MARGIN]),
        crm_metrics=hookimpl(lambda settings: [REVENUE]),
        crm_computed=hookimpl(crm_computed),
    )
    manifest = {"name": "demo", "version": "1.0", "summary": "x", "listens": {"crm_computed": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=module, schemas={"customer.extend.json": EXTENSION})
    crm = make_crm(plugins=[plugin])
    customers(crm, hits=[9])
    with crm.session() as session:
        scoring.run(session, *scoring.rules(crm.registry, ["demo.tier"]))
        (record,) = session.find("customer")

    assert (record.tier, str(record.margin)) == ("big", "-10.0000")
