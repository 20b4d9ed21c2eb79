"""Writing XLSX files: text as text and never as a formula, numbers and dates as such, row by row in flat memory."""

from __future__ import annotations

import datetime as dt
import io
import unicodedata
from decimal import Decimal
from itertools import zip_longest
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from attrs import define

from crmcore import gettext as _
from crmcore.errors import UsageError
from crmcore_tabular.cells import as_text
from crmcore_tabular.packages import EXTRA
from crmcore_tabular.replacing import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

__all__ = ["write_xlsx"]

_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_DIGITS = 15
"""Significant digits that Excel keeps of a number."""
_FIRST_DAY = dt.date(1900, 3, 1)
"""Before it Excel counts a day that never was."""
_MEASURED = 200
"""Rows by which columns get their width."""
_NARROWEST, _WIDEST = 8, 60


def write_xlsx(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], options: Mapping[str, Any]) -> None:
    """Write a workbook with a sheet that the reader, given the same options, reads.

    Numbers with more digits than Excel keeps, instants with a time zone and days before March 1900 are text.

    Raises:
        UsageError: XlsxWriter is not installed, the sheet's name is not possible, or there is more than fits.
    """
    try:
        import xlsxwriter  # noqa: PLC0415  # an extra; CSV is written without it
        from xlsxwriter.exceptions import FileCreateError, XlsxWriterException  # noqa: PLC0415
    except ImportError:
        message = _("writing workbooks needs the package XlsxWriter")
        raise UsageError(message, hint=_("Install it: {command}").format(command=EXTRA)) from None
    # XlsxWriter leaves its parts where they are when it fails, and they hold what is exported.
    with replacing(path) as new, TemporaryDirectory(prefix="crmcore-") as parts:
        try:
            kept = {"constant_memory": True, "tmpdir": parts}
            with _Sink(new, "wb") as file, xlsxwriter.Workbook(file, kept) as book:
                for name in _sheets_before(options.get("sheet")):
                    book.add_worksheet(name)
                sheet = book.add_worksheet(_sheet_name(options.get("sheet")))
                formats = {
                    dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
                    dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
                    Decimal: book.add_format({"num_format": "#,##0.00##"}),
                    str: book.add_format({"bold": True}),
                }
                _Filling(sheet, formats, options.get("header", 1) - 1).fill(headers, rows)
        except FileCreateError as error:
            raise _system_error(error) from error
        except XlsxWriterException as error:
            raise UsageError(str(error)) from error


class _Sink(io.FileIO):
    """A file that takes everything once it is full or closed: an archive writes its end whenever it is let go."""

    _is_full = False

    @property
    def _is_over(self) -> bool:
        return self._is_full or self.closed

    def write(self, content: Any) -> int:
        if self._is_over:
            return len(content)
        try:
            return super().write(content)
        except OSError:
            self._is_full = True
            raise

    def seek(self, *place: int) -> int:
        return 0 if self._is_over else super().seek(*place)

    def tell(self) -> int:
        return 0 if self._is_over else super().tell()

    def flush(self) -> None:
        if not self._is_over:
            super().flush()


def _system_error(error: Exception) -> Exception:
    """Return what XlsxWriter has packed up: a full disk, a folder that is not there."""
    return next((one for one in error.args if isinstance(one, OSError)), error)


def _sheets_before(wanted: str | int | None) -> list[None]:
    number = int(wanted) if wanted is not None and str(wanted).isdecimal() else 1
    return [None] * (number - 1)


def _sheet_name(wanted: str | int | None) -> str | None:
    return None if wanted is None or str(wanted).isdecimal() else str(wanted)


@define
class _Filling:
    """A sheet that is being filled from the top."""

    sheet: Worksheet
    formats: Mapping[type, Format]
    row: int

    def fill(self, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        widths = [_width(header) for header in headers]
        for column, header in enumerate(headers):
            self._text(column, header, self.formats[str])
        self.sheet.freeze_panes(self.row + 1, 0)
        for number, row in enumerate(rows):
            self.row += 1
            if self.row >= _MOST_ROWS:
                message = _("a sheet has {number:,} rows at most").format(number=_MOST_ROWS)
                raise UsageError(message, hint=_("Write CSV instead."))
            for column, value in enumerate(row):
                self._write(column, value)
            if number < _MEASURED:
                shown = (_width(value) for value in row)
                widths = [max(pair) for pair in zip_longest(widths, shown, fillvalue=0)]
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, min(max(width + 2, _NARROWEST), _WIDEST))

    def _write(self, column: int, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, bool):
            self.sheet.write_boolean(self.row, column, value)
        elif isinstance(value, int | float | Decimal) and _is_exact(value):
            self.sheet.write_number(self.row, column, float(value), self.formats.get(type(value)))
        elif isinstance(value, dt.date) and _is_excel_date(value):
            self.sheet.write_datetime(self.row, column, value, self.formats[type(value)])
        else:
            self._text(column, as_text(value))

    def _text(self, column: int, text: str, style: Format | None = None) -> None:
        if len(text.encode("utf-16-le", "replace")) // 2 > _LONGEST_TEXT:
            message = _("a cell has {found:,} characters, more than the {most:,} that Excel takes").format(
                found=len(text), most=_LONGEST_TEXT
            )
            raise UsageError(message, hint=_("Write CSV instead."))
        self.sheet.write_string(self.row, column, text, style)


def _is_exact(value: float | Decimal) -> bool:
    """Whether a number is the same when it is read again: a workbook is written with 16 digits."""
    if isinstance(value, float):
        return float(f"{value:.16G}") == value and value - value == 0  # neither infinite nor no number
    number = Decimal(value)
    return number.is_finite() and len(number.normalize().as_tuple().digits) <= _DIGITS and abs(number.adjusted()) < 100


def _is_excel_date(value: dt.date) -> bool:
    if isinstance(value, dt.datetime):
        return value.tzinfo is None and value.date() >= _FIRST_DAY and value.microsecond % 1000 == 0
    return value >= _FIRST_DAY


def _width(value: Any) -> int:
    """Return the width of a cell in characters; Chinese ones are two wide."""
    text = as_text(value)[:_WIDEST]
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
