"""The page of limits says the numbers that the code has."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmcore.config import toml_file
from crmcore.schema import documents
from crmcore.store import engine
from crmcore_tabular import packages, sheet_marks, unreadable, workbooks
from crmcore_vcard import cards, reading

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "limits.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "numbers"),
    [
        ("a line of CSV or JSON Lines", [unreadable.LONGEST_LINE]),
        ("a row of CSV over many lines", [unreadable.LONGEST_LINE]),
        ("a cell of CSV", [unreadable.LONGEST_CELL]),
        ("columns of a table", [unreadable.MOST_COLUMNS]),
        ("different keys in a file of JSON Lines", [unreadable.MOST_COLUMNS]),
        ("a workbook, unpacked", [packages._MOST_BYTES, packages._DENSEST]),
        ("parts and sheets of a workbook", [packages._MOST_PARTS, workbooks._MOST_SHEETS]),
        ("cells of a sheet", [sheet_marks.MOST_CELLS, sheet_marks._MOST_ODS_CELLS]),
        ("text of all cells of a sheet", [sheet_marks.MOST_TEXT]),
        ("a vCard, its picture included", [cards.LARGEST, cards.MOST_LINES]),
        ("properties of a vCard", [reading.MOST_PROPERTIES, reading.LONGEST_VALUE]),
        ("different headers in a file of vCards", [reading.MOST_HEADERS]),
        ("`crm.toml`, a mapping file, `plugin.json`, a schema", [documents._MOST_BYTES]),
        ("nesting in them", [documents._MAX_DEPTH, toml_file._MAX_DEPTH]),
        ("values in `plugin.json` or a schema", [documents._MOST_VALUES]),
        ("digits of a whole number", [documents._MOST_DIGITS]),
        ("the name of an entity or a field", [documents.MAX_NAME]),
    ],
)
def test_a_bound_is_the_one_in_the_code(row: str, numbers: list[int]) -> None:
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {row} |")]
    assert [number for number in numbers if f"{number:,}" not in line] == []


def test_the_page_says_how_long_a_writer_waits() -> None:
    assert engine._BUSY_MILLISECONDS == 2 * 60 * 1000
    assert "waited for two minutes" in PAGE
