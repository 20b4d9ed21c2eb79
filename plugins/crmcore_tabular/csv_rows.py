"""The rows of a CSV file as they stand there: cells, the line where they start, and a problem where quotes go wrong."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING

from crmcore import gettext as _
from crmcore.types import Problem
from crmcore_tabular.texts import open_text
from crmcore_tabular.unreadable import LONGEST_CELL, LONGEST_LINE, MOST_COLUMNS, shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crmcore_tabular.csv_form import CsvForm


def csv_rows(path: Path, form: CsvForm) -> Iterator[tuple[int, list[str], str] | Problem]:
    """Yield every row that is not an empty line: where it starts, its cells, and the text that they were read from.

    A row whose quotes are wrong is a problem, and so is one with a cell that is too long; it ends with the first line
    by which its quotes are even in number, since only there a cell cannot go on. Where they never are, nothing more is
    read: any of what follows might be the inside of that cell. The same goes for a row that goes on and on.
    """
    csv.field_size_limit(LONGEST_CELL)
    delimiter, quote = form.delimiter, form.quote
    waiting: list[str] = []
    kept: list[str] = []
    with open_text(path, form.text) as file:
        lines = islice(file, form.start - 1, None)
        parsed = csv.reader(_handed(waiting, lines, kept), **form.dialect)
        line = form.start
        for text in lines:
            # Most rows have no quote, and need no parser: they are what stands between delimiters.
            if (quote is None or quote not in text) and len(text) <= LONGEST_CELL:
                row = text.rstrip("\r\n")
                if row:
                    yield line, row.split(delimiter), row
                line += 1
                continue
            waiting.append(text)
            kept.clear()
            try:
                cells = next(parsed)
            except _Endless:
                yield _endless(path, line, text)
                return
            except csv.Error as error:
                closed = _read_to_its_end(quote, lines, kept)
                yield _misquoted(path, form, line, "".join(kept), error, closed=closed)
                if not closed:
                    return
            else:
                yield line, cells, "".join(kept)
            line += len(kept)


def bad_row(path: Path, line: int, message: str, cells: list[str], *, hint: str | None = None) -> Problem:
    """Return the problem of a row, with its cells as far as a problem carries them."""
    value = [shown(cell) for cell in cells[:MOST_COLUMNS]]
    return Problem(message=message, hint=hint, code="unreadable", file=path, line=line, value=value)


class _Endless(Exception):
    """A row whose cells go on to more lines than can be meant."""


def _handed(waiting: list[str], lines: Iterator[str], kept: list[str]) -> Iterator[str]:
    """Yield the line that waits, the first of a row, and those that its cells go on to; keep them all.

    Raises:
        _Endless: there are too many.
    """
    length = 0
    while True:
        first = bool(waiting)
        line = waiting.pop() if first else next(lines, None)
        if line is None:
            return
        length = len(line) if first else length + len(line)
        if length > LONGEST_LINE and not first:
            raise _Endless
        kept.append(line)
        yield line


def _endless(path: Path, line: int, text: str) -> Problem:
    message = _("the row goes on for more than {number:,} characters; nothing that follows was read").format(
        number=LONGEST_LINE
    )
    hint = _("A quote in it may be wrong. Mend it, or say that quotes mean nothing: --option quote=none.")
    return bad_row(path, line, message, [text.rstrip("\r\n")], hint=hint)


def _read_to_its_end(quote: str | None, lines: Iterator[str], kept: list[str]) -> bool:
    """Read on until the quotes of the row are even in number; tell whether they came to be."""
    if quote is None:
        return True
    quotes = sum(line.count(quote) for line in kept)
    length = sum(map(len, kept))
    while quotes % 2:
        line = next(lines, None)
        if line is None or length > 2 * LONGEST_CELL:
            return False
        kept.append(line)
        quotes += line.count(quote)
        length += len(line)
    return True


def _misquoted(path: Path, form: CsvForm, line: int, text: str, error: csv.Error, *, closed: bool) -> Problem:
    cells = _as_far_as_it_reads(form, text)
    if not closed:
        message = _("a quote in this row is never closed; nothing that follows was read")
        hint = _("Close it, or say that quotes mean nothing: --option quote=none.")
        return bad_row(path, line, message, cells, hint=hint)
    if "limit" in str(error):
        message = _("a cell has more than {number:,} characters").format(number=LONGEST_CELL)
        return bad_row(path, line, message, cells)
    message = _("a quote ends inside a cell")
    return bad_row(path, line, message, cells, hint=_("Write a quote inside a quoted cell twice."))


def _as_far_as_it_reads(form: CsvForm, text: str) -> list[str]:
    """Return the cells as a lenient reader sees them where it sees one row, else the text as one cell."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), **{**form.dialect, "strict": False}))
    except csv.Error:
        rows = []
    return rows[0] if len(rows) == 1 else [text.rstrip("\r\n")]
