"""Calculations: what they are read as, what they give on both databases and in Python, and how they are rounded."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from attrs import evolve
from conditions_at_random import random_calculation, random_world
from conditions_world import METRICS, TABLES, TODAY, World, scope
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crmcore.conditions import Expression, Use, compile_expression, limits, parse, unparse
from crmcore.errors import ConditionError
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from sqlalchemy import Connection

CALCULATIONS_PER_WORLD = 25
KINDS = {Kind.DATE: (Kind.DATE,)}
NUMBERS = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)


def compiled(text: str, entity: str = "customer", kind: Kind | None = None) -> Expression:
    return compile_expression(text, scope(entity, metrics=METRICS if entity == "customer" else {}), Use.SCORING, kind)


def mistake(text: str, kind: Kind | None = None, use: Use = Use.SCORING) -> ConditionError:
    with pytest.raises(ConditionError) as caught:
        compile_expression(text, scope(metrics=METRICS), use, kind)
    return caught.value


def in_sql(connection: Connection, world: World, expression: Expression) -> dict[int, Any]:
    table = TABLES[expression.entity]
    value = expression.sql(table, world.sql()).label("value")
    rows = connection.execute(select(table.c.id, value).where(table.c.deleted_at.is_(None)))
    found: dict[int, Any] = {row[0]: row[1] for row in rows}
    if expression.kind is Kind.MONEY:
        return {id: None if units is None else Decimal(units).scaleb(-4) for id, units in found.items()}
    return found


def in_python(world: World, expression: Expression) -> dict[int, Any]:
    context = world.python()
    rows = world.live(expression.entity)
    if expression.entity == "customer":
        rows = [world.with_metrics(row) for row in rows]
    return {row["id"]: expression.evaluate(row, context) for row in rows}


@given(seed=st.integers(0, 2**48))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_calculates_what_python_calculates(connection: Connection, seed: int) -> None:
    r = Random(seed)
    world = random_world(r)
    connection.rollback()
    world.store(connection)
    for _ in range(CALCULATIONS_PER_WORLD):
        entity = r.choice(("customer", "customer", "order"))
        node = random_calculation(r, entity)
        natural = compiled(unparse(node), entity)
        kind = r.choice(KINDS.get(natural.kind, NUMBERS))
        expression = compiled(unparse(node), entity, kind)

        assert (unparse(node), kind, in_sql(connection, world, expression)) == (
            unparse(node),
            kind,
            in_python(world, expression),
        )


def test_a_calculation_that_is_printed_and_read_again_is_the_same() -> None:
    for seed in range(300):
        node = random_calculation(Random(seed), "customer")

        assert parse(unparse(node)) == node


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("staff", Kind.INTEGER),
        ("-staff", Kind.NUMBER),
        ("score", Kind.NUMBER),
        ("credit", Kind.MONEY),
        ("abc.revenue", Kind.MONEY),
        ("abc.revenue - credit", Kind.NUMBER),
        ("parent.revenue", Kind.MONEY),
        ("until - since", Kind.INTEGER),
        ("today() - since", Kind.INTEGER),
        ("since + 2 weeks", Kind.DATE),
        ("last_order", Kind.DATE),
        ("3", Kind.NUMBER),
        ("id", Kind.INTEGER),
    ],
)
def test_a_calculation_has_a_kind(text: str, kind: Kind) -> None:
    assert compiled(text).kind is kind


def test_a_calculation_knows_what_it_reads() -> None:
    found = compiled("abc.revenue - parent.credit * 2")

    assert found.fields == {("customer", "parent"), ("customer", "credit")}
    assert (found.metrics, found.entity, found.text) == ({"abc.revenue"}, "customer", "abc.revenue - parent.credit * 2")


ROW = {
    "id": 1, "staff": 7, "score": 2.5, "credit": Decimal("0.3"), "revenue": Decimal("1000.0001"),
    "since": dt.date(2026, 1, 31), "until": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        # Halves go to the even neighbour, on both sides of zero.
        ("score", Kind.INTEGER, 2),
        ("score + 1", Kind.INTEGER, 4),
        ("-score", Kind.INTEGER, -2),
        ("-score - 1", Kind.INTEGER, -4),
        ("staff / 100000 - 0.00002", Kind.MONEY, Decimal("0")),  # 0.00005
        ("staff / 100000 + 0.00008", Kind.MONEY, Decimal("0.0002")),  # 0.00015
        ("0.00005", Kind.MONEY, Decimal("0")),
        ("0.00015", Kind.MONEY, Decimal("0.0002")),
        ("2.5", Kind.INTEGER, 2),
        ("3.5", Kind.INTEGER, 4),
        # Amounts are what they look like.
        ("credit + 0.1 + 0.2", Kind.MONEY, Decimal("0.6")),
        ("revenue - credit", Kind.MONEY, Decimal("999.7001")),
        ("revenue * 0.15", Kind.MONEY, Decimal("150")),  # 150.000015
        ("staff", Kind.MONEY, Decimal(7)),
        ("revenue", Kind.INTEGER, 1000),
        ("revenue", Kind.NUMBER, 1000.0001),
        ("staff", Kind.NUMBER, 7.0),
        # What a kind cannot hold is empty.
        ("staff * 9007199254740991", Kind.INTEGER, None),
        ("staff * 99999999999999", Kind.MONEY, None),
        ("99999999999999", Kind.MONEY, Decimal("99999999999999")),
        ("100000000000000", Kind.MONEY, None),
        ("9007199254740992", Kind.INTEGER, None),
        ("since - 100000 weeks - 100000 weeks", Kind.DATE, None),
        ("today() + 100000 weeks + 100000 weeks + 100000 weeks + 100000 weeks + 100000 weeks", Kind.DATE, None),
        # Empty values, and division by zero.
        ("until - since", Kind.INTEGER, None),
        ("until + 3 days", Kind.DATE, None),
        ("staff / (score - 2.5)", Kind.NUMBER, None),
        ("branches + 1", Kind.INTEGER, None),
        # Days.
        ("since + 1 day", Kind.DATE, dt.date(2026, 2, 1)),
        ("since", Kind.DATE, dt.date(2026, 1, 31)),
        ("today() - since", Kind.INTEGER, (TODAY - dt.date(2026, 1, 31)).days),
        ("today() + 3 months", Kind.DATE, dt.date(2027, 2, 28)),
        ("today() - since", Kind.MONEY, Decimal((TODAY - dt.date(2026, 1, 31)).days)),
    ],
)
def test_results_worked_out_by_hand(connection: Connection, text: str, kind: Kind, value: object) -> None:
    world = World({"customer": [ROW]})
    world.store(connection)
    expression = compiled(text, kind=kind)

    assert in_python(world, expression) == {1: value}
    assert in_sql(connection, world, expression) == {1: value}


def test_large_whole_numbers_become_amounts_exactly(connection: Connection) -> None:
    rows = [{"id": 1, "staff": 12345678901235}, {"id": 2, "staff": 2**53 - 1}, {"id": 3, "staff": -99999999999999}]
    world = World({"customer": rows})
    world.store(connection)
    expression = compiled("staff", kind=Kind.MONEY)
    exact = {1: Decimal(12345678901235), 2: None, 3: Decimal(-99999999999999)}

    assert in_sql(connection, world, expression) == in_python(world, expression) == exact


def test_it_explains_itself_with_what_it_looked_at() -> None:
    expression = compiled("(revenue - credit) / staff + (today() - since) + staff")

    assert expression.explain(ROW, World({}).python()) == (
        ("revenue", Decimal("1000.0001")),
        ("credit", Decimal("0.3")),
        ("staff", 7),
        ("today()", TODAY),
        ("since", dt.date(2026, 1, 31)),
    )


def test_today_is_the_day_of_the_context(connection: Connection) -> None:
    world = World({"customer": [ROW]}, {**World({}).view, "today": dt.date(2026, 2, 1)})
    world.store(connection)

    assert in_sql(connection, world, compiled("today() - since")) == {1: 1}


MISTAKES = {
    "revenue - credt": """customer has neither a field nor a metric credt
  revenue - credt
            ^^^^^
