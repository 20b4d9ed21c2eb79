"""Record classes made from entities."""

from __future__ import annotations

import copy
import datetime as dt
import pickle
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.schema.model import SYSTEM_FIELDS, Entity, Field, Kind
from crmcore.schema.records import Record, record_class
from crmcore.types import HIDDEN, Ref

NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)


def entity_of(name: str = "order_line", **kinds: Kind) -> Entity:
    fields = {field: Field(name=field, kind=kind) for field, kind in kinds.items()}
    return Entity(name=name, plural=f"{name}s", schema={}, fields=fields)


ORDER = entity_of(
    name="order",
    number=Kind.TEXT,
    amount=Kind.MONEY,
    day=Kind.DATE,
    customer=Kind.REF,
    about=Kind.ANY_REF,
    tags=Kind.JSON,
    paid=Kind.BOOLEAN,
    share=Kind.NUMBER,
)
Order = record_class(ORDER)
FULL = Order(
    id=42, version=3, created_at=NOON, number="A-1", amount=Decimal("12.5"), day=dt.date(2026, 11, 21), customer=7,
    about=Ref("customer", 7), tags=["a"], paid=False, share=0.5,
)  # fmt: skip


def test_the_class_is_named_after_the_entity_and_takes_system_fields_first() -> None:
    assert record_class(entity_of(amount=Kind.MONEY)).__name__ == "OrderLine"
    values = [None] * len(SYSTEM_FIELDS)
    values[0] = 42

    record = Order(*values, "A-1")

    assert (record["id"], record["number"], record["amount"]) == (42, "A-1", None)
    assert isinstance(record, Record)


def test_a_record_is_frozen_and_slotted() -> None:
    record: Any = FULL

    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.number = "B"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        record.other = 1
    assert not hasattr(record, "__dict__")


def test_a_record_knows_its_entity_and_its_reference() -> None:
    assert (FULL.entity, Order.entity, FULL.ref) == ("order", "order", Ref("order", 42))


def test_the_json_form_has_system_fields_first_and_leaves_empties_out() -> None:
    assert list(FULL.as_json().items()) == [
        ("id", 42),
        ("version", 3),
        ("created_at", "2026-11-21T12:00:00Z"),
        ("number", "A-1"),
        ("amount", "12.50"),
        ("day", "2026-11-21"),
        ("customer", 7),
        ("about", "customer:7"),
        ("tags", ["a"]),
        ("paid", False),
        ("share", 0.5),
    ]


def test_the_json_form_is_a_copy() -> None:
    FULL.as_json()["tags"].append("b")

    assert FULL["tags"] == ["a"]


def test_a_record_comes_back_from_its_json_form() -> None:
    assert Order.from_json(FULL.as_json()) == FULL
    assert Order.from_json({"id": 1, "number": None})["number"] is None
    with pytest.raises(KeyError):
        Order.from_json({"nmuber": "A-1"})


def test_only_filled_fields_are_shown() -> None:
    assert repr(Order(id=1, number="A-1", paid=False)) == "Order(id=1, number='A-1', paid=False)"


def test_a_hidden_value_is_falsy_shown_as_hidden_and_not_written() -> None:
    record = Order(id=1, number=HIDDEN)

    assert not record["number"]
    assert repr(record) == "Order(id=1, number=<hidden>)"
    assert record.as_json() == {"id": 1}
    assert str(HIDDEN) == "<hidden>"
    assert pickle.loads(pickle.dumps(HIDDEN)) is copy.deepcopy(HIDDEN) is copy.copy(HIDDEN) is HIDDEN


def test_records_are_equal_when_every_value_is_and_can_be_kept_in_sets() -> None:
    same = Order.from_json(FULL.as_json())
    other = attrs.evolve(FULL, number="A-2")

    assert FULL == same != other
    assert len({FULL, same, other}) == 2
    assert record_class(entity_of(name="offer", number=Kind.TEXT))(id=1) != Order(id=1)


def test_a_record_can_be_pickled_and_copied() -> None:
    assert pickle.loads(pickle.dumps(FULL)) == FULL
    assert copy.deepcopy(FULL) == FULL
    assert type(pickle.loads(pickle.dumps(FULL))) is Order


def test_entities_with_the_same_fields_share_a_class_and_others_do_not() -> None:
    assert record_class(entity_of(a=Kind.TEXT)) is record_class(entity_of(a=Kind.TEXT))
    assert record_class(entity_of(a=Kind.TEXT)) is not record_class(entity_of(a=Kind.INTEGER))


@pytest.mark.parametrize("name", ["from", "class", "self", "ref", "entity", "as_json", "from_json"])
def test_a_field_whose_name_is_taken_is_an_attribute_with_a_trailing_underscore(name: str) -> None:
    line = record_class(entity_of(**{name: Kind.DATE, "match": Kind.TEXT, "type": Kind.TEXT}))

    record = line(id=1, match="m", type="t", **{f"{name}_": dt.date(2026, 1, 2)})

    assert record[name] == getattr(record, f"{name}_") == dt.date(2026, 1, 2)
    assert (record["match"], record["type"]) == ("m", "t")
    assert record.as_json() == {"id": 1, name: "2026-01-02", "match": "m", "type": "t"}
    assert line.from_json(record.as_json()) == record
    assert (record.entity, record.ref) == ("order_line", Ref("order_line", 1))
    assert pickle.loads(pickle.dumps(record)) == record


def test_any_name_of_the_dialect_can_be_a_field() -> None:
    names = [
        "attr_dict",
        "object",
        "args",
        "kwargs",
        "cls",
        "setattr",
        "hash",
        "str",
        "none",
        "attr",
        "values",
        "other",
    ]

    record = record_class(entity_of(**dict.fromkeys(names, Kind.TEXT)))(id=1, **dict.fromkeys(names, "x"))

    assert {name: record[name] for name in names} == dict.fromkeys(names, "x")
    assert record.ref == Ref("order_line", 1)


VALUES = {
    "number": st.text(min_size=1),
    "amount": st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**13), max_value=10**13),
    "day": st.dates(),
    "customer": st.integers(1, 2**53 - 1),
    "about": st.builds(Ref, st.sampled_from(["customer", "order_line"]), st.integers(1, 2**53 - 1)),
    "tags": st.lists(st.text(), min_size=1),
    "paid": st.booleans(),
    "share": st.floats(allow_nan=False, allow_infinity=False),
    "created_at": st.datetimes(min_value=dt.datetime(1, 1, 2), timezones=st.just(dt.UTC)),  # noqa: DTZ001
}


@given(st.fixed_dictionaries({"id": st.integers(1, 2**53 - 1)}, optional=VALUES))
def test_any_record_goes_into_json_and_back(values: dict[str, Any]) -> None:
    record = Order(**values)

    assert Order.from_json(record.as_json()) == record
    assert pickle.loads(pickle.dumps(record)) == record
