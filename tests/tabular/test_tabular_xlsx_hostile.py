"""Files that are no workbooks, broken ones, locked ones, and bombs: each a reason and no crash."""

from __future__ import annotations

import random
import re
import zipfile

import pytest
from workbooks_by_hand import MAIN, xlsx_by_hand

from crmcore.types import Problem, SourceHeader
from crmcore_tabular.xlsx_reading import read_xlsx
from crmcore_tabular.xlsx_writing import write_xlsx

OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ROW = '<row r="1"><c r="A1" t="str"><v>a</v></c></row>'


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file.xlsx"


def reason(path):
    (problem,) = read_xlsx(path, {})
    assert isinstance(problem, Problem)
    return problem.message


@pytest.mark.parametrize(
    "content", [b"", b"name,phone\nAcme,138\n", b"<html><table/></html>", b"PK\x03\x04" + b"x" * 99]
)
def test_what_is_no_workbook_says_how_to_make_one(path, content):
    path.write_bytes(content)
    (problem,) = read_xlsx(path, {})
    assert problem.message == "it is no workbook"
    assert "save it as .xlsx" in problem.hint


def test_one_with_a_password_says_so(path):
    path.write_bytes(OLD + b"\0" * 3000 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 3000)
    assert reason(path) == "the workbook is protected by a password"


@pytest.mark.parametrize("rest", [b"", b"\0" * 504, b"\0" * 5000, b"\xff" * 5000])
def test_a_broken_one_of_the_old_kind_says_so(path, rest):
    path.write_bytes(OLD + rest)
    assert reason(path).startswith("the workbook is damaged: ")


def test_an_archive_of_something_else_is_damaged(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert reason(path).startswith("the workbook is damaged: ")


@pytest.mark.parametrize("length", [0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_refused(path, length):
    write_xlsx(path, ["a"], [[str(number)] for number in range(100)], {})
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * length)])
    assert reason(path)


def test_a_file_with_any_byte_changed_is_read_or_refused_and_never_crashes(path):
    write_xlsx(path, ["a", "b"], [[str(number), number] for number in range(20)], {})
    whole = path.read_bytes()
    dice = random.Random(7)
    for _attempt in range(150):
        broken = bytearray(whole)
        broken[dice.randrange(len(whole))] = dice.randrange(256)
        path.write_bytes(broken)
        first = next(read_xlsx(path, {}))
        assert isinstance(first, SourceHeader | Problem)


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/_rels/workbook.xml.rels", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize("content", ["", "<a", "<a/>", "\0", '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'])
def test_a_part_that_is_something_else_is_refused(path, part, content):
    assert reason(xlsx_by_hand(path, ROW, **{part: content}))


def test_a_sheet_with_entities_that_multiply_is_refused(path):
    entities = '<!DOCTYPE w [<!ENTITY a "' + "x" * 1000 + '"><!ENTITY b "' + "&a;" * 1000 + '">]>'
    sheet = f'{entities}<worksheet xmlns="{MAIN}"><sheetData><row><c t="e"><v>&b;</v></c></row></sheetData></worksheet>'
    assert reason(xlsx_by_hand(path, "", **{"xl/worksheets/sheet1.xml": sheet})).endswith("it declares a document type")


def test_a_bomb_is_refused_before_it_goes_off(path):
    xlsx_by_hand(path, ROW, **{"xl/sharedStrings.xml": b" " * 70_000_000})
    assert path.stat().st_size < 200_000
    assert re.match(r"the workbook unpacks to 70,00[0-9],[0-9]{3} bytes", reason(path))


def test_a_bomb_that_lies_about_its_size_is_refused(path):
    xlsx_by_hand(path, ROW, **{"xl/sharedStrings.xml": b" " * 1_000_000})
    content = path.read_bytes()
    path.write_bytes(content.replace((1_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    assert reason(path).startswith("the workbook is damaged: ")


@pytest.mark.parametrize(
    "cell",
    ['<c r="XFD1048576" t="str"><v>z</v></c>', '<c r="CV1000000"><v>1</v></c>', '<c t="n" r="ZZ99999999"><v>1</v></c>'],
)
def test_a_cell_far_away_does_not_take_all_memory(path, cell):
    row = f'<row r="9999">{cell}</row>'
    assert reason(xlsx_by_hand(path, ROW + row)) == "sheet 'Data' is too large to be read"


def test_a_format_far_away_is_no_cell(path):
    header, *_rows = read_xlsx(xlsx_by_hand(path, ROW + '<row r="1048576"><c r="XFD1048576" s="0"/></row>'), {})
    assert header.names == ("a",)


@pytest.mark.parametrize("reference", ["1A", "A", "", "A-1", "Ä1"])
def test_a_place_that_is_none_is_refused_or_read_and_never_crashes(path, reference):
    first = next(read_xlsx(xlsx_by_hand(path, ROW + f'<row r="2"><c t="e" r="{reference}"><v>#N/A</v></c></row>'), {}))
    assert isinstance(first, SourceHeader | Problem)


def test_more_characters_than_a_cell_can_have_are_read_as_they_are(path):
    long = "x" * 100_000
    _header, row = read_xlsx(xlsx_by_hand(path, ROW + f'<row r="2"><c r="A2" t="str"><v>{long}</v></c></row>'), {})
    assert row.cells == {"a": long}


def test_a_nul_character_is_the_damage_of_its_row(path):
    cell = '<c t="str"><v>{}</v></c>'
    rows = "".join(f"<row>{cell.format(text) * 2}</row>" for text in ("a", "x_x0000_y", "b"))
    _header, problem, row = read_xlsx(xlsx_by_hand(path, rows), {})
    assert (problem.line, problem.message) == (2, "there is a NUL character, as in a damaged file")
    assert problem.value == ["x\N{SYMBOL FOR NULL}y"] * 2
    assert row.line == 3


def test_a_nul_character_in_the_header_refuses_the_file(path):
    assert "NUL" in reason(xlsx_by_hand(path, '<row><c t="str"><v>x_x0000_y</v></c></row>'))


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml"])
def test_an_encoding_that_nobody_knows_is_damage(path, part):
    content = f"""<?xml version="1.0" encoding="klingon"?><worksheet xmlns="{MAIN}"><c t="e"/></worksheet>"""
    assert reason(xlsx_by_hand(path, ROW, **{part: content})).startswith("the workbook is damaged: ")
