from __future__ import annotations

import json

import pytest

from crmcore.errors import ManifestError
from crmcore.manifest import Command, manifest_of, read_manifest

MINIMAL = {"name": "hello", "version": "1.0", "summary": "Greets."}


def written(folder, text):
    (folder / "plugin.json").write_text(text, encoding="utf-8")
    return folder


def refused(**changes):
    with pytest.raises(ManifestError) as caught:
        manifest_of({**MINIMAL, **changes})
    return caught.value.problems


def test_a_manifest_says_everything_without_an_import(tmp_path):
    text = json.dumps(
        {
            "$schema": "urn:crmcore:plugin:1",
            "name": "churn",
            "version": "1.2.0",
            "summary": "Warns.",
            "requires_core": ">=0.1,<2",
            "requires": ["abc"],
            "after": ["tabular"],
            "needs": {"scipy": "crmcore[models]"},
            "config": {"type": "object", "properties": {"days": {"type": "integer", "default": 90, "minimum": 1}}},
            "commands": [{"name": "churn-run", "summary": "Run it.", "function": "crmcore_churn.cli:run"}],
            "listens": {"crm_after_save": ["order"], "crm_committed": ["*"]},
        }
    )

    manifest = read_manifest(written(tmp_path, text))

    assert (manifest.name, manifest.version, manifest.summary) == ("churn", "1.2.0", "Warns.")
    assert manifest.requires_core == ">=0.1,<2"
    assert (manifest.requires, manifest.after) == (("abc",), ("tabular",))
    assert manifest.needs == {"scipy": "crmcore[models]"}
    assert manifest.commands == (Command("churn-run", "Run it.", "crmcore_churn.cli:run"),)
    assert manifest.listens == {"crm_after_save": ("order",), "crm_committed": ("*",)}


@pytest.mark.parametrize(
    ("listens", "owns_schemas", "essential"),
    [
        ({}, False, False),
        ({"crm_committed": ["*"]}, False, False),
        ({}, True, True),
        ({"crm_validate": ["customer"]}, False, True),
        ({"crm_before_save": ["customer"]}, False, True),
        ({"crm_access_rules": ["*"]}, False, True),
        ({"crm_computed": ["customer"]}, False, True),
    ],
)
def test_a_plugin_with_schemas_or_a_part_in_transactions_or_access_is_essential(listens, owns_schemas, essential):
    manifest = manifest_of({**MINIMAL, "listens": listens}, owns_schemas=owns_schemas)

    assert manifest.essential is essential


def test_schemas_are_owned_where_the_folder_has_some(tmp_path):
    written(tmp_path, json.dumps(MINIMAL))
    (tmp_path / "schemas").mkdir()
    assert not read_manifest(tmp_path).owns_schemas

    (tmp_path / "schemas" / "visit.schema.json").write_text("{}", encoding="utf-8")
    assert read_manifest(tmp_path).owns_schemas


def test_a_manifest_that_is_not_json_is_refused_with_line_and_column(tmp_path):
    written(tmp_path, '{\n  "name": "hello",\n  "version" "1.0"\n}')

    with pytest.raises(ManifestError) as caught:
        read_manifest(tmp_path)

    [problem] = caught.value.problems
    assert (problem.line, problem.column) == (3, 13)
    assert str(tmp_path / "plugin.json") in str(caught.value)


def test_a_folder_without_a_manifest_is_told_what_a_plugin_is(tmp_path):
    with pytest.raises(ManifestError, match=r"A plugin is a package with a file plugin\.json"):
        read_manifest(tmp_path)


def test_a_manifest_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "plugin.json").write_bytes(b'{"name": "\xc3\x28"}')

    with pytest.raises(ManifestError, match="cannot be read"):
        read_manifest(tmp_path)


