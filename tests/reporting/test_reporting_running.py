"""Running reports: parameters, rights, and plugins that fail."""

from __future__ import annotations

import datetime as dt
import io
import json
import logging

import pytest
from python_calamine import CalamineWorkbook
from reporting_world import COLUMNS, DAYS, REPORT, plugin, report_type
from sqlalchemy import select, text

from crmcore.errors import AccessDenied, PluginError, UsageError, ValidationError
from crmcore.i18n import speaking
from crmcore.reporting import (
    Computed,
    Failed,
    comma_separated,
    imprint_of,
    json_document,
    markdown,
    page,
    run_report,
    run_reports,
    workbook,
)
from crmcore.reporting.chart_spec import complete
from crmcore.reporting.parameters import parameter_title, share_out
from crmcore.reporting.values import cell_text
from crmcore.types import SYSTEM, Chart, Column, Report


def told(given):
    """A report type that puts the parameters that it gets into a list."""

    def compute(tx, parameters):
        given.append(parameters)
        return REPORT

    return report_type(compute, parameters=DAYS)


def test_a_function_gets_defaults_and_days_as_dates(make_crm):
    given = []
    crm = make_crm(plugins=[plugin(told(given))])
    with crm.session() as session:
        run_report(session, "sales.best", {"since": "2026-01-09"})
        run_report(session, "sales.best", {"since": dt.date(2026, 1, 9), "days": 7})
        run_report(session, "sales.best")
    day = dt.date(2026, 1, 9)
    assert given == [{"days": 365, "since": day}, {"days": 7, "since": day}, {"days": 365}]


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"days": "many"}, "days: expected a whole number"),
        ({"since": "2026-02-30"}, "since: expected text in the format date"),
        ({"since": "0000-01-01"}, "since: expected a date from 1900-01-01 on"),
        ({"sinc": "2026-01-01"}, r"unknown key `sinc` \(Did you mean `since`\?\)"),
    ],
)
def test_parameters_that_the_schema_refuses_are_named(make_crm, parameters, said):
    crm = make_crm(plugins=[plugin(told([]))])
    with crm.session() as session, pytest.raises(ValidationError, match=said):
        run_report(session, "sales.best", parameters)


def test_an_unknown_report_names_the_known_ones(make_crm):
    crm = make_crm(plugins=[plugin(report_type())])
    with crm.session() as session, pytest.raises(UsageError, match=r"Known: sales\.best"):
        run_report(session, "sales.bset")


@pytest.mark.parametrize("ask", [lambda c: c.phone, lambda c: c["phone"]], ids=["attribute", "key"])
def test_a_report_on_a_hidden_field_is_refused_to_whoever_may_not_read_it(make_crm, ask):
    def compute(tx, parameters):
        names = [row[0] for row in tx.execute(select(ask(tx.table("customer").c)))]
        return Report(titles={}, columns=[Column(name="phone")], rows=[(name,) for name in names])

    roles = {"sales": {"customer": {"read": True, "hide": ["phone"]}}}
    crm = make_crm(plugins=[plugin(report_type(compute))], roles=roles)
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "phone": "0755-1234567"})
        session.create("user", {"login": "anna", "roles": ["sales"]})
        assert run_report(session, "sales.best").rows == (("0755-1234567",),)
    with crm.session("anna") as session, pytest.raises(AccessDenied, match=r"anna may not read customer\.phone"):
        run_report(session, "sales.best")


