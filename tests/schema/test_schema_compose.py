"""Entities out of several documents: what extensions may do, who disagrees, and who set what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from crmcore.errors import SchemaError
from crmcore.schema.compose import Composition, compose
from crmcore.schema.documents import core_documents, document_of, read_documents
from crmcore.schema.model import Kind, MatchRule

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore.types import Problem

ENTITY = {"$schema": "urn:crmcore:entity:1", "type": "object"}
EXTENSION = {"$schema": "urn:crmcore:extension:1"}
USER = {**ENTITY, "properties": {"name": {"type": "string"}}}
THING = {
    **ENTITY,
    "x-crm": {"titles": {"en": "Thing"}, "match": [{"fields": ["name"]}], "search": ["name"]},
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "maxLength": 200, "x-crm": {"titles": {"en": "Name"}, "aliases": ["label"]}},
        "kind": {"type": "string", "enum": ["visit", "call", "mail"], "x-crm": {"open": True}},
        "phase": {"type": "string", "enum": ["pre", "in", "after"], "default": "pre"},
        "size": {"type": "integer", "minimum": 0, "maximum": 100},
        "note": {"type": "string"},
        "owner": {"type": "integer", "x-crm": {"ref": "user"}},
    },
}
Said = tuple[str, str, dict[str, Any]]


def composed(*extensions: Said, thing: dict[str, Any] = THING) -> Composition:
    """Compose user and thing of the core with what other origins say: (origin, file name, document)."""
    said: list[Said] = [("core", "user.schema.json", USER), ("core", "thing.schema.json", thing), *extensions]
    return compose(document for origin, name, content in said for document in document_of(name, content, origin)[0])


def extending(origin: str, **content: Any) -> Said:
    return origin, "thing.extend.json", {**EXTENSION, **content}


def field(origin: str, **fields: Any) -> Said:
    return extending(origin, properties=fields)


def problems_of(*extensions: Said, thing: dict[str, Any] = THING) -> tuple[Problem, ...]:
    with pytest.raises(SchemaError) as caught:
        composed(*extensions, thing=thing)
    return caught.value.problems


def test_the_core_composes_and_its_model_says_what_its_files_say() -> None:
    documents, problems = core_documents()

    entities = compose(documents, problems).entities

    customer = entities["customer"]
    assert (customer.plural, customer.display, customer.origin, customer.owner_field) == (
        "customers",
        "name",
        "core",
        "owner",
    )
    assert customer.title("zh-CN") == "客户"
    assert customer.match[0] == MatchRule(fields=("code",), distinct=True)
    assert customer.fields["kind"].enum == ("person", "organisation")
    assert customer.fields["kind"].default == "organisation"
    assert customer.fields["tags"].kind is Kind.JSON
    assert entities["order"].fields["customer"].ref == "customer"
    assert entities["activity"].fields["subject"].kind is Kind.ANY_REF


def test_a_field_of_each_property_has_its_kind() -> None:
    properties = {
        "text": {"type": "string", "format": "email"},
        "whole": {"type": "integer"},
        "share": {"type": "number"},
        "agreed": {"type": "boolean"},
        "price": {"type": "string", "default": "5", "x-crm": {"money": True}},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "who": {"type": "integer", "x-crm": {"ref": "user", "on_delete": "clear"}},
        "about": {"type": "string", "x-crm": {"ref": "*"}},
        "tags": {"type": "array"},
        "address": {"type": "object"},
    }

    fields = composed(("abc", "box.schema.json", {**ENTITY, "properties": properties})).entities["box"].fields

    assert [f.kind for f in fields.values()] == [
        Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.MONEY, Kind.DATE, Kind.INSTANT, Kind.REF, Kind.ANY_REF,
        Kind.JSON, Kind.JSON,
    ]  # fmt: skip
    assert {f.origin for f in fields.values()} == {"abc"}
    assert (fields["who"].ref, fields["who"].on_delete) == ("user", "clear")
    assert fields["price"].default == "5.00"
    assert fields["text"].format == "email"


def test_an_entity_without_notes_has_sensible_ones() -> None:
    bare = {**ENTITY, "properties": {"a": {"type": "string", "title": "Letter"}}}

    box = composed(("abc", "box.schema.json", bare)).entities["box"]

    assert (box.plural, box.display, box.internal, box.title()) == ("boxs", "id", False, "Box")
    assert box.fields["a"].titles == {"en": "Letter"}


def test_the_fields_of_a_composition_cannot_be_changed() -> None:
    entities: Any = composed().entities

    with pytest.raises(TypeError):
        entities["thing"].fields["new"] = entities["thing"].fields["name"]
    with pytest.raises(TypeError):
        entities["new"] = entities["thing"]


def test_extensions_add_fields_in_the_order_of_the_documents() -> None:
    thing = composed(
        field("abc", score={"type": "integer", "x-crm": {"computed_by": "abc"}}),
        field("instance", colour={"type": "string"}),
    ).entities["thing"]

    assert list(thing.fields)[-2:] == ["score", "colour"]
    assert [thing.fields[name].origin for name in ("name", "score", "colour")] == ["core", "abc", "instance"]
    assert thing.fields["score"].readonly


def test_an_extension_adds_values_to_an_open_enum_with_their_titles() -> None:
    kind = (
        composed(
            field("abc", kind={"enum": ["fax"], "x-crm": {"values": {"fax": {"en": "Fax"}}}}),
            field("telegraph", kind={"enum": ["telegram", "fax"]}),
        )
        .entities["thing"]
        .fields["kind"]
    )

    assert kind.enum == ("visit", "call", "mail", "fax", "telegram")
    assert kind.enum_titles == {"fax": {"en": "Fax"}}


def test_an_extension_leaves_out_values_and_the_instance_also_those_of_plugins() -> None:
    thing = composed(
        field("abc", kind={"enum": ["fax"]}, phase={"enum": ["after", "pre"]}),
        field("instance", kind={"enum": ["call", "visit"]}),
    ).entities["thing"]

    assert thing.fields["kind"].enum == ("visit", "call")
    assert thing.fields["phase"].enum == ("pre", "after")


def test_the_strictest_of_several_extensions_holds() -> None:
    thing = composed(
        field("abc", name={"maxLength": 100, "minLength": 2}, size={"minimum": 5}),
        field("xyz", name={"maxLength": 150, "minLength": 3}, size={"maximum": 50, "exclusiveMaximum": 50}),
    ).entities["thing"]

    assert thing.schema["properties"]["name"]["maxLength"] == thing.fields["name"].max_length == 100
    assert thing.schema["properties"]["name"]["minLength"] == 3
    assert thing.schema["properties"]["size"] == {
        "type": "integer",
        "minimum": 5,
        "maximum": 50,
        "exclusiveMaximum": 50,
    }


def test_an_extension_may_set_what_nobody_has_set() -> None:
    extension = {
        "note": {
            "pattern": "^[a-z]",
            "default": "a",
            "enum": ["a", "b"],
            "x-crm": {"titles": {"fr": "Note"}, "index": True},
        },
    }
    del extension["note"]["pattern"]

    note = composed(field("abc", **extension)).entities["thing"].fields["note"]

    assert (note.enum, note.default, note.index, note.titles) == (("a", "b"), "a", True, {"fr": "Note"})


def test_an_extension_adds_requirements_rules_matching_search_and_aliases() -> None:
    rule = {"if": {"required": ["size"]}, "then": {"required": ["note"]}}
    base = {**THING, **rule, "dependentRequired": {"size": ["kind"]}}

    thing = composed(
        extending(
            "abc",
            **{"x-crm": {"match": [{"fields": ["note"]}], "search": ["note", "name"], "titles": {"fr": "Chose"}}},
            required=["phase", "name"],
            dependentRequired={"size": ["note"], "note": ["kind"]},
            properties={"name": {"x-crm": {"aliases": ["nom"], "titles": {"fr": "Nom"}}}},
            **{"if": {"required": ["note"]}, "then": {"required": ["kind"]}},
            allOf=[{"if": {"required": ["kind"]}, "then": {"properties": {"size": {"minimum": 1}}}}],
        ),
        thing=base,
    ).entities["thing"]

    assert thing.schema["required"] == ["name", "phase"]
    assert thing.schema["dependentRequired"] == {"size": ["kind", "note"], "note": ["kind"]}
    assert thing.schema["if"] == rule["if"]
    assert [r["if"]["required"] for r in thing.schema["allOf"]] == [["note"], ["kind"]]
    assert thing.match == (MatchRule(fields=("name",)), MatchRule(fields=("note",)))
    assert thing.search == ("name", "note")
    assert thing.titles == {"en": "Thing", "fr": "Chose"}
    assert thing.fields["name"].aliases == ("label", "nom")
    assert thing.fields["phase"].required


def test_the_instance_may_rename_what_people_see_and_choose_defaults() -> None:
    thing = composed(
        extending(
            "instance",
            **{"x-crm": {"titles": {"en": "Client"}, "display": "note"}},
            properties={"phase": {"default": "in"}, "name": {"x-crm": {"titles": {"en": "Company"}}}},
        )
    ).entities["thing"]

    assert (thing.title("en"), thing.display) == ("Client", "note")
    assert (thing.fields["phase"].default, thing.fields["name"].title("en")) == ("in", "Company")


def test_composition_changes_no_document() -> None:
    said = field("abc", name={"x-crm": {"aliases": ["nom"]}}, kind={"enum": ["fax"]})
    documents = [d for name in ("core", "abc") for d in document_of(*_content(name, said))[0]]
    before = [repr(document.document) for document in documents]

    compose([*document_of("user.schema.json", USER, "core")[0], *documents])

    assert [repr(document.document) for document in documents] == before


def _content(origin: str, said: Said) -> tuple[str, dict[str, Any], str]:
    return ("thing.schema.json", THING, "core") if origin == "core" else (said[1], said[2], said[0])


@pytest.mark.parametrize(
    ("fragment", "pointer", "message"),
    [
        ({"name": {"maxLength": 300}}, "/properties/name/maxLength", "300 is looser than 200"),
        ({"size": {"minimum": -1}}, "/properties/size/minimum", "-1 is looser than 0"),
        ({"size": {"maximum": 101}}, "/properties/size/maximum", "101 is looser than 100"),
        ({"phase": {"enum": ["pre", "later"]}}, "/properties/phase/enum", '"later" is not among the values'),
        ({"kind": {"enum": ["visit", "fax"]}}, "/properties/kind/enum", 'new: "fax"; left out: "call", "mail"'),
        ({"size": {"type": "number"}}, "/properties/size/type", '"number" would make another field'),
        ({"note": {"format": "date"}}, "/properties/note/format", '"date" would make another field'),
        ({"note": {"x-crm": {"money": True}}}, "/properties/note/x-crm/money", "true would make another field"),
        ({"owner": {"x-crm": {"ref": "thing"}}}, "/properties/owner/x-crm/ref", '"thing" would make another field'),
        ({"phase": {"x-crm": {"open": True}}}, "/properties/phase/x-crm/open", "true would make another field"),
        ({"phase": {"default": "in"}}, "/properties/phase/default", '"in" contradicts "pre"'),
        ({"name": {"x-crm": {"titles": {"en": "Label"}}}}, "/properties/name/x-crm/titles", 'contradicts "Name"'),
        ({"nmae": {"maxLength": 5}}, "/properties/nmae", 'there is no field "nmae" to extend'),
        ({"size": {"maxLength": 5}}, "/properties/size/maxLength", '"maxLength" says nothing about the type "integer"'),
        ({"size": {"minimum": 101}}, "/properties/size/minimum", 'no value can have "minimum" 101 and "maximum" 100'),
        ({"phase": {"enum": ["in", "after"]}}, "/properties/phase/default", 'does not take its own "pre"'),
        ({"n": {"type": "string", "x-crm": {"aliases": ["Label"]}}}, "/properties/n/x-crm/aliases/0", 'means "name"'),
        ({"boss": {"type": "integer", "x-crm": {"ref": "usr"}}}, "/properties/boss/x-crm/ref", 'refers to "usr"'),
    ],
)  # fmt: skip
def test_what_an_extension_may_not_do_is_refused_at_its_place(fragment: Any, pointer: str, message: str) -> None:
    [problem] = problems_of(field("abc", **fragment))

    assert problem.file is not None
    assert message in problem.message
    assert problem.hint
    if problem.file == "thing.extend.json":
        assert (problem.pointer, problem.plugin) == (pointer, "abc")
        assert problem.line is not None
        assert problem.line > 1
    else:
        # What the core said became wrong: it is named there, and the extension beside it.
        assert (problem.file, problem.pointer) == ("thing.schema.json", pointer)
        assert "thing.extend.json" in problem.message


def test_a_loosening_names_both_files_with_their_lines() -> None:
    [problem] = problems_of(field("abc", name={"maxLength": 300}))

    assert str(problem) == (
        "[abc] thing.extend.json:5 /properties/name/maxLength: 300 is looser than 200; see also thing.schema.json:25 "
        "(core) (An extension may only make a field stricter.)"
    )


def test_two_plugins_that_declare_one_field_differently_are_a_conflict() -> None:
    [problem] = problems_of(
        field("abc", score={"type": "integer"}), field("xyz", score={"type": "integer", "minimum": 0})
    )

    assert (problem.code, problem.plugin, problem.pointer) == ("conflict", "xyz", "/properties/score")
    assert "thing.extend.json:4 (abc)" in problem.message


def test_two_plugins_that_declare_one_field_alike_share_it() -> None:
    composition = composed(field("abc", score={"type": "integer"}), field("xyz", score={"type": "integer"}))

    assert composition.entities["thing"].fields["score"].origin == "abc"


def test_a_plugin_may_make_the_field_of_another_one_stricter_after_it() -> None:
    thing = composed(field("abc", score={"type": "integer"}), field("xyz", score={"maximum": 5})).entities["thing"]

    assert thing.schema["properties"]["score"] == {"type": "integer", "maximum": 5}


def test_a_plugin_cannot_extend_a_field_that_comes_later() -> None:
    [problem] = problems_of(field("xyz", score={"maximum": 5}), field("abc", score={"type": "integer"}))

    assert (problem.plugin, problem.code) == ("xyz", "unknown_field")


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"note": {"pattern": "^a"}}, {"note": {"pattern": "^b"}}, '"^b" contradicts "^a"'),
        ({"kind": {"enum": ["fax"]}}, {"kind": {"enum": ["visit"]}}, 'left out: "call", "mail", "fax"'),
        ({"kind": {"enum": ["visit"]}}, {"kind": {"enum": ["fax"]}}, 'left out before: "call", "mail"'),
        ({"phase": {"enum": ["pre"]}}, {"phase": {"enum": ["pre", "in"]}}, '"in" is not among the values'),
        ({"name": {"minLength": 50}}, {"name": {"maxLength": 40}}, '"minLength" 50 and "maxLength" 40'),
        ({"note": {"x-crm": {"titles": {"fr": "A"}}}}, {"note": {"x-crm": {"titles": {"fr": "B"}}}}, '"B" contradicts'),
        ({"note": {"x-crm": {"aliases": ["y"]}}}, {"name": {"x-crm": {"aliases": ["Y"]}}}, 'means "name" already'),
        ({"note": {"x-crm": {"was": ["old"]}}}, {"size": {"x-crm": {"was": ["old"]}}}, "a former name"),
        ({"a": {"type": "integer", "x-crm": {"ref": "user", "owner": True}}},
         {"b": {"type": "integer", "x-crm": {"ref": "user", "owner": True}}}, "both say who the owner is"),
    ],
)  # fmt: skip
def test_two_plugins_that_disagree_are_an_error(first: Any, second: Any, message: str) -> None:
    [problem] = problems_of(field("abc", **first), field("xyz", **second))

    assert message in problem.message
    other = {"abc": "xyz", "xyz": "abc"}[str(problem.plugin)]
    assert f"({other})" in problem.message


def test_two_declarations_of_one_entity_are_a_conflict_that_names_both() -> None:
    [problem] = problems_of(("abc", "thing.schema.json", USER))

    assert (problem.code, problem.plugin) == ("conflict", "abc")
    assert "thing.schema.json (core)" in problem.message
    assert "thing.extend.json" in str(problem.hint)


def test_an_extension_of_an_entity_that_is_not_there_is_refused() -> None:
    [problem] = problems_of(("abc", "thnig.extend.json", EXTENSION))

    assert (problem.code, problem.file, problem.hint) == (
        "unknown_entity",
        "thnig.extend.json",
        'Did you mean "thing"?',
    )


@pytest.mark.parametrize("target", ["usr", "none_such"])
def test_a_dangling_reference_is_refused_with_its_place(target: str) -> None:
    box = {**ENTITY, "properties": {"who": {"type": "integer", "x-crm": {"ref": target}}}}

    [problem] = problems_of(("abc", "box.schema.json", box))

    assert (problem.code, problem.file, problem.line) == ("dangling_ref", "box.schema.json", 8)
    assert problem.pointer == "/properties/who/x-crm/ref"
    assert "user" in str(problem.hint)


def test_one_plural_or_one_former_name_of_two_entities_is_refused() -> None:
    box = {**USER, "x-crm": {"plural": "things", "was": ["user"]}}

    plural, was = problems_of(("abc", "box.schema.json", box))

    assert (plural.pointer, was.pointer) == ("/x-crm/plural", "/x-crm/was/0")
    assert '"thing"' in plural.message


def test_a_plural_that_nobody_wrote_is_reported_where_it_could_be_written() -> None:
    box = {**USER, "x-crm": {"plural": "crates"}}
    crate = {**USER, "x-crm": {"titles": {"en": "Crate"}}}
    said = (("box.schema.json", box), ("crate.schema.json", crate))

    with pytest.raises(SchemaError) as caught:
        compose(document for name, content in said for document in document_of(name, content, "core")[0])

    assert [(p.file, p.pointer) for p in caught.value.problems] == [("crate.schema.json", "/x-crm")]


def test_all_problems_of_all_files_are_raised_together(tmp_path: Path) -> None:
    (tmp_path / "a.schema.json").write_text('{"$schema": "urn:crmcore:entity:1",\n"type": }')
    (tmp_path / "b.schema.json").write_text(
        '{"$schema": "urn:crmcore:entity:1", "type": "object", "properties": {\n'
        '"id": {"type": "string"},\n"x": {"type": "string", "maxLenght": 5, "pattern": "\\\\d"},\n'
        '"a": {"type": "integer", "x-crm": {"ref": "a"}}}}'
    )
    (tmp_path / "c.schema.json").write_text(
        '{"$schema": "urn:crmcore:entity:1", "type": "object", "properties": {\n'
        '"a": {"type": "integer", "x-crm": {"ref": "a"}},\n"d": {"type": "integer", "x-crm": {"ref": "d"}}}}'
    )
    (tmp_path / "d.extend.json").write_text('{"$schema": "urn:crmcore:extension:1"}')
    documents, unread = read_documents(tmp_path, "instance")

    with pytest.raises(SchemaError) as caught:
        compose(documents, unread)

    places = [(str(p.file).removeprefix(f"{tmp_path}/"), p.line, p.pointer) for p in caught.value.problems]
    assert places == [
        ("a.schema.json", 2, None),
        ("b.schema.json", 2, "/properties/id"),
        ("b.schema.json", 3, "/properties/x/maxLenght"),
        ("c.schema.json", 3, "/properties/d/x-crm/ref"),
        ("d.extend.json", 1, ""),
    ]
    assert caught.value.exit_code == 3


def test_why_tells_which_file_set_each_keyword() -> None:
    composition = composed(
        field("abc", name={"maxLength": 100, "x-crm": {"index": True, "aliases": ["nom"]}}),
        extending("instance", required=["name", "note"], properties={"name": {"maxLength": 120}}),
    )

    found = [(s.keyword, s.value, s.origin, s.path, s.line) for s in composition.why("thing", "name")]

    assert found == [
        ("required", True, "core", "thing.schema.json", 20),
        ("required", True, "instance", "thing.extend.json", 4),
        ("type", "string", "core", "thing.schema.json", 24),
        ("maxLength", 200, "core", "thing.schema.json", 25),
        ("maxLength", 100, "abc", "thing.extend.json", 5),
        ("x-crm.titles", {"en": "Name"}, "core", "thing.schema.json", 27),
        ("x-crm.aliases", ["label"], "core", "thing.schema.json", 30),
        ("x-crm.aliases", ["nom"], "abc", "thing.extend.json", 8),
        ("x-crm.index", True, "abc", "thing.extend.json", 7),
    ]
    with pytest.raises(KeyError):
        composition.why("thing", "nmae")


def test_an_internal_entity_is_admitted() -> None:
    box = {**USER, "x-crm": {"internal": True}}

    assert composed(("abc", "box.schema.json", box)).entities["box"].internal
