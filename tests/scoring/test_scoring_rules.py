"""Which rules there are, in which order they run, and who may know why."""

from __future__ import annotations

from decimal import Decimal

import pytest
from scoring_plugin import EXTENSION, REVENUE, customers, demo, rank
from sqlalchemy import func, select

from crmcore import load, scoring
from crmcore.config import Config
from crmcore.errors import AccessDenied, StartRefused, UsageError
from crmcore.types import Band, Label, Metric, MetricQuery, Rank, ScoringRule

MARGIN = ScoringRule(name="demo.margin", entity="customer", field="margin", expression="size - 10")
POINTS = ScoringRule(name="demo.points", entity="customer", field="points", expression="margin * 2")
TIER = rank(by="points", A=0.5, B=1.0)


def names(registry, *chosen):
    return [rule.name for rule in scoring.rules(registry, chosen)]


def test_a_rule_runs_after_those_that_write_what_it_reads():
    registry = load(Config(), [demo([TIER, POINTS, MARGIN])])

    assert names(registry) == ["demo.margin", "demo.points", "demo.tier"]
    assert names(registry, "demo.tier", "demo.margin") == ["demo.margin", "demo.tier"]


def test_rules_that_have_nothing_to_do_with_each_other_stay_in_their_order():
    other = ScoringRule(name="demo.points", entity="customer", field="points", expression="hits * 2")

    assert names(load(Config(), [demo([other, MARGIN])])) == ["demo.points", "demo.margin"]


def test_a_whole_chain_is_right_after_one_run(make_crm):
    crm = make_crm(plugins=[demo([TIER, POINTS, MARGIN])])
    customers(crm, size=[30, 20])
    with crm.session() as session:
        runs = [scoring.run(session, rule) for rule in scoring.rules(crm.registry)]
        again = [scoring.run(session, rule) for rule in scoring.rules(crm.registry)]
        found = [(record.margin, record.points, record.tier) for record in session.iterate("customer")]

    assert found == [(Decimal(20), 40, "A"), (Decimal(10), 20, "B")]
    assert ([done.changed for done in runs], [done.changed for done in again]) == ([2, 2, 2], [0, 0, 0])


def test_a_rule_reads_what_another_writes_through_a_metric():
    classes = {"type": "string", "maxLength": 5, "x-crm": {"computed_by": "orders.size"}}
    of_orders = ScoringRule(
        name="orders.size", entity="order", field="size_class", labels=[Label("big", "amount > 1000")]
    )
    big = Metric(name="demo.big", entity="customer", relation="orders", aggregate="count", where="size_class = 'big'")
    loyal = ScoringRule(name="demo.tier", entity="customer", field="tier", labels=[Label("A", "big > 2")])
    orders = demo([of_orders], name="orders")
    schema = {"$schema": "urn:crmcore:extension:1", "properties": {"size_class": classes}}
    object.__setattr__(orders, "schemas", {"order.extend.json": schema})

    assert names(load(Config(), [demo([loyal], [big]), orders])) == ["orders.size", "demo.tier"]


def test_a_rule_may_read_its_own_field():
    sticky = ScoringRule(
        name="demo.tier", entity="customer", field="tier", labels=[Label("A", "tier = 'A' or hits > 3")]
    )

    assert names(load(Config(), [demo([sticky])])) == ["demo.tier"]


def test_rules_that_read_each_other_stop_the_start_and_both_are_named():
    circular = ScoringRule(name="demo.margin", entity="customer", field="margin", expression="points + 1")

    with pytest.raises(StartRefused, match=r"demo\.points > demo\.margin > demo\.points"):
        load(Config(), [demo([POINTS, circular])])


def test_unknown_rules_name_the_known_ones():
    with pytest.raises(UsageError, match=r"demo\.margin"):
        scoring.rules(load(Config(), [demo([MARGIN])]), ["demo.margn"])


def refused(rule, *metrics):
    with pytest.raises(StartRefused) as caught:
        load(Config(), [demo([rule], [REVENUE, *metrics])])
    return [problem.message for problem in caught.value.problems]


