"""Reading a sheet of a workbook: the header, then a record for every row that has cells."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmcore import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.cells import as_text
from crmcore_tabular.headers import column_names
from crmcore_tabular.packages import EXTRA
from crmcore_tabular.unreadable import MOST_COLUMNS, Unreadable, nul_character, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore_tabular.workbooks import Sheet

__all__ = ["OPTIONS", "read_xlsx"]

OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "sheet": {
            "type": ["string", "integer"],
            "minLength": 1,
            "minimum": 1,
            "description": "Name or number, from 1. By default the first visible sheet that has rows.",
        },
        "header": {
            "type": "integer",
            "minimum": 1,
            "description": "The row of the header. By default the first that is not empty and no merged title.",
        },
    },
}
_EXACT = 2**53
"""Whole numbers below it are what they were in the sheet, where every number is a float."""


def read_xlsx(path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the header and the rows of a sheet.

    Cells are text (stripped), numbers, booleans, dates or instants as the sheet has them, None where there is nothing.
    Times of day and durations are text (``12:30:00``, ``30:00:00``), and so are errors (``#N/A``), which no field other
    than one of text takes. Empty rows and repeats of the header are passed over.
    """
    try:
        sheet = _sheet(path, options.get("sheet"))
        line, header = _header(path, sheet, options.get("header"))
        names = _names(path, sheet, line, header)
    except Unreadable as error:
        yield error.problem
        return
    last = sheet.rows.end[0] + 1 if sheet.rows.end else line
    form = _("{format}, sheet {sheet}").format(format=sheet.kind, sheet=shown(sheet.name))
    yield SourceHeader([name for name in names if name], lines=last, form=form)
    for number, cells in _rows(sheet, after=line):
        if any(isinstance(cell, str) and "\0" in cell for cell in cells):
            kept = [shown(as_text(cell)) for cell, name in zip(cells, names, strict=True) if name]
            yield Problem(message=nul_character(), code="unreadable", file=path, line=number, value=kept)
        elif cells != header and any(cell is not None for cell in cells):
            record = dict(zip(names, cells, strict=True))
            record.pop("", None)
            yield SourceRow(number, record)


def _sheet(path: Path, wanted: str | int | None) -> Sheet:
    try:
        from crmcore_tabular.workbooks import open_sheet  # noqa: PLC0415  # needs a package of the extra; CSV does not
    except ModuleNotFoundError as error:
        if error.name != "python_calamine":
            raise
        message = _("reading workbooks needs the package python-calamine")
        raise Unreadable(path, message, hint=_("Install it: {command}").format(command=EXTRA)) from None
    return open_sheet(path, wanted)


def _header(path: Path, sheet: Sheet, declared: int | None) -> tuple[int, list[Any]]:
    """Return the number of the header row and its cells."""
    merged: Mapping[int, set[int]] | None = None
    for number, cells in _rows(sheet):
        filled = {at + sheet.first_column for at, cell in enumerate(cells) if cell is not None}
        if number == declared and filled:
            return number, cells
        if declared or not filled:
            continue
        if len(filled) < len(cells):  # a title is merged over several columns, the last of which are empty
            merged = sheet.merged_rows() if merged is None else merged
            if filled <= merged.get(number, set()):
                continue
        return number, cells
    if declared:
        message = _("there is no header in row {number}").format(number=declared)
        raise Unreadable(path, message, line=declared, code="option")
    raise Unreadable(path, _("sheet {name!r} has titles and no header").format(name=sheet.name), code="empty")


def _names(path: Path, sheet: Sheet, line: int, header: Sequence[Any]) -> list[str]:
    if len(header) > MOST_COLUMNS:
        message = _("{found:,} columns; at most {most:,} are read").format(found=len(header), most=MOST_COLUMNS)
        raise Unreadable(path, message, line=line)
    if any(isinstance(cell, str) and "\0" in cell for cell in header):
        raise Unreadable(path, nul_character(), line=line)
    nameless = {at for at, cell in enumerate(header) if cell is None}
    filled: set[int] = set()
    for _number, cells in _rows(sheet, after=line) if nameless else ():
        filled |= {at for at in nameless - filled if cells[at] is not None}
    before = sheet.first_column  # a column keeps the number that it has in the sheet
    names = [*[""] * before, *map(as_text, header)]
    return column_names(names, {at + before for at in filled})[before:]


def _rows(sheet: Sheet, after: int = 0) -> Iterator[tuple[int, list[Any]]]:
    """Yield every row behind another with its number and its cells."""
    for number, cells in enumerate(sheet.rows.iter_rows(), start=1):
        if number <= after:
            continue
        values = [_cell(cell) for cell in cells]
        for column, error in sheet.marks.errors.get(number, _NO_ERRORS).items():
            values[column - 1 - sheet.first_column] = error
        yield number, values


_NO_ERRORS: Mapping[int, str] = {}


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if isinstance(value, dt.timedelta):
        return _duration(value)
    if isinstance(value, dt.time):
        return value.isoformat()
    return value


def _duration(value: dt.timedelta) -> str:
    """Return a duration as sheets show it: ``30:00:00``."""
    seconds = round(abs(value.total_seconds()))
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
