"""The Excel workbook, read again by another library."""

from __future__ import annotations

import datetime as dt
import io
import sys
import zipfile

import pytest
from python_calamine import CalamineWorkbook
from reporting_world import IMPRINT, both, computed, failed

from crmcore.errors import UsageError
from crmcore.i18n import speaking
from crmcore.reporting import workbook
from crmcore.types import Column, Report


def read(*outcomes):
    return CalamineWorkbook.from_filelike(io.BytesIO(workbook.render(outcomes, IMPRINT)))


def test_a_sheet_has_facts_the_table_and_notes():
    with speaking("zh-CN"):
        book = read(computed())
    assert book.sheet_names == ["重点客户"]
    rows = book.get_sheet_by_index(0).to_python()
    assert [row[:2] for row in rows[:5]] == [
        ["重点客户", ""],
        ["", ""],
        ["合计", 1234555.1544],
        ["客户总数", 2.0],
        ["", ""],
    ]
    assert rows[5:8] == [
        ["客户", "记录", "订单数", "销售额", "占比", "最近下单", "间隔天数"],
        ["佛山企业电子", "customer:7", 12.0, 1234567.5, 0.9, dt.date(2026, 1, 9), 30.456],
        ["A|B <script>alert(1)</script>", "customer:8", 1.0, -12.3456, 0.1, "", ""],
    ]
    assert rows[-1][0] == "作废订单不计入 <b>"


def test_texts_are_never_formulas_nor_links():
    report = Report(
        titles=both("T", "T"), columns=[Column(name="c")], rows=[("=1+1",), ("https://example.org",), ("{=1}",)]
    )
    written = workbook.render([computed(report)], IMPRINT)
    assert [row[0] for row in read(computed(report)).get_sheet_by_index(0).to_python()][3:] == [
        "=1+1",
        "https://example.org",
        "{=1}",
    ]
    sheet = zipfile.ZipFile(io.BytesIO(written)).read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "<hyperlink" not in sheet


def test_sheets_have_names_that_excel_takes():
    titles = ["A/B: [C]*?", "History", "x" * 40, "x" * 40, "X" * 40, "'q'", "***"]
    reports = [Report(titles={"en": title}, columns=[Column(name="c")], rows=()) for title in titles]
    assert read(*map(computed, reports)).sheet_names == [
        "A B   C",
        "History 2",
        "x" * 31,
        "x" * 25 + " 4",
        "X" * 25 + " 5",
        "q",
        "7",
    ]


def test_a_failed_report_says_why():
    rows = read(computed(), failed(UsageError("no luck"))).get_sheet_by_index(1).to_python()
    assert rows[-1][0] == "This report could not be computed: no luck"


def test_days_before_the_calendar_of_excel_and_long_texts_are_kept_as_far_as_it_can():
    columns = [Column(name="d", kind="date"), Column(name="t")]
    report = Report(titles=both("T", "T"), columns=columns, rows=[(dt.date(1899, 5, 1), "x" * 40_000)])
    row = read(computed(report)).get_sheet_by_index(0).to_python()[-1]
    assert (row[0], len(row[1])) == ("1899-05-01", 32_767)


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch):
    monkeypatch.setattr(workbook, "_MOST_ROWS", 7)
    with pytest.raises(UsageError, match="2 rows are more than a sheet holds"):
        read(computed())


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter.workbook", None)
    with pytest.raises(UsageError, match=r"crmcore\[xlsx\]"):
        workbook.render([computed()], IMPRINT)
