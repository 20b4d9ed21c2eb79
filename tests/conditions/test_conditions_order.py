"""Orders: what sorts where, and that pages put together are the whole list."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from functools import cmp_to_key
from random import Random
from typing import Any

import pytest
from conditions_at_random import random_world
from conditions_world import ENTITIES, TABLES, Row, World, scope
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from crmcore.conditions import Order, compile_order
from crmcore.errors import ConditionError, UsageError
from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.values import fold

SORTABLE = [n for n, f in ENTITIES["customer"].fields.items() if f.kind is not Kind.JSON] + ["id"]


def pages(connection: Connection, order: Order, size: int) -> list[list[int]]:
    table = TABLES["customer"]
    chosen = select(table).where(table.c.deleted_at.is_(None)).order_by(*order.sql(table)).limit(size)
    found, after = [], None
    while True:
        rows = connection.execute(chosen if after is None else chosen.where(order.after(table, after))).mappings().all()
        if not rows:
            return found
        found.append([row["id"] for row in rows])
        after = json.loads(json.dumps(order.key(rows[-1])))


def sorted_in_python(rows: list[Row], text: str) -> list[int]:
    def compare(left: Row, right: Row) -> int:
        for name in [*filter(None, text.split(", ")), "id"]:
            field = ENTITIES["customer"].fields.get(name.lstrip("-")) or SYSTEM_FIELDS["id"]
            a, b = (fold(v) if field.folded and v is not None else v for v in (left[field.name], right[field.name]))
            if a != b:
                if a is None or b is None:
                    return 1 if a is None else -1
                return (1 if a > b else -1) * (-1 if name.startswith("-") else 1)
        return 0

    return [row["id"] for row in sorted(rows, key=cmp_to_key(compare))]


@given(
    seed=st.integers(0, 2**48),
    names=st.lists(st.sampled_from(SORTABLE), max_size=3, unique=True),
    directions=st.lists(st.sampled_from(["", "-"]), min_size=3, max_size=3),
    size=st.integers(1, 5),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pages_put_together_are_the_list_that_python_sorts(
    connection: Connection, seed: int, names: list[str], directions: list[str], size: int
) -> None:
    connection.rollback()
    world = random_world(Random(seed))
    world.store(connection)
    text = ", ".join(direction + name for direction, name in zip(directions, names, strict=False))
    found = pages(connection, compile_order(text, scope()), size)

    assert [id for page in found for id in page] == sorted_in_python(world.live("customer"), text)
    assert all(len(page) == size for page in found[:-1])


def test_empty_values_come_last_in_both_directions(connection: Connection) -> None:
    world = World(
        {"customer": [{"id": 1}, {"id": 2, "credit": Decimal(5)}, {"id": 3, "credit": Decimal(7)}, {"id": 4}]}
    )
    world.store(connection)

    assert pages(connection, compile_order("credit", scope()), 10) == [[2, 3, 1, 4]]
    assert pages(connection, compile_order("-credit", scope()), 10) == [[3, 2, 1, 4]]
    assert pages(connection, compile_order("-credit, -id", scope()), 10) == [[3, 2, 4, 1]]


def test_text_is_sorted_case_folded_by_code_point(connection: Connection) -> None:
    names = ["Zebra", "apple", "_x", "Äpfel", "电子", "Banana", "ａｐｐｌｅ ２"]
    World({"customer": [{"id": n, "name": name} for n, name in enumerate(names, 1)]}).store(connection)

    assert pages(connection, compile_order("name", scope()), 3) == [[3, 2, 7], [6, 1, 4], [5]]


def test_an_order_is_finished_by_the_id_and_written_plainly() -> None:
    order = compile_order(" - credit ,name", scope())

    assert order.text == "-credit, name, id"
    assert order.names == ("credit", "name", "id")
    assert compile_order("", scope()).text == "id"
    assert compile_order("-id, name", scope()).text == "-id, name"


def test_a_key_holds_what_json_can_carry() -> None:
    order = compile_order("name, -credit, since, met_at, vip, staff, owner", scope())
    row: dict[str, Any] = {
        "id": 7, "name": "ＡＢＣ", "credit": Decimal("1.5"), "since": dt.date(2026, 1, 31), "vip": True,
        "staff": None, "owner": 3,
        "met_at": dt.datetime(2026, 1, 31, 8, tzinfo=dt.timezone(dt.timedelta(hours=8))),
    }  # fmt: skip

    assert order.key(row) == ("abc", 15000, "2026-01-31", "2026-01-31T00:00:00+00:00", True, None, 3, 7)


BAD_KEYS = [
    [], [1], [1, 2, 3, 4], None, 5, ["a", 1], [1, "a", 3], ["a", "2026-01-31", None], ["a", "31.1.2026", 1],
    ["a", None, True],
    ["a\0", None, 1], ["\ud800", None, 1], ["a", None, 2**63], ["a", 5, 1], [{}, None, 1], "abc",
]  # fmt: skip


@pytest.mark.parametrize("key", BAD_KEYS)
def test_a_key_of_another_order_is_refused(key: Any) -> None:
    order = compile_order("name, since", scope())
    with pytest.raises(UsageError, match="this is no place in a list ordered by name, since, id"):
        order.after(TABLES["customer"], key)


@pytest.mark.parametrize(
    ("text", "reason", "hint"),
    [
        ("nam", "customer has no field nam", "Did you mean name?"),
        (
            "name desc",
            "a comma is expected here",
            "Separate fields by commas; a minus before the name means descending: -name.",
        ),
        ("name, -name", "name is named twice", None),
        ("tags", "tags has no order", None),
        ("owner.login", "a list can only be ordered by the entity's own fields", None),
        ("name,,staff", "a field is expected here", "Write for instance: -amount, name"),
        ("name,", "a field is expected here", "Write for instance: -amount, name"),
        ("deleted_at", "customer has no field deleted_at", "Deleted and merged records are left out everywhere."),
        ("name; drop", "a comma is expected here", None),
        (",".join(SORTABLE[:9]), "more than 8 fields in one order", None),
    ],
)
def test_an_order_that_cannot_be_meant_is_refused(text: str, reason: str, hint: str | None) -> None:
    with pytest.raises(ConditionError) as caught:
        compile_order(text, scope())

    assert caught.value.reason == reason
    assert hint is None or caught.value.hint == hint


def test_a_reference_to_any_record_has_no_order() -> None:
    with pytest.raises(ConditionError, match="subject has no order"):
        compile_order("subject", scope("activity"))
