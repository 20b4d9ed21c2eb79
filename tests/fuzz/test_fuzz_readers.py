"""Files of any bytes: each is rows, or a reason; no crash, no endless reading."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import changed_bytes, changed_json, fuzz
from hypothesis import strategies as st
from reading import judge

from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.jsonl_reading import read_jsonl
from crmcore_tabular.xlsx_reading import read_xlsx
from crmcore_vcard.reading import read_vcards

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TABLE = 'name,phone,"客户,编号"\r\nAcme,"+86 10 ""1""",1\r\n"two\nlines",,\'=2\r\n\r\n电子厂;x,"a",3\n'
SEMICOLONS = "\ufeffsep=;\nName;Betrag;\nÄhre;1,5;x\nÖl;-2;\n"
ENCODINGS = (
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "gb18030",
    "big5",
    "cp1252",
    "shift_jis",
)
TABLES = tuple(text.encode(code, "ignore") for text in (TABLE, SEMICOLONS, "a\tb\n1\t2\n") for code in ENCODINGS)

NONE_OF_FILES = ("hex", "idna", "undefined", "utf-7", "punycode", "rot13", "unicode_escape", "客户", "")
CARD_3_0 = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nN:王;小明;;;\r\nFN:王小明\r\nitem1.TEL;TYPE=CELL,pref:+86 138\r\n"
    "item1.X-ABLabel:_$!<Home>!$_\r\nADR;TYPE=WORK:;;天河路 1 号;广州;广东;510000;中国\r\n"
    "NOTE:first\\nsecond\r\n  folded\r\nBDAY:1990-02-29\r\n"
    "PHOTO;ENCODING=b;TYPE=JPEG:/9j/4AAQ\r\n SkZJRg\r\nCATEGORIES:a,b\\,c\r\n"
    "X-CRMCORE-FIELD;X-HEADER=region:East\r\nEND:VCARD\r\n"
)
CARD_2_1 = (
    "BEGIN:VCARD\nVERSION:2.1\nN;CHARSET=GBK;ENCODING=QUOTED-PRINTABLE:=CD=F5;=D0=A1\n =C3=F7=\n=D0\nTEL;CELL:138\n"
    "AGENT:BEGIN:VCARD\nFN:in\nEND:VCARD\nEMAIL;INTERNET:a@b.c\nEND:VCARD\n"
)
CARD_4_0 = (
    'BEGIN:VCARD\nVERSION:4.0\nKIND:org\nFN;PREF=1;LANGUAGE="a;b:c":Acme\nTEL;VALUE=uri:tel:+1-2;ext=3\nGENDER:M;x\n'
    "BDAY:--0412\nEND:VCARD\nBEGIN:VCARD\nFN:B\nEND:VCARD\n"
)
CARDS = (CARD_2_1, CARD_3_0, CARD_4_0)
CARD_FILES = tuple(text.encode(code, "ignore") for text in CARDS for code in ("utf-8", "gb18030", "utf-16"))
CARD_WORDS = (
    b"BEGIN:VCARD\n", b"END:VCARD\n", b"\n ", b"=\n", b";ENCODING=BASE64", b";CHARSET=hex", b";CHARSET=idna", b":",
    b";", b";CHARSET=undefined", b";CHARSET=unicode_escape", b";ENCODING=QUOTED-PRINTABLE:=0", b"item1.", b'"', b"\\",
    b"AGENT:", b"\nVERSION:2.1\n", b"PREF=" + b"9" * 5_000, b"BDAY:0000-00-00\n", b"X-WECHAT:", b"IMPP;X-USER=a:",
    b"N:;;;;;;;\n", b"=00", b";CHARSET=zip", b";CHARSET=utf-16:", b";CHARSET=\0",
)  # fmt: skip

LINES = (
    '{"name": "Acme", "phone": 13800138000, "tags": ["a", "b"], "open": true, "x": null}\n{"deep": {"a": [1.5]}}\n',
    '\ufeff{"客户": "电子\\u5382"}\r\n\r\n[1]\n{"a": 1e3}\n{"a"',
)
LINE_FILES = tuple(text.encode(code) for text in LINES for code in ("utf-8", "utf-16", "gb18030"))
LINE_WORDS = (
    b"[" * 5_000, b'{"a":' * 2_000, b"9" * 5_000, b"1e9999", b"-", b"\\ud83d", b"\\u0000", b'"name"', b"NaN",
    b"-Infinity", b'{"": 1}\n', b'{"a": 1, "a": 2}\n', b"{}\n", b"null\n", b'"\n',
)  # fmt: skip


@fuzz(
    150,
    content=changed_bytes(*TABLES, words=(b'"', b",", b"\n", b"'")) | st.binary(max_size=300),
    suffix=st.sampled_from([".csv", ".tsv"]),
    options=st.fixed_dictionaries(
        {},
        optional={
            "encoding": st.sampled_from([*ENCODINGS, *NONE_OF_FILES]),
            "delimiter": st.sampled_from([",", "tab", '"', " ", "\0", "é", "\u2028"]),
            "quote": st.sampled_from(["none", "'", "\t", ",", "\0", "“"]),
            "header": st.integers(1, 6) | st.just(10**9),
        },
    ),
)
def test_csv(tmp_path: Path, content: bytes, suffix: str, options: Mapping[str, Any]) -> None:
    judge(read_csv, tmp_path / f"file{suffix}", content, options)


