"""Exporting at the command line: to a file, to stdout, and never over somebody's file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run, RunProgram

CUSTOMERS = "客户名称,地区,主体类型\n佛山企业电子,华南,企业\n王伟,华东,个人\n"


@pytest.fixture
def customers(empty: Path, run: Run) -> Path:
    """An instance with two customers."""
    (empty / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    run("import", "customer", "customers.csv")
    return empty


def test_records_are_written_to_a_file_that_changes_nothing_when_it_comes_back(customers: Path, run: Run) -> None:
    assert run("export", "customer", "out.csv").stdout == "2 records written to out.csv\n"
    assert run("import", "customer", "out.csv", "--json").exit_code == 0
    assert json.loads(run("import", "customer", "out.csv", "--json").stdout)["outcomes"] == {"unchanged": 2}


def test_without_a_file_the_records_go_to_stdout_as_plain_csv(customers: Path, program: RunProgram) -> None:
    printed = program("export", "customer", "--fields", "name,region", "--order", "-id")
    assert (printed.returncode, printed.stderr) == (0, "")
    assert printed.stdout.splitlines() == ["ID,Name,Region", "customer:2,王伟,华东", "customer:1,佛山企业电子,华南"]


def test_a_format_can_be_named_for_stdout(customers: Path, program: RunProgram) -> None:
    chosen = ["--fields", "name,kind", "--where", "id = 2", "--no-id"]
    printed = program("export", "customer", "-", "--format", "jsonl", *chosen)
    assert json.loads(printed.stdout) == {"name": "王伟", "kind": "person"}


def test_headers_and_values_are_in_the_language_that_is_asked_for(customers: Path, program: RunProgram) -> None:
    chosen = ["--fields", "name,kind", "--where", "id = 2"]
    assert program("--lang", "zh-CN", "export", "customer", *chosen).stdout.splitlines() == [
        "编号,客户名称,主体类型",
        "customer:2,王伟,个人",
    ]
    assert program("export", "customer", *chosen, "--codes").stdout.splitlines() == [
        "id,name,kind",
        "customer:2,王伟,person",
    ]


def test_json_says_what_was_written(customers: Path, run: Run) -> None:
    written = json.loads(run("export", "customer", "out.jsonl", "--fields", "name", "--json").stdout)
    assert written == {
        "file": "out.jsonl",
        "format": "jsonl",
        "records": 2,
        "columns": {"id": "id", "name": "name"},
    }


def test_a_file_that_is_there_is_replaced_by_force_only(customers: Path, run: Run) -> None:
    before = (customers / "customers.csv").read_text(encoding="utf-8")
    refused = run("export", "customer", "customers.csv", code=2)
    assert "customers.csv is there already" in refused.stderr
    assert (customers / "customers.csv").read_text(encoding="utf-8") == before
    assert run("export", "customer", "customers.csv", "--force", "--option", "delimiter=;").exit_code == 0
    assert (customers / "customers.csv").read_text(encoding="utf-8-sig").startswith("ID;")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["customer", "--json"], "the records themselves go to stdout"),
        (["customer", "out.pdf"], "no enabled plugin writes .pdf files"),
        (["customer", "out.csv", "--fields", "nmae"], "customer has no field 'nmae'"),
        (["costumer", "out.csv"], "there is no entity 'costumer'"),
        (["customer", "out.csv", "--where", "colour = 1"], "colour"),
        (["customer", "out.csv", "--option", "colour"], "--option expects NAME=VALUE"),
    ],
)
def test_what_cannot_be_meant_is_refused(customers: Path, run: Run, arguments: list[str], said: str) -> None:
    assert said in run("export", *arguments, code=2).stderr
    assert not list(customers.glob("out*"))
