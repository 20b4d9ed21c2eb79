"""Formats inferred for whole columns of dates; what can be read in two ways is reported before anything is saved."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore import Config, load
from crmcore.errors import UsageError
from crmcore.importing.plan import make_plan, needs_settling, settle
from crmcore.types import SourceRow

ENTITIES = load(Config()).entities


def planned(*headers, **options):
    return make_plan(ENTITIES["order"], ENTITIES, headers, currency="CNY", timezone=dt.UTC, **options)


def rows(header, *cells):
    return [SourceRow(line, {header: cell}) for line, cell in enumerate(cells, start=2)]


def settled(*cells):
    """Return the days of a column, None where a cell is a problem."""
    plan = settle(planned("order date"), rows("order date", *cells))
    return [plan.read({"order date": cell}).values.get("order_date") for cell in cells]


def format_of(*cells):
    return settle(planned("order date"), rows("order date", *cells)).columns[0].style.format


@pytest.mark.parametrize(
    ("cells", "written"),
    [
        (["13/1/2026", "1/2/2026"], "dd/mm/yyyy"),
        (["1/2/2026", "1/13/2026"], "mm/dd/yyyy"),
        (["01-02-2026", "20-10-2016"], "dd-mm-yyyy"),
        (["1.2.2026", "13.1.2026 08:26"], "dd.mm.yyyy"),
        (["13/1/69", "5/5/2070"], "dd/mm/yy"),
        (["1/13/99"], "mm/dd/yy"),
        (["99/1/13"], "yy/mm/dd"),
        (["5/5/2026", "1/1/2026"], "dd/mm/yyyy"),
        (["2026-01-05", "5 Jan 2026", None, ""], None),
        ([], None),
    ],
)
def test_the_format_of_a_column_is_the_one_that_all_its_dates_allow(cells, written):
    assert format_of(*cells) == written


def test_a_settled_column_reads_all_its_dates():
    assert settled("13/1/2026", "1/2/2026", "2026-01-05", "1.2.2026", "5 Mar 2026") == [
        *(dt.date(2026, 1, 13), dt.date(2026, 2, 1), dt.date(2026, 1, 5), dt.date(2026, 2, 1), dt.date(2026, 3, 5))
    ]


def test_cells_that_are_no_dates_do_not_vote_and_are_problems_of_their_rows():
    assert settled("13/1/2026", "n/a", "30/30/2026", "31/2/2026") == [dt.date(2026, 1, 13), None, None, None]


def test_dates_that_can_be_read_in_two_ways_are_reported_with_what_to_write():
    with pytest.raises(UsageError) as caught:
        settled("2026-01-05", "5/5/2026", "1/2/2026", "3/4/2026")
    assert caught.value.message == (
        'column "order date": "1/2/2026" (line 4) can be 2026-02-01 or 2026-01-02, and no other cell says which'
    )
    assert caught.value.hint == (
        'Declare it: --date-format "dd/mm/yyyy" or "mm/dd/yyyy", or "order date" = { field = "order_date", '
        "format = ... } in a mapping file."
    )


def test_contradicting_dates_are_reported_with_their_lines():
    with pytest.raises(UsageError) as caught:
        settled("1/2/2026", "13/1/2026", "1/13/2026")
    assert caught.value.message == (
        'column "order date": no order of day, month and year fits all of "13/1/2026" (line 3), "1/13/2026" (line 4), '
        '"1/2/2026" (line 2)'
    )
    assert '--date-format "dd/mm/yyyy" or "mm/dd/yyyy"' in caught.value.hint


def test_years_of_two_digits_may_come_first_so_that_they_are_not_guessed():
    with pytest.raises(UsageError, match="can be 2021-11-26 or 2026-11-21, and no other cell says which") as caught:
        settled("26/11/21")
    assert '"dd/mm/yy" or "yy/mm/dd"' in caught.value.hint


def test_all_unclear_columns_are_reported_together():
    headers = ("order date", "delivery date", "ship date")
    row = SourceRow(2, {"order date": "1/2/2026", "delivery date": "3/4/2026", "ship date": "13/4/2026"})
    with pytest.raises(UsageError) as caught:
        settle(planned(*headers), [row])
    assert [line.partition(":")[0] for line in caught.value.message.splitlines()] == [
        'column "order date"',
        'column "delivery date"',
    ]


def test_a_format_for_all_columns_settles_them():
    plan = planned("order date", "ship date", date_format="mm/dd/yyyy")
    assert not needs_settling(plan, rows("order date", "1/2/2026"))
    assert settle(plan, []).read({"order date": "1/2/2026", "ship date": "2026-01-05"}).values == {
        "order_date": dt.date(2026, 1, 2),
        "shipped_date": dt.date(2026, 1, 5),
    }
    with pytest.raises(UsageError, match='"mm/dd" is no format of dates'):
        planned("order date", date_format="mm/dd")


@pytest.mark.parametrize(
    ("cells", "needed"),
    [
        (["2026-01-05", None, "2026/1/6"], False),
        (["5 Jan 2026", "n/a"], False),
        ([dt.date(2026, 1, 5)], False),
        (["2026-01-05", "1/2/2026"], True),
        (["13/1/2026"], True),
        (["5/5/2026"], True),
        (["n/a", None], True),
        ([], True),
    ],
)
def test_the_whole_file_is_read_first_only_where_the_first_rows_do_not_say_how_dates_are_written(cells, needed):
    assert needs_settling(planned("order date"), rows("order date", *cells)) is needed


def test_a_file_without_date_columns_needs_no_settling():
    assert not needs_settling(planned("number", "amount"), rows("number", "S1"))


@given(
    st.lists(st.dates(dt.date(1970, 1, 1), dt.date(2068, 12, 31)), max_size=8), st.sampled_from("-/."), st.booleans()
)
def test_a_column_is_read_as_it_was_written_or_reported(days, separator, day_first):
    written = [day.strftime(separator.join(["%d", "%m", "%Y"] if day_first else ["%m", "%d", "%Y"])) for day in days]
    telling = any(day.day > 12 for day in days)
    try:
        found = settled(*written)
    except UsageError:
        assert not telling
    else:
        assert found == days


@pytest.mark.parametrize(
    "cells",
    [
        ["1.500", "2,500", "899,90"],
        ["1.234,5"],
        ["€ 12,5"],
        ["7,25", "8,75", "9.50"],
        ["0,1234"],
        ["1.500,00 €"],
        ["7", "8,5", "9,5"],
        ["7", "8", "9", "8,5", "1.500"],
        ["7", 8, 9.5, "8,5", "1,500"],
    ],
)
def test_a_column_with_decimal_commas_has_to_be_declared(cells):
    with pytest.raises(UsageError, match="has a decimal comma") as caught:
        settle(planned("amount"), rows("amount", *cells))
    assert 'decimal = ","' in str(caught.value.hint)


@pytest.mark.parametrize(
    "cells",
    [
        ["1,500", "1,234,567", "12.5"],
        ["1.500", "2.250"],
        ["12.50", "13.75", "1,2"],
        ["¥1,234.50", "1,2"],
        ["(1,234)", "1.2万", None, 3.5],
        ["7", "8", "12,5", "9", ""],
        [7, 8.5, "12,5"],
        [],
    ],
)
def test_columns_with_points_and_thousands_are_read_as_they_are(cells):
    plan = planned("amount")
    assert settle(plan, rows("amount", *cells)) == plan


@pytest.mark.parametrize(("cells", "needed"), [(["7", "1,500", "9.5"], False), (["7", "8", "12,5"], True)])
def test_all_of_a_file_is_looked_at_where_its_first_rows_have_a_decimal_comma(cells, needed):
    assert needs_settling(planned("amount"), rows("amount", *cells)) is needed
