"""Reading schema files: names, syntax, places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.schema.documents import CORE, INSTANCE, core_documents, document_of, parse_json, read_documents
from crmcore.schema.positions import positions, step

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """{
  "$schema": "urn:crmcore:entity:1",
  "properties": {
    "a/b~": {"enum": [
      "x", "{\\"y\\":",
      {"z": []}
    ]}
  }
}"""


def test_the_core_comes_with_its_entities_and_no_problems() -> None:
    documents, problems = core_documents()

    assert problems == ()
    assert {"customer", "contact", "order", "user"} <= {document.entity for document in documents}
    assert {document.origin for document in documents} == {CORE}


def test_the_file_name_gives_the_entity_and_whether_it_extends(tmp_path: Path) -> None:
    (tmp_path / "order_line.schema.json").write_text("{}")
    (tmp_path / "customer.extend.json").write_text("\ufeff{}", encoding="utf-8")
    (tmp_path / "README.md").write_text("no schema")

    documents, problems = read_documents(tmp_path, "abc")

    assert problems == ()
    assert [(d.entity, d.extends, d.plugin) for d in documents] == [
        ("customer", True, "abc"),
        ("order_line", False, "abc"),
    ]


def test_a_folder_that_is_not_there_has_no_documents(tmp_path: Path) -> None:
    assert read_documents(tmp_path / "none", INSTANCE) == ((), ())


@pytest.mark.parametrize(
    "name", ["customer.json", "Customer.schema.json", "a__b.schema.json", f"{'a' * 41}.schema.json"]
)
def test_another_file_name_is_refused_and_says_what_to_write(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("{}")

    documents, [problem] = read_documents(tmp_path, INSTANCE)

    assert documents == ()
    assert problem.code == "file_name"
    assert problem.file == str(tmp_path / name)
    assert "<entity>.schema.json" in str(problem.hint)


def test_a_syntax_error_has_line_and_column_and_does_not_hide_other_files(tmp_path: Path) -> None:
    (tmp_path / "a.schema.json").write_text('{\n  "type": object\n}')
    (tmp_path / "b.schema.json").write_text("{}")
    (tmp_path / "c.schema.json").write_bytes(b"\xff\xfe")

    documents, problems = read_documents(tmp_path, INSTANCE)

    assert [document.entity for document in documents] == ["b"]
    assert (problems[0].file, problems[0].line, problems[0].column) == (str(tmp_path / "a.schema.json"), 2, 11)
    assert "cannot be read" in problems[1].message


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"a": NaN}', "NaN is no JSON number"),
        ('{"a": -Infinity}', "-Infinity is no JSON number"),
        ('{"a": 1e400}', "1e400 is too large"),
        ('{"a": ' + "9" * 5000 + "}", "not a JSON document"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "nested too deeply"),
        ("[1, 2]", "an object was expected"),
        ("null", "an object was expected"),
        ('{"a": "\\ud800"}', "half of a surrogate pair"),
        ("", "not a JSON document"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "a.schema.json").write_text(text)

    documents, [problem] = read_documents(tmp_path, INSTANCE)

    assert documents == ()
    assert reason in problem.message


def test_a_name_that_stands_twice_in_an_object_is_refused_at_its_second_place() -> None:
    value, _found, [problem] = parse_json('{"a": {"b": 1,\n"c": 2,\n"b": 3}}', "x.json")

    assert value is None
    assert (problem.code, problem.pointer, problem.line) == ("duplicate_name", "/a/b", 3)


def test_every_pointer_has_the_line_where_it_starts() -> None:
    lines = positions(TEXT).lines

    assert lines == {
        "": 1,
        "/$schema": 2,
        "/properties": 3,
        "/properties/a~1b~0": 4,
        "/properties/a~1b~0/enum": 4,
        "/properties/a~1b~0/enum/0": 5,
        "/properties/a~1b~0/enum/1": 5,
        "/properties/a~1b~0/enum/2": 6,
        "/properties/a~1b~0/enum/2/z": 6,
    }


def test_a_pointer_that_is_not_in_the_text_has_the_line_of_what_is_around_it() -> None:
    (document,), _ = document_of("a.schema.json", json.loads(TEXT), "abc")

    assert document.line("/properties/nothing/at/all") == document.line("/properties")


def test_a_document_that_is_no_file_is_read_like_one() -> None:
    (document,), problems = document_of("customer.extend.json", {"properties": {"x": {"type": "string"}}}, "abc")

    assert problems == ()
    assert (document.entity, document.extends, document.path) == ("customer", True, "customer.extend.json")
    assert document.line("/properties/x") == 3


@pytest.mark.parametrize(
    "document", [{"a": object()}, {"a": {1, 2}}, {"a": float("nan")}, {("a", "b"): 1}, {"a": "\ud800"}]
)
def test_a_document_that_json_cannot_hold_is_a_problem_and_no_exception(document: dict[str, Any]) -> None:
    documents, [problem] = document_of("a.schema.json", document, "abc")

    assert documents == ()
    assert (problem.code, problem.plugin) == ("json", "abc")


def test_a_document_that_contains_itself_is_a_problem() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless

    documents, problems = document_of("a.schema.json", endless, "abc")

    assert documents == ()
    assert len(problems) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def pointers(value: Any, pointer: str = "") -> set[str]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {pointer}.union(*(pointers(inner, step(pointer, name)) for name, inner in members))


@given(JSON, st.sampled_from([None, 0, 2]), st.booleans())
def test_the_positions_of_any_json_text_are_those_of_its_values(value: Any, indent: int | None, ascii_: bool) -> None:
    found = positions(json.dumps(value, indent=indent, ensure_ascii=ascii_))

    assert set(found.lines) == pointers(value)
    assert found.duplicates == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (" " * 1_000_001, "cannot be read: it has more than 1,000,000 bytes"),
        ('{"a": ' + "9" * 401 + "}", "is not a JSON document: the number has 401 digits"),
        ('{"a": [' + "1," * 10_000 + "1]}", "is not a JSON document: it has more than 10,000 values"),
        ("[" * 200_000, "is not a JSON document: it is nested too deeply"),
    ],
)
def test_a_file_beyond_anything_that_people_write_is_refused_at_once(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "thing.schema.json").write_text(text)

    documents, (problem,) = read_documents(tmp_path, INSTANCE)

    assert documents == ()
    assert problem.message == reason
