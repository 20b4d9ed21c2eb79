"""What plugins may return, and how a mistake is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from reporting_world import COLUMNS, REPORT

from crmcore.reporting.results import checked_report
from crmcore.types import HIDDEN, Chart, Column, Fact, Ref, Report


def one(kind, value):
    """The value of the only cell of a report, as the check leaves it."""
    report = Report(titles={}, columns=[Column(name="c", kind=kind)], rows=[[value]])
    return checked_report(report).rows[0][0]


def charted(spec):
    return checked_report(Report(titles={}, columns=COLUMNS, rows=(), charts=[Chart(spec=spec)]))


def test_a_good_report_stays_as_it_is():
    assert checked_report(REPORT) == REPORT


@pytest.mark.parametrize(
    ("kind", "given", "kept"),
    [
        ("text", "客户", "客户"),
        ("integer", 5, 5),
        ("integer", Decimal(5), 5),
        ("number", Decimal("0.1"), Decimal("0.1")),
        ("number", 2, 2),
        ("money", 3, Decimal(3)),
        ("share", Decimal("0.25"), 0.25),
        ("share", 1, 1.0),
        ("date", dt.date(2026, 1, 9), dt.date(2026, 1, 9)),
        ("ref", Ref("customer", 1), Ref("customer", 1)),
        ("money", None, None),
        ("date", HIDDEN, HIDDEN),
    ],
)
def test_values_have_one_form_for_each_kind(kind, given, kept):
    found = one(kind, given)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("text", 5, r"expected text, found 5 \(int\)"),
        ("integer", 1.0, r"expected a whole number, found 1.0 \(float\)"),
        ("integer", True, "expected a whole number, found True"),
        ("integer", Decimal("1.5"), "expected a whole number"),
        ("number", "5", r"expected a number, found '5' \(str\)"),
        ("number", float("nan"), "expected a number, found nan"),
        ("number", Decimal("Infinity"), "expected a number"),
        ("money", 1.5, r"expected an amount, a Decimal, found 1.5 \(float\)"),
        ("share", float("inf"), "expected a fraction of 1, found inf"),
        ("date", "2026-01-09", r"expected a datetime.date, found '2026-01-09' \(str\)"),
        ("date", dt.datetime(2026, 1, 9, tzinfo=dt.UTC), r"found datetime.datetime\(2026, 1, 9, .*\(datetime\)"),
        ("ref", "customer:1", "expected a Ref"),
        ("percent", 1, "there is no kind 'percent'"),
    ],
)
def test_a_value_of_another_kind_is_named_with_its_place(kind, value, said):
    with pytest.raises(ValueError, match=f"row 1, column c: .*{said}"):
        one(kind, value)
    with pytest.raises(ValueError, match=f"fact f: .*{said}"):
        checked_report(Report(titles={}, columns=(), rows=(), facts=[Fact(name="f", kind=kind, value=value)]))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([(1, 2), (1,)], "row 2: 1 values for 2 columns"),
        ([(1, 2, 3)], "row 1: 3 values for 2 columns"),
        (["ab"], "row 1: expected a row of values, found 'ab'"),
        ([7], "row 1: expected a row of values, found 7"),
    ],
)
def test_rows_are_as_wide_as_the_columns(rows, said):
    columns = [Column(name="a", kind="integer"), Column(name="b", kind="integer")]
    with pytest.raises((TypeError, ValueError), match=said):
        checked_report(Report(titles={}, columns=columns, rows=rows))


def test_what_is_no_report_is_refused():
    with pytest.raises(TypeError, match="expected a Report, found list"):
        checked_report([("a", 1)])


def test_a_name_is_there_once():
    with pytest.raises(ValueError, match="the column a is there more than once"):
        checked_report(Report(titles={}, columns=[Column(name="a"), Column(name="a")], rows=()))
    with pytest.raises(ValueError, match="the fact a is there more than once"):
        checked_report(Report(titles={}, columns=(), rows=(), facts=[Fact(name="a", value=1)] * 2))


@pytest.mark.parametrize(
    "spec",
    [
        {"mark": "bar", "encoding": {"x": {"field": "customer"}, "y": {"field": "revenue"}}},
        {"layer": [{"mark": "line", "encoding": {"y": {"field": "share"}, "tooltip": [{"field": "customer"}]}}]},
        {"transform": [{"calculate": "datum.revenue / 2", "as": "half"}], "encoding": {"y": {"field": "half"}}},
        {"transform": [{"fold": ["orders"], "as": ["key", "value"]}], "encoding": {"x": {"field": "key"}}},
        {"mark": "rule", "encoding": {"x": {"value": {"field": "of data, no column"}}}},
    ],
)
def test_charts_name_columns_or_what_a_transformation_makes(spec):
    assert charted(spec).charts[0].spec == spec


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            {"encoding": {"x": {"field": "revenu"}}},
            r"chart 1: there is no column 'revenu' \(Did you mean `revenue`\?\)",
        ),
        ({"layer": [{"encoding": {"x": [{"field": "profit"}]}}]}, "chart 1: there is no column 'profit'"),
        ({"data": {"url": "https://example.org/x.csv"}}, "chart 1: `data` is filled in by the core"),
        ({"config": {}}, "chart 1: `config` is filled in by the core"),
        ("bar", "chart 1: expected a Vega-Lite specification"),
    ],
)
def test_a_mistake_in_a_chart_is_named(spec, said):
    with pytest.raises((TypeError, ValueError), match=said):
        charted(spec)


@pytest.mark.parametrize(
    "wrong",
    [{"titles": None}, {"titles": {"en": 5}}, {"notes": "one sentence"}, {"notes": [5]}, {"columns": ["name"]}],
    ids=str,
)
def test_parts_of_a_report_that_cannot_be_meant_are_refused_where_it_is_made(wrong):
    with pytest.raises(TypeError, match="expected"):
        Report(**{"titles": {}, "columns": [], "rows": [], **wrong})
