"""Marks of a sheet: its errors and its reach, however the file is cut into chunks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workbooks_by_hand import MAIN

from crmcore_tabular.sheet_marks import MOST_CELLS, Marks, ods_marks, xlsx_marks

PLAIN = (
    f'<worksheet xmlns="{MAIN}"><cols><col min="1" max="3" width="9"/></cols><sheetData>'
    '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="AU1" s="2"/></row>'
    '<row r="2"><c r="B2"><f>A1&amp;"e</f><v>3</v></c></row></sheetData></worksheet>'
).encode()
ERRORS = (
    f'<worksheet xmlns="{MAIN}"><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row>'
    '<row r="7"><c r="B7" t="e"><f>1/0</f><v>#DIV/0!</v></c><c r="XFD7" s="1"/><c r="AV7"><v>1</v></c></row>'
    "</sheetData></worksheet>"
).encode()


def chunks(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


def never():
    yield from ()
    raise AssertionError("there is nothing to look for")


@given(st.integers(1, len(PLAIN)))
def test_a_plain_sheet_is_read_once(size):
    assert xlsx_marks(chunks(PLAIN, size), never()) == Marks()


@given(st.integers(1, len(ERRORS)), st.integers(1, len(ERRORS)))
def test_errors_and_the_last_cell_with_a_value_are_found(size, again):
    marks = xlsx_marks(chunks(ERRORS, size), chunks(ERRORS, again))
    assert marks == Marks({7: {2: "#DIV/0!"}}, last_row=7, last_column=48)


def test_long_text_between_tags_hides_nothing():
    long = ERRORS.replace(b"<v>0</v>", b"<v>" + b"0" * 50_000 + b"</v>")
    assert xlsx_marks(chunks(long, 999), [long]).errors == {7: {2: "#DIV/0!"}}


@pytest.mark.parametrize("content", [b"", b"<", b"<a>", b"<a></b>", b"\xff", b'<!DOCTYPE a><a t="e"/>'])
def test_what_is_no_xml_is_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        ods_marks([content])
    with pytest.raises(ValueError, match=r"\w"):
        xlsx_marks([b'"e"'], [content])


def test_what_fits_is_the_whole_rectangle():
    marks = Marks()
    marks.cell(1, 50)
    marks.cell(MOST_CELLS // 50, 1)
    assert marks.fits
    marks.cell(1, 51)
    assert not marks.fits