@fuzz(120, content=changed_bytes(*LINE_FILES, words=LINE_WORDS) | st.binary(max_size=100))
def test_json_lines(tmp_path: Path, content: bytes) -> None:
    judge(read_jsonl, tmp_path / "file.jsonl", content)


@fuzz(
    150,
    content=changed_bytes(*CARD_FILES, words=CARD_WORDS) | st.binary(max_size=200),
    encoding=st.sampled_from(["", "", "", "gb18030", "utf-8", "cp1252", "utf-16", *NONE_OF_FILES]),
)
def test_vcards(tmp_path: Path, content: bytes, encoding: str) -> None:
    judge(read_vcards, tmp_path / "file.vcf", content, {"encoding": encoding} if encoding else {})


def workbook() -> bytes:
    """Return a workbook with a cell of each kind, a merged title, and a second sheet."""
    xlsxwriter = pytest.importorskip("xlsxwriter")
    held = io.BytesIO()
    with xlsxwriter.Workbook(held, {"in_memory": True}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet, other = book.add_worksheet("客户"), book.add_worksheet("b")
        sheet.merge_range("A1:C1", "Title")
        sheet.write_row(1, 0, ["name", "amount", "day", "", "open"])
        sheet.write_row(2, 0, ["Acme", 1.5, 2, "x", True])
        sheet.write_datetime(3, 2, dt.date(2026, 1, 2), day)
        sheet.write_formula(3, 1, "=1/0", None, "#DIV/0!")
        sheet.write_rich_string(4, 0, "a ", day, "b")
        other.write_row(0, 0, ["x", "y"])
    return held.getvalue()


SHEET = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
OPEN_DOCUMENT = (
    f'<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="{SHEET}" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>'
    '<table:table table:name="S"><table:table-row><table:table-cell office:value-type="string"><text:p>name</text:p>'
    '</table:table-cell></table:table-row><table:table-row table:number-rows-repeated="2"><table:table-cell '
    'office:value-type="float" office:value="1.5" table:number-columns-repeated="2"><text:p>1</text:p>'
    "</table:table-cell></table:table-row></table:table></office:spreadsheet></office:body></office:document-content>"
)


def parts_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return held.getvalue()


XLSX = workbook()
PARTS = parts_of(XLSX)
ODS = {"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": OPEN_DOCUMENT.encode()}
XML_WORDS = (
    b"<", b"/>", b'"', b'r="', b"A1", b"XFD1048576", b"AAAAAAAA1", b"A0", b"A99999999999", b'r="-1"', b"&#0;",
    b"&#x110000;", b"&x;", b"<!DOCTYPE a>", b"<![CDATA[", b"<!--", b"]]>", b"<?xml version='1.0' encoding='utf-16'?>",
    b't="e"', b't="s"', b't="b"', b't="d"', b"<v>", b"</c>", b"<v>4294967295</v>", b"<v>1e400</v>",
    b"<v>-99999999</v>", b"_x0000_", b"_xD800_", b"NaN", b'table:number-rows-repeated="99999999"',
    b'table:number-columns-repeated="-1"', b"\xff", b"&#xD800;", b"x:",
)  # fmt: skip


@st.composite
def workbooks(draw: st.DrawFn) -> tuple[str, bytes]:
    """Return the ending and the content of a workbook of which a part, or the archive, is damaged."""
    kind = draw(st.sampled_from(["part", "part", "part", "open document", "archive", "parts"]))
    if kind == "archive":
        return ".xlsx", draw(changed_bytes(XLSX, words=(b"PK\3\4", b"PK\1\2", b"PK\5\6")) | st.binary(max_size=100))
    if kind == "open document":
        return ".ods", packed({**ODS, "content.xml": draw(changed_bytes(ODS["content.xml"], words=XML_WORDS))})
    names = sorted(PARTS)
    name = draw(st.sampled_from(names))
    if kind == "part":
        return ".xlsx", packed({**PARTS, name: draw(changed_bytes(PARTS[name], words=XML_WORDS))})
    other, gone = draw(st.sampled_from(names)), draw(st.sets(st.sampled_from(names), max_size=2))
    left = {one: content for one, content in PARTS.items() if one not in gone}
    return draw(st.sampled_from([".xlsx", ".xls", ".ods"])), packed({**left, name: PARTS[other]}, zipfile.ZIP_STORED)


@fuzz(
    150,
    book=workbooks(),
    options=st.fixed_dictionaries(
        {},
        optional={
            "sheet": st.sampled_from(["客户", "b", "S", 1, 2, 99, "99", "²", ""]),
            "header": st.integers(1, 4) | st.just(10**9),
        },
    ),
)
def test_workbooks(tmp_path: Path, book: tuple[str, bytes], options: Mapping[str, Any]) -> None:
    suffix, content = book
    judge(read_xlsx, tmp_path / f"file{suffix}", content, options)


@fuzz(60, document=changed_json({"name": "Acme", "tags": ["a"], "deep": {"b": 1}}))
def test_json_lines_of_any_values(tmp_path: Path, document: Any) -> None:
    judge(read_jsonl, tmp_path / "file.jsonl", json.dumps(document).encode() + b'\n{"name": "B"}\n')
