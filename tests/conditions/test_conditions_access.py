"""The rule for access conditions: what is negated must be known not to be empty."""

from __future__ import annotations

import pytest
from conditions_world import scope

from crmcore.conditions import Condition, Use, compile_condition
from crmcore.errors import ConditionError


def access(text: str, entity: str = "customer") -> Condition:
    return compile_condition(text, scope(entity), Use.ACCESS)


ALLOWED = [
    "owner = me",
    "region = 'East' and staff > 3",
    "owner is empty",
    "owner is not empty",
    "not (owner is empty)",
    "name != 'secret'",  # required
    "not (id = 1 or version > 3)",
    "created_at < today() and not created_at < '2020-01-01'",
    "region != 'East' and region is not empty",
    "region is not empty and not (region = 'East')",
    "region is not empty and (vip or region != 'East')",
    "(region is not empty and vip) and not region in ('East')",
    "not (region = 'East' or region is empty)",
    "not (vip or vip is empty)",
    "vip = false",
    "owner != me and owner is not empty and me is not empty",
    "staff / branches is not empty and not staff / branches > 3",
    "not staff + 1 > 3 and staff + 1 is not empty",
    "not any orders",
    "not any orders (customer = 1 or id > 3)",
    "not any orders (status = 'open' or status is empty)",
    "any orders (status != 'open' and status is not empty)",
    "parent.name != 'x' and parent.name is not empty",
    "today() - since > 3",
    "until is not empty and since is not empty and not (until - since > 3)",
    "not today() < '2030-01-01'",
]
REFUSED = {
    "region != 'East'": "region",
    "not region = 'East'": "region",
    "region not in ('East', 'West')": "region",
    "alias not contains 'x'": "alias",
    "alias not starts with 'x'": "alias",
    "staff not between 1 and 5": "staff",
    "not vip": "vip",
    "not (vip and active)": "vip",
    "region != 'East' or region is not empty": "region",
    "not (region = 'East' and region is empty)": "region",
    "region is empty and region != 'East'": "region",
    "vip and (staff is not empty or staff != 3)": "staff",
    "owner != me and owner is not empty": "me",
    "owner.team != my_team and my_team is not empty": "owner.team",
    "owner.login != 'wang'": "owner.login",
    "owner is not empty and owner.login != 'wang'": "owner.login",
    "parent.name != 'x'": "parent.name",
    "not staff / branches > 3 and staff is not empty and branches is not empty": "staff / branches",
    "not version / 2 > 3": "version / 2",
    "not any orders (amount > 3)": "amount",
    "any orders (status != 'open')": "status",
    "status is not empty and any customers (region != 'East')": None,
    "region is not empty and any customers (region != 'East')": "region",
    "not (until - since > 3) and until is not empty": "since",
    "not tags contains 'x'": "tags",
}


@pytest.mark.parametrize("text", ALLOWED)
def test_a_rule_that_cannot_give_away_empty_records_is_allowed(text: str) -> None:
    assert access(text).text == text


@pytest.mark.parametrize("text", [text for text, name in REFUSED.items() if name])
def test_a_rule_that_negates_what_may_be_empty_is_refused(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        access(text)

    assert caught.value.reason == f"an access rule may not negate {REFUSED[text]}, which can be empty"


def test_the_error_says_what_to_write() -> None:
    with pytest.raises(ConditionError) as caught:
        access("vip and region != 'East'")

    assert str(caught.value) == (
        "an access rule may not negate region, which can be empty\n"
        "  vip and region != 'East'\n"
        "          ^^^^^^^^^^^^^^^^\n"
        "Write beside it, joined with `and`: region is not empty. Inside a negation: or region is empty."
    )


def test_filters_and_scoring_rules_may_negate_anything() -> None:
    for use in (Use.FILTER, Use.SCORING):
        assert compile_condition("region != 'East'", scope(), use)
