"""The HTML page: complete, safe, and readable without anything from elsewhere."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest
from reporting_world import COLUMNS, FACTS, IMPRINT, REPORT, both, computed, failed

from crmcore.errors import UsageError
from crmcore.i18n import speaking
from crmcore.reporting import page
from crmcore.types import Chart, Column, Fact, Report

HOSTILE = "\"><script>alert('x')</script><img src=x onerror=alert(1)>&amp;"
VOID = {"meta", "br", "img"}


class Document(HTMLParser):
    """A page as a browser takes it apart: elements with their attributes, and texts by the element they stand in."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def inside(self, tag):
        return [text for place, text in self.texts if place == tag]

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def test_a_report_has_its_facts_its_chart_its_table_and_its_notes():
    with speaking("zh-CN"):
        written = page.render([computed(days=365)], IMPRINT)
    document = Document(written)
    assert document.all("html") == [{"lang": "zh-CN"}]
    assert document.inside("title") == ["重点客户 · 云图贸易"]
    assert document.inside("h1") == ["重点客户"]
    assert document.inside("h2") == []
    assert document.inside("dt") == ["合计", "客户总数"]
    assert document.inside("dd") == ["1,234,555.1544", "2"]
    assert document.inside("figcaption") == ["各客户销售额"]
    assert [svg["aria-label"] for svg in document.all("svg")] == ["各客户销售额"]
    assert document.inside("th") == ["客户", "记录", "订单数", "销售额", "占比", "最近下单", "间隔天数"]
    assert document.inside("td") == [
        *("佛山企业电子", "customer:7", "12", "1,234,567.50", "90.0%", "2026-01-09", "30.46"),
        *("A|B <script>alert(1)</script>", "customer:8", "1", "-12.3456", "10.0%", "–", "–"),
    ]
    said = document.inside("p")
    assert said[0] == "云图贸易"
    assert "2026-01-15 16:30" in said[1]
    assert "li.wei" in said[1]
    assert "CNY" in said[1]
    assert said[2:] == ["统计天数: 365", "作废订单不计入 <b>"]


def test_numbers_stand_at_the_right():
    document = Document(page.render([computed()], IMPRINT))
    assert [cell.get("class") for cell in document.all("td")][:7] == [
        "text",
        "whole",
        "number",
        "number",
        "number",
        "whole",
        "number",
    ]


def test_several_reports_have_a_table_of_contents_and_a_failed_one_says_why():
    worst = failed(UsageError("row 3 of <b>"))
    document = Document(page.render([computed(), worst], IMPRINT))
    assert document.inside("h1") == ["Reports"]
    assert document.inside("h2") == ["Best customers", "Best customers (type)"]
    assert [link["href"] for link in document.all("a")] == ["#sales.best", "#sales.worst"]
    assert [section["id"] for section in document.all("section")] == ["sales.best", "sales.worst"]
    assert "This report could not be computed: row 3 of <b>" in document.inside("p")


def test_nothing_that_a_value_holds_becomes_markup():
    titles = both(HOSTILE, HOSTILE)
    report = Report(
        titles=titles,
        columns=[Column(name="c", titles=titles), Column(name="n", kind="integer")],
        rows=[(HOSTILE, 1)],
        facts=[Fact(name="f", value=HOSTILE, kind="text", titles=titles)],
        charts=[Chart(titles=titles, spec={"mark": "bar", "encoding": {"y": {"field": "c"}, "x": {"field": "n"}}})],
        notes=[HOSTILE],
    )
    outcomes = [computed(report, days=HOSTILE), failed(UsageError(HOSTILE))]
    document = Document(page.render(outcomes, IMPRINT))
    assert {tag for tag, _attributes in document.elements}.isdisjoint({"script", "img", "b"})
    handlers = [name for _tag, attributes in document.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    assert document.inside("td")[0] == HOSTILE
    assert document.inside("h2")[0] == HOSTILE
    assert document.inside("figcaption") == [HOSTILE]


def test_what_stands_between_backticks_in_a_note_is_set_as_code():
    report = Report(
        titles=both("T", "T"),
        columns=COLUMNS[:1],
        rows=[("`x`",)],
        notes=["Run `crmcore <score> run` first; ` is a backtick."],
    )
    outcomes = [computed(report), failed(UsageError("see `crmcore check`"))]
    document = Document(page.render(outcomes, IMPRINT))
    assert document.inside("code") == ["crmcore <score> run", "crmcore check"]
    assert "first; ` is a backtick." in document.inside("p")
    assert document.inside("td") == ["`x`"]


def test_a_long_text_has_lines_of_a_width_for_reading_on_a_phone_too():
    column = Column(name="why", titles=both("Why it is so, in words that are long", "原因"))
    report = Report(
        titles=both("T", "T"), columns=[column], rows=[("no order for 47 days, usually one every 14.5",), ("new",)]
    )
    written = page.render([computed(report)], IMPRINT)
    assert [cell["class"] for cell in Document(written).all("td")] == ["text long", "text"]
    assert [head["class"] for head in Document(written).all("th")] == ["text"]
    assert "td.long { min-width: 14rem; }" in written
    assert "td.text:not(.long) { min-width: 5rem; }" in written


def test_a_page_needs_nothing_from_elsewhere():
    written = page.render([computed(), computed(name="sales.other")], IMPRINT)
    document = Document(written)
    policy = [m["content"] for m in document.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'"]
    assert not re.search(r"https?://|@import|url\((?!#)", written)
    assert not document.all("link")
    ids = [attributes["id"] for _tag, attributes in document.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("said", ["prefers-color-scheme: dark", "@media print", "max-width: 40rem", "tabular-nums"])
def test_its_style_serves_dark_screens_paper_and_phones(said):
    assert said in page.render([computed()], IMPRINT)


def test_without_the_extra_for_charts_it_says_so_and_shows_the_table(monkeypatch):
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    document = Document(page.render([computed()], IMPRINT))
    assert "Charts are left out: they need" in document.inside("p")
    assert document.inside("code") == ['pip install "crmcore[charts]"']
    assert document.all("svg") == []
    assert len(document.all("td")) == 14


def test_a_chart_that_cannot_be_drawn_leaves_the_rest():
    report = Report(titles=both("T", "T"), columns=COLUMNS[:1], rows=[("A",)], charts=[Chart(spec={"mark": "bra"})])
    document = Document(page.render([computed(report)], IMPRINT))
    assert "This chart could not be drawn; the table has its values." in document.inside("p")
    assert document.inside("td") == ["A"]


def test_a_report_without_rows_says_so():
    report = Report(titles=both("T", "T"), columns=COLUMNS[:1], rows=())
    document = Document(page.render([computed(report)], IMPRINT))
    assert "There is nothing to show." in document.inside("p")
    assert document.all("table") == []


def test_the_currency_is_said_where_there_are_amounts():
    columns, plain = COLUMNS[:3], Report(titles=both("T", "T"), columns=COLUMNS[:1], rows=())
    assert "CNY" not in page.render([computed(plain)], IMPRINT)
    only_fact = Report(titles=both("T", "T"), columns=columns, rows=(), facts=FACTS[:1])
    assert "amounts in CNY" in page.render([computed(only_fact)], IMPRINT)
    assert "amounts in CNY" in page.render([computed(REPORT)], IMPRINT)
