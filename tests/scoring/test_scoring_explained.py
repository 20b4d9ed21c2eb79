"""What an explanation tells somebody who may not see everything that the rule looked at."""

from __future__ import annotations

from decimal import Decimal

import pytest
from scoring_plugin import REVENUE, demo, rank
from sqlalchemy import func, select

from crmcore import scoring
from crmcore.types import Label, Metric, MetricQuery, ScoringRule

ROLES = {
    "own": {"customer": {"read": "owner = me"}, "order": {"read": "owner = me"}},
    "own_orders": {"customer": {"read": True}, "order": {"read": "owner = me"}},
    "all": {"customer": {"read": True}, "order": {"read": True}},
}
OWN, LINK, RELATION, AGGREGATE, QUERY = CONDITIONS = (
    "size > 9",
    "referred_by.size > 9",
    "any orders (amount > 999)",
    "revenue > 999",
    "visits > 9",
)


def visits(tx, as_of):
    order = tx.table("order")
    return select(order.c.customer.label("id"), func.count().label("visits")).group_by(order.c.customer)


VISITS = Metric(name="demo.visits", entity="customer", query=MetricQuery(visits), kind="integer")


@pytest.fixture
def told(make_crm):
    """Give a function that explains a rule for the customer of all, whose referrer and order are another's."""

    def explained(rule, login, roles=ROLES):
        crm = make_crm(plugins=[demo([rule], [REVENUE, VISITS])], roles=roles)
        with crm.session() as session:
            session.save_many("user", [{"login": role, "roles": [role]} for role in roles])
            me = session.find("user", f"login = '{login}'")[0].id
            other = session.create("customer", {"name": "Other", "size": 5}).id
            session.create("customer", {"name": "Mine", "owner": me, "size": 3, "referred_by": other})
            session.create("order", {"customer": 2, "order_date": "2026-01-05", "amount": 100})
        with crm.session(login, read_only=True) as session:
            return scoring.explain(session, rule, 2)

    return explained


def labels(*conditions):
    given = [Label(f"L{number}", condition) for number, condition in enumerate(conditions, start=1)]
    return ScoringRule(name="demo.tier", entity="customer", field="tier", labels=given, otherwise="none")


@pytest.mark.parametrize(("login", "known"), [("own", {OWN}), ("own_orders", {OWN, LINK}), ("all", {*CONDITIONS})])
def test_values_of_other_records_are_told_where_all_of_their_kind_may_be_read(told, login, known):
    decisions = told(labels(*CONDITIONS), login).decisions

    assert {text for text, one in zip(CONDITIONS, decisions, strict=True) if one.findings} == known


def test_a_condition_over_what_may_not_be_seen_has_neither_text_nor_outcome(told):
    hidden = {"sales": {"customer": {"read": True, "hide": ["size"]}}}

    found = told(labels("size > 9", "size > 2", "name = 'Other'", "name = 'Mine'", "weight > 1"), "sales", hidden)

    # One that holds ends nothing, or the last that is told would be the one.
    assert [(one.label, one.condition, one.holds, len(one.findings)) for one in found.decisions] == [
        ("L1", None, None, 0),
        ("L2", None, None, 0),
        ("L3", "name = 'Other'", False, 1),
        ("L4", "name = 'Mine'", True, 1),
    ]
    assert found.label == "L2"


@pytest.mark.parametrize(
    ("login", "rule", "position"),
    [
        ("own", rank(A=1.0), None),
        ("own_orders", rank(A=1.0), 2),
        ("own_orders", rank(A=1.0, by="revenue"), None),
        ("own_orders", rank(A=1.0, where="revenue > 1"), None),
        ("all", rank(A=1.0, by="revenue", where="revenue > 1"), 1),
    ],
)
def test_a_place_is_told_to_whoever_may_read_all_that_are_ranked(told, login, rule, position):
    standing = told(rule, login).standing

    assert (standing and standing.position) == position


@pytest.mark.parametrize(
    ("expression", "inputs"), [("size + 1", (("size", Decimal(3)),)), ("referred_by.size - 1", ())]
)
def test_the_inputs_of_a_calculation_are_those_of_the_record_where_others_are_closed(told, expression, inputs):
    explained = told(ScoringRule(name="demo.margin", entity="customer", field="margin", expression=expression), "own")

    assert (explained.label, explained.inputs) == (Decimal(4), inputs)
