"""Forms for programs and for mails: CSV, JSON, Markdown."""

from __future__ import annotations

import csv
import io
import json

import pytest
from reporting_world import IMPRINT, computed, failed

from crmcore.errors import UsageError
from crmcore.i18n import speaking
from crmcore.reporting import comma_separated, json_document, markdown
from crmcore.types import Column, Fact, Report


def texts(*values):
    return Report(titles={"en": "T"}, columns=[Column(name="c")], rows=[[value] for value in values])


class TestCsv:
    def test_the_table_has_values_as_they_are(self):
        assert comma_separated.render([computed()], IMPRINT) == (
            "Customer,Record,Orders,Revenue,Share,Last order,Days between\r\n"
            "佛山企业电子,customer:7,12,1234567.5,0.9,2026-01-09,30.456\r\n"
            "A|B <script>alert(1)</script>,customer:8,1,-12.3456,0.1,,\r\n"
        )

    def test_headers_are_in_the_language_that_is_spoken(self):
        with speaking("zh-CN"):
            written = comma_separated.render([computed()], IMPRINT)
        assert written.splitlines()[0] == "客户,记录,订单数,销售额,占比,最近下单,间隔天数"

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("=1+1", "'=1+1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("+cmd", "'+cmd"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("'=1", "''=1"),
            ("+86 755-1234 (5678)", "+86 755-1234 (5678)"),
            ("-12.5", "-12.5"),
            ("'quoted'", "'quoted'"),
            ("a=1", "a=1"),
            ("", ""),
        ],
    )
    def test_no_text_is_taken_for_a_formula(self, text, written):
        document = comma_separated.render([computed(texts(text))], IMPRINT)
        assert list(csv.reader(io.StringIO(document, newline="")))[1:] == [[written]]

    def test_neither_is_a_title(self):
        report = Report(titles={}, columns=[Column(name="c", titles={"en": "=1+1"})], rows=())
        assert comma_separated.render([computed(report)], IMPRINT) == "'=1+1\r\n"


class TestJson:
    def test_a_report_is_an_object(self):
        document = json.loads(json_document.render([computed(days=7)], IMPRINT))
        assert {key: document[key] for key in ("name", "title", "parameters", "notes")} == {
            "name": "sales.best",
            "title": "Best customers",
            "parameters": {"days": 7},
            "notes": ["作废订单不计入 <b>"],
        }
        assert document["facts"] == [
            {"name": "total", "title": "Total", "kind": "money", "value": "1234555.1544"},
            {"name": "count", "title": "Customers", "kind": "number", "value": 2},
        ]
        assert document["columns"][1] == {"name": "ref", "title": "Record", "kind": "ref"}
        assert document["rows"] == [
            {
                "customer": "佛山企业电子",
                "ref": "customer:7",
                "orders": 12,
                "revenue": "1234567.5",
                "share": 0.9,
                "last": "2026-01-09",
                "rhythm": 30.456,
            },
            {
                "customer": "A|B <script>alert(1)</script>",
                "ref": "customer:8",
                "orders": 1,
                "revenue": "-12.3456",
                "share": 0.1,
                "last": None,
                "rhythm": None,
            },
        ]

    def test_several_are_an_array_and_a_failed_one_says_why(self):
        document = json.loads(json_document.render([computed(), failed(UsageError("no luck"))], IMPRINT))
        assert document[0]["name"] == "sales.best"
        assert document[1] == {
            "name": "sales.worst",
            "title": "Best customers (type)",
            "error": {"code": "usage", "message": "no luck", "hint": None},
        }


class TestMarkdown:
    def test_facts_are_a_list_and_the_table_is_aligned(self):
        with speaking("zh-CN"):
            written = markdown.render([computed()], IMPRINT)
        assert written == (
            "# 重点客户\n"
            "\n"
            "- 合计: **1,234,555.1544**\n"
            "- 客户总数: **2**\n"
            "\n"
            "| 客户 | 记录 | 订单数 | 销售额 | 占比 | 最近下单 | 间隔天数 |\n"
            "| --- | --- | ---: | ---: | ---: | --- | ---: |\n"
            "| 佛山企业电子 | customer:7 | 12 | 1,234,567.50 | 90.0% | 2026-01-09 | 30.46 |\n"
            "| A\\|B \\<script\\>alert(1)\\</script\\> | customer:8 | 1 | -12.3456 | 10.0% | – | – |\n"
            "\n"
            "作废订单不计入 \\<b\\>\n"
        )

    @pytest.mark.parametrize(
        ("text", "written"),
        [
            ("two\nlines", "two lines"),
            ("a|b\\|c", "a\\|b\\\\\\|c"),
            ("*bold* _soft_ `code` ~~gone~~", "\\*bold\\* \\_soft\\_ \\`code\\` \\~\\~gone\\~\\~"),
            ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
            ("at_risk", "at_risk"),
            ("&lt;", "\\&lt;"),
        ],
    )
    def test_markup_in_a_value_is_text(self, text, written):
        assert markdown.render([computed(texts(text))], IMPRINT).splitlines()[4] == f"| {written} |"

    @pytest.mark.parametrize(
        ("note", "written"),
        [
            ("# 1", "\\# 1"),
            ("- x", "\\- x"),
            ("1. x", "1\\. x"),
            ("2026 was", "2026 was"),
            ("=", "\\="),
            ("> x", "\\> x"),
        ],
    )
    def test_a_note_begins_no_heading_and_no_list(self, note, written):
        report = Report(titles={"en": "T"}, columns=[Column(name="c")], rows=(), notes=[note])
        assert markdown.render([computed(report)], IMPRINT).splitlines()[-1] == written

    def test_several_reports_follow_each_other(self):
        fact = Report(titles={"en": "F"}, columns=[Column(name="c")], rows=(), facts=[Fact(name="n", value=1.5)])
        written = markdown.render([computed(fact), failed(UsageError("no luck"))], IMPRINT)
        assert written == (
            "# F\n\n- n: **1.5**\n\n| c |\n| --- |\n\n"
            "# Best customers (type)\n\nThis report could not be computed: no luck\n"
        )
