"""Dates and instants: forms that mean one day only, declared formats, and formats inferred for a whole column."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.importing.date_formats import date_format
from crmcore.importing.dates import date_reader, instant_reader, is_plain_date, possible_days
from crmcore.importing.unreadable import Unreadable

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY = dt.date(2026, 1, 5)


cell = dt.datetime.fromisoformat
"""A cell of a spreadsheet: a date, or a date and time, without a time zone."""


def day(cell, declared=None):
    return date_reader(declared, SHANGHAI)(cell)


def instant(cell, declared=None):
    return instant_reader(declared, SHANGHAI)(cell)


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "2026-01-05",
            "2026/1/5",
            "2026.1.5",
            "2026.01.05",
            "2026年1月5日",
            "2026年01月05号",
            "20260105",
            " 2026-1-5 ",
        ),
        *("２０２６－０１－０５", "２０２６年１月５日", "2026-01-05 00:00:00", "2026/1/5 0:00", "2026-01-05T14:30:00Z"),
        *("2026-01-05T14:30:00+08:00", "5 Jan 2026", "05-JAN-2026", "5-Jan-26", "Jan 5, 2026", "January 5 2026"),
        *("5th January 2026", "Jan. 5, 2026", "2026-Jan-05", "5. January 2026"),
        *(DAY, cell("2026-01-05"), cell("2026-01-05 14:00"), 20260105, 20260105.0),
    ],
)
def test_forms_that_mean_one_day_only_are_always_read(cell):
    assert day(cell) == DAY
    assert is_plain_date(cell)


@pytest.mark.parametrize(
    "cell",
    [
        *(
            "5/1/2026",
            "1-5-26",
            "2026-02-30",
            "2026-13-01",
            "20261301",
            "2026/1-5",
            "n/a",
            "",
            "2026",
            "2026-01",
            45678,
        ),
        *("2026-W02-1", "45678", "5 Foo 2026", "5 Ma 2026", "31 Feb 2026", "2026-01-05 25:00", "2026-01-05 noon", True),
        *("２０２６", 1.5, float("nan"), float("inf"), ["2026-01-05"], None, dt.time(1), "2026-01-05" + " " * 60 + "x"),
    ],
)
def test_other_cells_are_refused_without_a_format(cell):
    with pytest.raises(Unreadable, match="expected a date such as 2026-11-21, found") as caught:
        day(cell)
    assert caught.value.code == "date"
    assert not is_plain_date(cell)


def test_a_date_of_three_numbers_is_refused_with_what_to_declare():
    with pytest.raises(Unreadable) as caught:
        day("5/1/2026")
    assert "--date-format dd/mm/yyyy" in caught.value.hint
    with pytest.raises(Unreadable) as caught:
        day("soon")
    assert caught.value.hint is None


@pytest.mark.parametrize(
    ("declared", "cells"),
    [
        (
            "dd-mm-yyyy",
            ["05-01-2026", "5-1-2026", "5/1/2026", "05.01.26", "05-01-2026 14:30", "2026-01-05", "20260105"],
        ),
        ("d/m/yy", ["5/1/26", "05/01/2026"]),
        ("mm/dd/yyyy", ["01/05/2026", "1/5/2026 2:30:00 PM"]),
        ("%d.%m.%Y", ["05.01.2026"]),
        ("%m/%d/%y", ["1/5/26"]),
        ("%d/%m/%Y %H:%M", ["05/01/2026 08:26"]),
        ("dd/mm/yyyy hh:mm:ss", ["05/01/2026 08:26:00"]),
        ("dd mmm yyyy", ["05 Jan 2026", "5 January 2026"]),
        ("%d %B %Y", ["5 January 2026"]),
        ("MMM d, yyyy", ["Jan 5, 2026"]),
        ("ddmmyyyy", ["05012026"]),
        ("yy/mm/dd", ["26/01/05", "2026/1/5"]),
        ("yyyy-dd-mm", ["2026-05-01"]),
        ("DD/MM/YYYY", ["05/01/2026"]),
    ],
)
def test_a_declared_format_says_what_comes_first(declared, cells):
    assert [day(cell, declared) for cell in cells] == [DAY] * len(cells)


@pytest.mark.parametrize("cell", ["13-13-2026", "31-02-2026", "05 01 2026", "5-1", "Jan 5", "x"])
def test_cells_in_another_form_than_the_declared_are_refused_with_it(cell):
    with pytest.raises(Unreadable, match=r"or in the format dd-mm-yyyy; found"):
        day(cell, "dd-mm-yyyy")


@pytest.mark.parametrize(
    "declared",
    [
        "",
        "dd",
        "dd/mm",
        "dd/dd/yyyy",
        "dd/mm/yyyy/yy",
        "%d/%m",
        "%j.%Y",
        "%d/%q/%Y",
        "day/mm/yyyy",
        "hh:mm",
        "dd mmm mm yy",
    ],
)
def test_what_is_no_format_is_refused(declared):
    with pytest.raises(ValueError, match="is no format of dates: expected year, month and day, such as dd/mm/yyyy"):
        date_format(declared)


@pytest.mark.parametrize(("text", "year"), [("1/2/00", 2000), ("1/2/68", 2068), ("1/2/69", 1969), ("1/2/99", 1999)])
def test_years_of_two_digits_are_those_of_1969_to_2068(text, year):
    assert day(text, "dd/mm/yy") == dt.date(year, 2, 1)


@given(
    st.dates(dt.date(1969, 1, 1), dt.date(2068, 12, 31)),
    st.permutations(["%d", "%m", "%y"]) | st.permutations(["%d", "%b", "%Y"]) | st.permutations(["%d", "%m", "%Y"]),
    st.sampled_from("-/. "),
)
def test_formats_read_what_strftime_writes_as_strptime_does(date, parts, separator):
    declared = separator.join(parts)
    text = date.strftime(declared)
    assert day(text, declared) == dt.datetime.strptime(text, declared).date() == date  # noqa: DTZ007  # only the day


@given(
    st.text(alphabet="0123456789-/. :TJanPM年月日上下午", max_size=24),
    st.sampled_from([None, "dd/mm/yyyy", "mm.dd.yy"]),
)
def test_any_text_is_a_date_or_refused(text, declared):
    for read in (day, instant):
        try:
            found = read(text, declared)
        except Unreadable:
            continue
        assert isinstance(found, dt.date)


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("2026-11-21 14:30", "2026-11-21T14:30:00+08:00"),
        ("2026-11-21T14:30:15", "2026-11-21T14:30:15+08:00"),
        ("2026-11-21T14:30:15.25Z", "2026-11-21T14:30:15.250000+00:00"),
        ("2026-11-21 14:30:15 +02:00", "2026-11-21T14:30:15+02:00"),
        ("2026/11/21 14:30-0330", "2026-11-21T14:30:00-03:30"),
        ("2026/11/21 下午2:30", "2026-11-21T14:30:00+08:00"),
        ("2026年11月21日 上午12:05", "2026-11-21T00:05:00+08:00"),
        ("2026年11月21日下午14:30", "2026-11-21T14:30:00+08:00"),
        ("21 Nov 2026 2:30 PM", "2026-11-21T14:30:00+08:00"),
        ("2026-11-21 12:00 am", "2026-11-21T00:00:00+08:00"),
        ("2026-11-21", "2026-11-21T00:00:00+08:00"),
        (cell("2026-11-21 14:30"), "2026-11-21T14:30:00+08:00"),
        (dt.datetime(2026, 11, 21, 14, 30, tzinfo=dt.UTC), "2026-11-21T14:30:00+00:00"),
        (dt.date(2026, 11, 21), "2026-11-21T00:00:00+08:00"),
    ],
)
def test_instants_without_an_offset_are_in_the_time_zone_of_the_instance(cell, written):
    assert instant(cell).isoformat() == written


def test_instants_take_the_format_of_their_dates():
    assert instant("05/01/2026 14:30", "dd/mm/yyyy").isoformat() == "2026-01-05T14:30:00+08:00"


@pytest.mark.parametrize("cell", ["2026-11-21 24:01", "2026-11-21 14:60", "14:30", "2026-11-21 14:30 +99:00", "x", 5])
def test_what_is_no_instant_is_refused(cell):
    with pytest.raises(Unreadable):
        instant(cell)


def test_the_day_of_an_instant_is_the_day_of_the_instance():
    assert day("2026-11-21T20:00:00Z") == dt.date(2026, 11, 22)
    assert day(dt.datetime(2026, 11, 21, 20, tzinfo=dt.UTC)) == dt.date(2026, 11, 22)
    assert day("9999-12-31T23:00:00Z") == dt.date(9999, 12, 31)


def test_a_date_of_three_numbers_can_mean_several_days():
    assert possible_days("5/1/2026") == {"day": dt.date(2026, 1, 5), "month": dt.date(2026, 5, 1)}
    assert possible_days("13-1-2026 8:26") == {"day": dt.date(2026, 1, 13)}
    assert possible_days("26/11/21") == {"day": dt.date(2021, 11, 26), "year": dt.date(2026, 11, 21)}
    assert possible_days("30/30/2026") == possible_days("2026-01-05") == possible_days("5/1-2026") == {}
