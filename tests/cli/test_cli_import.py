"""Importing files at the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli_surroundings import Run

GOOD = "客户名称,地区\n佛山企业电子,华南\n上海浦江仪器,华东\n"
MIXED = "name,founded_date,colour\nAcme,1999-12-31,red\nBad,nonsense,blue\n"


@pytest.fixture
def file(empty: Path) -> Path:
    return empty / "customers.csv"


def test_good_rows_become_records(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    imported = run("import", "customer", "customers.csv")
    assert imported.stdout == "2 created\n"
    assert imported.stderr == ""
    assert "佛山企业电子" in run("list", "customer").stdout


def test_a_repeated_import_changes_nothing(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    run("import", "customer", "customers.csv")
    assert run("import", "customer", "customers.csv").stdout == "2 unchanged\n"


@pytest.mark.parametrize(
    ("on_match", "code", "said", "region"),
    [
        ("update", 0, "1 updated, 1 unchanged", "华中"),
        ("skip", 0, "2 skipped", "华南"),
        ("error", 1, "2 rejected", "华南"),
    ],
)
def test_rows_of_known_records_do_what_is_asked(
    file: Path, run: Run, on_match: str, code: int, said: str, region: str
) -> None:
    file.write_text(GOOD, encoding="utf-8")
    run("import", "customer", "customers.csv")
    file.write_text(GOOD.replace("华南", "华中"), encoding="utf-8")
    assert run("import", "customer", "customers.csv", "--on-match", on_match, code=code).stdout.splitlines()[0] == said
    assert json.loads(run("show", "customer:1", "--json").stdout)["region"] == region


def test_bad_rows_are_named_and_kept_in_a_file_that_can_be_mended(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    imported = run("import", "customer", "customers.csv", code=1)
    lines = imported.stdout.splitlines()
    assert lines[0] == "1 created, 1 rejected"
    assert lines[1].startswith("line 3, founded_date: ")
    assert lines[2] == "rejected rows, with reasons: customers.csv.rejects.csv"
    assert imported.stderr == "left out: colour is no field\n"
    rejects = Path("customers.csv.rejects.csv")
    (row,) = csv.DictReader(rejects.read_text(encoding="utf-8-sig").splitlines())
    assert (row["name"], row["line"]) == ("Bad", "3")
    rejects.write_text(rejects.read_text("utf-8-sig").replace("nonsense", "2000-01-01"), encoding="utf-8")
    assert run("import", "customer", str(rejects)).stdout == "1 created\n"


def test_rejects_go_where_they_are_asked_to(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    run("import", "customer", "customers.csv", "--rejects", "bad.csv", code=1)
    assert "Bad" in Path("bad.csv").read_text(encoding="utf-8-sig")


def test_an_import_as_json_says_what_became_of_columns_and_rows(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    done = json.loads(run("import", "customer", "customers.csv", "--json", code=1).stdout)
    assert done["fields"] == {"name": "name", "founded_date": "founded_date"}
    assert done["left_out"] == ["colour"]
    assert done["outcomes"] == {"created": 1, "rejected": 1}
    assert [(problem["line"], problem["field"]) for problem in done["problems"]] == [(3, "founded_date")]


def test_only_the_first_problems_fill_the_screen(file: Path, run: Run) -> None:
    file.write_text("name,founded_date\n" + "".join(f"C{n},nonsense\n" for n in range(25)), encoding="utf-8")
    lines = run("import", "customer", "customers.csv", code=1).stdout.splitlines()
    assert lines[-2] == "... and 15 more"
    assert len(lines) == 1 + 10 + 2


@pytest.mark.parametrize(
    ("name", "content", "arguments", "said"),
    [
        ("none.csv", None, [], "none.csv cannot be read: No such file or directory"),
        ("x.csv", "", [], "x.csv has no header"),
        ("x.csv", "colour,size\nred,1\n", [], "no header is a field of customer"),
        ("x.pdf", "name\nAcme\n", [], "no enabled plugin reads .pdf files"),
        ("x.csv", "name\nAcme\n", ["--on-match", "merge"], "expected one of: update, skip, error"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused(
    empty: Path, run: Run, name: str, content: str | None, arguments: list[str], said: str
) -> None:
    if content is not None:
        Path(name).write_text(content, encoding="utf-8")
    assert said in run("import", "customer", name, *arguments, code=2).stderr


def test_a_folder_is_no_file(empty: Path, run: Run) -> None:
    Path("folder.csv").mkdir()
    assert "folder.csv cannot be read" in run("import", "customer", "folder.csv", code=2).stderr


def test_without_a_reader_the_hint_says_which_plugin_brings_one(empty: Path, run: Run) -> None:
    Path("x.csv").write_text("name\nAcme\n", encoding="utf-8")
    run("plugins", "disable", "tabular")
    assert "crmcore plugins enable tabular" in run("import", "customer", "x.csv", code=2).stderr
