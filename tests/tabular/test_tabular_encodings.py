"""Encodings: what can be proved is read, and what cannot is refused with a way out."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crmcore_tabular.encodings import TextForm, open_text, text_form
from crmcore_tabular.unreadable import Unreadable

CUSTOMERS = "客户名称,电话,备注\r\n佛山企业电子有限公司,075712345678,“重要”客户（华南）\r\n上海鑫源贸易,021-5555,喆\r\n"

HEADER = "公司名称,中文地址,市县镇,电话,行业,有限,项目,现在\n"

# The common characters of GB 2312, and its rarer ones: every cell of its rows 16 to 55 and 56 to 87.
COMMON = [bytes([lead, trail]).decode("gb2312") for lead in range(0xB0, 0xD7) for trail in range(0xA1, 0xFF)]
RARER = [bytes([lead, trail]).decode("gb2312") for lead in range(0xD8, 0xF8) for trail in range(0xA1, 0xFF)]


@pytest.fixture
def form(tmp_path):
    def form(content, declared=None):
        path = tmp_path / "file.csv"
        path.write_bytes(content)
        found = text_form(path, declared)
        with open_text(path, found) as file:
            return found, file.read()

    return form


@pytest.fixture
def refusal(tmp_path):
    def refusal(content, declared=None):
        (tmp_path / "file.csv").write_bytes(content)
        with pytest.raises(Unreadable) as caught:
            text_form(tmp_path / "file.csv", declared)
        return caught.value.problem

    return refusal


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
        (codecs.BOM_UTF32_BE, "utf-32-be"),
        (b"", "utf-8"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (b"", "gb18030"),
    ],
)
def test_a_mark_a_pattern_or_the_bytes_prove_the_encoding(form, mark, encoding):
    assert form(mark + CUSTOMERS.encode(encoding)) == (TextForm(encoding, 3), CUSTOMERS)


def test_ascii_and_nothing_are_utf_8(form):
    assert form(b"a,b\n1,2\n") == (TextForm("utf-8", 2), "a,b\n1,2\n")
    assert form(b"") == (TextForm("utf-8", 0), "")


def test_utf_8_is_proved_to_the_last_byte_and_not_by_the_first_ones(form):
    text = "name\n" + "Acme\n" * 500_000 + "企业\n"
    assert form(text.encode())[0] == TextForm("utf-8", 500_002)
    assert form(text.encode("gb18030"))[0] == TextForm("gb18030", 500_002)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_character_across_two_chunks_is_one(form, cut):
    text = "x" * ((1 << 20) - cut) + "企业\n"
    assert form(text.encode()) == (TextForm("utf-8", 1), text)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Société Générale,Zoë\n", "cp1252"),
        ("créée\n", "latin-1"),
        ("Größe;Straße\n", "cp1252"),
        ("Peña Nieto,Ñandú\n", "cp1252"),
        ("naïve café – déjà vu\n", "cp1252"),
        ("price\n€ 5\n", "cp1252"),
        ("Привет мир,Общество с ограниченной ответственностью\n", "cp1251"),
        ("Привет мир,Общество с ограниченной ответственностью\n", "koi8-r"),
        ("株式会社\nトヨタ自動車\n", "shift_jis"),
        ("株式会社トヨタ自動車です\n", "euc_jp"),
        ("客戶名稱,電話\n台灣積體電路製造股份有限公司,02\n", "big5"),
        (
            "고객명,전화번호,주소\n삼성전자주식회사,02,서울특별시강남구테헤란로\n현대자동차,02,부산광역시해운대구\n",
            "euc_kr",
        ),
        ("Żółć gęślą jaźń\n", "cp1250"),
        ("Καλημέρα κόσμε\n", "cp1253"),
    ],
)
def test_other_encodings_are_not_read_as_chinese(refusal, form, text, encoding):
    problem = refusal(text.encode(encoding))
    assert "is not UTF-8, and the file does not read as Chinese (GB18030) either" in problem.message
    assert 'encoding = "cp1252"' in problem.hint
    assert "--option encoding=cp1252" in problem.hint
    assert form(text.encode(encoding), encoding)[1] == text


def test_the_reason_names_the_first_byte_and_its_line(refusal):
    problem = refusal("name\nAcme\nSociété\n".encode("cp1252"))
    assert (problem.line, problem.message.partition(",")[0]) == (3, "byte 14 is not UTF-8")
    far = refusal(b"Acme\n" * 300_000 + "Société\n".encode("cp1252"))
    assert (far.line, far.message.partition(",")[0]) == (300_001, "byte 1")
    assert far.message.startswith("byte 1,500,004 is not UTF-8")


@pytest.mark.parametrize(
    "text",
    [
        "名称\n",
        "姓名,电话\n李鑫,138\n",
        "公司：①甲、②乙；（丙）！\n",
        "客户,￥５０.00\n",
        "客户名称,备注,联系人电话\n镕基建材有限公司,这一家很好😀，下周再联系\n",
    ],
)
def test_short_files_and_rare_characters_are_chinese_all_the_same(form, text):
    assert form(text.encode("gb18030")) == (TextForm("gb18030", text.count("\n")), text)


def test_a_broken_file_is_refused_in_the_encoding_that_its_mark_names(refusal):
    problem = refusal(codecs.BOM_UTF8 + b"a\nb\n\xff\n")
    assert (problem.line, problem.message) == (3, "byte 7 is not UTF-8")
    assert refusal(codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"x").message == "byte 8 is not UTF-16-LE"


def test_a_character_that_the_end_cuts_off_is_no_character(refusal):
    assert "byte 1 is not UTF-8" in refusal("a企".encode()[:-1]).message


def test_zeros_that_are_no_utf_16_leave_the_file_what_it_is(form):
    assert form(b"name\nAc\0me\n")[0].encoding == "utf-8"
    assert form(b"name\n" + b"\0" * 50)[0].encoding == "utf-8"


def test_a_declared_encoding_is_held_to(refusal, form):
    problem = refusal("a\n企业\n".encode("gb18030"), "ascii")
    assert (problem.line, problem.message) == (2, "byte 2 is not ASCII")
    assert form(codecs.BOM_UTF8 + b"a\n", "utf-8") == (TextForm("utf-8", 1), "a\n")
    assert form("a\n".encode("utf-16"), "utf-16")[1] == "a\n"


def test_chinese_of_mostly_rare_characters_is_read_where_it_is_declared(refusal, form):
    text = "備註,電話\n鑫,喆\n"
    assert "GB18030" in refusal(text.encode("gb18030")).message
    assert form(text.encode("gb18030"), "gb18030")[1] == text


@pytest.mark.parametrize("name", ["gb2312", "GBK", "GB18030"])
def test_names_of_the_older_chinese_standards_mean_the_newest(form, name):
    assert form("镕\n".encode("gb18030"), name) == (TextForm("gb18030", 1), "镕\n")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=200))
def test_whatever_is_utf_8_is_read_as_it(tmp_path_factory, text):
    assume(not text.startswith("\ufeff"))
    path = tmp_path_factory.mktemp("x") / "file"
    path.write_bytes(text.encode())
    assert text_form(path).encoding == "utf-8"


@given(
    st.lists(st.sampled_from(COMMON), min_size=20, max_size=200),
    st.lists(st.sampled_from(RARER), max_size=5),
    st.text("abc,;0123 \n", max_size=100),
)
def test_chinese_in_gb18030_is_read_as_it(tmp_path_factory, common, rarer, ascii_text):
    text = ascii_text.join([HEADER, "".join(common), "".join(rarer), "\n"])
    path = tmp_path_factory.mktemp("x") / "file"
    path.write_bytes(text.encode("gb18030"))
    found = text_form(path)
    with open_text(path, found) as file:
        assert (found.encoding, file.read()) == ("gb18030", text)


LATIN = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=4)
ACCENTED = st.sampled_from("àáâãäåæçèéêëìíîïñòóôõöøùúûüýßÀÉÈÇÖÜÄ")
WORD = st.lists(st.tuples(LATIN, ACCENTED), min_size=1, max_size=3).map(lambda parts: "".join(map("".join, parts)))


@given(st.lists(WORD, min_size=1, max_size=20), st.sampled_from([" ", ",", "\n", "; "]))
def test_words_with_single_accents_are_never_read_as_chinese(tmp_path_factory, words, between):
    path = tmp_path_factory.mktemp("x") / "file"
    path.write_bytes((between.join(words) + "\n").encode("cp1252"))
    with pytest.raises(Unreadable):
        text_form(path)
