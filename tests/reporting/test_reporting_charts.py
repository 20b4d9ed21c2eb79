"""Charts: what the core fills in, and the picture that comes out."""

from __future__ import annotations

import datetime as dt
import logging
import sys
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from reporting_world import BARS, REPORT, both

from crmcore.i18n import speaking
from crmcore.reporting import charts
from crmcore.reporting.chart_spec import complete
from crmcore.reporting.theme import FONTS, PALETTE, WIDTH
from crmcore.types import HIDDEN, Chart, Column, Ref, Report


def spec(given, report=REPORT):
    return complete(report, Chart(spec=given))


def names(*texts):
    """A report of customers of these names, each with its revenue of one yuan."""
    columns = [Column(name="name", titles=both("Name", "名称")), Column(name="revenue", kind="money")]
    return Report(titles={}, columns=columns, rows=[(text, Decimal(1)) for text in texts])


def drawn(report, given, **more):
    svg = charts.draw(report, Chart(spec=given), label=more.pop("label", "L"), prefix=more.pop("prefix", "p-"))
    assert svg is not None
    return svg


def words(svg):
    return [element.text for element in ET.fromstring(svg).iter("text")]


BAR = {"mark": "bar", "encoding": {"x": {"field": "name"}, "y": {"field": "revenue"}}}


class TestSpecification:
    def test_rows_are_objects_with_numbers_and_days_as_text(self):
        assert spec({})["data"]["values"] == [
            {
                "customer": "佛山企业电子",
                "ref": "customer:7",
                "orders": 12,
                "revenue": 1234567.5,
                "share": 0.9,
                "last": "2026-01-09",
                "rhythm": 30.456,
            },
            {
                "customer": "A|B <script>alert(1)</script>",
                "ref": "customer:8",
                "orders": 1,
                "revenue": -12.3456,
                "share": 0.1,
                "last": None,
                "rhythm": None,
            },
        ]

    def test_empty_and_hidden_names_are_a_dash(self):
        values = spec({}, names(None, HIDDEN))["data"]["values"]
        assert [value["name"] for value in values] == ["–", "–"]

    @pytest.mark.parametrize(
        ("field", "kind"),
        [("customer", "nominal"), ("ref", "nominal"), ("orders", "quantitative"), ("revenue", "quantitative")],
    )
    def test_an_encoding_gets_the_type_and_title_of_its_column(self, field, kind):
        with speaking("zh-CN"):
            filled = spec({"encoding": {"color": {"field": field}}})["encoding"]["color"]
        title = {"customer": "客户", "ref": "记录", "orders": "订单数", "revenue": "销售额"}[field]
        assert (filled["type"], filled["title"]) == (kind, title)

    def test_what_the_plugin_says_stays(self):
        given = {"field": "customer", "type": "ordinal", "title": None, "sort": "-x", "axis": {"labelAngle": 90}}
        filled = spec({"encoding": {"x": given}})["encoding"]["x"]
        assert {**filled, "axis": filled["axis"]["labelAngle"]} == {**given, "axis": 90}
        assert spec({"encoding": {"x": {"field": "customer", "axis": None}}})["encoding"]["x"]["axis"] is None

    def test_layers_and_lists_of_encodings_are_filled_in_too(self):
        layers = spec({"layer": [{"encoding": {"y": {"field": "share"}, "tooltip": [{"field": "orders"}]}}]})["layer"]
        assert layers[0]["encoding"]["y"]["axis"] == {"format": ".0%"}
        assert layers[0]["encoding"]["tooltip"] == [{"field": "orders", "type": "quantitative", "title": "Orders"}]

    def test_names_keep_the_order_of_the_rows(self):
        assert spec({"encoding": {"x": {"field": "customer"}}})["encoding"]["x"]["sort"] is None

    @pytest.mark.parametrize(
        ("given", "kept"),
        [
            ({}, {"scale": {"type": "utc"}}),
            ({"timeUnit": "yearmonth"}, {"timeUnit": "utcyearmonth"}),
            ({"timeUnit": "utcyear"}, {"timeUnit": "utcyear"}),
            ({"scale": {"nice": True}}, {"scale": {"type": "utc", "nice": True}}),
        ],
    )
    def test_days_are_the_same_days_in_every_time_zone(self, given, kept):
        filled = spec({"encoding": {"x": {"field": "last", **given}}})["encoding"]["x"]
        assert {key: filled[key] for key in ("scale", "timeUnit") if key in filled} == kept

    def test_short_labels_stand_and_long_ones_are_turned(self):
        def axis(*texts):
            return spec(BAR, names(*texts))["encoding"]["x"]["axis"]

        assert axis("A", "B", "C") == {"labelAngle": 0}
        # Ten names of ten characters, 13 pixels each, do not fit beside each other.
        turned = axis(*(f"佛山企业电子有限公{n}" for n in "一二三四五六七八九十"))
        assert (turned["labelAngle"], turned["labelOverlap"]) == (-35, False)
        assert axis(*(f"佛山企业电子有限公司{n}" for n in range(99)))["labelOverlap"] is True

    def test_room_is_asked_for_chinese_labels_on_the_left(self):
        filled = spec({"encoding": {"y": {"field": "name"}}}, names("佛山企业电子", "短"))
        assert filled["encoding"]["y"]["axis"] == {"minExtent": 78}  # six characters of 13 pixels

    def test_a_chart_is_as_wide_as_the_others_unless_it_has_several_views(self):
        assert spec({"mark": "bar"})["width"] == WIDTH
        assert spec({"mark": "bar", "width": 300})["width"] == 300
        assert "width" not in spec({"vconcat": [{"mark": "bar"}]})

    def test_charts_beside_each_other_share_the_width(self):
        two = spec({"hconcat": [{"mark": "bar"}, {"mark": "line", "width": 50}]})
        assert "width" not in two
        assert [view["width"] for view in two["hconcat"]] == [362, 50]  # 944 / 2 - 110

    def test_the_plugins_specification_is_left_alone(self):
        given = {"encoding": {"x": {"field": "customer", "axis": {}}}}
        spec(given)
        assert given == {"encoding": {"x": {"field": "customer", "axis": {}}}}


