"""Workbooks: the right sheet, its header, and cells as the values that the sheet shows."""

from __future__ import annotations

import datetime as dt
import errno
import io

import pytest
import xlsxwriter
from workbooks_by_hand import ods_by_hand, xlsx_by_hand

from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.xlsx_reading import read_xlsx
from crmcore_tabular.xlsx_writing import _Sink, write_xlsx


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.xlsx"


@pytest.fixture
def book(path):
    """A workbook that is written when the block ends."""
    return xlsxwriter.Workbook(str(path))


def read(path, **options):
    header, *rows = read_xlsx(path, options)
    assert isinstance(header, SourceHeader), header
    return header, rows


def refusal(path, **options):
    (problem,) = read_xlsx(path, options)
    assert isinstance(problem, Problem)
    assert problem.file == path
    return problem


def fill(sheet, *rows, at=(0, 0)):
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(at[0] + number, at[1] + column, value)


def test_a_sheet_is_rows_by_header_with_their_numbers(book, path):
    with book:
        fill(book.add_worksheet("客户"), ["name", "phone"], ["Acme", "007"], [], ["佛山", None], ["  ", ""])
    header, rows = read(path)
    assert header == SourceHeader(["name", "phone"], lines=5, form="XLSX, sheet 客户")
    assert rows == [SourceRow(2, {"name": "Acme", "phone": "007"}), SourceRow(4, {"name": "佛山", "phone": None})]


def test_cells_are_the_values_of_the_sheet(book, path):
    with book:
        sheet = book.add_worksheet()
        fill(sheet, ["whole", "real", "long", "text", "yes", "sum"])
        fill(sheet, [3, 1.5, 1e300, " 007 ", True], at=(1, 0))
        sheet.write_formula(1, 5, "=1+1", None, 2)
    _header, (row,) = read(path)
    assert row.cells == {"whole": 3, "real": 1.5, "long": 1e300, "text": "007", "yes": True, "sum": 2}
    assert [type(cell) for cell in row.cells.values()] == [int, float, float, str, bool, int]


