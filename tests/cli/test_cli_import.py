"""Importing files at the command line."""

from __future__ import annotations

import csv
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cli_surroundings import INTERRUPTIBLE

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
    assert imported.stderr.splitlines() == [
        "customers.csv (CSV, UTF-8, commas) -> Customer",
        "  客户名称  -> Name (name)",
        "  地区      -> Region (region)",
        "`crmcore import undo 1` takes it back",
    ]
    assert "佛山企业电子" in run("list", "customer").stdout


def test_a_repeated_import_changes_nothing(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    run("import", "customer", "customers.csv")
    repeated = run("import", "customer", "customers.csv")
    assert repeated.stdout == "2 unchanged\n"
    assert repeated.stderr.splitlines()[-1] == "nothing has changed: all of it was here already"


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


def test_a_column_that_the_mapping_file_does_not_name_is_said_to_be_so(file: Path, run: Run) -> None:
    Path("mapping.toml").write_text('[columns]\nname = "name"\n')
    file.write_text("name,region\nAcme,East\n")
    shown = run("import", "customer", "customers.csv", "--mapping", "mapping.toml").stderr
    assert "  region  -> left out: the mapping file does not name it" in shown.splitlines()


def test_bad_rows_are_named_and_kept_in_a_file_that_can_be_mended(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    imported = run("import", "customer", "customers.csv", code=1)
    lines = imported.stdout.splitlines()
    assert lines[0] == "1 created, 1 rejected"
    assert lines[1].startswith("line 3, founded_date: ")
    assert lines[2] == "rejected rows, with reasons: customers.rejects.csv"
    assert "  colour        -> left out: it is no field" in imported.stderr.splitlines()
    rejects = Path("customers.rejects.csv")
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


def test_rows_that_replace_what_others_of_the_file_have_written_are_told(file: Path, run: Run) -> None:
    file.write_text("code,name\n1,Acme\n1,Bluth\n", encoding="utf-8")
    assert run("import", "customer", "customers.csv").stdout.splitlines() == [
        "1 created, 1 updated",
        "1 row replaced what another row of the file had written, in line 3: the later one won",
    ]
    file.write_text("code,name\n" + "".join(f"1,Acme {n}\n" for n in range(9)), encoding="utf-8")
    said = "8 rows replaced what other rows of the file had written, in lines 3, 4, 5, 6, 7, ...: the later ones won"
    assert said in run("import", "customer", "customers.csv").stdout
    done = json.loads(run("import", "customer", "customers.csv", "--json").stdout)
    assert done["overwriting"] == {"rows": 8, "lines": [3, 4, 5, 6, 7]}


def test_rows_rejected_for_the_same_reason_are_told_together_the_most_frequent_reason_first(
    file: Path, run: Run
) -> None:
    rows = ["C,never", *(f"C{n},nonsense" for n in range(1200)), "D,never", "E,soon"]
    file.write_text("name,founded_date\n" + "\n".join(rows) + "\n", encoding="utf-8")
    tried = run("import", "customer", "customers.csv", "--dry-run", code=1).stdout.splitlines()
    lines = run("import", "customer", "customers.csv", code=1).stdout.splitlines()
    expected = "founded_date: expected a date such as 2026-11-21, found"
    assert lines == [
        "1,203 rejected",
        f'1,200 rows, the first in line 3, {expected} "nonsense"',
        f'2 rows, the first in line 2, {expected} "never"',
        f'line 1204, {expected} "soon"',
        "rejected rows, with reasons: customers.rejects.csv",
    ]
    assert tried == lines[:-1]
    done = json.loads(run("import", "customer", "customers.csv", "--json", code=1).stdout)
    assert done["reasons"][1] == {"reason": f'{expected} "never"', "rows": 2, "line": 2}


def test_only_the_first_reasons_fill_the_screen(file: Path, run: Run) -> None:
    file.write_text("name,founded_date\n" + "".join(f"C{n},day {n // 2}\n" for n in range(25)), encoding="utf-8")
    lines = run("import", "customer", "customers.csv", code=1).stdout.splitlines()
    assert lines[-2] == "... and 5 rows for other reasons"
    assert len(lines) == 1 + 10 + 2


@pytest.mark.parametrize(
    ("name", "content", "arguments", "said"),
    [
        ("none.csv", None, [], "none.csv cannot be read: No such file or directory"),
        ("x.csv", "", [], "x.csv cannot be read"),
        ("x.csv", "colour,size\nred,1\n", [], "no header is a field of customer"),
        ("x.pdf", "name\nAcme\n", [], "no enabled plugin reads .pdf files"),
        ("x.csv", "name\nAcme\n", ["--on-match", "merge"], "expected one of: update, skip, error"),
        ("x.csv", "name\nAcme\n", ["--date-format", "nonsense"], "nonsense"),
        ("x.csv", "name\nAcme\n", ["--option", "encoding"], "--option expects NAME=VALUE"),
    ],
)
def test_a_file_that_cannot_be_imported_is_refused(
    empty: Path, run: Run, name: str, content: str | None, arguments: list[str], said: str
) -> None:
    if content is not None:
        Path(name).write_text(content, encoding="utf-8")
    assert said in run("import", "customer", name, *arguments, code=2).stderr


def test_a_mapping_file_that_is_not_there_says_how_to_make_one(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    refused = run("import", "customer", "customers.csv", "--mapping", "none.toml", code=3)
    assert "crmcore import mapping" in refused.stderr


def test_a_folder_is_no_file(empty: Path, run: Run) -> None:
    Path("folder.csv").mkdir()
    assert "folder.csv cannot be read" in run("import", "customer", "folder.csv", code=2).stderr


def test_without_a_reader_the_hint_says_which_plugin_brings_one(empty: Path, run: Run) -> None:
    Path("x.csv").write_text("name\nAcme\n", encoding="utf-8")
    run("plugins", "disable", "tabular")
    assert "crmcore plugins enable tabular" in run("import", "customer", "x.csv", code=2).stderr


# -- the other options ----------------------------------------------------------------------------------------------

ORDERS = "Order ID,Order Date,Customer,Line Amount,Row\nS1,13/01/2026,Acme,5,1\nS1,13/01/2026,Acme,7,2\n"
MAPPING = """
[columns]
name = "name"
sector = { field = "industry", values = { "technolgy" = "technology" } }
[skip]
when = { "name" = ["Total"] }
"""


def test_what_is_cleaned_and_left_out_is_said(file: Path, run: Run) -> None:
    Path("m.toml").write_text(MAPPING, encoding="utf-8")
    file.write_text("name,sector\nA,technolgy\nB,Technolgy\nC,retail\nTotal,\n", encoding="utf-8")
    imported = run("import", "customer", "customers.csv", "--mapping", "m.toml")
    assert imported.stdout.splitlines()[:2] == ["3 created", "1 row left out"]
    assert "cleaned: sector: technolgy -> technology (1 row)" in imported.stdout
    assert "  sector  -> Industry (industry): technolgy = technology" in imported.stderr.splitlines()


def test_lines_are_counted_with_all_that_was_created_along(empty: Path, run: Run) -> None:
    Path("orders.csv").write_text(ORDERS, encoding="utf-8")
    imported = run("import", "order", "orders.csv", "--create-missing")
    assert imported.stdout.splitlines() == ["2 created", "created along: customer 1, order 1, order_line 2"]
    assert "orders.csv (CSV, UTF-8, commas) -> Order with lines" in imported.stderr
    assert json.loads(run("show", "order:1", "--json").stdout)["amount"] == "12.00"


def test_a_missing_record_names_the_option_that_creates_it(empty: Path, run: Run) -> None:
    Path("orders.csv").write_text(ORDERS, encoding="utf-8")
    imported = run("import", "order", "orders.csv", code=1)
    said = 'there is no customer "Acme" (--create-missing creates what is not there.)'
    assert f"2 rows, the first in line 2, Customer: {said}" in imported.stdout.splitlines()


def test_a_rehearsal_saves_nothing_and_says_so(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    tried = run("import", "customer", "customers.csv", "--dry-run", code=1)
    assert tried.stdout.splitlines()[0] == "1 created, 1 rejected"
    assert tried.stderr.splitlines()[-1] == "this was tried and thrown away: nothing was saved"
    assert json.loads(run("list", "customer", "--json").stdout)["records"] == []
    assert list(Path().glob("*rejects*")) == []
    assert "nothing was imported yet" in run("import", "list").stderr


@pytest.mark.parametrize("content", ["name,region\n", "name,region\nname,region\n"])
def test_a_file_with_nothing_below_its_header_has_no_rows(file: Path, run: Run, content: str) -> None:
    file.write_text(content, encoding="utf-8")
    assert run("import", "customer", "customers.csv").stdout == "no rows: there is nothing below the header\n"


def test_options_of_the_reader_are_read_as_its_schema_says(empty: Path, run: Run) -> None:
    Path("gb.csv").write_bytes("名称;地区\n企业电子;华南\n".encode("gb18030"))
    run("import", "customer", "gb.csv", "--option", "encoding=gb18030", "--option", "delimiter=;")
    assert "企业电子" in run("list", "customer").stdout


def test_dates_that_can_be_read_in_two_ways_need_an_option(empty: Path, run: Run) -> None:
    Path("orders.csv").write_text(ORDERS.replace("13/01", "03/01"), encoding="utf-8")
    refused = run("import", "order", "orders.csv", "--create-missing", code=2)
    assert "Order Date" in refused.stderr
    assert "--date-format" in refused.stderr
    run("import", "order", "orders.csv", "--create-missing", "--date-format", "dd/mm/yyyy")
    assert json.loads(run("show", "order:1", "--json").stdout)["order_date"] == "2026-01-03"


# -- mapping, list, undo --------------------------------------------------------------------------------------------


def test_what_columns_mean_is_printed_as_a_mapping_file_that_works(empty: Path, run: Run) -> None:
    Path("orders.csv").write_text(ORDERS, encoding="utf-8")
    printed = run("import", "mapping", "order", "orders.csv").stdout
    assert '"Order ID" = "number"' in printed
    Path("m.toml").write_text(printed, encoding="utf-8")
    run("import", "order", "orders.csv", "--mapping", "m.toml", "--create-missing")
    assert json.loads(run("show", "order:1", "--json").stdout)["amount"] == "12.00"


def test_imports_are_listed_the_latest_first(file: Path, run: Run) -> None:
    file.write_text(MIXED, encoding="utf-8")
    run("import", "customer", "customers.csv", code=1)
    file.write_text(GOOD, encoding="utf-8")
    run("import", "run", "customer", "customers.csv")
    listed = run("import", "list").stdout.splitlines()
    assert [line.split()[0] for line in listed] == ["Import", "2", "1"]
    assert "1 created, 1 rejected" in listed[2]
    latest = json.loads(run("import", "list", "--json").stdout)[0]
    assert (latest["id"], latest["state"], latest["outcomes"]) == (2, "finished", {"created": 2})


def test_an_import_is_taken_back(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    run("import", "customer", "customers.csv")
    tried = run("import", "undo", "1", "--dry-run")
    assert tried.stdout == "2 customer removed\n"
    assert "Add --yes" in run("import", "undo", "1", code=2).stderr
    assert run("import", "undo", "1", "--yes").stdout == "2 customer removed\n"
    assert json.loads(run("list", "customer", "--json").stdout)["records"] == []
    assert "undone" in run("import", "list").stdout


def test_what_somebody_has_changed_since_is_left(file: Path, run: Run) -> None:
    file.write_text(GOOD, encoding="utf-8")
    run("import", "customer", "customers.csv")
    run("update", "customer:1", "--set", "region=East")
    undone = json.loads(run("import", "undo", "1", "--yes", "--json").stdout)
    assert undone["removed"] == {"customer": 1}
    assert [one["record"] for one in undone["left"]] == ["customer:1"]


def test_an_import_that_there_is_not_cannot_be_taken_back(empty: Path, run: Run) -> None:
    assert "import:9" in run("import", "undo", "9", "--yes", code=5).stderr


# -- in a terminal, and interrupted ---------------------------------------------------------------------------------


def many(path: Path, rows: int) -> None:
    path.write_text("name,code\n" + "".join(f"Customer {n},{n}\n" for n in range(rows)), encoding="utf-8")


def test_progress_is_shown_in_a_terminal_and_nowhere_else(file: Path, run: Run) -> None:
    many(file, 16_000)
    seen = in_terminal("import", "customer", "customers.csv")
    assert re.search(r"\r\x1b\[K8,000 rows, 50%, [0-9,]+ rows/s, 0:[0-9]{2} left", seen)
    assert re.search(r"\r\x1b\[K16,000 rows, 100%, [0-9,]+ rows/s, 0:00 left", seen)
    assert "%" not in run("import", "customer", "customers.csv").stderr


HASTY = """
from crmcore.cli import main
from crmcore.cli.commands import import_shown
from crmcore.importing import progress
import_shown._SECONDS_BETWEEN = progress._SHORTEST = 0
main()
"""
"""Shows every step of its progress, however fast it is."""


def in_terminal(*arguments: str) -> str:
    """Run a command with its errors in a terminal, and return what that shows."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", HASTY, *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        seen = b""
        while select.select([ours], [], [], 60)[0]:
            try:
                found = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not found:
                break
            seen += found
        process.wait(60)
    os.close(ours)
    return seen.decode()


def test_an_interrupted_import_says_what_is_in_and_goes_on_with_the_same_command(file: Path, run: Run) -> None:
    many(file, 20_000)
    command = [sys.executable, "-c", INTERRUPTIBLE, "import", "customer", "customers.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        while not json.loads(run("import", "list", "--json").stdout or "[]"):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _said, remarks = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the same command goes on from there" in remarks
    again = run("import", "customer", "customers.csv")
    assert again.stdout == "20,000 created\n"