class TestPicture:
    def test_text_stays_text_in_the_readers_fonts(self):
        with speaking("zh-CN"):
            svg = charts.draw(REPORT, BARS, label="各客户销售额", prefix="p-")
        assert {"佛山企业电子", "客户", "销售额"} <= set(words(svg))
        fonts = {element.get("font-family") for element in ET.fromstring(svg).iter("text")}
        assert fonts == {FONTS}
        assert PALETTE[0] in svg

    def test_it_is_an_image_with_a_name_and_the_pages_own_colour(self):
        svg = drawn(names("A"), BAR, label='"Q" & <b>')
        root = ET.fromstring(svg)
        assert (root.tag, root.get("role"), root.get("aria-label")) == ("svg", "img", '"Q" & <b>')
        assert "currentColor" in svg
        assert 'fill="white"' not in svg
        assert 'fill="#000"' not in svg

    def test_markup_in_a_value_is_text(self):
        hostile = '<script>alert(1)</script>" onload="x'
        given = {"mark": "text", "encoding": {"text": {"field": "name"}, "x": {"field": "revenue"}}}
        svg = drawn(names(hostile), given)
        assert "<script" not in svg
        assert hostile in words(svg)

    def test_control_characters_do_not_break_it(self):
        assert "A B" in words(drawn(names("A\x08B"), BAR))

    def test_it_leads_nowhere_and_loads_nothing(self):
        report = names("https://example.org/x.png")
        linked = {"mark": "image", "encoding": {"url": {"field": "name"}, "href": {"field": "name"}}}
        assert "example.org" not in drawn(report, linked)

    def test_ids_of_two_pictures_on_a_page_differ(self):
        given = {"mark": {"type": "bar", "clip": True}, "encoding": BAR["encoding"]}
        first, second = (drawn(names("A"), given, prefix=prefix) for prefix in ("a-", "b-"))
        ones, others = ({e.get("id") for e in ET.fromstring(svg).iter("clipPath")} for svg in (first, second))
        assert ones
        assert all(name.startswith("a-") and f"url(#{name})" in first for name in ones)
        assert ones.isdisjoint(others)

    @pytest.mark.parametrize("timezone", ["America/Los_Angeles", "Asia/Shanghai"])
    def test_months_are_those_of_the_rows_and_in_chinese(self, timezone, monkeypatch):
        monkeypatch.setenv("TZ", timezone)
        columns = [Column(name="month", kind="date"), Column(name="n", kind="integer")]
        rows = [(dt.date(2026, month, 1), month) for month in (3, 4, 5)]
        given = {
            "mark": "line",
            "encoding": {
                "x": {"field": "month", "axis": {"format": "%B", "values": ["2026-03-01", "2026-05-01"]}},
                "y": {"field": "n"},
            },
        }
        with speaking("zh-CN"):
            svg = drawn(Report(titles={}, columns=columns, rows=rows), given)
        assert {"三月", "五月"} <= set(words(svg))

    def test_no_rows_are_an_empty_picture(self):
        assert drawn(names(), BAR).startswith("<svg")

    @pytest.mark.parametrize("given", [{"mark": "bra"}, {"mark": "bar", "layer": 7}, {}])
    def test_a_specification_that_cannot_be_drawn_is_logged(self, given, caplog):
        with caplog.at_level(logging.ERROR, "crmcore"):
            assert charts.draw(REPORT, Chart(spec=given), label="Wrong", prefix="p-") is None
        assert caplog.messages[0].startswith("chart Wrong: ")

    def test_without_the_extra_nothing_is_drawn(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "vl_convert", None)
        assert not charts.can_draw()
        assert charts.draw(REPORT, BARS, label="L", prefix="p-") is None

    def test_references_are_labels(self):
        columns = [Column(name="ref", kind="ref"), Column(name="n", kind="integer")]
        report = Report(titles={}, columns=columns, rows=[(Ref("customer", 42), 1)])
        assert "customer:42" in words(
            drawn(report, {"mark": "bar", "encoding": {"y": {"field": "ref"}, "x": {"field": "n"}}})
        )
