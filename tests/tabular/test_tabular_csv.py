"""CSV rows: cells by header, the line where each row starts, and a problem for every row that cannot be read."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.types import Problem, SourceRow
from crmcore_tabular.csv_form import csv_form
from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.csv_rows import csv_rows as csv_rows_of
from crmcore_tabular.unreadable import LONGEST_CELL, LONGEST_LINE, MOST_COLUMNS


def test_cells_come_by_header_stripped_and_none_where_empty(csv_rows):
    assert csv_rows("name, phone\nAcme, 138\n佛山企业电子,\n") == [
        SourceRow(2, {"name": "Acme", "phone": "138"}),
        SourceRow(3, {"name": "佛山企业电子", "phone": None}),
    ]


def test_leading_zeros_and_long_numbers_stay_as_they_are(csv_rows):
    (row,) = csv_rows("code,phone,when,share\n007,01234567890123456789,2024-01-02,50%\n")
    assert row.cells == {"code": "007", "phone": "01234567890123456789", "when": "2024-01-02", "share": "50%"}


def test_rows_with_line_breaks_in_quotes_keep_the_line_where_they_start(csv_rows):
    rows = csv_rows('name,notes\nAcme,"one\r\ntwo\nthree"\n\nCancity,x\n')
    assert [(row.line, row.cells["notes"]) for row in rows] == [(2, "one\r\ntwo\nthree"), (6, "x")]


def test_quoted_cells_hold_delimiters_and_doubled_quotes(csv_rows):
    (row,) = csv_rows('name,notes\n"Acme, Inc","say ""hi"""\n')
    assert row.cells == {"name": "Acme, Inc", "notes": 'say "hi"'}


def test_a_quote_behind_a_blank_quotes_too(csv_rows):
    (row,) = csv_rows('name, notes\nAcme, "a, b"\n')
    assert row.cells == {"name": "Acme", "notes": "a, b"}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end_is_one(csv_file, end):
    header, rows = csv_file(end.join(["a,b", "1,2", "", "3,4"]) + end)
    assert [(row.line, row.cells["b"]) for row in rows] == [(2, "2"), (4, "4")]
    assert header.lines == 4


def test_a_last_line_without_an_end_is_read_and_counted(csv_file):
    header, rows = csv_file("a\n1\n2")
    assert (len(rows), header.lines) == (2, 3)


def test_rows_without_any_text_are_passed_over(csv_rows):
    assert csv_rows("a,b\n,\n , \n,,,\n\n1,2\n") == [SourceRow(6, {"a": "1", "b": "2"})]


def test_a_repeat_of_the_header_is_no_record(csv_rows):
    rows = csv_rows("a,b\n1,2\na,b\n3,4\n a ,b\n5,6\n")
    assert [row.cells["a"] for row in rows if row.cells["a"] != "a"] == ["1", "3", "5"]
    assert csv_rows("a,b\n1,2\na,b\n") == [SourceRow(2, {"a": "1", "b": "2"})]


def test_files_that_were_joined_keep_no_header_and_no_mark(csv_rows):
    rows = csv_rows("\ufeffa,b\n1,2\n\ufeffa,b\n3,4\n")
    assert [(row.line, dict(row.cells)) for row in rows] == [(2, {"a": "1", "b": "2"}), (4, {"a": "3", "b": "4"})]


def test_a_row_of_another_length_is_a_problem_with_its_cells_and_the_next_is_read(csv_rows, tmp_path):
    long, short, row = csv_rows("a,b\n1, 2,3\n4\n5,6\n")
    assert (long.line, long.message, long.value) == (2, "3 cells where the header has 2", ["1", "2", "3"])
    assert (short.line, short.message, short.value) == (3, "1 cells where the header has 2", ["4"])
    assert long.file == tmp_path / "file.csv"
    assert row == SourceRow(4, {"a": "5", "b": "6"})


def test_the_cells_of_a_ragged_row_stand_under_the_names_of_the_header(csv_file):
    header, (problem, _row) = csv_file("a,,b\n1,,2,3\n4,,5\n")
    assert (header.names, problem.value) == (("a", "b"), ["1", "2", "3"])


def test_empty_cells_behind_the_last_column_lose_nothing(csv_rows):
    assert csv_rows("a,b\n1,2,\n3,4,,,\n") == [SourceRow(2, {"a": "1", "b": "2"}), SourceRow(3, {"a": "3", "b": "4"})]


def test_one_column_over_many_cells_hints_at_a_title(csv_rows):
    (problem, *_) = csv_rows("Sales of May\n\nname,phone\nAcme,138\n", delimiter=",")
    assert "--option header=3" in problem.hint


