"""What the reader of workbooks does not tell of a sheet: where errors such as #N/A stand, and how far cells reach.

It gives an error as an empty cell, and it takes memory for the whole rectangle up to the last cell: one far away is
enough to exhaust it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

from attrs import define, field

from crmcore import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["MOST_CELLS", "MOST_TEXT", "Marks", "cut_at_tags", "ods_marks", "together_fit", "xlsx_marks"]

MOST_CELLS = 50_000_000
"""About 1.6 GB."""
MOST_TEXT = 1_000_000_000
"""Bytes of all cells together: a few of them in a file may stand for a text in every cell."""
_MOST_ODS_CELLS = 10_000_000
"""Of all tables, which are in memory together; about 1.2 GB."""

# Of a sheet without errors whose cells all stand in the columns A to AU, nothing needs to be known: 47 columns of the
# 1,048,576 rows that a sheet can have are within the limit. These expressions find everything else.
_ELSEWHERE = re.compile(rb'<c(?:>| (?!r="(?:[A-Z]|A[A-U])[0-9]))')
_TELLING = (b'"e"', b"'e'", b":c ", b":c>")
"""Of an error, and of elements with a prefix, which the expression does not see."""
_LONGEST_TAG = 4096

_TABLE = "urn:oasis:names:tc:opendocument:xmlns:table:1.0"
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
_CALC = "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"


@define
class Marks:
    """Errors by row and column, and the last row and column with a cell, all counted from 1."""

    errors: dict[int, dict[int, str]] = field(factory=dict)
    last_row: int = 0
    last_column: int = 0
    text: int = 0
    """Characters of all cells, where they were counted."""

    @property
    def fits(self) -> bool:
        """Whether the sheet can be read into memory."""
        return self.cells <= MOST_CELLS and self.text <= MOST_TEXT

    @property
    def cells(self) -> int:
        """Cells of the whole rectangle."""
        return self.last_row * self.last_column

    def cell(self, row: int, column: int) -> None:
        """Note that there is a cell."""
        self.last_row, self.last_column = max(self.last_row, row), max(self.last_column, column)

    def error(self, row: int, column: int, text: str) -> None:
        """Note that a cell holds an error."""
        self.errors.setdefault(row, {})[column] = text


def xlsx_marks(chunks: Iterable[bytes], again: Iterable[bytes]) -> Marks:
    """Return the marks of a sheet of an XLSX file, reading it a second time only where there is something to find.

    Raises:
        ValueError: the sheet is not XML, or not that of a sheet.
    """
    if any(_ELSEWHERE.search(part) or any(map(part.__contains__, _TELLING)) for part in cut_at_tags(chunks)):
        sheet = _XlsxSheet()
        _read(sheet, again)
        return sheet.marks
    return Marks()


def ods_marks(chunks: Iterable[bytes]) -> Mapping[str, Marks]:
    """Return the marks of every sheet of an ODS file by its name.

    Raises:
        ValueError: the part is not XML, or not that of a table.
    """
    tables = _OdsTables()
    _read(tables, chunks)
    return tables.marks


def together_fit(tables: Iterable[Marks]) -> bool:
    """Tell whether the tables of an ODS file can be in memory together."""
    found = list(tables)
    cells, text = sum(one.cells for one in found), sum(one.text for one in found)
    return cells <= _MOST_ODS_CELLS and text <= MOST_TEXT


def cut_at_tags(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks, cut where a tag begins, so that none is in two of them."""
    before = b""
    for chunk in chunks:
        part = before + chunk
        cut = part.rfind(b"<")
        if cut < 0 or len(part) - cut > _LONGEST_TAG:  # it has ended, and a long text follows
            cut = len(part)
        yield part[:cut]
        before = part[cut:]
    yield before


def _read(elements: _XlsxSheet | _OdsTables, chunks: Iterable[bytes]) -> None:
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartElementHandler = elements.start
    parser.EndElementHandler = elements.end
    parser.CharacterDataHandler = elements.text
    parser.StartDoctypeDeclHandler = _refuse
    try:
        for chunk in chunks:
            parser.Parse(chunk, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError) as error:  # the latter: an encoding that nobody knows
        raise ValueError(str(error)) from error


def _refuse(*_declaration: object) -> None:
    raise ValueError(_("it declares a document type"))  # a way to write a few bytes that mean gigabytes


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


@define
class _XlsxSheet:
    """Follows ``row``, ``c`` and ``v`` elements; a place that is not written down is the next one."""

    marks: Marks = field(factory=Marks)
    _row: int = 0
    _column: int = 0
    _wrong: bool = False
    _words: list[str] | None = None

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match _local(name):
            case "row":
                self._row = int(attributes.get("r", self._row + 1))
                self._column = 0
            case "c":
                self._row, self._column = self._place(attributes.get("r"))
                self._wrong = attributes.get("t") == "e"
            case "v" | "is":
                self.marks.cell(self._row, self._column)
                self._words = [] if self._wrong else None

    def end(self, name: str) -> None:
        if self._words is not None and _local(name) == "v":
            self.marks.error(self._row, self._column, "".join(self._words))
            self._words = None

    def text(self, words: str) -> None:
        if self._words is not None:
            self._words.append(words)

    def _place(self, reference: str | None) -> tuple[int, int]:
        if reference is None:
            return self._row, self._column + 1
        letters = reference.rstrip("0123456789")
        column = 0
        for letter in letters.upper():
            column = column * 26 + ord(letter) - ord("A") + 1
        return int(reference[len(letters) :]), column


@define
class _OdsTables:
    """Follows the rows and cells of every table, both of which may stand for many."""

    marks: dict[str, Marks] = field(factory=dict)
    _table: Marks = field(factory=Marks)
    _row: int = 0
    _rows: int = 1
    _column: int = 0
    _words: list[str] | None = None
    _times: int = 1
    """How many cells the one that is read stands for."""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        local = _local(name)
        if local == "table":
            self._table = self.marks[attributes.get(f"{_TABLE} name", "")] = Marks()
            self._row, self._rows = 0, 1
        elif local == "table-row":
            self._row, self._column = self._row + self._rows, 0
            self._rows = int(attributes.get(f"{_TABLE} number-rows-repeated", 1))
        elif local in ("table-cell", "covered-table-cell"):
            self._cell(attributes)

    def end(self, name: str) -> None:
        if self._words is not None and _local(name) == "table-cell":
            self._table.error(self._row, self._column, "".join(self._words))
            self._words = None

    def text(self, words: str) -> None:
        self._table.text += len(words) * self._times
        if self._words is not None:
            self._words.append(words)

    def _cell(self, attributes: Mapping[str, str]) -> None:
        columns = int(attributes.get(f"{_TABLE} number-columns-repeated", 1))
        self._column += columns
        self._times = max(columns, 1) * max(self._rows, 1)
        if f"{_OFFICE} value-type" in attributes:
            self._table.cell(self._row + self._rows - 1, self._column)
        if attributes.get(f"{_CALC} value-type") == "error":
            self._words = []
