"""Encodings of text files: what can be told is told, what cannot is refused with the byte that is wrong."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmcore import detect_encoding

CHINESE = "客户名称,行业,电话\n佛山企业电子有限公司,电子,0757-8888\n上海欣阳贸易,零售,021-5555\n"
FRENCH = "name,city\nSociété Générale,Paris\nCrédit Agricole,Montrouge\nL'Oréal,Clichy\n"
PORTUGUESE = "DESCRIÇÃO,OBSERVAÇÃO\nconexão,situação\n"


@pytest.fixture
def detect(tmp_path):
    def detect(content, declared=""):
        path = tmp_path / "file.txt"
        path.write_bytes(content)
        found = detect_encoding(path, declared)
        return found.label, path.read_text(encoding=found.name)

    return detect


@pytest.mark.parametrize(
    ("content", "label"),
    [
        (CHINESE.encode(), "UTF-8"),
        (codecs.BOM_UTF8 + CHINESE.encode(), "UTF-8"),
        (CHINESE.encode("gb18030"), "GB18030"),
        (CHINESE.encode("gbk"), "GB18030"),
        (CHINESE.encode("utf-16"), "UTF-16"),
        (codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"), "UTF-16"),
        (CHINESE.encode("utf-16-le"), "UTF-16"),
        (CHINESE.encode("utf-16-be"), "UTF-16"),
        (CHINESE.encode("utf-32"), "UTF-32"),
    ],
    ids=["utf8", "utf8-mark", "gb18030", "gbk", "utf16", "utf16-be-mark", "utf16-le", "utf16-be", "utf32"],
)
def test_an_encoding_is_told_and_gives_the_text_without_its_mark(detect, content, label):
    assert detect(content) == (label, CHINESE)


def test_ascii_and_nothing_at_all_are_utf_8(detect):
    assert detect(b"name\nAcme\n") == ("UTF-8", "name\nAcme\n")
    assert detect(b"") == ("UTF-8", "")


def test_a_character_that_lies_across_two_blocks_is_whole(detect):
    text = "a" * (2**18 - 1) + "电" * 10
    assert detect(text.encode()) == ("UTF-8", text)
    assert detect(text.encode("gb18030")) == ("GB18030", text)


def test_rare_characters_among_common_ones_are_chinese_too(detect):
    text = CHINESE + "陶喆,音乐,鑫淼焱\n"
    assert detect(text.encode("gb18030")) == ("GB18030", text)


@pytest.mark.parametrize(
    "text", [FRENCH, PORTUGUESE, "Zoë Müller, Größe 5 °C\n"], ids=["french", "portuguese", "german"]
)
def test_western_text_in_one_byte_encodings_is_not_taken_for_chinese(detect, text):
    content = text.encode("cp1252")
    first = next(number for number, byte in enumerate(content, start=1) if byte > 127)
    with pytest.raises(ValueError, match=rf"byte {first} is not UTF-8, and it does not read as Chinese in GB18030"):
        detect(content)
    assert detect(content, "cp1252") == ("CP1252", text)


def test_one_broken_byte_in_utf_8_does_not_make_it_chinese_of_another_kind(detect):
    content = CHINESE.encode()
    with pytest.raises(ValueError, match="is not UTF-8"):
        detect(content + b"\xe5\xae\n" + content)


def test_a_file_that_is_no_text_is_refused(detect):
    with pytest.raises(ValueError, match="it is no text file"):
        detect(b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00\x21\x00" + bytes(range(256)) * 4)


def test_a_mark_that_the_rest_belies_is_refused_with_the_byte(detect):
    with pytest.raises(ValueError, match="byte 5 is not UTF-8"):
        detect(codecs.BOM_UTF8 + b"a\xff")
    with pytest.raises(ValueError, match="is not UTF-16"):
        detect(codecs.BOM_UTF16_LE + b"a\x00\x00\xd8a\x00")


def test_the_declared_encoding_alone_is_tried(detect):
    assert detect("王伟".encode("gb18030"), "gbk") == ("GB18030", "王伟")
    assert detect(codecs.BOM_UTF8 + b"a", "utf-8") == ("UTF-8", "a")
    assert detect(codecs.BOM_UTF16_LE + "王".encode("utf-16-le"), "utf-16-le") == ("UTF-16", "王")
    with pytest.raises(ValueError, match="byte 1 is not GB18030"):
        detect(b"\xff\xff", "gb2312")


@pytest.mark.parametrize("declared", ["klingon", "base64", "\0"])
def test_an_encoding_that_there_is_not_is_refused(detect, declared):
    with pytest.raises(ValueError, match="there is no encoding"):
        detect(b"a", declared)


@given(text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\0")))
@settings(deadline=None)  # the machine may be busy
def test_any_text_in_utf_8_comes_back(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("text") / "file.txt"
    path.write_text(text, encoding="utf-8", newline="")
    found = detect_encoding(path)
    assert path.read_text(encoding=found.name).removeprefix("\ufeff") == text.removeprefix("\ufeff")