def test_dates_instants_times_and_durations(book, path):
    with book:
        sheet = book.add_worksheet()
        fill(sheet, ["day", "instant", "time", "duration", "short"])
        sheet.write_datetime(1, 0, dt.date(2024, 2, 29), book.add_format({"num_format": "dd/mm/yyyy"}))
        moment = dt.datetime(2024, 1, 2, 3, 4, 5)  # noqa: DTZ001  # a sheet has no time zone
        sheet.write_datetime(1, 1, moment, book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
        sheet.write_datetime(1, 2, dt.time(12, 30), book.add_format({"num_format": "hh:mm"}))
        sheet.write_datetime(1, 3, dt.timedelta(hours=30, seconds=5), book.add_format({"num_format": "[h]:mm:ss"}))
        sheet.write_datetime(1, 4, dt.timedelta(minutes=90), book.add_format({"num_format": "[h]:mm:ss"}))
    _header, (row,) = read(path)
    assert row.cells == {
        "day": dt.date(2024, 2, 29),
        "instant": moment,
        "time": "12:30:00",
        "duration": "30:00:05",
        "short": "1:30:00",
    }


def test_errors_stay_text_so_that_no_field_takes_them_for_empty(book, path):
    with book:
        sheet = book.add_worksheet()
        fill(sheet, ["a", "b", "c"], ["x"], at=(2, 3))
        sheet.write_formula(3, 4, "=1/0", None, "#DIV/0!")
        sheet.write_formula(4, 5, "=NA()", None, "#N/A")
    _header, rows = read(path)
    assert [(row.line, list(row.cells.values())) for row in rows] == [
        (4, ["x", "#DIV/0!", None]),
        (5, [None, None, "#N/A"]),
    ]


def test_errors_are_found_in_every_way_to_write_them(path):
    place = '<row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>b</v></c></row>'
    for cells in (
        '<row r="2"><c r="B2" t="e"><v>#REF!</v></c></row>',
        "<row r='2'><c t='e' r='B2'><f>X</f><v>#REF!</v></c></row>",
        '<row><c/><c t="e"><v>#REF!</v></c></row>',
    ):
        _header, (row,) = read(xlsx_by_hand(path, place + cells))
        assert (row.line, dict(row.cells)) == (2, {"a": None, "b": "#REF!"})


@pytest.mark.parametrize("name", ["file.xls", "file.ods", "file.xlsm"])
def test_what_a_workbook_is_decides_and_not_its_name(book, path, name):
    with book:
        fill(book.add_worksheet(), ["a"], [1])
    path.rename(path.with_name(name))
    assert read(path.with_name(name))[0].form == "XLSX, sheet Sheet1"


class TestSheets:
    @pytest.fixture
    def sheets(self, book, path):
        with book:
            fill(book.add_worksheet("Cover"))
            hidden = book.add_worksheet("Old")
            fill(hidden, ["h"], [1])
            hidden.hide()
            fill(book.add_worksheet("Orders"), ["o"], [1])
            fill(book.add_worksheet("2024"), ["y"], [1])
            fill(book.add_worksheet("A & B"), ["ab"], [1])
        return path

    @pytest.mark.parametrize(
        ("wanted", "name"),
        [
            (None, "o"),
            ("Orders", "o"),
            (3, "o"),
            ("3", "o"),
            ("2024", "y"),
            (2024, "y"),
            ("Old", "h"),
            (2, "h"),
            ("A & B", "ab"),
        ],
    )
    def test_it_is_the_one_that_is_named_or_counted_or_the_first_visible_with_rows(self, sheets, wanted, name):
        assert read(sheets, **({} if wanted is None else {"sheet": wanted}))[0].names == (name,)

    @pytest.mark.parametrize("wanted", ["Customers", "9", 0, -1, 9])
    def test_one_that_is_not_there_lists_those_that_are(self, sheets, wanted):
        problem = refusal(sheets, sheet=wanted)
        assert problem.message == f"there is no sheet {wanted!r}"
        assert "Cover, Old, " in problem.hint

    def test_one_that_is_empty_says_so(self, sheets):
        assert refusal(sheets, sheet="Cover").message == "the sheet 'Cover' is empty"

    def test_a_book_of_empty_sheets_says_so(self, book, path):
        with book:
            book.add_worksheet()
        assert refusal(path).message == "no visible sheet has rows"


class TestHeaders:
    def test_merged_titles_above_are_passed_over(self, book, path):
        with book:
            sheet = book.add_worksheet()
            sheet.merge_range(0, 0, 0, 2, "Customers of 2024")
            sheet.merge_range(2, 0, 2, 1, "Who")
            fill(sheet, ["name", "phone", "notes"], ["Acme", 1, 2], at=(3, 0))
        header, rows = read(path)
        assert header.names == ("name", "phone", "notes")
        assert [row.line for row in rows] == [5]

    def test_a_header_with_a_merged_cell_beside_others_is_the_header(self, book, path):
        with book:
            sheet = book.add_worksheet()
            sheet.merge_range(0, 1, 0, 2, "phones")
            fill(sheet, ["name"], ["Acme", 1, 2])
        header, (row,) = read(path)
        assert row.cells == {"name": "Acme", "phones": 1, "column 3": 2}
        assert header.names == ("name", "phones", "column 3")

    def test_a_sheet_of_titles_has_none(self, book, path):
        with book:
            sheet = book.add_worksheet("S")
            sheet.merge_range(0, 0, 0, 1, "Customers")
            sheet.merge_range(0, 2, 0, 3, "2024")
        assert refusal(path).message == "sheet 'S' has titles and no header"

    def test_the_row_may_be_told(self, book, path):
        with book:
            fill(book.add_worksheet(), ["Sales"], ["of May"], [], ["name", "phone"], ["Acme", 1])
        header, rows = read(path, header=4)
        assert (header.names, [row.line for row in rows]) == (("name", "phone"), [5])
        for empty in (3, 9):
            assert refusal(path, header=empty).message == f"there is no header in row {empty}"

    def test_names_are_text_and_nameless_columns_keep_their_number_in_the_sheet(self, book, path):
        with book:
            fill(book.add_worksheet(), ["name", None, 2024, None, "name"], ["a", None, "b", "c", "d"], at=(1, 2))
        header, (row,) = read(path)
        assert header.names == ("name", "2024", "column 6", "name (2)")
        assert list(row.cells.values()) == ["a", "b", "c", "d"]

    def test_a_repeat_of_the_header_is_no_record(self, book, path):
        with book:
            fill(book.add_worksheet(), ["a", "b"], [1, 2], ["a", "b"], [3, 4])
        assert [row.line for row in read(path)[1]] == [2, 4]

    def test_too_many_columns_are_refused(self, book, path):
        with book:
            fill(book.add_worksheet(), [f"c{number}" for number in range(10_001)])
        assert refusal(path).message == "10,001 columns; at most 10,000 are read"


class TestOpenDocument:
    WORD = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    HEADER = "<table:table-row>" + WORD.format("name") + WORD.format("n") + "</table:table-row>"
    ERROR = (
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )

    def test_a_table_is_read_with_its_errors(self, tmp_path):
        number = '<table:table-cell office:value-type="float" office:value="3"><text:p>3,0</text:p></table:table-cell>'
        cell = '<table:table-cell table:number-columns-repeated="9"/>'
        empty = f'<table:table-row table:number-rows-repeated="2">{cell}</table:table-row>'
        rows = [
            self.HEADER,
            "<table:table-row>" + self.WORD.format("Acme") + number + "</table:table-row>",
            empty,
            "<table:table-row>" + self.WORD.format("Zoll") + self.ERROR + "</table:table-row>",
            empty.replace('"2"', '"1048570"'),
        ]
        path = ods_by_hand(tmp_path / "x.ods", "<table:table-row>" + self.ERROR + "</table:table-row>", "".join(rows))
        header, found = read(path, sheet="S2")
        assert (header.names, header.form) == (("name", "n"), "ODS, sheet S2")
        assert found == [SourceRow(2, {"name": "Acme", "n": 3}), SourceRow(5, {"name": "Zoll", "n": "#DIV/0!"})]

    def test_a_table_that_repeats_itself_beyond_memory_is_refused(self, tmp_path):
        cell = self.WORD.format("x").replace(" ", ' table:number-columns-repeated="1000" ', 1)
        row = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
        path = ods_by_hand(tmp_path / "x.ods", self.HEADER, self.HEADER + row)
        assert refusal(path).message == "sheet 'S2' is too large to be read"


def test_nothing_is_left_of_a_workbook_for_which_there_is_no_room(tmp_path, monkeypatch):
    class Full(io.FileIO):
        def write(self, content):
            raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr("crmcore_tabular.xlsx_writing._Sink", type("_Sink", (_Sink, Full), {}))
    with pytest.raises(OSError, match="No space left"):
        write_xlsx(tmp_path / "out.xlsx", ["name"], [["Acme"]], {})
    assert [*(tmp_path / "temporary").iterdir()] == []
    assert [path.name for path in tmp_path.iterdir()] == ["temporary"]
