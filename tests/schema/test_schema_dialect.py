"""What a schema document may not say: the place, the reason and what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmcore.schema.dialect import check_document
from crmcore.schema.documents import core_documents, document_of
from crmcore.schema.patterns import pattern_fault

if TYPE_CHECKING:
    from crmcore.types import Problem

ENTITY = {"$schema": "urn:crmcore:entity:1", "type": "object"}
EXTENSION = {"$schema": "urn:crmcore:extension:1"}
NAME = {"type": "string"}


def problems_of(document: dict[str, Any], file_name: str = "thing.schema.json") -> list[Problem]:
    [read], _ = document_of(file_name, document, "abc")
    return check_document(read)


def entity(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {**ENTITY, **more, "properties": properties}


def problem_of_field(schema: Any) -> Problem:
    """Return the one problem of an entity with one field ``x``; its pointer starts below the field."""
    [problem] = problems_of(entity({"x": schema}))
    return problem


def test_every_core_entity_speaks_the_dialect() -> None:
    documents, _ = core_documents()

    assert [problem for document in documents for problem in check_document(document)] == []


def test_a_field_of_every_kind_is_admitted() -> None:
    properties = {
        "name": {"type": "string", "minLength": 1, "maxLength": 20, "pattern": "^[A-Z][a-z]*$", "default": "Ada"},
        "state": {"type": "string", "enum": ["a", "b"], "x-crm": {"open": True, "values": {"a": {"en": "A"}}}},
        "count": {"type": "integer", "minimum": -5, "maximum": 5, "multipleOf": 5},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 0.5},
        "agreed": {"type": "boolean", "default": False},
        "price": {"type": "string", "pattern": "^[0-9]", "default": "0", "x-crm": {"money": True}},
        "day": {"type": "string", "format": "date", "default": "2026-11-21"},
        "at": {"type": "string", "format": "date-time"},
        "customer": {"type": "integer", "x-crm": {"ref": "customer", "on_delete": "clear"}},
        "about": {"type": "string", "x-crm": {"ref": "*"}},
        "owner": {"type": "integer", "x-crm": {"ref": "user", "owner": True}},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 3},
        "address": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
            "default": {"city": "佛山"},
        },
    }  # fmt: skip

    assert problems_of(entity(properties)) == []


@pytest.mark.parametrize(
    ("schema", "pointer", "hint"),
    [
        ({"type": "string", "maxLenght": 5}, "/maxLenght", 'Did you mean "maxLength"?'),
        ({"type": "string", "x-crm": {"titels": {}}}, "/x-crm/titels", 'Did you mean "titles"?'),
        ({"type": "string", "x-crm": {"zebra": 1}}, "/x-crm/zebra", "Known here: ref, on_delete"),
        ({"type": "string", "x-cmr": {}}, "/x-cmr", 'Did you mean "x-crm"?'),
        ({"type": "string", "oneOf": []}, "/oneOf", "if, then and else"),
        ({"type": "string", "$ref": "#"}, "/$ref", "Write the schema out"),
        ({"type": "string", "nullable": True}, "/nullable", "leave the field out of required"),
        ({"type": "string", "readOnly": True}, "/readOnly", '"readonly": true in x-crm'),
    ],
)
def test_a_keyword_that_the_dialect_does_not_know_is_refused(schema: Any, pointer: str, hint: str) -> None:
    problem = problem_of_field(schema)

    assert problem.code == "unknown_keyword"
    assert problem.pointer == f"/properties/x{pointer}"
    assert hint in str(problem.hint)
    assert (problem.file, problem.plugin) == ("thing.schema.json", "abc")


@pytest.mark.parametrize(
    ("schema", "pointer", "hint"),
    [
        ({}, "", 'Write "type"'),
        ({"type": "strng"}, "/type", 'Write "string".'),
        ({"type": ["string", "null"]}, "/type", "Write one type; an empty field is absent"),
        ({"type": "string", "format": "datetime"}, "/format", 'Write "date-time".'),
        ({"type": "string", "format": "zzz"}, "/format", 'Write one of: "date", "date-time"'),
        ({"type": "string", "minimum": 5}, "/minimum", 'Leave it out, or write "type": "integer" or "number".'),
        ({"type": "integer", "maxLength": 5}, "/maxLength", 'Leave it out, or write "type": "string".'),
        ({"type": "integer", "enum": ["a"]}, "/enum", 'write "type": "string"'),
        ({"type": "string", "items": {"type": "string"}}, "/items", 'write "type": "array"'),
        ({"type": "array", "properties": {}}, "/properties", 'write "type": "object"'),
        ({"type": "number", "multipleOf": 5}, "/multipleOf", 'write "type": "integer"'),
        ({"type": "string", "enum": ["a"], "format": "date"}, "/enum", "Keep one of the two"),
        ({"type": "string", "enum": ["a"], "pattern": "^a$"}, "/enum", "Keep one of the two"),
        ({"type": "string", "x-crm": {"on_delete": "clear"}}, "/x-crm/on_delete", 'Write "ref", or leave'),
        ({"type": "string", "x-crm": {"titles": {"zh_CN": "x"}}}, "/x-crm/titles/zh_CN", '"zh-CN"'),
        (
            {"type": "integer", "x-crm": {"ref": "user", "on_delete": "cascade"}},
            "/x-crm/on_delete",
            '"restrict", "clear"',
        ),
        (
            {"type": "array", "items": {"type": "integer", "x-crm": {"ref": "customer"}}},
            "/items/x-crm",
            "entity of its own",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "string", "x-crm": {}}}},
            "/properties/a/x-crm",
            "entity of its own",
        ),
    ],
)
def test_a_keyword_in_the_wrong_place_is_refused_and_says_what_to_write(schema: Any, pointer: str, hint: str) -> None:
    problem = problem_of_field(schema)

    assert problem.pointer == f"/properties/x{pointer}"
    assert hint in str(problem.hint)


@pytest.mark.parametrize(
    ("schema", "pointer", "message"),
    [
        ({"type": "integer", "multipleOf": 2.5}, "/multipleOf", '"multipleOf" must be an integer; found 2.5'),
        ({"type": "integer", "maximum": 2**53}, "/maximum", "must be at most 9007199254740991"),
        ({"type": "integer", "minimum": -(2**53)}, "/minimum", "must be at least -9007199254740991"),
        ({"type": "integer", "minimum": 0.5}, "/minimum", '"minimum" must be an integer; found 0.5'),
        ({"type": "string", "maxLength": -1}, "/maxLength", "must be at least"),
        ({"type": "string", "maxLength": "5"}, "/maxLength", '"maxLength" must be an integer; found "5"'),
        ({"type": "string", "default": None}, "/default", "found null"),
        ({"type": "string", "enum": []}, "/enum", "must have at least 1 item"),
        ({"type": "string", "enum": ["a", "a"]}, "/enum", "must not list an item twice"),
        ({"type": "string", "enum": [""]}, "/enum/0", "must have at least 1 character"),
        ({"type": "string", "enum": ["a", " b"]}, "/enum/1", "white space"),
        ("string", "", '"x" must be an object; found "string"'),
        (True, "", '"x" must be an object; found true'),
        ({"type": "string", "x-crm": []}, "/x-crm", '"x-crm" must be an object; found []'),
        (
            {"type": "string", "minLength": 5, "maxLength": 4},
            "/minLength",
            'no value can have "minLength" 5 and "maxLength" 4',
        ),
        ({"type": "integer", "exclusiveMinimum": 5, "maximum": 5}, "/exclusiveMinimum", "no value can have"),
    ],
)
def test_a_keyword_with_a_value_that_it_cannot_have_is_refused(schema: Any, pointer: str, message: str) -> None:
    problem = problem_of_field(schema)

    assert problem.pointer == f"/properties/x{pointer}"
    assert message in problem.message


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "string", "maxLength": 3, "default": "abcd"}, "/default"),
        ({"type": "string", "enum": ["a"], "default": "b"}, "/default"),
        ({"type": "string", "default": ""}, "/default"),
        ({"type": "integer", "default": "5"}, "/default"),
        ({"type": "integer", "minimum": 5, "default": 4}, "/default"),
        ({"type": "string", "format": "date", "default": "2026-02-30"}, "/default"),
        ({"type": "string", "x-crm": {"money": True}, "default": "1,5"}, "/default"),
        ({"type": "string", "pattern": "^a", "examples": ["a", "b"]}, "/examples/1"),
        ({"type": "boolean", "const": 1}, "/const"),
        ({"type": "array", "items": {"type": "string", "maxLength": 1, "default": "ab"}}, "/items/default"),
    ],
)
def test_a_default_or_an_example_that_its_own_schema_refuses_is_refused(schema: Any, pointer: str) -> None:
    problem = problem_of_field(schema)

    assert problem.code == "default"
    assert problem.pointer == f"/properties/x{pointer}"
    assert "in its JSON form" in str(problem.hint)


@pytest.mark.parametrize(
    ("schema", "member"),
    [
        ({"type": "number", "x-crm": {"money": True}}, "money"),
        ({"type": "string", "maxLength": 5, "x-crm": {"money": True}}, "money"),
        ({"type": "string", "x-crm": {"ref": "customer"}}, "ref"),
        ({"type": "integer", "x-crm": {"ref": "*"}}, "ref"),
        ({"type": "integer", "minimum": 5, "x-crm": {"ref": "customer"}}, "ref"),
        ({"type": "integer", "x-crm": {"ref": "customer", "owner": True}}, "owner"),
        ({"type": "string", "x-crm": {"open": True}}, "open"),
        ({"type": "array", "x-crm": {"unique": True}}, "unique"),
        ({"type": "object", "x-crm": {"index": True}}, "index"),
        ({"type": "boolean", "x-crm": {"unique": True}}, "unique"),
        ({"type": "string", "x-crm": {"computed_by": "abc", "readonly": False}}, "computed_by"),
    ],
)
def test_a_member_of_x_crm_that_does_not_fit_the_field_is_refused(schema: Any, member: str) -> None:
    problem = problem_of_field(schema)

    assert problem.code == "x-crm"
    assert problem.pointer == f"/properties/x/x-crm/{member}"
    assert problem.hint


def test_titles_of_a_value_that_the_enum_does_not_have_are_refused() -> None:
    problem = problem_of_field({"type": "string", "enum": ["paid"], "x-crm": {"values": {"payed": {"en": "Paid"}}}})

    assert (problem.code, problem.pointer) == ("unknown_value", "/properties/x/x-crm/values/payed")
    assert problem.hint == 'Did you mean "paid"?'


@pytest.mark.parametrize("name", ["Name", "1st", "a__b", "a-b", "名称", "_a", "a_", "", "a" * 41])
def test_a_bad_name_of_a_field_is_refused(name: str) -> None:
    [problem] = problems_of(entity({name: NAME}))

    assert (problem.code, problem.pointer) == ("name", f"/properties/{name}")
    assert "lower-case letters" in str(problem.hint)


@pytest.mark.parametrize("name", ["id", "version", "created_at", "deleted_at", "external_id"])
@pytest.mark.parametrize("file_name", ["thing.schema.json", "thing.extend.json"])
def test_a_field_named_like_a_system_column_is_refused(name: str, file_name: str) -> None:
    head = EXTENSION if "extend" in file_name else ENTITY

    [problem] = problems_of({**head, "properties": {name: NAME}}, file_name)

    assert (problem.code, problem.pointer) == ("system_column", f"/properties/{name}")
    assert f"own_{name}" in str(problem.hint)


@pytest.mark.parametrize(
    ("pattern", "part", "hint"),
    [
        (r"^\d+$", r"\d", "[0-9]"),
        (r"\D", r"\D", "[^0-9]"),
        (r"a\w", r"\w", "[A-Za-z0-9_]"),
        (r"\W", r"\W", "[A-Za-z0-9_]"),
        (r"\s", r"\s", "[ \\t]"),
        (r"\S+", r"\S", "[ \\t]"),
        (r"[\d-]", r"[\d", "[0-9]"),
        (r"a\Z", r"\Z", "Write ^ or $"),
        (r"\p{Han}+", r"\p{Han}", "range of characters"),
        (r"\P{L}", r"\P{L}", "range of characters"),
        (r"\bcat", r"\b", "what a word is"),
        (r"(?=a)", "(?=", "looking ahead"),
        (r"(?!a)b", "(?!", "looking ahead"),
        (r"(?<=a)b", "(?<=", "looking ahead"),
        (r"(?<!a)b", "(?<!", "looking ahead"),
        (r"(a)\1", r"\1", "references to groups"),
        (r"(?P<year>a)", "(?P<year>", "Write (...)"),
        (r"(?<year>a)", "(?<year>", "Write (...)"),
        (r"(?i)a", "(?", "flags"),
        (r"a.c", ".", "[^\\n]"),
        (r"\u0041", r"\u", "write others as they are"),
        (r"a\-b", r"\-", "write others as they are"),
        ("\\", "\\", "write others as they are"),
        (r"a**", "**", "one of * + ?"),
        (r"a*+", "*+", "one of * + ?"),
        (r"a{2}{3}", "{", "one of * + ?"),
        (r"^*", "^*", "one of * + ?"),
        (r"(*)", "(*", "one of * + ?"),
        (r"a{,3}", "{", "one of * + ?"),
        (r"a{1000}", "{", "one of * + ?"),
        (r"[a&&b]", "[a&&b]", "no & ~ |"),
        (r"[a--b]", "[a--b]", "no & ~ |"),
        (r"[]", "[]", "Inside [...]"),
        (r"[^]", "[^]", "Inside [...]"),
        (r"[a[b]]", "[a[b]", "Inside [...]"),
        (r"a]", "]", "Escape it"),
        (r"a}", "}", "Escape it"),
    ],
)
def test_a_pattern_that_engines_read_differently_is_refused(pattern: str, part: str, hint: str) -> None:
    problem = problem_of_field({"type": "string", "pattern": pattern})

    assert (problem.code, problem.pointer) == ("pattern", "/properties/x/pattern")
    assert f"has {part}, which" in problem.message
    assert hint in str(problem.hint)


@pytest.mark.parametrize(
    "pattern", ["(a", "a)", "[z-a]", "a{3,2}", "(" * 300 + "a" + ")" * 300, "((a{999}){999}){999}"]
)
def test_a_pattern_that_cannot_be_compiled_is_refused(pattern: str) -> None:
    problem = problem_of_field({"type": "string", "pattern": pattern})

    assert (problem.code, problem.pointer) == ("pattern", "/properties/x/pattern")
    assert "no pattern that can be matched" in problem.message


@pytest.mark.parametrize(
    "pattern",
    [
        "^[a-z]+$",
        "^(ab|c)*$",
        "(?:a|b)+?",
        "[^\\n]{2,3}",
        "^1[3-9][0-9]{9}$",
        r"^a\.b\/c$",
        "[-a]",
        "[a-]",
        r"[\]\\\-]",
        "[一-鿿]{2,}",
        "",
    ],
)
def test_a_pattern_of_characters_classes_groups_and_repetitions_is_admitted(pattern: str) -> None:
    assert pattern_fault(pattern) is None
    assert problems_of(entity({"x": {"type": "string", "pattern": pattern}})) == []


@pytest.mark.parametrize(
    ("more", "pointer", "hint"),
    [
        ({"required": ["nmae"]}, "/required/0", 'Did you mean "name"?'),
        ({"required": ["version"]}, "/required/0", "Known here: name, kind, age, tags"),
        ({"dependentRequired": {"nam": ["name"]}}, "/dependentRequired/nam", 'Did you mean "name"?'),
        ({"dependentRequired": {"name": ["knd"]}}, "/dependentRequired/name/0", 'Did you mean "kind"?'),
        ({"x-crm": {"display": "nane"}}, "/x-crm/display", 'Did you mean "name"?'),
        ({"x-crm": {"search": ["nane"]}}, "/x-crm/search/0", 'Did you mean "name"?'),
        ({"x-crm": {"search": ["age"]}}, "/x-crm/search/0", "Name text fields only."),
        ({"x-crm": {"match": [{"fields": ["nane"]}]}}, "/x-crm/match/0/fields/0", 'Did you mean "name"?'),
        ({"x-crm": {"match": [{"fields": ["tags"]}]}}, "/x-crm/match/0/fields/0", "one value"),
        ({"x-crm": {"match": [{"fields": ["name"], "when": {"kinds": "x"}}]}}, "/x-crm/match/0/when/kinds", '"kind"'),
        ({"x-crm": {"match": [{"fields": ["name"], "when": {"kind": "persn"}}]}}, "/x-crm/match/0/when/kind", "person"),
        ({"x-crm": {"match": [{"fields": ["name"], "when": {"tags": "x"}}]}}, "/x-crm/match/0/when/tags", "one value"),
        ({"x-crm": {"match": [{"fields": []}]}}, "/x-crm/match/0/fields", None),
        ({"x-crm": {"indexes": [["name", "nane"]]}}, "/x-crm/indexes/0/1", 'Did you mean "name"?'),
        ({"x-crm": {"indexes": [["name", "tags"]]}}, "/x-crm/indexes/0/1", "one value"),
        ({"x-crm": {"indexes": [["name"]]}}, "/x-crm/indexes/0", None),
        ({"x-crm": {"match": [{}]}}, "/x-crm/match/0", None),
        ({"if": {"required": ["knd"]}, "then": {}}, "/if/required/0", '"kind"'),
        ({"if": {"required": ["kind"]}}, "/if", 'Write "then"'),
        ({"then": {"required": ["kind"]}}, "/then", 'Write "if"'),
        ({"if": {"required": ["kind"]}, "then": {"properties": {"nam": {}}}}, "/then/properties/nam", '"name"'),
        (
            {"if": {"properties": {"kind": {"const": "person"}}}, "then": {}},
            "/if/properties/kind",
            'Write "required": ["kind"]',
        ),
        (
            {"if": {"properties": {"kind": {"const": "persn"}}, "required": ["kind"]}, "then": {}},
            "/if/properties/kind/const",
            'Did you mean "person"?',
        ),
        (
            {"allOf": [{"if": {"required": ["age"]}, "then": {"properties": {"age": {"maxLength": 5}}}}]},
            "/allOf/0/then/properties/age/maxLength",
            'write "type": "string"',
        ),
        (
            {"if": {"required": ["age"]}, "then": {"properties": {"age": {"type": "string"}}}},
            "/then/properties/age/type",
            "Leave the type out",
        ),
        (
            {"if": {"required": ["age"]}, "then": {"properties": {"age": {"x-crm": {}}}}},
            "/then/properties/age/x-crm",
            "belong to fields",
        ),
        ({"allOf": [{"required": ["name"]}]}, "/allOf/0/required", "Known here: $comment, if, then, else."),
        ({"anyOf": []}, "/anyOf", "if, then and else"),
        ({"additionalProperties": True}, "/additionalProperties", "its fields and no others"),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema"}, "/$schema", 'Write "urn:crmcore:entity:1".'),
        ({"x-crm": {"plural": "Things"}}, "/x-crm/plural", "lower-case letters"),
    ],
)  # fmt: skip
def test_an_entity_that_names_what_is_not_there_is_refused(more: Any, pointer: str, hint: str | None) -> None:
    fields = {
        "name": NAME,
        "kind": {"type": "string", "enum": ["person", "organisation"]},
        "age": {"type": "integer"},
        "tags": {"type": "array", "items": NAME},
    }

    problems = problems_of(entity(fields, **more))

    [problem] = [problem for problem in problems if problem.pointer == pointer]
    assert hint is None or hint in str(problem.hint)


@pytest.mark.parametrize(
    ("notes", "member"),
    [
        ({"readonly": True}, "readonly"),
        ({"computed_by": "abc"}, "computed_by"),
        ({"ref": "user", "on_delete": "clear"}, "on_delete"),
    ],
)
def test_a_required_field_that_cannot_always_be_filled_in_is_refused(notes: Any, member: str) -> None:
    [problem] = problems_of(entity({"x": {"type": "integer", "x-crm": notes}}, required=["x"]))

    assert (problem.code, problem.pointer) == ("required", "/required/0")
    assert f'"{member}" out of its x-crm' in str(problem.hint)


def test_a_second_owner_is_refused() -> None:
    owner = {"type": "integer", "x-crm": {"ref": "user", "owner": True}}

    [problem] = problems_of(entity({"seller": owner, "buyer": owner}))

    assert problem.pointer == "/properties/buyer/x-crm/owner"
    assert '"seller"' in problem.message


def test_an_alias_that_means_another_field_already_is_refused_whatever_its_case() -> None:
    fields = {
        "phone": {"type": "string", "x-crm": {"titles": {"zh-CN": "电话"}, "aliases": ["Tel"]}},
        "mobile": {"type": "string", "x-crm": {"aliases": ["手机", "电话", "ＴＥＬ"]}},
    }

    first, second = problems_of(entity(fields))

    assert (first.code, first.pointer) == ("alias", "/properties/mobile/x-crm/aliases/1")
    assert second.pointer == "/properties/mobile/x-crm/aliases/2"
    assert '"phone"' in second.message


@pytest.mark.parametrize("was", ["other", "id", "former"])
def test_a_former_name_that_is_taken_is_refused(was: str) -> None:
    fields = {
        "other": {"type": "string", "x-crm": {"was": ["former"]}},
        "x": {"type": "string", "x-crm": {"was": [was]}},
    }

    [problem] = problems_of(entity(fields))

    assert (problem.code, problem.pointer) == ("was", "/properties/x/x-crm/was/0")


def test_an_extension_may_say_a_fragment_and_what_it_says_wrong_is_refused() -> None:
    document = {
        **EXTENSION,
        "x-crm": {"plural": "things", "titles": {"fr": "Chose"}},
        "properties": {"name": {"maxLength": 5, "pattern": r"\d"}, "score": {"type": "integer", "maxLength": 3}},
        "title": "no",
    }

    problems = problems_of(document, "thing.extend.json")

    assert [problem.pointer for problem in problems] == [
        "/x-crm/plural",
        "/properties/name/pattern",
        "/properties/score/maxLength",
        "/title",
    ]


def test_the_problems_of_a_document_come_in_the_order_of_its_lines_with_their_lines() -> None:
    problems = problems_of(entity({"a": {"type": "string", "maxLenght": 1}, "id": NAME, "c": {"type": "x"}}))

    assert [(problem.line, problem.pointer) for problem in problems] == [
        (7, "/properties/a/maxLenght"),
        (9, "/properties/id"),
        (13, "/properties/c/type"),
    ]
