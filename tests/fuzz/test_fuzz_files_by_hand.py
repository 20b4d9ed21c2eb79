"""Files that people write: `crm.toml`, mapping files, manifests, schemas. Each is taken, or its problems are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import changed_json, changed_text, fuzz, in_time, said_on_purpose

from crmcore import CRM, load
from crmcore.config.reading import examine
from crmcore.conformance import breaches, with_defaults
from crmcore.errors import CRMError, ManifestError, SchemaError
from crmcore.importing.planning import plan_file
from crmcore.manifest import manifest_of, read_manifest
from crmcore.schema.compose import compose
from crmcore.schema.documents import core_documents, read_documents
from crmcore.schema.validation import Validator
from crmcore.store.tables import build_tables

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmcore.testing import MakeCRM

CONFIGURATION = """
[instance]
name = "Demo"
timezone = "Asia/Shanghai"
language = "zh-CN"
currency = "CNY"

[database]
url = "sqlite:///crm.db"  # here

[plugins]
enabled = ["tabular", "abc"]
plugin_dirs = ["."]

[plugins.abc]
A = "revenue_365d >= 100_000"

[roles.sales]
title = "Sales"
grants = ["scoring.run"]
[roles.sales.customer]
create = true
update = "owner = me"
hide = ["credit_limit"]
[roles.sales."*"]
read = true

[metrics.big]
entity = "customer"
relation = "orders"
aggregate = "sum"
field = "amount"
days = 365
where = "amount > 1"