@pytest.mark.parametrize("actor", [SYSTEM, "anna"])
def test_an_error_with_the_name_of_a_hidden_field_is_the_plugins_mistake(make_crm, actor):
    roles = {"sales": {"customer": {"read": True, "hide": ["phone"]}}}
    crm = make_crm(plugins=[plugin(report_type(lambda tx, parameters: parameters["phone"]))], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
    said = r"plugin sales 1\.0 failed in sales\.best: KeyError: 'phone'"
    with crm.session(actor) as session, pytest.raises(PluginError, match=said):
        run_report(session, "sales.best")


def test_an_attribute_that_is_missing_for_everybody_is_the_plugins_mistake(make_crm):
    crm = make_crm(plugins=[plugin(report_type(lambda tx, parameters: tx.table("customer").c.phnoe))])
    with crm.session() as session, pytest.raises(PluginError, match=r"plugin sales 1\.0 failed in sales\.best"):
        run_report(session, "sales.best")


def test_a_wrong_result_names_plugin_report_row_and_column(make_crm):
    wrong = Report(titles={}, columns=[COLUMNS[0], COLUMNS[3]], rows=[("a", None), ("b", 1.5)])
    crm = make_crm(plugins=[plugin(report_type(wrong))])
    said = r"plugin sales 1\.0 failed in sales\.best: ValueError: row 2, column revenue: expected an amount"
    with crm.session() as session, pytest.raises(PluginError, match=said):
        run_report(session, "sales.best")


def broken(tx, parameters):
    tx.execute(select(text("no_such_column")).select_from(tx.table("customer")))


def test_one_of_several_that_fails_leaves_the_others(make_crm, database_url, caplog):
    declared = [report_type(broken, "sales.worst"), report_type(name="sales.best")]
    crm = make_crm(plugins=[plugin(*declared)], database_url=database_url)
    with crm.session() as session, caplog.at_level(logging.ERROR, "crmcore"):
        worst, best = run_reports(session, {"sales.worst": {}, "sales.best": {}})
        assert session.count("customer") == 0  # the transaction goes on, on PostgreSQL too
    assert isinstance(worst, Failed)
    assert isinstance(best, Computed)
    assert worst.error.plugin == "sales"
    assert caplog.messages[0].startswith("report sales.worst: plugin sales 1.0 failed in sales.worst")


def test_without_isolation_its_error_is_raised(make_crm):
    crm = make_crm(plugins=[plugin(report_type(broken))])
    with crm.session() as session, pytest.raises(PluginError):
        run_reports(session, {"sales.best": {}}, isolated=False)


def test_parameters_are_refused_before_anything_is_computed(make_crm):
    computed = []
    crm = make_crm(plugins=[plugin(told(computed), report_type(name="sales.worst", parameters=DAYS))])
    with crm.session() as session, pytest.raises(ValidationError, match="days"):
        run_reports(session, {"sales.best": {}, "sales.worst": {"days": "x"}})
    assert computed == []


def test_parameters_go_to_the_reports_that_have_them():
    with_days, without = report_type(parameters=DAYS), report_type(name="sales.worst")
    shares = share_out([with_days, without], {"days": 7})
    assert shares == {"sales.best": {"days": 7}, "sales.worst": {}}
    with pytest.raises(ValidationError, match=r"unknown key `dys` \(Did you mean `days`\?\)"):
        share_out([with_days, without], {"dys": 7})


def test_a_parameter_has_a_title_in_the_language_that_is_spoken():
    declared = report_type(parameters=DAYS)
    assert [parameter_title(declared, name) for name in ("days", "since")] == ["Window in days", "since"]
    with speaking("zh-CN"):
        assert parameter_title(declared, "days") == "统计天数"


def test_the_imprint_says_where_when_and_for_whom(make_crm):
    crm = make_crm(timezone="Asia/Shanghai")
    with crm.session() as session:
        imprint = imprint_of(session)
    assert (imprint.instance, imprint.login, imprint.currency) == ("Test", "system", "CNY")
    assert f"{imprint.at:%Y-%m-%d %H:%M}" == "2026-01-15 16:00"


@pytest.mark.parametrize(("language", "title"), [("zh-CN", "已发货"), ("en", "Shipped")])
def test_people_read_the_titles_of_a_fields_codes_and_programs_the_codes(make_crm, language, title):
    report = Report(
        titles={"en": "Orders"},
        columns=[Column(name="status", field="order.status"), Column(name="orders", kind="integer")],
        rows=[("shipped", 3), ("unheard-of", 1), (None, 2)],
        charts=[Chart(spec={"mark": "bar", "encoding": {"x": {"field": "status"}, "y": {"field": "orders"}}})],
    )
    crm = make_crm(plugins=[plugin(report_type(report))])
    with crm.session() as session, speaking(language):
        (found,) = outcomes = run_reports(session, {"sales.best": {}})
        imprint = imprint_of(session)
        shown = [cell_text(found.report.columns[0], row[0]) for row in found.report.rows]
        assert shown == [title, "unheard-of", "–"]
        drawn = complete(found.report, found.report.charts[0])["data"]["values"]
        assert [row["status"] for row in drawn] == [title, "unheard-of", "–"]
        assert f'<td class="text">{title}</td>' in page.render(outcomes, imprint)
        assert f"| {title} |" in markdown.render(outcomes, imprint)
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(workbook.render(outcomes, imprint))).get_sheet_by_index(0)
        assert [title, 3.0] in sheet.to_python()
        assert json.loads(json_document.render(outcomes, imprint))["rows"][0]["status"] == "shipped"
        assert comma_separated.render(outcomes, imprint).splitlines()[1] == "shipped,3"


@pytest.mark.parametrize("field", ["order.stautus", "ordre.status", "status"])
def test_a_column_of_a_field_that_is_not_there_is_named(make_crm, field):
    report = Report(titles={}, columns=[Column(name="status", field=field)], rows=[])
    crm = make_crm(plugins=[plugin(report_type(report))])
    with crm.session() as session, pytest.raises(PluginError, match=f"column status: there is no field '{field}'"):
        run_report(session, "sales.best")
