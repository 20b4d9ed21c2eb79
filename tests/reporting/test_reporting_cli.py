"""``crmcore report`` on an instance with three reports, one of which fails when it is told to."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import sys
import webbrowser

import pytest

from crmcore import CRM

MANIFEST = '{"name": "shop", "version": "1.0", "summary": "Reports of a test."}'
CONFIG = '[instance]\nname = "Shop"\n[plugins]\nenabled = ["shop"]\nplugin_dirs = ["mine"]\n'
CODE = """
import datetime as dt
from decimal import Decimal

from crmcore import hookimpl
from crmcore.types import Chart, Column, Fact, Report, ReportType

BOTH = {"en": "Sales by region", "zh-CN": "各地区销售额"}
COLUMNS = [
    Column(name="region", titles={"en": "Region", "zh-CN": "地区"}),
    Column(name="sales", titles={"en": "Sales", "zh-CN": "销售额"}, kind="money"),
]


def sales(tx, parameters):
    rows = [("华东", Decimal("1234.5") * parameters["times"]), ("华南", Decimal("-10"))]
    return Report(
        titles=BOTH,
        columns=COLUMNS,
        rows=rows,
        facts=[Fact(name="best", value="华东", kind="text", titles={"en": "Best region", "zh-CN": "最佳地区"})],
        charts=[Chart(spec={"mark": "bar", "encoding": {"x": {"field": "region"}, "y": {"field": "sales"}}})],
        notes=["Returns count."],
    )


def days(tx, parameters):
    day = parameters.get("since", dt.date(2026, 1, 1))
    return Report(titles={"en": "Day"}, columns=[Column(name="day", kind="date")], rows=[(day,)])


def wrong(tx, parameters):
    return Report(titles={"en": "Wrong"}, columns=COLUMNS, rows=[("华东", 1.5)])


@hookimpl
def crm_report_types(settings):
    times = {"type": "object", "properties": {"times": {"type": "integer", "default": 1}}}
    since = {"type": "object", "properties": {"since": {"type": "string", "format": "date"}}}
    yield ReportType(name="shop.sales", summary="Sales", titles=BOTH, compute=sales, parameters=times)
    yield ReportType(name="shop.days", summary="Days", compute=days, parameters=since)
    yield ReportType(name="shop.wrong", summary="Wrong", compute=wrong)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """An instance with the plugin and its administrator; made once, to be copied."""
    folder = tmp_path_factory.mktemp("prepared")
    package = folder / "mine" / "reporting_cli_shop"
    package.mkdir(parents=True)
    (package / "plugin.json").write_text(MANIFEST, encoding="utf-8")
    (package / "__init__.py").write_text(CODE, encoding="utf-8")
    (folder / "crm.toml").write_text(CONFIG, encoding="utf-8")
    with CRM.open(folder / "crm.toml") as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("user", {"login": "ada", "roles": ["admin"]})
    sys.modules.pop("reporting_cli_shop")
    return folder


