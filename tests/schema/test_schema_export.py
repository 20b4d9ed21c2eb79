"""Plain JSON Schema for others to use."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crmcore.schema.compose import compose
from crmcore.schema.documents import core_documents, document_of
from crmcore.schema.export import plain_schema
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.schema.records import record_class
from crmcore.types import Ref

ENTITIES = compose(core_documents()[0]).entities


def keywords(schema: Any) -> set[str]:
    if isinstance(schema, list):
        return set().union(*map(keywords, schema))
    if isinstance(schema, dict):
        return set(schema).union(*map(keywords, schema.values()))
    return set()


@pytest.mark.parametrize("name", sorted(ENTITIES))
def test_every_core_entity_exports_to_the_standard_and_says_nothing_of_ours(name: str) -> None:
    plain = plain_schema(ENTITIES[name])

    Draft202012Validator.check_schema(plain)
    assert plain["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert plain["$id"] == f"urn:crmcore:schema:{name}"
    assert plain["additionalProperties"] is False
    assert "x-crm" not in keywords(plain)
    assert json.loads(json.dumps(plain)) == plain
    assert list(plain["properties"])[: len(SYSTEM_FIELDS)] == list(SYSTEM_FIELDS)


def test_titles_are_in_the_language_that_was_asked_for() -> None:
    plain = plain_schema(ENTITIES["customer"], language="zh-CN")

    assert plain["title"] == "客户"
    assert plain["properties"]["name"]["title"] == "客户名称"
    assert plain["properties"]["id"]["title"] == "编号"


def test_what_people_cannot_write_is_read_only() -> None:
    properties = plain_schema(ENTITIES["customer"])["properties"]

    assert properties["id"]["readOnly"]
    assert "readOnly" not in properties["name"]


def test_money_and_references_are_written_out_in_standard_keywords() -> None:
    amount = plain_schema(ENTITIES["order"])["properties"]["amount"]
    customer = plain_schema(ENTITIES["order"])["properties"]["customer"]
    subject = plain_schema(ENTITIES["activity"])["properties"]["subject"]

    def admits(schema: Any, value: Any) -> bool:
        return Draft202012Validator(schema).is_valid(value)

    amounts = ("0.00", "-12.3456", "99999999999999", "1.", "01", "1.23456", "100000000000000", 5)
    assert [value for value in amounts if admits(amount, value)] == ["0.00", "-12.3456", "99999999999999"]
    assert [admits(customer, v) for v in (1, 0, "customer:1", 2**53)] == [True, False, False, False]
    assert [admits(subject, v) for v in ("customer:42", "customer:0", "42", "Customer:1")] == [
        True,
        False,
        False,
        False,
    ]


def test_what_a_record_gives_is_valid_under_what_the_entity_exports() -> None:
    properties = {
        "amount": {"type": "string", "x-crm": {"money": True}},
        "day": {"type": "string", "format": "date"},
        "about": {"type": "string", "x-crm": {"ref": "*"}},
        "score": {"type": "integer", "x-crm": {"computed_by": "abc"}},
        "tags": {"type": "array", "items": {"type": "string"}},
    }
    document = {"$schema": "urn:crmcore:entity:1", "type": "object", "required": ["day"], "properties": properties}
    box = compose(document_of("box.schema.json", document, "core")[0]).entities["box"]
    record = record_class(box)(
        id=1, version=2, created_at=dt.datetime(2026, 11, 21, tzinfo=dt.UTC), source="erp", amount=Decimal(5),
        day=dt.date(2026, 11, 21), about=Ref("box", 1), score=3, tags=["a"],
    )  # fmt: skip
    validator = Draft202012Validator(plain_schema(box), format_checker=Draft202012Validator.FORMAT_CHECKER)

    assert [error.message for error in validator.iter_errors(record.as_json())] == []
    assert [error.message for error in validator.iter_errors({**record.as_json(), "amount": "5,00"})] != []
    assert plain_schema(box)["properties"]["score"]["readOnly"]


def test_the_export_changes_nothing_in_the_entity() -> None:
    before = json.dumps(ENTITIES["order"].schema)

    plain = plain_schema(ENTITIES["order"])
    plain["properties"]["amount"].clear()
    plain["required"].clear()
    plain["properties"]["status"]["enum"].clear()

    assert json.dumps(ENTITIES["order"].schema) == before
