"""Hostile texts: nothing but `ConditionError` comes out, quickly, and no text reaches a statement."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from conditions_world import NOW, TABLES, TODAY, World, compiled, scope
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from crmcore.conditions import compile_order, limits, parse, unparse
from crmcore.errors import ConditionError

if TYPE_CHECKING:
    from sqlalchemy import Connection

LINK = "parent.parent.parent.parent.score"
NEST = limits.MAX_DEPTH - 1

AT_THE_LIMIT = {
    "characters": "staff = 1" + " " * (limits.MAX_TEXT - 9),
    "comparisons": " or ".join(["staff != 1"] * limits.MAX_COMPARISONS),
    "list": f"staff in ({', '.join(map(str, range(limits.MAX_LIST)))})",
    "list of texts": "name not in (" + ", ".join(f"'n{n}'" for n in range(limits.MAX_LIST)) + ")",
    "operands": " * ".join(["score"] * limits.MAX_OPERANDS) + " > 1",
    "divisions": " / ".join([LINK] * limits.MAX_OPERANDS) + " > 1",
    "digits": f"credit < {'9' * limits.MAX_DIGITS} and staff > -{'9' * limits.MAX_DIGITS}",
    "duration": f"since + {limits.MAX_DURATION} weeks > today() - {limits.MAX_DURATION} years",
    "links": f"{LINK} > 1",
    "depth": "staff = 1 and (vip or (" * (NEST // 2) + "staff = 1" + "))" * (NEST // 2),
    "depth of not": "not (staff = 1 and not (" * (NEST // 4) + "vip" + "))" * (NEST // 4),
    "depth of arithmetic": "staff / (" * (NEST - 1) + LINK + ")" * (NEST - 1) + " > 1",
    "depth of all": f"any customers (staff = 1 or any customers (staff / ({LINK} / ({LINK} - 1)) > 1))",
    "calendar": (
        f"met_at > now(){' + 100000 weeks' * 6} or met_at < now(){' - 100000 weeks' * 3} or met_at >= '9999-12-31' "
        "or met_at <= '0001-01-01' or met_at = '0001-01-01 00:00+14:00' or met_at > '9999-12-31 23:59-12:00' "
        "or since < today() - 100000 years + 1 month or since > '9999-12-31' + 100000 weeks - 1 month"
    ),
    "parentheses": "(" * 5000 + "vip" + ")" * 5000,
}
BEYOND = {
    "characters": "staff = 1" + " " * limits.MAX_TEXT,
    "comparisons": " or ".join(["staff = 1"] * (limits.MAX_COMPARISONS + 1)),
    "list": f"staff in ({', '.join(map(str, range(limits.MAX_LIST + 1)))})",
    "operands": " * ".join(["score"] * (limits.MAX_OPERANDS + 1)) + " > 1",
    "digits": "credit < " + "9" * (limits.MAX_DIGITS + 1),
    "duration": f"since > today() - {limits.MAX_DURATION + 1} days",
    "links": f"parent.{LINK} > 1",
    "depth": "not " * (limits.MAX_DEPTH + 1) + "vip",
    "any": "any customers (" * (limits.MAX_ANY + 1) + "vip" + ")" * (limits.MAX_ANY + 1),
    "many parentheses": "(" * 100_000,
    "many parentheses that close": "(" * 100_000 + "vip" + ")" * 100_000,
    "many nots": "not " * 4_000 + "vip",
    "many signs": "-" * 19_000 + "1 = 1",
    "a long sum": "+".join(["1"] * 9_000) + " = 1",
    "many ands": " and ".join(["vip"] * 2_800),
    "nested any": "any customers (" * 1_300,
    "a long number": "9" * 19_000,
    "a long duration": "9" * 19_000 + " days",
    "many quotes": "'" * 19_999,
    "a long name": "a." * 9_999 + "a",
    "many texts": "'a' " * 4_000,
    "a page of spaces": " " * 20_000,
}
HOSTILE = [
    "name = 'a'; DROP TABLE crm_customer", "name = 'a' -- ", "name = 'a' /* */", "name = 'x' UNION SELECT 1",
    "1; SELECT 1",
    "name = '' or 1=1 --", "name.__class__ = 1", "__import__('os') = 1", "name = %s", "name = :name", "name = ?",
    "{name}", "${name}",
    "\x00", "name = '\x00'", "name = '\ud800'", "\ud800", "name = '\x1b[2J'", "\u202ename = 1", "\ufeffvip",
    "name\u0000 = 1",
    "any any any", "in in in", "not", "()", "(())", "''", "name = 'a\nb'", "today", "today()()",
    "1 days days", "me.team = 1",
    "any orders ()", "any orders (any)", "is empty", "name is", "name is not", "name not", "= = =", ". . .",
    "a..b = 1", ".a = 1", "a. = 1",
    "1 = 'a'", "true < false", "me < me", "me = my_team", "today() = now()", "today() = 1", "vip is empty is empty",
    "-'a' = 1",
    "'2026-01-01' + '2026-01-01' = 1", "1 day = 1 day", "1 day + 1 day > 2", "today() * 2 = 3",
    "met_at - met_at = 3", "-today() = 1",
    "tags contains 5", "5 contains '5'", "'a' contains 'a'", "me contains 'a'", "today() starts with '2'",
    "not not", "id.name = 1",
    "owner.team.name.x = 1", "any customer", "any parent", "subject = 1", "created_at > 1", "name in (name)",
    "𝓷𝓪𝓶𝓮 = 1", "name = 1e5",
]  # fmt: skip


@pytest.mark.parametrize("name", AT_THE_LIMIT)
def test_a_condition_at_a_limit_runs_on_the_database(connection: Connection, name: str) -> None:
    world = World({"customer": [{"id": 1, "staff": 1, "vip": True, "score": 1.0, "since": TODAY, "met_at": NOW}]})
    world.store(connection)
    condition = compiled(AT_THE_LIMIT[name])

    assert world.chosen_in_sql(connection, condition) == world.chosen_in_python(condition)


@pytest.mark.parametrize("name", BEYOND)
def test_a_text_beyond_a_limit_is_refused_quickly(name: str) -> None:
    started = time.process_time()
    with pytest.raises(ConditionError):
        compiled(BEYOND[name])

    assert time.process_time() - started < 5  # seconds; a quadratic reading would take minutes


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_is_a_condition_error(text: str) -> None:
    with pytest.raises(ConditionError):
        compiled(text)


WORDS = st.sampled_from(
    [
        "name", "staff", "orders", "any", "not", "and", "or", "(", ")", "=", "<", "'", "'a'", "1", "-", "/", "today()",
        "90 days", "me", "in", ",", "between", "is", "empty", "contains", "starts", "with", "parent.", "（", "客户",
        "\n", "\t", "0", "true", "met_at", "since",
    ]
)  # fmt: skip


@given(st.text(max_size=60) | st.lists(WORDS, max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
@example("(" * 900)
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    try:
        condition = compiled(text)
    except ConditionError:
        return
    assert parse(unparse(parse(text))) == parse(text)
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        condition.sql(TABLES["customer"], World({}).sql()).compile(dialect=dialect)


@given(st.text(max_size=30))
def test_any_text_is_an_order_or_a_condition_error(text: str) -> None:
    try:
        order = compile_order(text, scope())
    except ConditionError:
        return
    assert order.keys[-1].field.name == "id" or "id" in text


def test_no_value_of_a_condition_is_written_into_the_statement() -> None:
    text = (
        "name = 'secret1' or name contains 'secret2' or name starts with 'secret3' or region in ('East') or vip = true "
        "or staff > 71717 or staff * 72727 > 73737 or since < '2027-07-17' or met_at >= '2028-08-18' or owner = 74747 "
        "or any activities (subject in ('order:75757') and about not in ('secret5')) or tags contains 'secret4' "
        "or credit / 76767 > score"
    )
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        statement = str(compiled(text).sql(TABLES["customer"], World({}).sql()).compile(dialect=dialect))
        for value in ("secret", "East", "2027", "2028", "order'", *(f"7{n}7{n}7" for n in range(1, 7))):
            assert value not in statement


def test_quotes_and_wildcards_are_only_characters(connection: Connection) -> None:
    name = "'; DROP TABLE crm_customer; --%_\\\""
    world = World({"customer": [{"id": 1, "name": name}, {"id": 2, "name": "other"}]})
    world.store(connection)
    quoted = name.replace("'", "''")
    for text in (
        f"name = '{quoted}'",
        f"name contains '{quoted}'",
        f"name starts with '{quoted}'",
        "name contains '%_'",
    ):
        assert world.chosen_in_sql(connection, compiled(text)) == [1]


@pytest.mark.parametrize(
    "text", ["n" * 5_000 + " = 1", "n" * 5_000 + "()", "kind" + "9" * 5_000, f"region = '{'n' * 5_000}'"]
)
def test_a_mistake_repeats_no_more_of_a_text_than_fits_on_a_screen(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        compiled(text)

    assert len(str(caught.value)) < 1_000
