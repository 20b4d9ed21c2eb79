"""Reading CSV files row by row, with the line where each row starts."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from crmcore import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LONGEST_CELL = 1_000_000
"""Characters; a missing closing quote would otherwise swallow the rest of a large file into one cell."""


def read_csv(path: Path) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the header and the rows of a comma-separated UTF-8 file whose first row is the header.

    Empty lines are passed over; a cell is text, stripped, and None where there is nothing in it. A row with more or
    fewer cells than the header is a problem.
    """
    csv.field_size_limit(LONGEST_CELL)
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            yield SourceHeader(header)
            yield from _repeated(path, header)
            before = reader.line_num
            for cells in reader:
                line, before = before + 1, reader.line_num
                if cells:
                    yield _row(path, line, header, cells)
        except csv.Error as error:
            message = _("the file cannot be read from here on: {reason}").format(reason=error)
            yield Problem(message=message, file=path, line=reader.line_num)
        except UnicodeDecodeError as error:
            yield Problem(
                message=_("byte {number} is not UTF-8").format(number=error.start),
                hint=_("Save the file as UTF-8."),
                file=path,
                line=reader.line_num + 1,
            )


def _repeated(path: Path, header: Sequence[str]) -> Iterator[Problem]:
    for name in dict.fromkeys(name for name in header if name and header.count(name) > 1):
        message = _("the header {name!r} is there more than once").format(name=name)
        yield Problem(message=message, file=path, line=1)


def _row(path: Path, line: int, header: Sequence[str], cells: Sequence[str]) -> SourceRow | Problem:
    if len(cells) != len(header):
        message = _("{found} cells where the header has {wanted}").format(found=len(cells), wanted=len(header))
        return Problem(message=message, file=path, line=line, value=list(cells))
    return SourceRow(line, {name: cell.strip() or None for name, cell in zip(header, cells, strict=True) if name})
