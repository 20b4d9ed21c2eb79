"""Plugin vcard, writing: what is written is read back under the same headers, and others can read it too."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmcore.errors import UsageError
from crmcore.types import Problem, SourceRow
from crmcore_vcard.reading import read_vcards
from crmcore_vcard.vocabulary import HEADERS
from crmcore_vcard.writing import write_vcards


@pytest.fixture
def write(tmp_path):
    def write(headers, *rows):
        path = tmp_path / "file.vcf"
        write_vcards(path, headers, rows, {})
        return path

    return write


def read(path):
    _header, *found = read_vcards(path, {})
    return [{h: c for h, c in row.cells.items() if c is not None} for row in found if isinstance(row, SourceRow)]


def test_a_card_is_written_as_the_standard_says(write):
    path = write(
        ["name", "customer", "department", "mobile", "birthday", "gender", "tags", "notes"],
        ["王小明", "佛山电子; Ltd", "销售", "13800138000", dt.date(1985, 4, 15), "male", ["a,b", "c"], "one\ntwo\\"],
        ["Ann", None, None, None, None, None, None, None],
    )
    assert path.read_bytes().decode().split("\r\n") == [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "ORG:佛山电子\\; Ltd;销售",
        "FN:王小明",
        "TEL;TYPE=cell:13800138000",
        "BDAY:19850415",
        "GENDER:M",
        "CATEGORIES:a\\,b,c",
        "NOTE:one\\ntwo\\\\",
        "END:VCARD",
        "BEGIN:VCARD",
        "VERSION:4.0",
        "FN:Ann",
        "END:VCARD",
        "",
    ]


def test_lines_are_folded_at_75_octets_between_characters(write):
    notes = "佛山企业电子有限公司" * 12
    path = write(["name", "notes"], ["A", notes])
    lines = path.read_bytes().split(b"\r\n")
    assert max(map(len, lines)) <= 75
    for line in lines:
        line.decode()
    assert read(path) == [{"name": "A", "notes": notes}]


def test_titles_of_fields_mean_the_same_as_their_names(write):
    path = write(["姓名", "客户", "手机号码", "标签", "性别"], ["王伟", "佛山电子", "138", "甲、乙", "女"])
    assert read(path) == [
        {"name": "王伟", "customer": "佛山电子", "mobile": "138", "tags": ["甲", "乙"], "gender": "female"}
    ]


def test_other_columns_come_back_under_their_headers_as_text(write):
    headers = ["ID", "name", "Name", 'Odd "header": ^n\nor; so', "Active", "Amount", "At", "birthday"]
    at = dt.datetime(2026, 11, 21, 8, 30, tzinfo=dt.UTC)
    path = write(headers, ["contact:1", "Ann", "Annie", "x", True, Decimal("1.50"), at, "in spring"])
    assert read(path) == [
        {
            "ID": "contact:1",
            "name": "Ann",
            "Name": "Annie",
            'Odd "header": ^n\nor; so': "x",
            "Active": "true",
            "Amount": "1.50",
            "At": "2026-11-21T08:30:00+00:00",
            "birthday": "in spring",
        }
    ]


def test_rejected_rows_carry_line_and_reason_which_are_passed_over_again(write):
    path = write(["line", "reason", "name", "gender"], [3, "gender: must be one of: male; found", "Ann", "x"])
    text = path.read_text(encoding="utf-8")
    assert "X-CRMCORE-LINE:3\n" in text
    assert "X-CRMCORE-REASON:gender: must be one of: male\\; found\n" in text
    assert read(path) == [{"name": "Ann", "gender": "x"}]


def test_a_broken_card_is_written_as_it_was_with_its_reason(write, tmp_path):
    source = tmp_path / "broken.vcf"
    source.write_text("BEGIN:VCARD\nVERSION:2.1\nTEL;CELL:1\nEND:VCARD\n")
    _header, problem = read_vcards(source, {})
    path = write(["line", "reason", "name"], [1, "old", *problem.value])
    again = write(["line", "reason", "name"], [problem.line, problem.message, path.read_text()])
    assert again.read_bytes().decode().split("\r\n") == [
        "BEGIN:VCARD",
        "X-CRMCORE-LINE:1",
        "X-CRMCORE-REASON:the card has no name: neither FN nor N",
        "VERSION:2.1",
        "TEL;CELL:1",
        "END:VCARD",
        "",
    ]
    again.write_text(again.read_text().replace("TEL", "FN:Mended\nTEL"))
    assert read(again) == [{"name": "Mended", "mobile": "1"}]


def test_a_row_without_a_name_is_written_and_is_a_problem_again(write):
    path = write(["line", "reason", "name", "phone"], [3, "no name", None, "1"])
    _header, problem = read_vcards(path, {})
    assert isinstance(problem, Problem)


def test_what_is_nobody_is_refused(write):
    with pytest.raises(UsageError, match="no column is a name: Number, Amount"):
        write(["Number", "Amount"], ["S1", 5])


WORDS = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=60).map(
    str.strip
)
TEXTS = WORDS.filter(lambda text: bool(text) and not text.lower().startswith(("tel:", "mailto:")))
CELLS = {
    **dict.fromkeys(HEADERS, TEXTS),
    "kind": st.sampled_from(["person", "organisation"]),
    "gender": st.sampled_from(["male", "female", "other", "not_stated"]),
    "birthday": st.dates(),
    "anniversary": st.dates(),
    "tags": st.lists(TEXTS, min_size=1, max_size=4, unique=True),
    "Owner": TEXTS,
    "备注 2": TEXTS,
}
ROWS = st.fixed_dictionaries({"name": TEXTS}, optional={h: c for h, c in CELLS.items() if h != "name"})


@given(rows=st.lists(ROWS, min_size=1, max_size=4))
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may be busy
def test_any_cards_come_back_as_they_were_written(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("cards") / "file.vcf"
    headers = list(CELLS)
    write_vcards(path, headers, [[row.get(header) for header in headers] for row in rows], {})
    assert read(path) == rows