Did you mean credit?""",
    "region": """a number or a date is expected, and this is text
  region
  ^^^^^^""",
    "met_at": """a number or a date is expected, and this is an instant
  met_at
  ^^^^^^""",
    "me": """a number or a date is expected, and this is a reference to user
  me
  ^^""",
    "revenue > 1": """a condition stands where a value is expected
  revenue > 1
  ^^^^^^^^^^^""",
    "revenue -": """the text ends too early
  revenue -
           ^
Complete it, or remove the last word.""",
    "since * 2": """a date is not a number
  since * 2
  ^^^^^
Add a duration to a date: + 3 days. Two dates can only be subtracted.""",
    "客户名称 + 1": """customer has neither a field nor a metric 客户名称
  客户名称 + 1
  ^^^^^^^^
The field with that title is called name.""",
}


@pytest.mark.parametrize(("text", "shown"), MISTAKES.items())
def test_a_mistake_is_shown_with_its_place(text: str, shown: str) -> None:
    assert str(mistake(text)) == shown


def test_a_result_of_the_wrong_kind_is_a_mistake() -> None:
    assert str(mistake("since", Kind.MONEY)) == "a date is no number\n  since\n  ^^^^^"
    assert str(mistake("staff * 2", Kind.DATE)) == "a number is no date\n  staff * 2\n  ^^^^^^^^^"
    assert str(mistake(" ")).splitlines()[::3] == ["the calculation is empty", "Write for instance: amount * 0.1"]


def test_metrics_are_for_scoring() -> None:
    assert "the metric abc.revenue cannot be used here" in str(mistake("abc.revenue", use=Use.FILTER))


LINK = "parent.parent.parent.parent.score"
AT_THE_LIMIT = {
    "operands": " * ".join(["score"] * limits.MAX_OPERANDS),
    "divisions": " / ".join([LINK] * limits.MAX_OPERANDS),
    "depth": "staff / (" * limits.MAX_DEPTH + LINK + ")" * limits.MAX_DEPTH,
    "duration": f"since{f' + {limits.MAX_DURATION} weeks' * 14}",
    "constants": " * ".join(["9" * limits.MAX_DIGITS] * limits.MAX_OPERANDS),
}


@pytest.mark.parametrize("text", AT_THE_LIMIT.values(), ids=AT_THE_LIMIT)
def test_whatever_is_within_the_limits_runs(connection: Connection, text: str) -> None:
    huge = {"id": 1, "score": 2.0**53, "staff": 2**53 - 1, "since": dt.date.max, "parent": 1}
    world = World({"customer": [huge, {**huge, "id": 2, "score": 2.0**-53, "since": dt.date.min}]})
    world.store(connection)
    natural = compiled(text)
    for kind in KINDS.get(natural.kind, NUMBERS):
        expression = evolve(natural, kind=kind)
        assert in_sql(connection, world, expression) == in_python(world, expression)


def test_beyond_the_limits_is_a_mistake() -> None:
    assert "more than 16 values" in str(mistake(" + ".join(["staff"] * 17)))
    assert "nested more than 8 levels" in str(mistake("staff / (" * 9 + "score" + ")" * 9))