def test_all_mistakes_of_a_manifest_are_reported_at_once_with_lines_and_suggestions(tmp_path):
    written(
        tmp_path,
        """{
  "nmae": "hello",
  "version": "one",
  "requires": "abc",
  "commands": [{"name": "Run", "summary": "x", "function": "crmcore_hello.cli"}],
  "listens": {"crm_validate": ["Customer"]}
}""",
    )

    with pytest.raises(ManifestError) as caught:
        read_manifest(tmp_path)

    found = {(problem.line, problem.pointer, problem.message) for problem in caught.value.problems}
    assert (2, "/nmae", "unknown key `nmae`") in found
    assert {"Did you mean `name`?"} <= {problem.hint for problem in caught.value.problems}
    assert {(line, at) for line, at, _ in found} == {
        (1, None),  # `name` and `summary` are missing
        (2, "/nmae"),
        (3, "/version"),
        (4, "/requires"),
        (5, "/commands/0/name"),
        (5, "/commands/0/function"),
        (6, "/listens/crm_validate/0"),
    }
    assert all(problem.file == tmp_path / "plugin.json" for problem in caught.value.problems)


def test_a_key_that_is_there_twice_is_refused(tmp_path):
    written(tmp_path, '{"name": "a", "version": "1", "summary": "x",\n "requires": ["b"], "requires": []}')

    with pytest.raises(ManifestError, match="twice"):
        read_manifest(tmp_path)


def test_an_unknown_hook_in_listens_is_refused_with_the_name_that_was_meant():
    [problem] = refused(listens={"crm_validte": ["customer"]})

    assert problem.pointer == "/listens/crm_validte"
    assert problem.message == "there is no hook `crm_validte`"
    assert problem.hint == "Did you mean `crm_validate`?"
    assert problem.plugin == "hello"


def test_a_declaration_hook_has_no_place_in_listens():
    [problem] = refused(listens={"crm_metrics": ["customer"]})

    assert problem.message == "`crm_metrics` is not called for records"


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"name": "Hello"}, "/name"),
        ({"name": "plugin_dirs"}, "/name"),
        ({"name": "core"}, "/name"),
        ({"name": "a__b"}, "/name"),
        ({"requires_core": "newest"}, "/requires_core"),
        ({"requires_core": 1}, "/requires_core"),
        ({"requires": ["hello"]}, "/requires/0"),
        ({"after": ["abc", "hello"]}, "/after/1"),
        ({"needs": {"a.b": "a"}}, "/needs/a.b"),
        ({"needs": {"scipy": "scipy; rm -rf"}}, "/needs/scipy"),
        ({"needs": {"scipy": "--index-url=x"}}, "/needs/scipy"),
        ({"listens": {"crm_validate": []}}, "/listens/crm_validate"),
        ({"config": {"type": "array", "properties": {}}}, "/config/type"),
        ({"config": {"type": "object", "properties": {"a": {"typo": "string"}}}}, "/config/properties/a/typo"),
        ({"config": {"type": "object", "properties": {"a": {"type": "strng"}}}}, "/config/properties/a/type"),
        (
            {"config": {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}},
            "/config/properties/a/default",
        ),
        (
            {"config": {"type": "object", "properties": {"a": {"type": "string", "pattern": "("}}}},
            "/config/properties/a/pattern",
        ),
        ({"version": object()}, None),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(changes, pointer):
    assert refused(**changes)[0].pointer == pointer


def test_two_commands_of_one_name_are_refused():
    command = {"name": "run", "summary": "Run.", "function": "a.b:c"}

    problems = refused(commands=[command, command])

    assert [problem.pointer for problem in problems] == ["/commands/0/name", "/commands/1/name"]


def test_reading_a_manifest_imports_no_heavy_library(tmp_path):
    import subprocess
    import sys

    written(tmp_path, json.dumps(MINIMAL))
    code = (
        "import sys, pathlib; from crmcore.manifest import read_manifest;"
        f"read_manifest(pathlib.Path({str(tmp_path)!r}));"
        "print(sorted({'sqlalchemy', 'jsonschema', 'lark', 'rich', 'tomlkit'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["0", "007"])
def test_a_key_that_is_a_number_is_named_as_any_other(name):
    (problem,) = refused(config={"type": "object", "properties": {name: {"type": 3}}})

    assert problem.pointer == f"/config/properties/{name}/type"
