"""JSON Lines: an object a line, the header made of all keys, and a problem for every line that is none."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.errors import UsageError
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.jsonl_reading import read_jsonl
from crmcore_tabular.jsonl_writing import write_jsonl
from crmcore_tabular.unreadable import MOST_COLUMNS


@pytest.fixture
def jsonl(tmp_path):
    def read(content, **options):
        path = tmp_path / "file.jsonl"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_jsonl(path, options))

    return read


def test_the_header_is_every_key_in_the_order_in_which_they_appear(jsonl):
    header, *rows = jsonl('{"b": 1, "a": "x"}\n\n{"c": true, "a": null}\n')
    assert header == SourceHeader(["b", "a", "c"], lines=3, form="JSON Lines, UTF-8")
    assert rows == [
        SourceRow(1, {"b": 1, "a": "x", "c": None}),
        SourceRow(3, {"b": None, "a": None, "c": True}),
    ]


def test_values_stay_what_they_are_and_text_is_stripped(jsonl):
    _header, row = jsonl(
        '{"n": 1.50, "i": 12345678901234567890, "t": " 007 ", "e": "  ", "l": ["a", {"b": 1}], "o": {"x": null}}'
    )
    assert row.cells == {
        "n": 1.5,
        "i": 12345678901234567890,
        "t": "007",
        "e": None,
        "l": ["a", {"b": 1}],
        "o": {"x": None},
    }
    assert isinstance(row.cells["i"], int)


def test_objects_without_values_are_passed_over(jsonl):
    _header, row = jsonl('{"a": 1}\n{}\n{"a": null, "b": ""}\n')
    assert row.line == 1


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": 1', "not JSON: Expecting ',' delimiter at character 8"),
        ("{'a': 1}", "not JSON: Expecting property name enclosed in double quotes at character 2"),
        ('{"a": 1}, {"a": 2}', "not JSON: Extra data at character 9"),
        ("[1, 2]", 'expected an object such as {"name": "Acme"}'),
        ("null", 'expected an object such as {"name": "Acme"}'),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": [-Infinity]}', "-Infinity is no number"),
        ('{"a": 1e999}', "1e999 is no number"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' is there more than once"),
        ('{"o": {"a": 1, "a": 1}}', "the key 'a' is there more than once"),
        ('{"": 1}', "a key is empty"),
        ('{"a": "\\ud83d"}', "\\ud83d is half a character"),
        ('{"a": ["\\u0000"]}', "there is a NUL character, as in a damaged file"),
        ('{"\\udc00": 1}', "\\udc00 is half a character"),
        ('{"a": %s}' % ("9" * 5000), "the number has 5,000 digits"),
        ('{"a": %s}' % ("[" * 100_000), "lists and objects are nested too deeply"),
    ],
)
def test_a_bad_line_is_a_problem_with_its_text_and_the_others_are_read(jsonl, tmp_path, line, reason):
    _header, before, problem, after = jsonl('{"a": 0}\n' + line + '\n{"a": 9}\n')
    assert (before.line, after.line) == (1, 3)
    assert isinstance(problem, Problem)
    assert (problem.line, problem.message, problem.file) == (2, reason, tmp_path / "file.jsonl")
    assert problem.value == line


def test_escapes_that_are_characters_are_read(jsonl):
    _header, row = jsonl('{"a": "\\ud83d\\ude00 \\u4f01", "b": "\\\\u0000"}')
    assert row.cells == {"a": "😀 企", "b": "\\u0000"}


def test_a_raw_nul_is_shown_as_one(jsonl):
    _header, _row, problem = jsonl('{"a": 1}\n{"a": "x\0"}\n')
    assert problem.value == '{"a": "x␀"}'


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_file_with_nothing_in_it_says_so(jsonl, content):
    (problem,) = jsonl(content)
    assert problem.message == "there is nothing in the file"


@pytest.mark.parametrize("content", ['[\n{"a": 1},\n{"a": 2}]\n', '[{"a": 1}, {"a": 2}]', '{\n  "a": 1\n}\n'])
def test_a_json_document_says_how_to_make_lines_of_it(jsonl, content):
    (problem,) = jsonl(content)
    assert problem.message == "no line is a JSON object with keys"
    assert "jq -c" in problem.hint


def test_a_file_of_something_else_gets_no_such_advice(jsonl):
    (problem,) = jsonl("name,phone\nAcme,138\n")
    assert (problem.message, problem.hint, problem.line) == ("no line is a JSON object with keys", None, 1)


def test_objects_by_their_ids_have_too_many_keys(jsonl):
    (problem,) = jsonl("\n".join(json.dumps({f"id{number}": 1}) for number in range(MOST_COLUMNS + 1)))
    assert problem.message == "the objects have more than 10,000 different keys"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_encodings_are_found_as_in_csv(jsonl, encoding):
    _header, row = jsonl('{"客户名称": "佛山企业电子有限公司"}\n'.encode(encoding))
    assert row.cells == {"客户名称": "佛山企业电子有限公司"}


def test_an_encoding_that_cannot_be_proved_is_refused(jsonl):
    (problem,) = jsonl('{"a": "Société"}'.encode("cp1252"))
    assert "is not UTF-8" in problem.message
    _header, row = jsonl('{"a": "Société"}'.encode("cp1252"), encoding="cp1252")
    assert row.cells == {"a": "Société"}


class TestWriting:
    def test_values_are_plain_json_and_decimals_are_exact(self, tmp_path):
        path = tmp_path / "x.jsonl"
        day, instant = dt.date(2024, 1, 2), dt.datetime(2024, 1, 2, 3, tzinfo=dt.UTC)
        row = ["企业", Decimal("0.10"), 0.5, 3, True, None, day, instant, ["a", Decimal(1)], {"x": day}, float("inf")]
        write_jsonl(path, list("abcdefghijk"), [row], {})
        assert path.read_bytes().endswith(b"}\n")
        assert path.read_text("utf-8") == (
            '{"a": "企业", "b": "0.10", "c": 0.5, "d": 3, "e": true, "f": null, "g": "2024-01-02",'
            ' "h": "2024-01-02T03:00:00+00:00", "i": ["a", "1"], "j": {"x": "2024-01-02"}, "k": "inf"}\n'
        )

    def test_cells_beyond_the_header_are_kept_under_their_number(self, tmp_path):
        write_jsonl(tmp_path / "x.jsonl", ["a"], [["1", "2"], []], {})
        assert (tmp_path / "x.jsonl").read_text() == '{"a": "1", "column 2": "2"}\n{}\n'

    def test_another_encoding_takes_every_character(self, tmp_path):
        write_jsonl(tmp_path / "x.jsonl", ["a"], [["企😀"]], {"encoding": "cp1252"})
        _header, row = read_jsonl(tmp_path / "x.jsonl", {"encoding": "cp1252"})
        assert row.cells == {"a": "企😀"}

    def test_an_unknown_encoding_is_refused(self, tmp_path):
        with pytest.raises(UsageError, match="no encoding 'klingon'"):
            write_jsonl(tmp_path / "x.jsonl", ["a"], [], {"encoding": "klingon"})

    VALUES = st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10).map(str.strip),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab企", min_size=1), inner, max_size=3),
        max_leaves=8,
    )

    @given(st.lists(st.lists(VALUES, min_size=2, max_size=2), min_size=1, max_size=5))
    def test_what_is_written_is_read_back(self, tmp_path_factory, rows):
        path = tmp_path_factory.mktemp("x") / "x.jsonl"
        write_jsonl(path, ["a", "b"], rows, {})
        header, *found = read_jsonl(path, {})
        expected = [[None if cell == "" else cell for cell in row] for row in rows]
        assert header.names == ("a", "b")
        assert [list(row.cells.values()) for row in found] == [row for row in expected if row != [None, None]]
