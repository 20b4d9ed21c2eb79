"""The decider, the explainer and draft 2020-12 agree on all that the dialect admits; hostile schemas are refused.

`jsonschema-rs` decides, `jsonschema` explains with two keywords replaced, and the stock `jsonschema` is the oracle for
what the draft means wherever it does not depend on a regular expression engine or a format checker.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from crmcore.errors import SchemaError
from crmcore.schema.compose import compose
from crmcore.schema.documents import document_of
from crmcore.schema.export import plain_schema
from crmcore.schema.model import SYSTEM_FIELDS, Entity
from crmcore.schema.validation import Validator
from crmcore.schema.values import to_json

if TYPE_CHECKING:
    from crmcore.schema.documents import SchemaDocument
    from crmcore.types import Problem

HEAD = {"$schema": "urn:crmcore:entity:1", "type": "object"}
SAFE = 2**53 - 1

TEXTS = st.sampled_from(
    ["", "a", "ab", "abc", "A", "é", "e\u0301", "𠮷", "𠮷野", "企业", "\u2028", "a\n", "\r", " a", "x" * 300]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
INTEGERS = st.sampled_from([0, 1, -1, 7, 14, SAFE, -SAFE, SAFE + 1, SAFE + 2, 2**63, 2**64, 10**30]) | st.integers(
    -20, 20
)
FLOATS = st.sampled_from(
    [0.0, -0.0, 1.0, 7.0, 0.1, 0.30000000000000004, 1e15, 7e22, 1e300, -1.5, float(2**53)]
) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = TEXTS | INTEGERS | FLOATS | st.booleans() | st.none()
MOMENTS = st.sampled_from([
    "2026-11-21", "2024-02-29", "2026-02-29", "0000-01-01", "2026-1-1", "20261121", "２０２６-11-21", "2026-W47-6",
    "2026-11-21T18:55:00Z", "2016-12-31T23:59:60Z", "2016-12-31T22:59:60Z", "2026-11-21t18:55:00z",
    "2026-11-21 18:55:00Z",
    "2026-11-21T18:55:00", "2026-11-21T24:00:00Z", "2026-11-21T18:55:00.123456789+23:59", "2026-11-21T18:55:00+24:00",
    "18:55:00Z", "18:55", "23:59:60Z", "a@b.cn", "a@", "Ada <a@b.cn>", "张三@b.cn", "http://x", "http://中国", "x:y",
    "00000000-0000-0000-0000-000000000000", "1.2.3.4", "01.2.3.4", "::1", "::1%eth0", "a_b", "xn--fiqs8s", "中国",
    "customer:42", "customer:0", "1234.50", "1.23456", "-0", "１２",
])  # fmt: skip
HOSTILE = st.recursive(
    SCALARS | MOMENTS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "b", "城市", ""]), inner, max_size=3)
    ),
    max_leaves=6,
)

LENGTHS = st.integers(0, 4)
NUMBERS = st.integers(-20, 20) | st.sampled_from([0.1, 0.5, 1e15, -0.0, 7.0])


def some(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def typed(name: str, keywords: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return keywords.map(lambda chosen: {"type": name, **chosen})


PLAIN_TEXTS = typed("string", some(minLength=LENGTHS, maxLength=st.integers(1, 5), const=TEXTS))
ENUMS = st.lists(st.sampled_from(["a", "ab", "A", "企业", "𠮷"]), min_size=1, unique=True).map(
    lambda values: {"type": "string", "enum": values}
)
WHOLE = typed(
    "integer",
    some(
        minimum=st.integers(-20, 20) | st.just(-SAFE),
        maximum=st.integers(-20, 20) | st.just(SAFE),
        exclusiveMinimum=st.integers(-20, 20),
        exclusiveMaximum=st.integers(-20, 20),
        multipleOf=st.sampled_from([1, 2, 7, 10**6, SAFE]),
        const=st.integers(-2, 2) | st.just(1.0),
    ),
)
REAL = typed(
    "number", some(minimum=NUMBERS, maximum=NUMBERS, exclusiveMinimum=NUMBERS, exclusiveMaximum=NUMBERS, const=NUMBERS)
)
FLAGS = typed("boolean", some(const=st.booleans()))
LEAVES = PLAIN_TEXTS | ENUMS | WHOLE | REAL | FLAGS


def nesting(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = some(minItems=LENGTHS, maxItems=LENGTHS, uniqueItems=st.booleans(), items=inner)
    objects = some(
        properties=st.dictionaries(st.sampled_from(["a", "b", "城市"]), inner, max_size=2),
        required=st.lists(st.sampled_from(["a", "b"]), unique=True, max_size=2),
        additionalProperties=st.booleans() | inner,
    )
    return typed("array", lists) | typed("object", objects)


STANDARD = st.recursive(LEAVES, nesting, max_leaves=4)
PATTERNS = st.sampled_from(
    ["^a", "a$", "^[a-z]{1,3}$", "^(a|b)+$", "[^a]", "^1[3-9][0-9]{9}$", r"\.", "^[一-鿿]+$", "^$", r"[\n]"]
)
FORMATS = st.sampled_from(["date", "date-time", "time", "email", "uri", "uuid", "ipv4", "ipv6", "hostname"])
OF_ENGINES = st.one_of(
    typed("string", some(pattern=PATTERNS, maxLength=st.integers(1, 5))),
    FORMATS.map(lambda name: {"type": "string", "format": name}),
    st.just({"type": "string", "x-crm": {"money": True}}),
    st.just({"type": "string", "x-crm": {"ref": "*"}}),
    st.just({"type": "integer", "x-crm": {"ref": "thing"}}),
)
FIELDS = ("a", "b", "c")
NAMES = st.lists(st.sampled_from(FIELDS), unique=True, max_size=2)


@st.composite
def documents(draw: st.DrawFn, properties: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    fields = {name: draw(properties) for name in FIELDS}

    def clause(*, asking: bool) -> dict[str, Any]:
        names = draw(NAMES)
        said = {name: draw(st.just({}) | st.just(without_type(fields[name]))) for name in names}
        return {"properties": said, "required": names if asking else draw(NAMES)}

    rule = {"if": clause(asking=True), "then": clause(asking=False), "else": clause(asking=False)}
    rules = draw(
        some(allOf=st.just([rule]), required=NAMES, dependentRequired=st.dictionaries(st.sampled_from(FIELDS), NAMES))
    )
    return {**HEAD, **rules, "properties": fields}


def without_type(schema: dict[str, Any]) -> dict[str, Any]:
    return {keyword: value for keyword, value in schema.items() if keyword not in ("type", "x-crm")}


def admitted(document: dict[str, Any]) -> Entity:
    """Compose a document; one that the dialect refuses, for a contradiction for instance, is no example."""
    try:
        return compose(document_of("thing.schema.json", document, "core")[0]).entities["thing"]
    except SchemaError:
        reject()


INSTANCES = st.dictionaries(st.sampled_from([*FIELDS, "d"]), HOSTILE, max_size=3)


def verdicts(entity: Entity, values: dict[str, Any]) -> tuple[bool, bool]:
    """Return what the decider and what the explainer, asked by itself, say."""
    validator = Validator(entity)
    return validator.is_valid(values), not list(validator._explainer.iter_errors(values))


@settings(max_examples=100, deadline=None)
@given(documents(STANDARD | OF_ENGINES), st.lists(INSTANCES, min_size=1, max_size=8))
def test_the_explainer_finds_something_exactly_when_the_decider_refuses(
    document: dict[str, Any], instances: list[dict[str, Any]]
) -> None:
    entity = admitted(document)

    for values in instances:
        decided, explained = verdicts(entity, values)
        assert decided == explained, values
        assert decided == (Validator(entity).problems(values) == [])


@settings(max_examples=100, deadline=None)
@given(documents(STANDARD), st.lists(INSTANCES, min_size=1, max_size=8))
def test_what_the_dialect_admits_means_what_the_draft_says(
    document: dict[str, Any], instances: list[dict[str, Any]]
) -> None:
    entity = admitted(document)
    oracle = Draft202012Validator(plain_schema(entity))

    for values in instances:
        assert Validator(entity).is_valid(values) == oracle.is_valid(values), values


@settings(max_examples=100, deadline=None)
@given(documents(STANDARD | OF_ENGINES), st.dictionaries(st.sampled_from(FIELDS), HOSTILE, min_size=1))
def test_a_value_in_its_canonical_form_has_a_verdict_and_each_refusal_a_reason(
    document: dict[str, Any], values: dict[str, Any]
) -> None:
    entity = admitted(document)
    kept, reasons = {}, []
    for name, value in values.items():
        try:
            kept[name] = to_json(entity.fields[name], value)
        except ValueError as error:
            reasons.append(str(error))
    kept = {name: value for name, value in kept.items() if value is not None}

    problems = Validator(entity).problems(kept)

    assert all(reasons)
    assert (problems == []) == Validator(entity).is_valid(kept)
    assert all(problem.message and problem.code != "json" for problem in problems)


def test_the_system_fields_of_an_export_are_no_fields_of_the_entity() -> None:
    entity = admitted({**HEAD, "properties": {"a": {"type": "string"}}})

    assert Draft202012Validator(plain_schema(entity)).is_valid({"id": 1})
    assert not Validator(entity).is_valid({"id": 1})
    assert SYSTEM_FIELDS.keys().isdisjoint(entity.fields)


KEYWORDS = st.sampled_from([
    "$schema", "type", "properties", "required", "if", "then", "else", "allOf", "x-crm", "items", "enum", "const",
    "default", "examples", "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "multipleOf", "uniqueItems", "minItems", "additionalProperties", "dependentRequired", "titles", "values", "aliases",
    "was", "ref", "money", "match", "fields", "when", "search", "display", "plural", "open", "owner", "index", "unique",
    "on_delete", "computed_by", "internal", "name", "id", "a", "A", "", "/", "~",
])  # fmt: skip
WORDS = st.text(max_size=3) | st.sampled_from([
    "urn:crmcore:entity:1", "urn:crmcore:extension:1", "object", "string", "integer", "number", "array", "boolean",
    "date", "date-time", "thing", "user", "*", "name", "a", "^a$", "(", "[", "\\d", "(a{999}){999}", "\0", "{name}",
])  # fmt: skip
RUBBISH = st.recursive(
    WORDS | HOSTILE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYWORDS, inner, max_size=5),
    max_leaves=25,
)
PROPERTIES = st.dictionaries(
    KEYWORDS, st.dictionaries(KEYWORDS, RUBBISH, max_size=4) | STANDARD | OF_ENGINES | RUBBISH, max_size=3
)
WRECKS = st.fixed_dictionaries(
    {},
    optional={
        "$schema": st.sampled_from(["urn:crmcore:entity:1", "urn:crmcore:extension:1"]) | RUBBISH,
        "type": st.just("object") | RUBBISH,
        "properties": PROPERTIES | RUBBISH,
        "required": st.lists(KEYWORDS) | RUBBISH,
        "x-crm": st.dictionaries(KEYWORDS, RUBBISH, max_size=4) | RUBBISH,
        "if": RUBBISH,
        "then": RUBBISH,
        "allOf": st.lists(st.dictionaries(KEYWORDS, RUBBISH, max_size=3), max_size=2) | RUBBISH,
        "dependentRequired": RUBBISH,
    },
)


@settings(max_examples=200, deadline=None)
@given(WRECKS, WRECKS | st.none(), st.sampled_from(["core", "abc", "instance"]))
def test_a_hostile_document_composes_or_is_refused_and_never_crashes(
    declared: dict[str, Any], extension: dict[str, Any] | None, origin: str
) -> None:
    read, problems = document_of("thing.schema.json", declared, "core")
    more = document_of("thing.extend.json", extension, origin) if extension is not None else ((), ())

    refused = refusal_of([*read, *more[0]], [*problems, *more[1]])

    if refused is not None:
        assert [problem for problem in refused.problems if not (problem.message and problem.file)] == []
        assert json.dumps(refused.as_json(), default=str)


def refusal_of(read: list[SchemaDocument], problems: list[Problem]) -> SchemaError | None:
    try:
        compose(read, problems)
    except SchemaError as error:
        return error
    return None


TIGHTER = {
    "string": some(minLength=LENGTHS, maxLength=st.integers(1, 5), pattern=PATTERNS, enum=st.just(["a", "ab", "企业"])),
    "integer": some(minimum=st.integers(-20, 20), maximum=st.integers(-20, 20), multipleOf=st.just(7)),
    "number": some(exclusiveMinimum=NUMBERS, maximum=NUMBERS),
    "boolean": some(const=st.booleans()),
    "array": some(minItems=LENGTHS, maxItems=LENGTHS, uniqueItems=st.booleans()),
    "object": st.just({}),
}


@settings(max_examples=100, deadline=None)
@given(documents(STANDARD | OF_ENGINES), st.data(), st.lists(INSTANCES, min_size=1, max_size=20))
def test_what_extensions_make_of_an_entity_refuses_all_that_it_refused(
    declared: dict[str, Any], data: st.DataObject, instances: list[dict[str, Any]]
) -> None:
    before = admitted(declared)
    base = document_of("thing.schema.json", declared, "core")[0]
    fragments = {name: TIGHTER[schema["type"]] for name, schema in declared["properties"].items()}
    extensions = st.fixed_dictionaries({"required": NAMES, "properties": st.fixed_dictionaries({}, optional=fragments)})
    more = [
        document_of("thing.extend.json", {**data.draw(extensions), "$schema": "urn:crmcore:extension:1"}, origin)[0][0]
        for origin in ("abc", "instance")
    ]
    if refusal_of([*base, *more], []) is not None:
        reject()
    after = Validator(compose([*base, *more]).entities["thing"])

    refused = [values for values in instances if not Validator(before).is_valid(values)]

    assert [values for values in refused if after.is_valid(values)] == []


@pytest.mark.parametrize("depth", [31, 40, 5000])
def test_a_deeply_nested_schema_composes_or_is_refused(depth: int) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}

    read, problems = document_of("thing.schema.json", {**HEAD, "properties": {"a": schema}}, "core")

    assert (len(read), len(problems)) == (0, 1)
