"""CSV writing: what a spreadsheet opens as it is, and the reader gives back cell by cell."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.errors import UsageError
from crmcore_tabular.csv_reading import read_csv
from crmcore_tabular.csv_writing import write_csv
from crmcore_tabular.formulas import guarded, unguarded

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=15).map(str.strip)


def back(path, **options):
    header, *rows = read_csv(path, options)
    return list(header.names), [list(row.cells.values()) for row in rows]


def test_a_file_is_utf_8_with_the_mark_and_line_ends_that_excel_wants(tmp_path):
    write_csv(tmp_path / "x.csv", ["名称", "phone"], [["佛山, 企业", "007"], ['say "hi"', None]], {})
    expected = '名称,phone\r\n"佛山, 企业",007\r\n"say ""hi""",\r\n'
    assert (tmp_path / "x.csv").read_bytes() == b"\xef\xbb\xbf" + expected.encode()


def test_values_are_written_exactly(tmp_path):
    values = {
        "money": (Decimal("1E+3"), "1000"),
        "cents": (Decimal("-12345678901234.5600"), "-12345678901234.5600"),
        "float": (0.1, "0.1"),
        "whole": (42, "42"),
        "yes": (True, "true"),
        "no": (False, "false"),
        "day": (dt.date(2024, 1, 2), "2024-01-02"),
        "instant": (dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2024-01-02T03:04:05+00:00"),
        "time": (dt.time(12, 30), "12:30:00"),
        "list": (["vip", "东部"], "vip; 东部"),
        "object": ({"a": [1, Decimal("2.50")]}, '{"a": [1, "2.50"]}'),
        "nested": ([{"a": 1}], '[{"a": 1}]'),
        "nothing": (None, None),
        "empty list": ([], None),
    }
    write_csv(tmp_path / "x.csv", list(values), [[value for value, _text in values.values()]], {})
    assert back(tmp_path / "x.csv") == (list(values), [[text for _value, text in values.values()]])


class TestFormulas:
    @pytest.mark.parametrize(
        "text",
        [
            '=HYPERLINK("http://x")',
            "+cmd|' /C calc'!A0",
            "-2+3+cmd",
            "@SUM(A1)",
            "\tx",
            "\rx",
            "=1",
            "=",
            "'=1",
            "''+x",
        ],
    )
    def test_text_that_would_run_gets_an_apostrophe(self, text):
        assert guarded(text) == "'" + text
        assert unguarded("'" + text) == text

    @pytest.mark.parametrize(
        "text",
        [
            "-5",
            "+86 138 0013 8000",
            "+86-757-12345678",
            "-1.50",
            "(020) 1234/5",
            "Acme",
            "'quoted'",
            "O'Neil",
            "",
            "a=b",
            "'5",
        ],
    )
    def test_numbers_phones_and_harmless_text_stay(self, text):
        assert guarded(text) == text
        assert unguarded(text) == text

    @given(ANY_TEXT | st.text("'=+-@\t\r 1a", max_size=6))
    def test_reading_takes_away_exactly_what_writing_put_there(self, text):
        assert unguarded(guarded(text)) == text

    @given(st.text("'=+-@\t\r 1a(", max_size=6))
    def test_no_cell_begins_like_a_formula_unless_it_is_a_number(self, text):
        written = guarded(text)
        assert written[:1] not in set("=@\t\r")
        assert written[:1] not in set("+-") or set(written) <= set("0123456789 +-()./")

    def test_a_file_is_guarded_headers_included(self, tmp_path):
        write_csv(tmp_path / "x.csv", ["=a", "b"], [["=1+1", ["-x", "y"]], ["-5", Decimal("-5")]], {})
        assert (tmp_path / "x.csv").read_text("utf-8-sig").split() == ["'=a,b", "'=1+1,'-x;", "y", "-5,-5"]
        assert back(tmp_path / "x.csv") == (["=a", "b"], [["=1+1", "-x; y"], ["-5", "-5"]])

    def test_a_foreign_file_loses_only_apostrophes_that_guard(self, csv_rows):
        (row,) = csv_rows("a,b,c,d\n'=1,'tis,''=2,O'Neil\n")
        assert list(row.cells.values()) == ["=1", "'tis", "'=2", "O'Neil"]


@given(
    st.sampled_from([",", ";", "tab", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030"]),
    st.lists(st.lists(ANY_TEXT, min_size=3, max_size=3), max_size=6),
)
def test_what_is_written_is_read_back_with_every_delimiter_and_encoding(tmp_path_factory, delimiter, encoding, rows):
    path = tmp_path_factory.mktemp("x") / "x.csv"
    options = {"delimiter": delimiter, "encoding": encoding}
    names = ["名称", "phone", "notes"]
    write_csv(path, names, rows, options)
    expected = [[cell or None for cell in row] for row in rows if any(row)]
    assert back(path, **options) == (names, expected)


@given(st.sampled_from([",", ";", "tab", "|"]), st.lists(st.lists(ANY_TEXT, min_size=3, max_size=3), max_size=6))
def test_what_is_written_by_default_is_read_without_being_told_how(tmp_path_factory, delimiter, rows):
    path = tmp_path_factory.mktemp("x") / "x.csv"
    write_csv(path, ["名称", "phone", "notes"], rows, {"delimiter": delimiter})
    assert back(path)[1] == [[cell or None for cell in row] for row in rows if any(row)]


def test_the_same_options_read_what_they_wrote(tmp_path):
    options = {"header": 4, "quote": "'", "delimiter": ";", "encoding": "cp1252"}
    write_csv(tmp_path / "x.csv", ["a", "b"], [["é;", "it's"]], options)
    assert (tmp_path / "x.csv").read_bytes() == b"\r\n\r\n\r\na;b\r\n'\xe9;';'it''s'\r\n"
    assert back(tmp_path / "x.csv", **options) == (["a", "b"], [["é;", "it's"]])


def test_a_tsv_file_has_tabs(tmp_path):
    write_csv(tmp_path / "x.tsv", ["a", "b"], [["1", "2"]], {})
    assert (tmp_path / "x.tsv").read_text("utf-8-sig").splitlines() == ["a\tb", "1\t2"]


def test_a_rejected_row_may_be_longer_or_shorter_than_the_header(tmp_path):
    write_csv(tmp_path / "x.csv", ["a"], [["1", "2"], []], {})
    assert (tmp_path / "x.csv").read_text("utf-8-sig").splitlines() == ["a", "1,2", ""]


class TestRefusals:
    def test_a_character_outside_the_encoding(self, tmp_path):
        with pytest.raises(UsageError, match="'企' is not in CP1252"):
            write_csv(tmp_path / "x.csv", ["a"], [["Acme"], ["企业"]], {"encoding": "cp1252"})
        assert list(tmp_path.iterdir()) == []

    def test_a_delimiter_in_a_cell_without_quotes(self, tmp_path):
        with pytest.raises(UsageError, match="quotes were switched off"):
            write_csv(tmp_path / "x.csv", ["a"], [['say "hi"'], ["1,2"]], {"quote": "none"})

    @pytest.mark.parametrize("options", [{"encoding": "klingon"}, {"delimiter": "::"}, {"quote": "''"}])
    def test_an_option_that_cannot_be_meant(self, tmp_path, options):
        with pytest.raises(UsageError):
            write_csv(tmp_path / "x.csv", ["a"], [], options)


class TestReplacing:
    def test_a_crash_on_the_way_leaves_the_old_file(self, tmp_path):
        def rows():
            yield ["1"]
            raise RuntimeError("the database went away")

        (tmp_path / "x.csv").write_text("old")
        with pytest.raises(RuntimeError):
            write_csv(tmp_path / "x.csv", ["a"], rows(), {})
        assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("x.csv", "old")]

    def test_nothing_is_seen_before_it_is_whole(self, tmp_path):
        def rows():
            yield ["1"]
            assert not (tmp_path / "x.csv").exists()

        write_csv(tmp_path / "x.csv", ["a"], rows(), {})
        assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]

    def test_a_link_stays_one(self, tmp_path):
        (tmp_path / "real.csv").write_text("old")
        (tmp_path / "x.csv").symlink_to(tmp_path / "real.csv")
        write_csv(tmp_path / "x.csv", ["a"], [["1"]], {"encoding": "utf-8"})
        assert (tmp_path / "x.csv").is_symlink()
        assert (tmp_path / "real.csv").read_text().split() == ["a", "1"]

    def test_what_is_no_file_is_written_to(self, tmp_path):
        import os
        import threading

        os.mkfifo(tmp_path / "pipe.csv")
        read = []
        reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe.csv").read_text("utf-8-sig")))
        reader.start()
        write_csv(tmp_path / "pipe.csv", ["a"], [["1"]], {})
        reader.join(5)
        assert read == ["a\n1\n"]

    def test_a_new_file_has_the_rights_of_any_new_file(self, tmp_path):
        (tmp_path / "other").write_text("")
        write_csv(tmp_path / "x.csv", ["a"], [], {})
        assert (tmp_path / "x.csv").stat().st_mode == (tmp_path / "other").stat().st_mode