@given(st.text('ab企 ,;"\n\r', max_size=40), st.sampled_from([",", ";", " "]))
def test_rows_are_what_a_strict_parser_makes_of_all_of_the_file(tmp_path_factory, text, delimiter):
    path = tmp_path_factory.mktemp("x") / "file.csv"
    path.write_bytes(b"header\n" + text.encode())
    form = csv_form(path, {"delimiter": delimiter})
    found = []
    for row in csv_rows_of(path, form):
        if isinstance(row, Problem):
            break
        found.append((row[0], [cell.strip() for cell in row[1]]))
    assert found == strictly(f"header\n{text}", delimiter)


def strictly(text, delimiter):
    """Return the rows up to the first that a strict parser refuses, each with the line where it starts."""
    marks = {"delimiter": delimiter, "strict": True, "skipinitialspace": delimiter != " "}
    reader, rows, line = csv.reader(io.StringIO(text, newline=""), **marks), [], 1
    try:
        for cells in reader:
            if cells:
                rows.append((line, [cell.strip() for cell in cells]))
            line = reader.line_num + 1
    except csv.Error:
        pass
    return rows


class TestHeaders:
    def test_the_header_is_the_first_row_that_is_not_empty(self, csv_file):
        header, rows = csv_file("\n,,\n\nname,phone\nAcme,138\n")
        assert header.names == ("name", "phone")
        assert rows == [SourceRow(5, {"name": "Acme", "phone": "138"})]

    def test_the_line_of_the_header_may_be_told(self, csv_file):
        header, rows = csv_file('"Sales, all"\n"of May\n"\nname;phone\nAcme;138\n', header=4)
        assert header.names == ("name", "phone")
        assert rows == [SourceRow(5, {"name": "Acme", "phone": "138"})]

    @pytest.mark.parametrize("content", ["a\n1\n", "a\n1\n\n", "a\n1\n,,\n"])
    def test_a_told_header_that_is_not_there_is_refused(self, csv_refusal, content):
        problem = csv_refusal(content, header=3)
        assert (problem.message, problem.line) == ("there is no header in line 3", 3)

    def test_nameless_columns_without_cells_are_left_out(self, csv_file):
        header, rows = csv_file("a,,b,,\n1,,2,,\n3, ,4,,\n5,,6\n")
        assert header.names == ("a", "b")
        assert [dict(row.cells) for row in rows] == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}, {"a": "5", "b": "6"}]

    def test_nameless_columns_with_cells_are_called_by_their_number(self, csv_file):
        header, rows = csv_file("a,,b,\n1,,2,\n3,,4,x\n")
        assert header.names == ("a", "b", "column 4")
        assert [row.cells["column 4"] for row in rows] == [None, "x"]

    def test_a_name_that_comes_twice_hides_no_cell(self, csv_file):
        header, (row,) = csv_file("name,notes,notes,notes (2),notes\nA,1,2,3,4\n")
        assert header.names == ("name", "notes", "notes (3)", "notes (2)", "notes (4)")
        assert list(row.cells.values()) == ["A", "1", "2", "3", "4"]

    def test_a_generated_name_does_not_take_a_given_one(self, csv_file):
        header, (row,) = csv_file(",column 1\nx,y\n")
        assert header.names == ("column 1 (2)", "column 1")
        assert row.cells == {"column 1 (2)": "x", "column 1": "y"}

    @pytest.mark.parametrize("content", ["", "\n\n", " \n,,,\n", "\ufeff"])
    def test_a_file_with_nothing_in_it_says_so(self, csv_refusal, content):
        assert csv_refusal(content).message == "there is nothing in the file"

    def test_a_header_alone_has_no_rows(self, csv_file):
        header, rows = csv_file("name\n")
        assert (header.names, rows) == (("name",), [])

    def test_a_header_that_cannot_be_read_refuses_the_file(self, csv_refusal):
        assert csv_refusal('"name" x,b\n1,2\n').message == "a quote ends inside a cell"
        assert "NUL" in csv_refusal("na\0me,b\n1,2\n").message
        assert "10,001 columns" in csv_refusal(",".join("abc" for _ in range(MOST_COLUMNS + 1))).message


