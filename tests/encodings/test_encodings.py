"""Encodings of text files: what can be told is told, what cannot is refused with the byte that is wrong."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcore import Encoding, EncodingError, codec_name, detect_encoding

CHINESE = "客户名称,行业,电话\n佛山企业电子有限公司,电子,0757-8888\n上海欣阳贸易,零售,021-5555\n"
CUSTOMERS = "客户名称,电话,备注\r\n佛山企业电子有限公司,075712345678,“重要”客户（华南）\r\n上海鑫源贸易,021-5555,喆\r\n"

UTF_8, UTF_16, GB18030 = "UTF-8", "UTF-16", "GB18030"
BLOCK = 1 << 20
"""Bytes that are read at a time."""


@pytest.mark.parametrize("text", [CHINESE, CUSTOMERS], ids=["feeds", "returns-and-feeds"])
@pytest.mark.parametrize(
    ("mark", "codec", "label"),
    [
        (b"", "utf-8", UTF_8),
        (codecs.BOM_UTF8, "utf-8", UTF_8),
        (b"", "gb18030", GB18030),
        (codecs.BOM_UTF16_LE, "utf-16-le", UTF_16),
        (codecs.BOM_UTF16_BE, "utf-16-be", UTF_16),
        (b"", "utf-16-le", UTF_16),
        (b"", "utf-16-be", UTF_16),
        (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
        (b"", "utf-32-le", "UTF-32"),
        (b"", "utf-32-be", "UTF-32"),
    ],
)
def test_a_mark_a_pattern_or_the_bytes_prove_the_encoding(detect, mark, codec, label, text):
    found, read = detect(mark + text.encode(codec))
    assert (found.label, found.lines, read) == (label, 3, text)


def test_what_is_called_gbk_is_found_as_its_successor(detect):
    found, read = detect(CHINESE.encode("gbk"))
    assert (found, read) == (Encoding("gb18030", GB18030, 3), CHINESE)


def test_ascii_and_nothing_at_all_are_utf_8(detect):
    assert detect(b"name\nAcme\n") == (Encoding("utf-8-sig", UTF_8, 2), "name\nAcme\n")
    assert detect(b"") == (Encoding("utf-8-sig", UTF_8, 0), "")


def test_utf_8_is_proved_to_the_last_byte_and_not_by_the_first_ones(detect):
    text = "name\n" + "Acme\n" * 500_000 + "企业\n"
    assert detect(text.encode())[0] == Encoding("utf-8-sig", UTF_8, 500_002)
    text += "客户\n"
    assert detect(text.encode("gb18030"))[0] == Encoding("gb18030", GB18030, 500_003)


@pytest.mark.parametrize("cut", [1, 2])
def test_a_character_that_lies_across_two_blocks_is_whole(detect, cut):
    text = "a" * (BLOCK - cut) + "电话" * 10
    assert detect(text.encode()) == (Encoding("utf-8-sig", UTF_8, 1), text)
    assert detect(text.encode("gb18030")) == (Encoding("gb18030", GB18030, 1), text)


@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0")))
@settings(deadline=None)  # the machine may be busy
def test_any_text_in_utf_8_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "file.txt"
    path.write_text(text, encoding="utf-8", newline="")
    found = detect_encoding(path)
    assert found.label == UTF_8
    assert path.read_text(encoding=found.name).removeprefix("\ufeff") == text.removeprefix("\ufeff")


class TestZeros:
    def test_utf_16_with_characters_that_have_their_zero_on_the_other_side(self, detect):
        text = "编号,级别\n" + "1,一级\n2,一级\n" * 20
        assert detect(text.encode("utf-16-le"))[0].name == "utf-16-le"
        assert detect(text.encode("utf-16-be"))[0].name == "utf-16-be"

    @pytest.mark.parametrize("content", [b"name\nAc\0me\n", b"name\n" + b"\0" * 50, b"a\0b", b"\0" * 64])
    def test_zeros_that_are_no_utf_16_leave_the_file_what_it_is(self, detect, content):
        assert detect(content)[0].label == UTF_8

    def test_a_zero_in_chinese_text_is_damage_and_no_encoding(self, detect):
        assert detect((CHINESE + "\0").encode("gb18030"))[0].label == GB18030

    def test_a_file_that_is_no_text_is_refused(self, refusal):
        binary = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00" + bytes(range(256)) * 4
        assert str(refusal(binary)) == "it is no text file: it has zero bytes"

    def test_numbers_in_two_bytes_are_no_utf_16(self, detect, refusal):
        numbers = b"".join(number.to_bytes(2, "little") for number in range(1, 200))
        assert str(refusal(numbers)) == "it is no text file: it has zero bytes"


class TestRefusals:
    def test_the_reason_names_the_first_byte_and_its_line(self, refusal):
        near = refusal("name\nAcme\nSociété\n".encode("cp1252"))
        assert (near.line, near.code, str(near).partition(", and")[0]) == (3, "encoding", "byte 15 is not UTF-8")
        far = refusal(b"Acme\n" * 300_000 + "Société\n".encode("cp1252"))
        assert (far.line, str(far).partition(", and")[0]) == (300_001, "byte 1,500,005 is not UTF-8")

    def test_a_mark_that_the_rest_belies_is_refused_with_the_byte(self, refusal):
        assert str(refusal(codecs.BOM_UTF8 + b"a\xff")) == "byte 5 is not UTF-8"
        broken = refusal(codecs.BOM_UTF8 + b"a\nb\n\xff\n")
        assert (broken.line, str(broken)) == (3, "byte 8 is not UTF-8")
        assert str(refusal(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8a\x00")) == "byte 5 is not UTF-16"
        odd = refusal(codecs.BOM_UTF16_LE + "a\nb".encode("utf-16-le") + b"x")
        assert (odd.line, str(odd)) == (2, "byte 9 is not UTF-16")

    def test_a_character_that_the_end_cuts_off_is_no_character(self, refusal):
        assert "byte 2 is not UTF-8" in str(refusal("a企".encode()[:-1]))

    def test_one_broken_byte_in_utf_8_does_not_make_it_chinese_of_another_kind(self, refusal):
        content = CHINESE.encode()
        assert "is not UTF-8" in str(refusal(content + b"\xe5\xae\n" + content))
        assert "is not UTF-8" in str(refusal(content * 200 + b"\xff" + content * 200))

    @pytest.mark.parametrize("before", [0, 1, 2, 3])
    def test_the_byte_is_right_wherever_blocks_begin(self, refusal, before):
        start = b"\n" * (BLOCK - before) + "企".encode("gb18030") * 2
        error = refusal(start + b"\xff\n", "gb18030")
        assert (error.line, str(error)) == (BLOCK - before + 1, f"byte {len(start) + 1:,} is not GB18030")

    def test_a_line_that_is_too_long_is_refused_where_the_reader_says_so(self, detect, refusal):
        content = b"a\n" + b"x" * (3 * BLOCK)
        assert detect(content)[0].lines == 2
        assert detect(content, longest_line=3 * BLOCK)[0].lines == 2
        error = refusal(content, longest_line=2 * BLOCK)
        assert (error.line, error.code) == (2, "unreadable")
        assert str(error) == "the line has more than 2,097,152 characters"


class TestDeclared:
    def test_the_declared_encoding_alone_is_tried(self, detect, refusal):
        assert detect("王伟".encode("gb18030"), "gbk") == (Encoding("gb18030", GB18030, 1), "王伟")
        assert detect("Société".encode("cp1252"), "cp1252") == (Encoding("cp1252", "CP1252", 1), "Société")
        assert str(refusal(b"\xff\xff", "gb2312")) == "byte 1 is not GB18030"

    def test_it_is_held_to(self, refusal):
        error = refusal("a\n企业\n".encode("gb18030"), "ascii")
        assert (error.line, str(error)) == (2, "byte 3 is not ASCII")

    @pytest.mark.parametrize("name", ["gb2312", "GBK", "GB18030"])
    def test_names_of_the_older_chinese_standards_mean_the_newest(self, detect, name):
        assert detect("镕\n".encode("gb18030"), name) == (Encoding("gb18030", GB18030, 1), "镕\n")
        assert codec_name(name) == "gb18030"

    def test_a_mark_is_taken_away_whatever_the_encoding_is_called(self, detect):
        assert detect(codecs.BOM_UTF8 + b"a", "utf-8")[1] == "a"
        assert detect(codecs.BOM_UTF8 + b"a", "utf-8-sig")[1] == "a"
        assert detect(codecs.BOM_UTF16_LE + "王".encode("utf-16-le"), "utf-16-le")[1] == "王"
        assert detect("a\n".encode("utf-16"), "utf-16")[1] == "a\n"

    @pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
    def test_utf_16_without_a_mark_may_be_either(self, detect, codec):
        assert detect(CHINESE.encode(codec), "utf-16")[1] == CHINESE

    @pytest.mark.parametrize("declared", ["gb18030", "cp1252", "utf-16"])
    def test_a_mark_that_contradicts_it_is_not_read_as_characters(self, refusal, declared):
        error = refusal(codecs.BOM_UTF8 + CHINESE.encode(), declared)
        assert (error.code, str(error)) == ("encoding", "the file begins with the mark of UTF-8")

    @pytest.mark.parametrize("declared", ["utf-32", "utf-16"])
    def test_one_with_marks_in_a_file_that_has_none_is_refused(self, refusal, declared):
        error = refusal(b'a\0\t\0"b\0\n\x001\0\t\x002\0\n\0', declared)
        assert (error.code, "is not" in str(error)) == ("encoding", True)

    @pytest.mark.parametrize(
        "declared", ["klingon", "base64", "hex", "\0", "idna", "punycode", "undefined", "unicode_escape", "utf-7"]
    )
    def test_an_encoding_that_there_is_not_is_refused(self, refusal, declared):
        error = refusal(b"a", declared)
        assert (error.code, error.line) == ("option", None)
        assert str(error) == f"there is no encoding {declared!r}"
        with pytest.raises(EncodingError, match="there is no encoding"):
            codec_name(declared)