[scoring.size]
entity = "customer"
field = "size"
labels = [{ value = "big", when = "big > 100" }, { value = "small", when = "true" }]
[scoring.points]
entity = "customer"
field = "points"
expression = "employees * 2"
"""
TOML_WORDS = (
    "[[", "]]", "[a.b]\n", "[[plugins]]\n", "a.b.c = 1\n", "= {", "'''", '"""', "\n[instance]\n", "name = 1\n",
    "1979-05-27", "07:32:00", "inf", "nan", "0x1f", "1e6", "\\u0041", "\\UDDDDDDDD", "env:HOME", "sqlite:///",
    "postgresql://a:b@c/d", "file:x?mode=ro&uri=true", "[" * 2_000, "a." * 2_000, "{a=" * 1_500, '["', "not ",
    "owner = me", "days = -1\n", "enabled", '"x"\ny = "', "roles", "metrics", "scoring", "labels",
)  # fmt: skip
MAPPING = """
entity = "customer"
[file]
encoding = "utf-8"
delimiter = ","
[columns]
name = ["name", { field = "short_name", as = "lower" }]
code = { field = "code", values = { "A 1" = "A1" } }
since = { field = "founded_date", format = "dd-mm-yyyy" }
revenue = { field = "annual_revenue", scale = 1000, decimal = ",", currency = "CNY", round = 2 }
owner = "owner.login"
other = false
[fill]
kind = "organisation"
notes = "{name} {code}"
[skip]
when = { code = ["", "Total"] }
"""
MAPPED = 'name,code,since,revenue,owner,other,Total\nAcme,A 1,01-02-2003,"1,5",ada,x,\n'
MANIFEST = {
    "$schema": "urn:crmcore:plugin:1",
    "name": "mine",
    "version": "1.0",
    "summary": "Mine.",
    "requires_core": ">=0.1,<9",
    "requires": ["abc"],
    "after": ["tabular"],
    "needs": {"scipy": "crmcore[models]"},
    "config": {
        "type": "object",
        "required": ["limit"],
        "properties": {
            "limit": {"type": "integer", "minimum": 1, "default": 3, "description": "Most."},
            "when": {"type": "string", "format": "condition", "pattern": "^[a-z ]+$", "default": "vip"},
            "steps": {
                "type": "array",
                "items": {"type": "object", "properties": {"name": {"enum": ["a", "b"]}}, "required": ["name"]},
                "default": [{"name": "a"}],
            },
            "more": {"type": "object", "additionalProperties": {"type": "number"}, "propertyNames": {"pattern": "^x"}},
        },
    },
    "commands": [{"name": "go", "summary": "Goes.", "function": "mine.go:go"}],
    "listens": {"crm_validate": ["customer"], "crm_after_save": ["*"]},
}
MANIFEST_WORDS = (
    "(a+)+$", "[", "(?i)x", "\\p{Han}", "(" * 300, "a{999}{999}", "*", ">=0.1,", "==1.*", "crm_computed",
    "crm_metrics", "a:b", "../x", {"$ref": "#"}, {"$ref": "#/properties/limit"}, {"$ref": "https://example.com/x"},
    {"$dynamicRef": "#x"}, {"type": "array"}, {"not": {}}, {"anyOf": [{}]}, True, [], {}, {"enum": []},
    {"pattern": "(a|a)*b"}, 10**30, -1, 1e300,
)  # fmt: skip
TICKET = {
    "$schema": "urn:crmcore:entity:1",
    "type": "object",
    "x-crm": {
        "plural": "tickets", "display": "title", "titles": {"en": "Ticket", "zh-CN": "工单"},
        "match": [{"fields": ["code"], "when": {"kind": "a"}}], "search": ["title"], "was": ["issue"],
    },
    "required": ["title"],
    "properties": {
        "title": {"type": "string", "maxLength": 200, "minLength": 2, "x-crm": {"aliases": ["subject"], "index": True}},
        "code": {"type": "string", "pattern": "^[A-Z]{2}-[0-9]+$", "x-crm": {"unique": True}},
        "kind": {"type": "string", "enum": ["a", "b"], "default": "a", "x-crm": {"open": True}},
        "cost": {"type": "string", "x-crm": {"money": True}},
        "due": {"type": "string", "format": "date"},
        "weight": {"type": "number", "minimum": 0, "exclusiveMaximum": 10.5},
        "number": {"type": "integer", "multipleOf": 2, "x-crm": {"was": ["no"]}},
        "customer": {"type": "integer", "x-crm": {"ref": "customer", "on_delete": "clear"}},
        "about": {"type": "string", "x-crm": {"ref": "*"}},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 60}, "uniqueItems": True},
        "place": {"type": "object", "properties": {"city": {"type": "string"}}, "additionalProperties": False},
        "labelled": {"type": "string", "x-crm": {"computed_by": "mine", "readonly": True, "sensitive": True}},
    },
    "dependentRequired": {"cost": ["due"]},
    "if": {"properties": {"kind": {"const": "b"}}, "required": ["kind"]},
    "then": {"required": ["code"]},
}  # fmt: skip
EXTENSION = {
    "$schema": "urn:crmcore:extension:1",
    "required": ["code"],
    "properties": {
        "name": {"maxLength": 100, "x-crm": {"aliases": ["label"]}},
        "kind": {"enum": ["public"], "x-crm": {"values": {"public": {"en": "Public"}}}},
        "level": {"type": "integer", "minimum": 1, "maximum": 5, "x-crm": {"titles": {"en": "Level"}}},
    },
    "allOf": [{"if": {"required": ["level"]}, "then": {"required": ["email"]}}],
}
SCHEMA_WORDS = (
    "(a|a)*$", "(a+)+b", "(" * 200 + ")" * 200, "a{999}{999}", "[a-z]{0,999}" * 30, "[", "^((a{0,99}){0,99}){0,99}$",
    "\\d", {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$"}, {"type": ["string", "null"]}, {"$ref": "#"},
    {"type": "string"}, {"type": "integer", "x-crm": {"ref": "ticket"}},
    {"type": "integer", "x-crm": {"ref": "nothing"}}, "ticket", "customer", "date", {"oneOf": []}, {"const": 1},
    {"enum": [None]}, 10**30, -1, 0, 2**63, 1e300, "x" * 41, "a__b", "id", "created_at", True, False,
    {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "object"}}}}, "uri", "condition",
    "urn:crmcore:entity:1",
)  # fmt: skip
RECORDS: tuple[dict[str, Any], ...] = (
    {},
    {
        "title": "x" * 201,
        "code": "a" * 5_000 + "!",
        "kind": "c",
        "cost": "1.23456",
        "weight": 1e300,
        "tags": ["a", "a"],
    },
    {"title": "Broken", "code": "AB-1", "kind": "b", "number": 2**60, "place": {"city": "广州"}, "about": "customer:1"},
)


