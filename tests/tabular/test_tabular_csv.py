"""Plugin tabular: rows with the line where they start, and a problem for every row that cannot be read."""

from __future__ import annotations

import pytest

from crmcore.testing import PluginConformance
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.csv_file import LONGEST_CELL, read_csv


class TestConformance(PluginConformance):
    plugin = "tabular"


@pytest.fixture
def read(tmp_path):
    def read(content):
        path = tmp_path / "file.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        header, *rows = read_csv(path)
        assert isinstance(header, SourceHeader)
        return rows

    return read


def test_cells_come_by_header_stripped_and_none_where_empty(read):
    assert read("name, phone\nAcme, 138\n佛山企业电子,\n") == [
        SourceRow(2, {"name": "Acme", "phone": "138"}),
        SourceRow(3, {"name": "佛山企业电子", "phone": None}),
    ]


def test_a_byte_order_mark_is_no_part_of_the_first_header(read):
    assert read("\ufeffname\nAcme\n") == [SourceRow(2, {"name": "Acme"})]


def test_leading_zeros_and_long_numbers_stay_as_they_are(read):
    assert read("code,phone\n007,01234567890123456789\n")[0].cells == {"code": "007", "phone": "01234567890123456789"}


def test_rows_with_line_breaks_in_quotes_keep_the_line_where_they_start(read):
    rows = read('name,notes\nAcme,"one\ntwo"\n\nCancity,x\n')
    assert [(row.line, row.cells["notes"]) for row in rows] == [(2, "one\ntwo"), (5, "x")]


def test_a_row_of_another_length_is_a_problem_and_the_next_is_read(read):
    problem, row = read("a,b\n1,2,3\n4,5\n")
    assert (problem.line, problem.message) == (2, "3 cells where the header has 2")
    assert row == SourceRow(3, {"a": "4", "b": "5"})


def test_a_repeated_header_is_a_problem(read):
    problem, _row = read("name,name\n1,2\n")
    assert isinstance(problem, Problem)
    assert "'name' is there more than once" in problem.message


def test_an_empty_file_has_no_rows(read):
    assert read("") == []
    assert read("name\n") == []


def test_a_file_in_another_encoding_says_where_and_what_to_do(tmp_path):
    (tmp_path / "file.csv").write_bytes("name\n企业电子\n".encode("gb18030"))
    (problem,) = read_csv(tmp_path / "file.csv")
    assert problem.line == 1
    assert "not UTF-8" in problem.message
    assert problem.hint == "Save the file as UTF-8."


def test_a_quote_that_is_never_closed_is_reported_and_bounded(read):
    *_rows, problem = read('name\n"' + "x" * (LONGEST_CELL + 10))
    assert "cannot be read from here on" in problem.message
