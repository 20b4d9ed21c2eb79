"""What a record's values may be, and how people are told what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmcore.i18n import speaking
from crmcore.schema.compose import compose
from crmcore.schema.documents import document_of
from crmcore.schema.validation import Validator

if TYPE_CHECKING:
    from crmcore.schema.model import Entity

USER = {"$schema": "urn:crmcore:entity:1", "type": "object", "properties": {"name": {"type": "string"}}}


def entity_with(properties: dict[str, Any], **more: Any) -> Entity:
    document = {"$schema": "urn:crmcore:entity:1", "type": "object", **more, "properties": properties}
    documents = [
        *document_of("user.schema.json", USER, "core")[0],
        *document_of("thing.schema.json", document, "core")[0],
    ]
    return compose(documents).entities["thing"]


def messages(schema: dict[str, Any], value: Any) -> list[str]:
    return [problem.message for problem in Validator(entity_with({"x": schema})).problems({"x": value})]


ORDER = entity_with(
    {
        "name": {"type": "string", "maxLength": 5},
        "status": {"type": "string", "enum": ["open", "paid"]},
        "amount": {"type": "string", "x-crm": {"money": True}},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 3}, "uniqueItems": True},
        "address": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
        "paid_at": {"type": "string", "format": "date-time"},
    },
    required=["name", "status"],
    dependentRequired={"amount": ["status"]},
    **{
        "if": {"properties": {"status": {"const": "paid"}}, "required": ["status"]},
        "then": {"required": ["paid_at"], "properties": {"name": {"minLength": 2}}},
    },
)


def test_a_valid_record_has_no_problems() -> None:
    validator = Validator(ORDER)
    values = {
        "name": "佛山",
        "status": "paid",
        "amount": "12.50",
        "paid_at": "2026-11-21T18:55:00Z",
        "tags": ["a", "b"],
    }

    assert validator.is_valid(values)
    assert validator.problems(values) == []


def test_all_problems_are_reported_each_with_field_value_and_keyword() -> None:
    values = {
        "name": "abcdef",
        "status": "payed",
        "amount": "12,5",
        "tags": ["a", "abcd", "a"],
        "address": {"town": "x"},
        "nam": 1,
    }

    problems = {(p.field, p.code, str(p.value)): p.message for p in Validator(ORDER).problems(values)}

    assert problems == {
        ("tags", "uniqueItems", "['a', 'abcd', 'a']"): '"tags" must not list an item twice; found ["a", "abcd", "a"]',
        ("name", "maxLength", "abcdef"): '"name" must have at most 5 characters; found 6',
        ("status", "enum", "payed"): '"status" must be one of: open, paid; found "payed" (did you mean "paid"?)',
        ("amount", "pattern", "12,5"): '"amount" must be an amount such as "1234.50"; found "12,5"',
        ("tags", "maxLength", "abcd"): '"tags[1]" must have at most 3 characters; found 4',
        ("address", "additionalProperties", "x"): '"address.town" is not known',
        ("nam", "additionalProperties", "1"): '"nam" is not known (did you mean "name"?)',
    }


def test_a_missing_field_is_named_whoever_asks_for_it() -> None:
    problems = Validator(ORDER).problems({"status": "paid", "amount": "1"})

    assert [(p.field, p.code, p.value, p.message) for p in problems] == [
        ("name", "required", None, '"name" is required'),
        ("paid_at", "required", None, '"paid_at" is required'),
    ]
    assert [p.message for p in Validator(ORDER).problems({"name": "a", "amount": "1"})] == [
        '"status" is required',
        '"status" is required where "amount" is filled in',
    ]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"required": ["at"]}, '"due" or "at" is required'),
        ({"required": ["at"], "$comment": "It happened."}, '"due" or "at" is required'),
        ({"required": ["at", "who"]}, '"due" is required'),
        ({"required": ["at"], "properties": {"at": {"minLength": 2}}}, '"due" is required'),
    ],
)
def test_a_field_that_another_one_makes_up_for_is_named_with_it(condition: Any, message: str) -> None:
    properties = {name: {"type": "string", "maxLength": 9} for name in ("at", "due", "who")}
    rule = {"if": condition, "then": {"$comment": "Fine."}, "else": {"required": ["due"]}}
    (problem,) = Validator(entity_with(properties, **rule)).problems({"who": "Ada"})
    assert (problem.message, problem.field, problem.code) == (message, "due", "required")


def test_a_rule_of_the_entity_is_explained_like_a_rule_of_the_field() -> None:
    [problem] = Validator(ORDER).problems({"name": "a", "status": "paid", "paid_at": "2026-11-21T18:55:00Z"})

    assert (problem.field, problem.code) == ("name", "minLength")
    assert problem.message == '"name" must have at least 2 characters; found 1'


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 5, '"x" must be text; found 5'),
        ({"type": "integer"}, "5", '"x" must be an integer; found "5"'),
        ({"type": "integer"}, True, '"x" must be an integer; found true'),
        ({"type": "integer"}, 2**53, '"x" must be at most 9007199254740991; found 9007199254740992'),
        ({"type": "number"}, None, '"x" must be a number; found null'),
        ({"type": "boolean"}, 0, '"x" must be true or false; found 0'),
        ({"type": "array"}, {}, '"x" must be a list; found {}'),
        ({"type": "object"}, [], '"x" must be an object; found []'),
        ({"type": "integer", "minimum": 5}, 4, '"x" must be at least 5; found 4'),
        ({"type": "integer", "maximum": 5}, 6, '"x" must be at most 5; found 6'),
        ({"type": "number", "exclusiveMinimum": 0}, 0.0, '"x" must be more than 0; found 0.0'),
        ({"type": "number", "exclusiveMaximum": 1.5}, 1.5, '"x" must be less than 1.5; found 1.5'),
        ({"type": "integer", "multipleOf": 5}, 4, '"x" must be a multiple of 5; found 4'),
        ({"type": "string", "minLength": 2}, "𠮷", '"x" must have at least 2 characters; found 1'),
        ({"type": "string", "maxLength": 1}, "ab", '"x" must have at most 1 character; found 2'),
        ({"type": "string", "pattern": "^a$"}, "a\n", '"x" must match the pattern ^a$; found "a\\n"'),
        ({"type": "string", "const": "a"}, "b", '"x" must be "a"; found "b"'),
        ({"type": "array", "minItems": 1}, [], '"x" must have at least 1 item; found 0'),
        ({"type": "array", "maxItems": 1}, [1, 2], '"x" must have at most 1 item; found 2'),
        ({"type": "array", "uniqueItems": True}, [1, 1.0], '"x" must not list an item twice; found [1, 1.0]'),
        ({"type": "object", "required": ["a"]}, {}, '"x.a" is required'),
        ({"type": "string", "format": "date"}, "2026-2-29", '"x" must be a date such as 2026-11-21; found "2026-2-29"'),
        (
            {"type": "string", "format": "date-time"},
            "2026-02-28",
            '"x" must be an instant such as 2026-11-21T18:55:00Z; found "2026-02-28"',
        ),
        ({"type": "string", "format": "time"}, "25:00:00Z", '"x" must be a time such as 18:55:00Z; found "25:00:00Z"'),
        ({"type": "string", "format": "email"}, "@", '"x" must be a mail address such as name@example.com; found "@"'),
        ({"type": "string", "format": "uri"}, "x", '"x" must be a web address such as https://example.com; found "x"'),
        ({"type": "string", "format": "ipv4"}, "1.2.3", '"x" must be an IPv4 address such as 192.0.2.1; found "1.2.3"'),
        ({"type": "string", "x-crm": {"ref": "*"}}, "42", '"x" must be a reference such as customer:42; found "42"'),
        ({"type": "integer", "x-crm": {"ref": "user"}}, 0, '"x" must be at least 1; found 0'),
    ],
)  # fmt: skip
def test_each_keyword_says_what_it_expects_and_what_it_found(schema: Any, value: Any, message: str) -> None:
    assert messages(schema, value) == [message]


@pytest.mark.parametrize("format_name", ["uuid", "ipv6", "hostname"])
def test_each_format_is_checked_and_shown_by_an_example(format_name: str) -> None:
    [message] = messages({"type": "string", "format": format_name}, "not one!")

    assert "such as" in message


def test_an_address_with_the_name_of_a_person_is_no_mail_address() -> None:
    assert messages({"type": "string", "format": "email"}, "Ada <ada@example.com>")
    assert messages({"type": "string", "format": "email"}, "ada@example.com") == []


def test_a_long_value_is_cut_in_the_message() -> None:
    [message] = messages({"type": "string", "pattern": "^b*$"}, "a" * 100_000)

    assert len(message) < 120


def test_a_pattern_takes_linear_time() -> None:
    assert messages({"type": "string", "pattern": "^(a|a)*(a|a)*b$"}, "a" * 50_000)


@pytest.mark.parametrize("value", ["\ud800", b"x", {1: 2}, object(), float("nan")])
def test_what_is_no_json_is_refused_with_a_problem_and_no_exception(value: Any) -> None:
    closed = {"type": "object", "additionalProperties": False}
    validator = Validator(entity_with({"x": {"type": "string", "pattern": "^a"}, "y": closed}))

    for values in ({"x": value}, {"y": value}):
        assert not validator.is_valid(values)
        assert validator.problems(values)


def test_the_problems_are_told_in_the_language_of_the_context() -> None:
    with speaking("de"):
        assert messages({"type": "string"}, 5) == ['"x" must be text; found 5']
