"""Encodings of tables: what the core finds out is read and said, and what it cannot tell is refused with a way out."""

from __future__ import annotations

import codecs

import pytest

from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.jsonl_reading import read_jsonl

CUSTOMERS = "客户名称,电话\r\n佛山企业电子有限公司,075712345678\r\n上海鑫源贸易,021-5555\r\n"
GB18030_MARK = "\ufeff".encode("gb18030")

UTF_8, GB18030 = "CSV, UTF-8, commas", "CSV, GB18030, commas"
UTF_16, UTF_32 = "CSV, UTF-16, commas", "CSV, UTF-32, commas"


@pytest.mark.parametrize(
    ("mark", "encoding", "form"),
    [
        (codecs.BOM_UTF8, "utf-8", UTF_8),
        (codecs.BOM_UTF16_LE, "utf-16-le", UTF_16),
        (codecs.BOM_UTF16_BE, "utf-16-be", UTF_16),
        (codecs.BOM_UTF32_LE, "utf-32-le", UTF_32),
        (codecs.BOM_UTF32_BE, "utf-32-be", UTF_32),
        (GB18030_MARK, "gb18030", GB18030),
        (b"", "utf-8", UTF_8),
        (b"", "utf-16-le", UTF_16),
        (b"", "utf-16-be", UTF_16),
        (b"", "utf-32-le", UTF_32),
        (b"", "gb18030", GB18030),
    ],
)
def test_a_table_is_read_without_its_mark_and_its_lines_are_counted(csv_file, mark, encoding, form):
    header, rows = csv_file(mark + CUSTOMERS.encode(encoding))
    assert (header.names, header.lines, header.form) == (("客户名称", "电话"), 3, form)
    assert [row.cells["客户名称"] for row in rows] == ["佛山企业电子有限公司", "上海鑫源贸易"]


@pytest.mark.parametrize(
    ("encoding", "name"),
    [
        ("cp1252", "Société"),
        ("shift_jis", "トヨタ自動車"),
        ("big5", "台灣電子"),
        ("euc_kr", "한국전력"),
        ("cp1251", "Общество"),
    ],
)
def test_what_cannot_be_told_is_refused_and_says_what_to_do(csv_refusal, csv_rows, encoding, name):
    content = f"name\nAcme\n{name}\n".encode(encoding)
    problem = csv_refusal(content)
    assert "is not UTF-8, and the file does not read as Chinese (GB18030) either" in problem.message
    assert (problem.line, problem.code) == (3, "encoding")
    assert 'encoding = "cp1252"' in problem.hint
    assert "--option encoding=cp1252" in problem.hint
    assert [row.cells["name"] for row in csv_rows(content, encoding=encoding)] == ["Acme", name]


def test_a_declared_encoding_is_held_to(csv_refusal):
    problem = csv_refusal("a\n企业\n".encode("gb18030"), encoding="ascii")
    assert (problem.line, problem.message, problem.code) == (2, "byte 3 is not ASCII", "encoding")


def test_an_encoding_that_there_is_not_says_what_encodings_are_called(csv_refusal):
    problem = csv_refusal("a\n", encoding="klingon")
    assert (problem.message, problem.code) == ("there is no encoding 'klingon'", "option")
    assert "gb18030" in problem.hint


def test_chinese_of_mostly_rare_characters_is_read_where_it_is_declared(csv_refusal, csv_rows):
    content = "name\n龘靐\n齉齾\n".encode("gb18030")
    assert "GB18030" in csv_refusal(content).message
    assert [row.cells["name"] for row in csv_rows(content, encoding="gbk")] == ["龘靐", "齉齾"]


def test_a_zero_in_a_text_is_the_damage_of_its_row(csv_rows):
    problem, row = csv_rows(b"name\nAc\0me\nCancity\n")
    assert ("NUL" in problem.message, row.cells["name"]) == (True, "Cancity")


def test_json_lines_are_read_without_the_mark_of_gb18030(tmp_path):
    path = tmp_path / "file.jsonl"
    path.write_bytes(GB18030_MARK + '{"客户名称": "佛山企业电子有限公司"}\n'.encode("gb18030"))
    header, row = read_jsonl(path, {})
    assert (header.form, header.lines) == ("JSON Lines, GB18030", 1)
    assert row.cells == {"客户名称": "佛山企业电子有限公司"}


def test_a_file_reads_the_same_whether_its_encoding_is_found_or_told(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(CUSTOMERS.encode("gb18030"))
    assert list(read_csv(path, {})) == list(read_csv(path, {"encoding": "gb2312"}))
