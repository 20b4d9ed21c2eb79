"""Whether the numbers of a column have a decimal comma that nobody declared: 1.500 would be one and a half."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING

from attrs import define

from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from crmcore.types import SourceRow

__all__ = ["NUMERIC", "DecimalPoint"]

NUMERIC = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)
# Three digits after it may be thousands; any other number of them is what stands behind a decimal point.
_COMMA = re.compile(r"(?:^|[^0-9.,])[0-9]{1,3}(?:\.?[0-9]{3})*,(?:[0-9]{1,2}|[0-9]{4,})(?![0-9.,])|\.[0-9]{3},[0-9]")
_POINT = re.compile(r"[0-9]\.(?:[0-9]{1,2}|[0-9]{4,})(?![0-9.,])|,[0-9]{3}\.[0-9]")
_MARK = re.compile("[.,．，]")  # the wide ones are marks too


@define
class DecimalPoint:
    """What the cells of a column of numbers say about their decimal point.

    A few commas are mistakes of those rows; where there are more commas than points, the column is written so. Cells
    without either mark count as points, but where others could be read in two ways: there a mistake would not be seen.
    """

    header: str
    target: str
    commas: int = 0
    points: int = 0
    plain: int = 0
    """Cells that are the same number either way."""
    doubtful: int = 0
    """Cells that are one number or another: 1.500 is one and a half, or fifteen hundred."""
    _first: tuple[int, str] | None = None

    def look(self, row: SourceRow) -> None:
        """Take a cell into account."""
        cell = row.cells.get(self.header)
        if not isinstance(cell, str):
            self.plain += isinstance(cell, int | float | Decimal)
        elif not _MARK.search(cell):
            self.plain += bool(cell.strip())
        elif "," in cell and _COMMA.search(cell):
            self.commas += 1
            self._first = self._first or (row.line, cell)
        elif "." in cell and _POINT.search(cell):
            self.points += 1
        else:
            self.doubtful += 1

    @property
    def is_unclear(self) -> bool:
        """Whether the column seems to have decimal commas."""
        return self.commas > self.points + (0 if self.doubtful else self.plain)

    def message(self) -> str:
        """Say what was found, with the first cell that shows it."""
        line, text = self._first or (0, "")
        said = _('column "{header}": "{text}" (line {line}) has a decimal comma, and numbers are read with a point')
        return said.format(header=self.header, text=text, line=line)

    def hint(self) -> str:
        """Say what to declare."""
        written = f'{json.dumps(self.header, ensure_ascii=False)} = {{ field = "{self.target}", decimal = "," }}'
        return _("Declare it in a mapping file: {line}.").format(line=written)
