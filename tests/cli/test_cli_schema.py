"""Schemas and the database at the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

if TYPE_CHECKING:
    from cli_surroundings import Run

EXTENSION = Path("schemas/customer.extend.json")


def extend(properties: str) -> None:
    EXTENSION.parent.mkdir(exist_ok=True)
    EXTENSION.write_text(f'{{"$schema": "urn:crmcore:extension:1",\n "properties": {properties}}}', encoding="utf-8")


def rows(output: str) -> list[list[str]]:
    return [line.split() for line in output.splitlines()]


def test_entities_are_listed_with_who_declares_them(demo: Path, run: Run) -> None:
    (customer,) = [row for row in rows(run("schema", "list").stdout) if row[0] == "customer"]
    assert customer[-2:] == ["core,", "abc"]
    listed = json.loads(run("schema", "list", "--json").stdout)
    assert {"order", "user", "team"} < {entity["name"] for entity in listed}


def test_fields_are_shown_with_what_they_hold(demo: Path, run: Run) -> None:
    shown = run("schema", "show", "customer").stdout
    assert shown.startswith("Customer (customer)\n")
    (computed,) = [line for line in shown.splitlines() if line.startswith("abc_class")]
    assert computed.split() == ["abc_class", "Class", "A", "|", "B", "|", "C", "computed", "by", "abc", "abc"]
    fields = json.loads(run("schema", "show", "order", "--json").stdout)["fields"]
    (customer,) = [field for field in fields if field["name"] == "customer"]
    assert (customer["ref"], customer["required"]) == ("customer", True)


def test_the_file_that_set_a_keyword_is_named(demo: Path, run: Run) -> None:
    extend('{"name": {"maxLength": 80}}')
    found = json.loads(run("schema", "why", "customer.name", "--json").stdout)
    lengths = [(one["value"], one["origin"], one["line"]) for one in found if one["keyword"] == "maxLength"]
    assert [length[:2] for length in lengths] == [(200, "core"), (80, "instance")]
    assert lengths[1][2] == 2
    assert "schemas/customer.extend.json:2" in run("schema", "why", "customer.name").stdout


def test_an_exported_schema_judges_records_as_json(demo: Path, run: Run) -> None:
    schema = json.loads(run("schema", "export", "customer").stdout)
    record = json.loads(run("show", "customer:1", "--json").stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(record, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**record, "kind": "robot"}, schema)


def test_all_schemas_are_exported_into_a_folder(demo: Path, run: Run) -> None:
    run("schema", "export", "--output", "out/schemas")
    assert json.loads(Path("out/schemas/order.json").read_text(encoding="utf-8"))["title"] == "Order"
    assert set(json.loads(run("schema", "export").stdout)) == {file.stem for file in Path("out/schemas").iterdir()}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "custmer"], "Did you mean `customer`?"),
        (["why", "customer.nmae"], "Did you mean `name`?"),
        (["why", "customer"], "customer has no field ''"),
        (["export", "custmer"], "there is no entity 'custmer'"),
        (["export", "--output", "crm.toml"], "crm.toml cannot be written"),
        (["shwo"], "Did you mean show?"),
    ],
)
def test_what_is_not_there_cannot_be_looked_at(demo: Path, run: Run, arguments: list[str], said: str) -> None:
    assert said in run("schema", *arguments, code=2).stderr


def test_the_state_of_the_database_is_told_for_each_origin(demo: Path, run: Run) -> None:
    assert ["abc", "0.2.0", "0.2.0", "up", "to", "date"] in rows(run("db", "status").stdout)
    run("plugins", "disable", "abc")
    assert "disabled; its data is kept" in run("db", "status").stdout


def test_an_upgrade_is_rehearsed_then_done(demo: Path, run: Run) -> None:
    extend('{"fax": {"type": "string"}}')
    behind = json.loads(run("db", "status", "--json", code=1).stdout)
    assert [origin["name"] for origin in behind if origin["needs_upgrade"]] == ["instance"]
    rehearsal = run("db", "upgrade", "--dry-run").stdout
    assert "ALTER TABLE crm_customer ADD COLUMN fax" in rehearsal
    run("db", "status", code=1)
    assert run("db", "upgrade").stdout == "upgraded: instance\n"
    assert run("db", "upgrade").stdout == "the database is up to date\n"
    run("update", "customer:1", "--set", "fax=0757-1")


def test_records_that_a_tighter_schema_refuses_are_listed(demo: Path, run: Run) -> None:
    extend('{"name": {"maxLength": 9}}')
    rehearsal = run("db", "upgrade", "--dry-run", code=1).stdout
    assert "stored records break the rules and stay as they are" in rehearsal
    assert "customer:1: " in rehearsal


def test_nothing_is_dropped_unless_it_is_named(demo: Path, run: Run) -> None:
    extend('{"fax": {"type": "string"}}')
    run("db", "upgrade")
    run("update", "customer:1", "--set", "fax=0757-1")
    EXTENSION.unlink()
    EXTENSION.parent.rmdir()
    extend('{"telex": {"type": "string"}}')
    assert "--drop customer.fax" in run("db", "upgrade", code=8).stderr
    assert run("db", "upgrade", "--drop", "customer.fax").stdout == "upgraded: instance\n"
    run("db", "upgrade", "--drop", "customer.name", code=2)


def test_a_backup_is_restored_into_a_new_database(demo: Path, run: Run) -> None:
    assert run("db", "backup", "all.zip").stdout.startswith("all.zip: ")
    assert "holds a CRM already" in run("db", "restore", "all.zip", code=8).stderr
    before = run("list", "customer", "--json", "--limit", "100").stdout
    text = Path("crm.toml").read_text(encoding="utf-8")
    Path("crm.toml").write_text(text.replace("sqlite:///crm.db", "sqlite:///new.db"), encoding="utf-8")
    assert run("db", "restore", "all.zip").stdout.startswith("restored ")
    assert run("list", "customer", "--json", "--limit", "100").stdout == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["backup", "nowhere/all.zip"], "cannot be written"), (["restore", "none.zip"], "cannot be read")],
)
def test_an_archive_that_cannot_be_used_is_refused(demo: Path, run: Run, arguments: list[str], said: str) -> None:
    assert said in run("db", *arguments, code=8).stderr


def test_a_file_that_is_no_archive_is_refused(demo: Path, run: Run) -> None:
    assert "is no archive of a CRM" in run("db", "restore", "crm.toml", code=8).stderr
