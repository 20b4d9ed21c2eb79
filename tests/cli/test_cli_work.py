"""Scores and reports at the command line."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run


def test_a_run_says_how_many_records_have_each_label(demo: Path, run: Run) -> None:
    assert run("score", "run", "abc.class").stdout == "abc.class: A 4, B 9, C 22 (0 changed)\n"
    run("update", "order:1", "--set", "status=cancelled")
    done = json.loads(run("score", "run", "abc.class", "--json").stdout)
    assert done[0]["rule"] == "abc.class"
    assert sum(label["records"] for label in done[0]["labels"]) == 35


def test_metrics_are_taken_on_the_day_asked_for(demo: Path, run: Run) -> None:
    # Before the first order of all nobody has bought anything.
    done = run("score", "run", "abc.class", "--as-of", "2001-01-01")
    assert done.stdout == "abc.class: A 0, B 0, C 35 (13 changed)\n"
    said = run("score", "explain", "customer:1", "abc.class", "--as-of", "2001-01-01").stdout
    assert "revenue_365d = 0.00" in said
    assert said.splitlines()[-1] == "  C  because no condition holds"


def test_an_explanation_shows_each_comparison_with_its_values(demo: Path, run: Run) -> None:
    lines = run("score", "explain", "customer:1").stdout.splitlines()
    assert lines[:5] == [
        "Customer class of 佛山企业电子有限公司 (customer:1): B",
        "  A  no   revenue_365d >= 200000 or orders_365d >= 12",
        "       no   revenue_365d >= 200000  revenue_365d = 46,330.00",
        "       no   orders_365d >= 12       orders_365d = 5",
        "  B  yes  revenue_365d >= 30000 and last_order_date >= today() - 180 days",
    ]


def test_an_explanation_says_where_the_stored_label_is_another(demo: Path, run: Run) -> None:
    config = demo / "crm.toml"
    config.write_text(config.read_text(encoding="utf-8").replace(">= 200000", ">= 40000"), encoding="utf-8")
    first = run("score", "explain", "customer:1").stdout.splitlines()[0]
    assert first.endswith("(customer:1): A (stored is B: run the rule to write it)")
    explained = json.loads(run("score", "explain", "customer:1", "abc.class", "--json").stdout)[0]
    assert (explained["label"], explained["stored"]) == ("A", "B")
    assert explained["decisions"][0]["findings"][0] == {
        "text": "revenue_365d >= 40000",
        "holds": True,
        "inputs": {"revenue_365d": "46330.0000"},
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["run", "abc.clas"], 2, "Known: abc.class"),
        (["run", "--as-of", "2026-02-30"], 2, "--as-of: expected a date such as 2026-11-21, found '2026-02-30'"),
        (["explain", "customer:1", "xyz.rule"], 2, "there is no scoring rule 'xyz.rule'"),
        (["explain", "order:1"], 2, "no scoring rule labels order records"),
        (["explain", "customer:999"], 5, "there is no customer:999"),
        (["explain", "customer"], 2, "expected a reference"),
    ],
)
def test_a_score_that_cannot_be_meant_is_refused(
    demo: Path, run: Run, arguments: list[str], code: int, said: str
) -> None:
    assert said in run("score", *arguments, code=code).stderr


def test_running_rules_needs_a_permission(demo: Path, run: Run) -> None:
    assert "scoring.run" in run("--as", "li.wei", "score", "run", code=6).stderr


def test_an_instance_without_rules_or_reports_says_so(empty: Path, run: Run) -> None:
    assert run("score", "run").stderr.startswith("there are no scoring rules: ")
    assert run("report", "list").stderr == "no enabled plugin offers a report\n"
    assert json.loads(run("report", "list", "--json").stdout) == []


def test_reports_are_listed_with_their_parameters(demo: Path, run: Run) -> None:
    assert run("report", "list").stdout.splitlines()[1].split(None, 1) == [
        "abc.classes",
        "Customers by class  days=365, as_of",
    ]
    listed = json.loads(run("report", "list", "--json").stdout)[0]
    assert listed["parameters"]["properties"]["days"]["default"] == 365


def test_a_report_is_a_table_of_aligned_columns(demo: Path, run: Run) -> None:
    assert run("report", "run", "abc.classes").stdout.splitlines() == [
        "Customers by class",
        "Class  Customers  Share of customers       Revenue  Share of revenue",
        "A              4               11.4%  1,272,680.00             70.3%",
        "B              9               25.7%    443,920.00             24.5%",
        "C             22               62.9%     93,600.00              5.2%",
    ]


def test_a_report_for_programs_is_not_rounded(demo: Path, run: Run) -> None:
    written = run("report", "run", "abc.classes", "--format", "csv").stdout
    table = list(csv.reader(io.StringIO(written)))
    assert table[0] == ["Class", "Customers", "Share of customers", "Revenue", "Share of revenue"]
    assert (table[1][0], table[1][1], float(table[1][2])) == ("A", "4", pytest.approx(4 / 35))
    report = json.loads(run("report", "run", "abc.classes", "--format", "json").stdout)
    assert report["title"] == "Customers by class"
    assert report["rows"][0]["customers"] == 4
    assert [column["kind"] for column in report["columns"]] == ["text", "integer", "share", "money", "share"]


def test_a_report_counts_what_its_reader_may_see(demo: Path, run: Run) -> None:
    report = json.loads(run("--as", "li.wei", "report", "run", "abc.classes", "--format", "json").stdout)
    seen = json.loads(run("--as", "li.wei", "list", "customer", "--limit", "100", "--json").stdout)["records"]
    assert sum(row["customers"] for row in report["rows"]) == len(seen) < 35


def test_a_parameter_changes_the_report(demo: Path, run: Run) -> None:
    report = json.loads(run("report", "run", "abc.classes", "--param", "days=36500", "--format", "json").stdout)
    assert float(report["rows"][0]["revenue"]) > 1_272_680


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["abc.clases"], 2, "Known: abc.classes"),
        (["abc.classes", "--param", "days"], 2, "--param expects NAME=VALUE, found 'days'"),
        (["abc.classes", "--param", "days=0"], 4, "expected at least 1, found 0"),
        (["abc.classes", "--param", "days=many"], 4, 'expected a whole number, found "many"'),
        (["abc.classes", "--param", "dys=3"], 4, "Did you mean `days`?"),
        (["abc.classes", "--format", "xml"], 2, "--format: expected one of: table, csv, json, markdown, html, xlsx"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused(
    demo: Path, run: Run, arguments: list[str], code: int, said: str
) -> None:
    assert said in run("report", "run", *arguments, code=code).stderr
