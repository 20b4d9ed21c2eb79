"""What a compiled condition tells about itself, and about one record."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from decimal import Decimal

from conditions_world import TABLES, TODAY, World, compiled, scope
from sqlalchemy.dialects import sqlite

from crmcore.conditions import Finding, Use, compile_condition, parse, unparse
from crmcore.schema.model import Entity, Field, Kind

WORLD = World({"user": [{"id": 1, "login": "wang"}], "order": [{"id": 1, "customer": 7, "amount": Decimal(5)}]})


def test_it_names_every_field_that_it_reads() -> None:
    condition = compiled("owner.team.name = 'a' and any orders (amount > 1) and id > 3 and not staff is empty")

    assert condition.fields == {
        ("customer", "owner"), ("user", "team"), ("team", "name"), ("order", "customer"), ("order", "amount"),
        ("customer", "id"),
        ("customer", "staff"),
    }  # fmt: skip
    assert condition.entity == "customer"


def test_it_names_its_metrics_as_the_text_does() -> None:
    assert compiled("orders_count > 3 or abc.revenue > 1000").metrics == {"orders_count", "abc.revenue"}
    assert compiled("staff > 3").metrics == frozenset()


def test_a_field_wins_over_a_metric_of_the_same_name() -> None:
    condition = compile_condition("staff > 3", scope(metrics={"staff": Kind.INTEGER}), Use.SCORING)

    assert (condition.fields, condition.metrics) == ({("customer", "staff")}, frozenset())


def test_it_explains_each_comparison_with_the_values_it_saw() -> None:
    condition = compiled(
        "owner.login != 'li' and not (staff * branches > 5 or since < today() - 90 days) or any orders (amount > 1)"
    )
    values = {"id": 7, "owner": 1, "staff": 2, "branches": 4, "since": None}

    assert condition.explain(values, WORLD.python()) == (
        Finding("owner.login != 'li'", held=True, inputs=(("owner.login", "wang"),)),
        Finding("staff * branches > 5", held=True, inputs=(("staff", 2), ("branches", 4))),
        Finding("since < today() - 90 days", held=False, inputs=(("since", None), ("today()", TODAY))),
        Finding("any orders (amount > 1)", held=True, inputs=()),
    )


def test_between_and_the_negated_forms_are_one_comparison() -> None:
    condition = compiled("staff between 1 and 3 and region not in ('East')")

    assert [finding.text for finding in condition.explain({"id": 1}, WORLD.python())] == [
        "staff between 1 and 3",
        "region not in ('East')",
    ]


def test_fields_named_like_keywords_can_be_used() -> None:
    names = (
        "empty",
        "contains",
        "starts",
        "with",
        "is",
        "in",
        "between",
        "today",
        "now",
        "days",
        "and_more",
        "or_else",
    )
    entity = Entity(name="odd", plural="odds", fields={n: Field(name=n, kind=Kind.INTEGER) for n in names}, schema={})
    for name in names:
        text = f"{name} = 1 and {name} is not empty and {name} in (1) and not {name} between 1 and 2"

        assert unparse(parse(text)) == text
        assert compile_condition(text, type(scope())(entity, {"odd": entity}), Use.FILTER).fields == {("odd", name)}


def test_positive_comparisons_are_left_to_indexes() -> None:
    condition = compiled("staff > 3 and name starts with 'ab' and not region = 'East'").sql(
        TABLES["customer"], WORLD.sql()
    )

    assert str(condition.compile(dialect=sqlite.dialect())).replace("crm_customer.", "") == (
        "staff > ? AND name__folded >= ? AND name__folded < ? AND (region != ? OR region IS NULL)"
    )


def test_a_date_and_the_days_added_to_it_become_one_bound() -> None:
    statement = (
        compiled("since + 30 days < today()").sql(TABLES["customer"], WORLD.sql()).compile(dialect=sqlite.dialect())
    )

    assert str(statement) == "crm_customer.since < ?"
    assert statement.params == {"param_1": TODAY - dt.timedelta(days=30)}


def test_printing_writes_the_fewest_parentheses() -> None:
    for written, printed in {
        "((a = 1) and ((b = 2)))": "a = 1 and b = 2",
        "a=1 or (b=2 and c=3)": "a = 1 or b = 2 and c = 3",
        "(a=1 or b=2) and c=3": "(a = 1 or b = 2) and c = 3",
        "NOT (a = 1) AND NOT (a=1 OR b=2)": "not a = 1 and not (a = 1 or b = 2)",
        "a - (b - c) - d = (1 * 2) / (3 * 4)": "a - (b - c) - d = 1 * 2 / (3 * 4)",
        '-(-a) = --1 and x = "it\'s"': "--a = --1 and x = 'it''s'",
        "x > today()-1 DAY": "x > today() - 1 day",
        "a not  in(1,2) and b is  NOT empty": "a not in (1, 2) and b is not empty",
    }.items():
        assert unparse(parse(written)) == printed


def test_importing_conditions_loads_neither_lark_nor_sqlalchemy() -> None:
    code = (
        "import sys, crmcore.conditions; print([m for m in ('lark', 'sqlalchemy', 'jsonschema') if m in sys.modules])"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
