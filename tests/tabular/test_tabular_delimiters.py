"""The delimiter of a CSV file: found by rows that are as wide as their header."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore_tabular.delimiters import delimiter_of

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize(
    ("content", "delimiter"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n", ";"),
        ("a\tb\n1,2\t3,4\n", "\t"),
        ("a|b\n1|2\n", "|"),
        ('"a;x","b;y"\n1,2\n', ","),
        ('"a,x";"b,y"\n"1";"2"\n', ";"),
        ("date;amount, net;quantity\n2024;1,5;2\n2024;2,5;3\n", ";"),
        ('a,b\n"1;2\n;3",4\n', ","),
        ("a;b\n", ";"),
        ("a;b\n1;2\n1,2,3\n3;4\n", ";"),
        ("客户;电话\n佛山, 企业;138\n", ";"),
    ],
)
def test_the_delimiter_is_the_one_by_which_rows_fit_their_header(content, delimiter):
    assert delimiter_of(content.splitlines(keepends=True), '"', likely=",") == delimiter


@pytest.mark.parametrize("content", ["", "name\nAcme\n", "name\nAcme, Inc\nCancity\n", "\n\n"])
@pytest.mark.parametrize("likely", [",", "\t"])
def test_where_nothing_splits_the_header_it_is_the_likely_one(content, likely):
    assert delimiter_of(content.splitlines(keepends=True), '"', likely=likely) == likely


def test_a_sample_that_ends_inside_a_quote_is_no_obstacle():
    assert delimiter_of(["a;b\n", "1;2\n", '3;"4\n'], '"', likely=",") == ";"


def test_a_quote_that_swallows_everything_leaves_what_came_before():
    assert delimiter_of(["a;b\n", "1;2\n", '3;"' + "x" * 2_000_000], '"', likely=",") == ";"


def test_a_delimiter_that_is_the_quote_is_no_delimiter():
    assert delimiter_of(["a|b,c\n", "|1|,2\n"], "|", likely=",") == ","


@given(
    st.sampled_from(",;\t|"),
    st.integers(2, 5).flatmap(lambda width: st.lists(st.lists(TEXT, min_size=width, max_size=width), max_size=8)),
)
def test_plain_headers_give_the_delimiter_away_whatever_the_rows_hold(delimiter, rows):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter)
    writer.writerow([f"名称{number}" for number in range(len(rows[0]) if rows else 2)])
    writer.writerows(rows)
    file.seek(0)
    assert delimiter_of(file.readlines(), '"', likely=",") == delimiter


def test_the_form_says_the_delimiter(csv_file):
    assert csv_file("a;b\n1;2\n")[0].form == "CSV, UTF-8, semicolons"
    assert csv_file("a\tb\n1\t2\n", name="file.tsv")[0].form == "CSV, UTF-8, tabs"
    assert csv_file("a:b\n1:2\n", delimiter=":")[0].form == "CSV, UTF-8, ':'"


def test_the_first_line_may_say_it_as_it_does_to_excel(csv_file):
    header, rows = csv_file("sep=^\nname^phone, fax\nAcme^1,2\n")
    assert header.names == ("name", "phone, fax")
    assert [(row.line, row.cells["name"]) for row in rows] == [(3, "Acme")]


def test_an_option_says_it_above_all(csv_file):
    header, (row,) = csv_file("a,b;c\n1,2;3\n", delimiter=";")
    assert header.names == ("a,b", "c")
    assert row.cells == {"a,b": "1,2", "c": "3"}
    assert csv_file("a,b\tc\n1,2\t3\n", delimiter="tab")[0].names == ("a,b", "c")