@fuzz(40, text=changed_text(CONFIGURATION, words=TOML_WORDS))
def test_configurations(tmp_path: Path, text: str) -> None:
    path = tmp_path / "crm.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with in_time():
        config, problems = examine(path, {"HOME": "/"})
        for problem in problems:
            assert str(problem)
            assert problem.line is None or problem.line >= 1
        if config is None or problems:
            return
        _refused_in_words(lambda: load(config))


@fuzz(
    80, text=changed_text(MAPPING, words=(*TOML_WORDS, "customer.", "parent.parent.name", "columns", "{", "field = "))
)
def test_mapping_files(mapping_crm: CRM, text: str) -> None:
    folder = Path(str(mapping_crm.registry.config.path)).parent
    rows, mapping = folder / "rows.csv", folder / "mapping.toml"
    rows.write_text(MAPPED, encoding="utf-8")
    mapping.write_text(text, encoding="utf-8", errors="backslashreplace")
    with in_time():
        _refused_in_words(lambda: plan_file(mapping_crm, rows, "customer", mapping=mapping))


@pytest.fixture
def mapping_crm(make_crm: MakeCRM) -> CRM:
    return make_crm(enabled=["tabular"])


@fuzz(120, document=changed_json(MANIFEST, words=MANIFEST_WORDS))
def test_manifests(document: Any) -> None:
    with in_time():
        if not isinstance(document, dict):
            return
        try:
            manifest = manifest_of(document)
        except ManifestError as error:
            said_on_purpose(error)
            return
        for settings in ({}, {"limit": "x", "when": "a" * 2_000 + "!", "unknown": 1}):
            for problem in breaches(with_defaults(settings, manifest.config), manifest.config):
                assert str(problem)


@fuzz(
    40,
    text=changed_text(json.dumps(MANIFEST, indent=1), words=("\\ud800", "[" * 2_000, '"name": "x",', "NaN", "1e999")),
)
def test_texts_of_manifests(tmp_path: Path, text: str) -> None:
    (tmp_path / "plugin.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    with in_time():
        try:
            read_manifest(tmp_path)
        except ManifestError as error:
            said_on_purpose(error)


@fuzz(100, document=changed_json(TICKET, words=SCHEMA_WORDS))
def test_schemas(tmp_path: Path, document: Any) -> None:
    _judge_schema(tmp_path, "ticket.schema.json", json.dumps(document))


@fuzz(60, document=changed_json(EXTENSION, words=SCHEMA_WORDS))
def test_extensions(tmp_path: Path, document: Any) -> None:
    _judge_schema(tmp_path, "customer.extend.json", json.dumps(document))


@fuzz(
    50,
    text=changed_text(json.dumps(TICKET, indent=1), json.dumps(EXTENSION), words=('"pattern": "(a+)+",', "[" * 2_000)),
)
def test_texts_of_schemas(tmp_path: Path, text: str) -> None:
    _judge_schema(tmp_path, "ticket.schema.json", text)


def _judge_schema(folder: Path, name: str, text: str) -> None:
    """Compose the core's entities with a document, and where that is admitted, judge records and make tables."""
    (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    own, unreadable = read_documents(folder, "instance")
    with in_time():
        try:
            entities = compose([*SOME, *own], unreadable).entities
        except SchemaError as error:
            said_on_purpose(error)
            return
        build_tables(entities)
        entity = entities[name.partition(".")[0]]
        for values in RECORDS:
            for problem in Validator(entity).problems(values):
                assert str(problem)


SOME = [one for one in core_documents()[0] if one.entity in ("customer", "user", "team")]
"""The customer and what it refers to: the whole core takes six times as long."""


def _refused_in_words(attempt: Callable[[], object]) -> None:
    """Try something that may be refused."""
    try:
        attempt()
    except CRMError as error:
        said_on_purpose(error)