RANK = Rank(by="size", bands=[Band("A", 0.5), Band("B", 1.0)])


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({}, "a rule has `labels`, a `rank` or an `expression`; this one has none of them"),
        ({"rank": RANK, "expression": "size"}, "this one has `rank`, `expression`"),
        ({"rank": Rank(by="size", bands=[])}, "a rank has at least one band"),
        ({"rank": Rank(by="size", bands=[Band("A", 0.5), Band("B", 0.5), Band("C", 1)])}, "bands ascend: B ends"),
        ({"rank": Rank(by="size", bands=[Band("A", 0.5)])}, "band A ends at 0.5: let the last one end at 1.0, or say"),
        ({"rank": Rank(by="size", bands=[Band("A", 0.1234567), Band("B", 1)])}, "more than 6 decimals"),
        ({"rank": Rank(by="since", of="value", bands=RANK.bands)}, "days cannot be added up"),
        ({"rank": Rank(by="name", bands=RANK.bands)}, "rule demo.tier, rank by: a number or a date is expected"),
        (
            {"rank": Rank(by="revenu", bands=RANK.bands)},
            "rule demo.tier, rank by: customer has neither a field nor a metric revenu",
        ),
        ({"rank": Rank(by="size", bands=RANK.bands, where="size >")}, "rank where: the text ends too early"),
        ({"rank": RANK, "field": "points"}, "it writes text, and customer.points is integer"),
        ({"expression": "size"}, "an expression writes one of number, money, integer, date, and customer.tier is text"),
        ({"expression": "sized", "field": "margin"}, "customer has neither a field nor a metric sized"),
        ({"expression": "since", "field": "margin"}, "a date is no number"),
        ({"expression": "size", "field": "due"}, "a number is no date"),
        ({"expression": "size", "field": "margin", "otherwise": "x"}, "an expression takes no `otherwise`"),
        ({"expression": "name = 'x'", "field": "margin"}, "a condition stands where a value is expected"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_is_refused_with_its_reason(rule, said):
    made = ScoringRule(**{"name": "demo.tier", "entity": "customer", "field": "tier", **rule})

    (message,) = refused(made)

    assert message.startswith("rule demo.tier")
    assert said in message


def test_a_band_that_is_not_among_the_values_of_the_field_is_refused():
    plugin = demo([rank(A=0.5, Bb=1.0)])
    tier = {**EXTENSION["properties"]["tier"], "enum": ["A", "B"]}
    del tier["maxLength"]
    schema = {**EXTENSION, "properties": {**EXTENSION["properties"], "tier": tier}}
    object.__setattr__(plugin, "schemas", {"customer.extend.json": schema})

    with pytest.raises(StartRefused, match=r"`Bb` is not among the values of customer\.tier"):
        load(Config(), [plugin])


@pytest.fixture
def guarded(make_crm):
    """Anna may not read sizes, Bob no orders."""
    roles = {
        "no_sizes": {"customer": {"read": True, "hide": ["size"]}, "order": {"read": True}},
        "no_orders": {"customer": {"read": True}},
    }

    def select_visits(tx, as_of):
        order = tx.table("order")
        return select(order.c.customer.label("id"), func.count().label("visits")).group_by(order.c.customer)

    visits = Metric(name="demo.visits", entity="customer", query=MetricQuery(select_visits), kind="integer")

    def make(rule):
        crm = make_crm(plugins=[demo([rule], [REVENUE, visits])], roles=roles)
        customers(crm, size=[3, 2])
        with crm.session() as session:
            for login, role in (("anna", "no_sizes"), ("bob", "no_orders")):
                session.create("user", {"login": login, "roles": [role]})
            scoring.run(session, rule)
        return crm

    return make


@pytest.mark.parametrize(
    ("by", "anna", "bob"), [("size", None, 1), ("revenue", 1, None), ("visits", None, None), ("hits", None, None)]
)
def test_where_a_record_stands_is_told_to_whoever_may_read_what_it_is_ranked_by(guarded, by, anna, bob):
    rule = rank(by=by, A=0.5, B=1.0, otherwise="Z")
    crm = guarded(rule)
    found = {}
    for login in ("anna", "bob"):
        with crm.session(login) as session:
            explained = scoring.explain(session, rule, 1)
            found[login] = explained.standing and explained.standing.position
            assert explained.label == explained.stored

    assert found == {"anna": anna, "bob": bob}


def test_the_inputs_of_an_expression_are_told_to_whoever_may_read_them(guarded):
    crm = guarded(MARGIN)

    with crm.session("anna") as session:
        assert scoring.explain(session, MARGIN, 1).inputs == ()
    with crm.session("bob") as session:
        assert scoring.explain(session, MARGIN, 1).inputs == (("size", Decimal(3)),)


def test_a_rank_and_an_expression_need_the_permission_too(guarded):
    crm = guarded(MARGIN)

    with crm.session("anna") as session, pytest.raises(AccessDenied, match=r"scoring\.run"):
        scoring.run(session, MARGIN)


def test_a_plugins_own_metric_is_meant_where_another_has_its_short_name(make_crm):
    other = Metric(name="other.revenue", entity="customer", relation="orders", aggregate="count")
    rule = ScoringRule(name="demo.tier", entity="customer", field="tier", labels=[Label("A", "revenue >= 1000")])
    crm = make_crm(plugins=[demo([rule], [REVENUE]), demo((), [other], name="other")])
    with crm.session() as session:
        session.create("customer", {"name": "C"})
        session.create("order", {"customer": 1, "order_date": "2026-01-02", "amount": "1000"})
        scoring.run(session, rule)
        decision = scoring.explain(session, rule, 1).decisions[0]
        assert session.get("customer", 1).tier == "A"
    assert [finding.inputs for finding in decision.findings] == [(("revenue", Decimal(1000)),)]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ScoringRule(name="demo.tier", entity="customer", field="tier", labels=["A"]),
        lambda: Rank(by="size", bands=["A"]),
        lambda: Rank(by="size", bands="AB"),
        lambda: MetricQuery("SELECT 1"),
        lambda: Metric(name="demo.m", entity="customer", titles="M"),
    ],
)
def test_declarations_that_cannot_be_meant_are_refused_where_they_are_made(wrong):
    with pytest.raises(TypeError, match="expected"):
        wrong()