class TestQuotesGoneWrong:
    def test_a_row_with_a_quote_inside_a_cell_is_a_problem_and_the_next_is_read(self, csv_rows):
        one, problem, three = csv_rows('a,b\n1,2\n"Acme" Inc,x\n3,4\n')
        assert (problem.line, problem.message, problem.value) == (3, "a quote ends inside a cell", ["Acme Inc", "x"])
        assert [row.line for row in (one, three)] == [2, 4]

    def test_a_bad_row_over_two_lines_does_not_make_its_second_line_a_record(self, csv_rows):
        problem, row = csv_rows('a,b,c\n1,"He said "hi" to\nme, ok",x\n4,5,6\n')
        assert (problem.line, isinstance(problem, Problem)) == (2, True)
        assert "".join(problem.value).count("hi") == 1
        assert row == SourceRow(4, {"a": "4", "b": "5", "c": "6"})

    @pytest.mark.parametrize("rest", ["", "5,6\n", '"7","8"\n9,10\n'])
    def test_a_quote_that_is_never_closed_ends_the_reading_behind_the_rows_before(self, csv_rows, rest):
        row, problem = csv_rows('a,b\n1,2\n3,"four\n' + rest)
        assert row.line == 2
        assert (problem.line, problem.message) == (
            3,
            "a quote in this row is never closed; nothing that follows was read",
        )
        assert "quote=none" in problem.hint

    def test_an_unclosed_quote_in_a_large_file_is_bounded(self, csv_rows):
        row, problem = csv_rows('a,b\n1,2\n3,"' + "x,y\n" * (LONGEST_CELL // 4 * 3))
        assert (row.line, problem.line) == (2, 3)
        assert sum(map(len, problem.value)) <= LONGEST_CELL

    def test_a_cell_that_is_too_long_is_a_problem_and_the_next_row_is_read(self, csv_rows):
        for quote in ("", '"'):
            first, problem, last = csv_rows(f"a,b\n1,2\n{quote}{'x' * (LONGEST_CELL + 1)}{quote},y\n3,4\n")
            assert (problem.line, problem.message) == (3, "a cell has more than 1,000,000 characters")
            assert (first.line, last.line) == (2, 4)

    def test_a_cell_of_just_a_million_characters_is_read(self, csv_rows):
        (row,) = csv_rows(f"a\n{'x' * LONGEST_CELL}\n")
        assert len(row.cells["a"]) == LONGEST_CELL

    def test_quotes_may_be_said_to_mean_nothing(self, csv_rows):
        (row,) = csv_rows('a,b\n"4,5"\n', quote="none")
        assert row.cells == {"a": '"4', "b": '5"'}

    def test_another_quote_may_be_named(self, csv_rows):
        (row,) = csv_rows("a,b\n'4,5',\"\n", quote="'")
        assert row.cells == {"a": "4,5", "b": '"'}


class TestDamage:
    def test_a_nul_character_is_a_problem_without_it(self, csv_rows):
        problem, row = csv_rows("a,b\n1,x\0y\n3,4\n")
        assert (problem.line, problem.value) == (2, ["1", "x␀y"])
        assert "NUL" in problem.message
        assert row.line == 3

    def test_a_row_of_too_many_columns_is_a_problem(self, csv_rows):
        problem, row = csv_rows("a,b\n" + "1," * MOST_COLUMNS + "1\n3,4\n")
        assert problem.message == "10,001 columns; at most 10,000 are read"
        assert len(problem.value) == MOST_COLUMNS
        assert row.line == 3

    def test_a_line_without_end_refuses_the_file(self, csv_refusal):
        problem = csv_refusal(b"a,b\n1,2\n" + b"x" * (LONGEST_LINE + 1))
        assert (problem.line, "4,000,000 characters" in problem.message) == (3, True)

    def test_a_file_that_is_not_there_is_the_callers_concern(self, tmp_path):
        with pytest.raises(FileNotFoundError):
            next(read_csv(tmp_path / "none.csv", {}))

    def test_a_file_reads_the_same_twice(self, tmp_path):
        path = tmp_path / "file.csv"
        path.write_text('a,b\n1,2\n3\n"x" y,z\n', encoding="utf-8")
        assert list(read_csv(path, {})) == list(read_csv(path, {}))


class TestOptions:
    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"delimiter": "::"}, "delimiter '::' is not one character"),
            ({"delimiter": "\n"}, "is not one character"),
            ({"quote": ""}, "quote '' is not one character"),
            ({"delimiter": ",", "quote": ","}, "delimiter and quote are both ','"),
            ({"encoding": "klingon"}, "there is no encoding 'klingon'"),
            ({"encoding": "hex"}, "there is no encoding 'hex'"),
            ({"encoding": "a\0b"}, "there is no encoding"),
        ],
    )
    def test_an_option_that_cannot_be_meant_is_refused(self, csv_refusal, options, words):
        problem = csv_refusal("a,b\n1,2\n", **options)
        assert words in problem.message
        assert problem.code == "option"
