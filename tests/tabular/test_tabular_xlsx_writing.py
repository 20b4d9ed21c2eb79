"""Writing workbooks: values as Excel has them, text never a formula, and nothing lost on the way back."""

from __future__ import annotations

import datetime as dt
import zipfile
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.errors import UsageError
from crmcore_tabular.xlsx_reading import read_xlsx
from crmcore_tabular.xlsx_writing import write_xlsx


def back(path, **options):
    header, *rows = read_xlsx(path, options)
    return list(header.names), [list(row.cells.values()) for row in rows]


def written(path, value):
    write_xlsx(path, ["a", "b"], [["row", value]], {})
    return back(path)[1][0][1]


LOCAL = dt.datetime(2024, 1, 2, 3, 4, 5, 678000)  # noqa: DTZ001  # a sheet has no time zone


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.xlsx"


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("007", "007"),
        ("=1+1", "=1+1"),
        ("'=1", "'=1"),
        ("https://example.com", "https://example.com"),
        ("a\r\nb", "a\r\nb"),
        ("_x0041_", "_x0041_"),
        (42, 42),
        (123456789012345, 123456789012345),
        (1234567890123456, "1234567890123456"),
        (0.5, 0.5),
        (float("inf"), "inf"),
        (Decimal("1234.5600"), 1234.56),
        (Decimal("-0.0001"), -0.0001),
        (Decimal("1E+3"), 1000),
        (Decimal("12345678901.2345"), 12345678901.2345),
        (Decimal("12345678901234.5678"), "12345678901234.5678"),
        (Decimal("NaN"), "NaN"),
        (True, True),
        (False, False),
        (dt.date(2024, 2, 29), dt.date(2024, 2, 29)),
        (dt.date(1900, 3, 1), dt.date(1900, 3, 1)),
        (dt.date(1900, 2, 28), "1900-02-28"),
        (dt.date(9999, 12, 31), dt.date(9999, 12, 31)),
        (LOCAL, LOCAL),
        (LOCAL.replace(microsecond=678901), "2024-01-02T03:04:05.678901"),
        (dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC), "2024-01-02T03:00:00+00:00"),
        (dt.time(12, 30), "12:30:00"),
        (["vip", "东部"], "vip; 东部"),
        ({"a": 1}, '{"a": 1}'),
        (None, None),
        ("", None),
    ],
)
def test_a_value_comes_back(path, value, cell):
    found = written(path, value)
    assert (found, type(found)) == (cell, type(cell))


def test_no_text_is_a_formula_or_a_link(path):
    write_xlsx(path, ["=cmd()"], [["=1+1"], ["@SUM(A1)"], ["http://x.y"], ["mailto:a@b.c"]], {})
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert "<f>" not in sheet
    assert "hyperlink" not in sheet


def test_the_header_is_bold_and_stays_in_sight_and_columns_are_as_wide_as_their_text(path):
    write_xlsx(path, ["id", "客户名称客户名称", "notes"], [[1, "x", "y" * 500]], {})
    with zipfile.ZipFile(path) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    assert 'state="frozen"' in sheet
    assert "<b/>" in styles
    widths = [float(part.partition('"')[0]) for part in sheet.split("<col ")[1:] for part in part.split('width="')[1:2]]
    assert [round(width) for width in widths] == [9, 19, 61]


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**14), max_value=10**14, places=4))
def test_every_amount_comes_back_to_the_last_digit(tmp_path_factory, amount):
    found = written(tmp_path_factory.mktemp("x") / "x.xlsx", amount)
    assert Decimal(str(found)) == amount


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufffe\uffff"), max_size=12).map(str.strip)


@given(st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5))
def test_text_comes_back_as_it_was(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("x") / "x.xlsx"
    write_xlsx(path, ["名称", "phone", "notes"], rows, {})
    expected = [[cell or None for cell in row] for row in rows if any(row)]
    assert back(path) == (["名称", "phone", "notes"], expected)


@pytest.mark.parametrize("options", [{}, {"header": 4}, {"sheet": "Orders"}, {"sheet": 3}, {"sheet": "2", "header": 2}])
def test_the_same_options_read_what_they_wrote(path, options):
    write_xlsx(path, ["a"], [["x"]], options)
    assert back(path, **options) == (["a"], [["x"]])


def test_rejected_rows_may_be_longer_or_shorter_than_the_header(path):
    write_xlsx(path, ["a", "b"], [["1"], ["1", "2", "3"]], {})
    assert back(path) == (["a", "b", "column 3"], [["1", None, None], ["1", "2", "3"]])


class TestRefusals:
    def test_a_text_longer_than_a_cell(self, path):
        assert written(path, "x" * 32_767) == "x" * 32_767
        with pytest.raises(UsageError, match="32,768 characters, more than the 32,767"):
            written(path, "x" * 32_768)

    def test_more_rows_than_a_sheet(self, path):
        with pytest.raises(UsageError, match="1,048,576 rows at most"):
            write_xlsx(path, ["a"], ([] for _ in range(1_048_576)), {})
        assert not path.exists()

    @pytest.mark.parametrize("name", ["a/b", "x" * 32, "[x]"])
    def test_a_name_that_no_sheet_can_have(self, path, name):
        with pytest.raises(UsageError):
            write_xlsx(path, ["a"], [], {"sheet": name})

    def test_a_crash_on_the_way_leaves_the_old_file(self, path):
        def rows():
            yield ["1"]
            raise RuntimeError("the database went away")

        path.write_text("old")
        with pytest.raises(RuntimeError):
            write_xlsx(path, ["a"], rows(), {})
        assert [(found.name, found.read_text()) for found in path.parent.iterdir()] == [("file.xlsx", "old")]
