"""Tables that are piped: plain columns, whole cells, in time for very many rows."""

from __future__ import annotations

import time

from crmcore.cli.output import Heading, print_table

HEADINGS = [Heading("名称"), Heading("Amount", right=True), Heading("Note")]


def test_chinese_takes_two_cells_and_numbers_stand_at_the_right(capsys):
    print_table(HEADINGS, [["佛山", "5.00", "a"], ["Acme", "1,250.00", ""]])
    assert capsys.readouterr().out.splitlines() == [
        "名称    Amount  Note",
        "佛山      5.00  a",
        "Acme  1,250.00",
    ]


def test_further_lines_of_a_cell_stand_under_its_first(capsys):
    print_table(HEADINGS, [["Acme", "1", "first\nsecond"], ["B", "2", ""]])
    assert capsys.readouterr().out.splitlines() == [
        "名称  Amount  Note",
        "Acme       1  first",
        "              second",
        "B          2",
    ]


def test_an_empty_row_is_a_line_and_characters_that_move_the_cursor_are_left_out(capsys):
    print_table([Heading("A"), Heading("B")], [["", ""], ["x\a\by", "1\t2"]], title="T")
    assert capsys.readouterr().out.splitlines() == ["T", "A   B", "", "xy  1 2"]


def test_fifty_thousand_rows_take_seconds(capsys):
    began = time.monotonic()
    print_table(HEADINGS, ([f"Company {n}", f"{n:,}", "no order for 48 days"] for n in range(50_000)))
    assert len(capsys.readouterr().out.splitlines()) == 50_001
    assert time.monotonic() - began < 20  # a minute and a half when every cell was a text of rich