@pytest.fixture
def run(prepared, run_crmcore, tmp_path, monkeypatch):
    """Run ``crmcore report run`` on the instance, and check its exit code."""
    for name in [name for name in os.environ if name.startswith("CRMCORE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("LOGNAME", "ada")
    shutil.copytree(prepared, tmp_path, dirs_exist_ok=True)

    def runs(*arguments, code=0, language="en"):
        result = run_crmcore("--lang", language, "report", "run", *arguments)
        assert result.exit_code == code, result.output
        return result

    yield runs
    sys.modules.pop("reporting_cli_shop", None)


def test_a_table_stands_between_facts_and_notes(run):
    assert run("shop.sales", language="zh-CN").stdout.splitlines() == [
        "各地区销售额",
        "  最佳地区  华东",
        "",
        "地区    销售额",
        "华东  1,234.50",
        "华南    -10.00",
        "",
        "Returns count.",
    ]


def test_several_tables_follow_each_other(run):
    lines = run("shop.days", "shop.sales").stdout.splitlines()
    assert lines[:4] == ["Day", "day", "2026-01-01", ""]
    assert lines[4] == "Sales by region"


@pytest.mark.parametrize(
    ("file", "start"),
    [
        ("r.csv", b"Region,Sales\r\n"),
        ("r.json", b"{"),
        ("r.md", b"# Sales by region\n"),
        ("r.HTML", b"<!doctype html>"),
        ("r.xlsx", b"PK"),
    ],
)
def test_the_suffix_of_a_file_gives_its_form(run, tmp_path, file, start):
    (tmp_path / file).write_text("what was there before")
    assert run("shop.sales", "-o", file).stdout == f"{file}\n"
    assert (tmp_path / file).read_bytes().startswith(start)
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.parametrize(("form", "start"), [("html", "<!doctype html>"), ("markdown", "# Sales"), ("json", "{")])
def test_without_a_file_a_form_is_printed(run, form, start):
    assert run("shop.sales", "--format", form).stdout.startswith(start)


def test_a_workbook_goes_into_a_pipe(run):
    assert run("shop.sales", "--format", "xlsx").stdout_bytes.startswith(b"PK")


def test_csv_is_for_one_report(run):
    table = list(csv.reader(io.StringIO(run("shop.sales", "--format", "csv").stdout)))
    assert table[1:] == [["华东", "1234.5"], ["华南", "-10"]]
    assert "a CSV file holds one report" in run("shop.sales", "shop.days", "--format", "csv", code=2).stderr


def test_a_parameter_goes_to_the_reports_that_have_it(run):
    said = run("shop.sales", "shop.days", "--param", "times=2", "--param", "since=2026-03-01", "--format", "json")
    sales, days = json.loads(said.stdout)
    assert sales["rows"][0] == {"region": "华东", "sales": "2469.0"}
    assert (days["parameters"], days["rows"]) == ({"since": "2026-03-01"}, [{"day": "2026-03-01"}])


def test_one_of_several_that_fails_is_named_and_the_others_are_there(run, tmp_path):
    result = run("shop.sales", "shop.wrong", "-o", "r.html", code=1)
    mistake = "plugin shop 1.0 failed in shop.wrong: ValueError: row 1, column sales: expected an amount"
    assert mistake in result.stderr
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert mistake in page
    assert "1,234.50" in page


def test_a_single_report_that_fails_writes_nothing(run, tmp_path):
    assert "failed in shop.wrong" in run("shop.wrong", "-o", "r.html", code=3).stderr
    assert not (tmp_path / "r.html").exists()


def test_the_page_is_shown_in_a_browser_when_that_is_wanted(run, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(webbrowser, "open", lambda address: shown.append(address) or True)
    run("shop.sales", "-o", "r.html", "--open")
    assert shown == [(tmp_path / "r.html").as_uri()]
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    path = run("shop.sales", "--open").stdout.strip()
    assert shown[1] == f"file://{path}"
    assert path.startswith(str(tmp_path))
    monkeypatch.setattr(webbrowser, "open", lambda address: False)
    assert run("shop.sales", "-o", "r.html", "--open").stderr == "no browser could be started\n"


def test_a_page_without_charts_names_the_extra(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    assert "crmcore[charts]" in run("shop.sales", "-o", "r.html").stderr
    assert run("shop.days", "-o", "r.html").stderr == ""


def test_a_workbook_without_its_extra_names_it(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter.workbook", None)
    assert "crmcore[xlsx]" in run("shop.sales", "-o", "r.xlsx", code=2).stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["shop.sale"], 2, "Known: shop.days, shop.sales, shop.wrong"),
        (["shop.sales", "shop.days", "--param", "tims=2"], 4, "Did you mean `times`?"),
        (["shop.sales", "--param", "since=2026-01-01"], 4, "unknown key `since`"),
        (["shop.sales", "--param", "times=two"], 4, 'times: expected a whole number, found "two"'),
        (["shop.days", "--param", "since=yesterday"], 4, "since: expected text in the format date"),
        (["shop.sales", "--param", "times"], 2, "--param expects NAME=VALUE, found 'times'"),
        (["shop.sales", "--format", "pdf"], 2, "--format: expected one of: table, csv, json, markdown, html, xlsx"),
        (["shop.sales", "-o", "r.pdf"], 2, "the suffix of r.pdf names no form"),
        (["shop.sales", "-o", "r"], 2, "Known: .csv, .json, .md, .markdown, .html, .htm, .xlsx"),
        (["shop.sales", "--format", "table", "-o", "r.txt"], 2, "a table is printed, not written"),
        (["shop.sales", "-o", "r.md", "--open"], 2, "only a page is shown in a browser"),
        (["shop.sales", "-o", "nowhere/r.html"], 2, "nowhere/r.html cannot be written: No such file or directory"),
        ([], 2, "NAME... is missing"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, arguments, code, said):
    assert said in run(*arguments, code=code).stderr
