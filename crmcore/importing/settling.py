"""What only the cells of a column can say: whether day or month comes first, where the point is, whose an `ID` is.

A format is inferred for a whole column or not at all: where cells can be read in two ways, or contradict each other,
somebody has to declare it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from attrs import define, evolve, field

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.columns import DATED
from crmcore.importing.date_formats import date_format
from crmcore.importing.dates import is_plain_date, possible_days
from crmcore.importing.decimal_points import NUMERIC, DecimalPoint
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.importing.columns import MappedColumn, Style
    from crmcore.importing.dates import Order
    from crmcore.importing.plan import Plan
    from crmcore.types import SourceRow

__all__ = ["check_format", "needs_settling", "settle"]

_REMEMBERED = 100_000
"""Texts of a column that are asked once; more differing ones than there are days are no dates."""
_LONG: Mapping[Order, str] = {"day": "dd/mm/yyyy", "month": "mm/dd/yyyy"}
_SHORT: Mapping[Order, str] = {"day": "dd/mm/yy", "month": "mm/dd/yy", "year": "yy/mm/dd"}


def check_format(text: str) -> None:
    """Refuse what is no format of dates.

    Raises:
        UsageError: it is none.
    """
    try:
        date_format(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def needs_settling(plan: Plan, rows: Iterable[SourceRow]) -> bool:
    """Tell whether `settle` is to be given all rows of the file, not only these first ones.

    So it is where a date column without a declared format has cells that need one, or no date at all yet, and where
    one of numbers without a declared point has decimal commas.
    """
    plain = dict.fromkeys(_undeclared(plan), False)
    numbers = [DecimalPoint(header, target) for header, target in _numeric(plan).items()]
    for row in rows if plain or numbers else ():
        if plan.skips(row.cells):
            continue
        for column in numbers:
            column.look(row)
            if column.commas:
                return True
        for header in plain:
            cell = row.cells.get(header)
            if isinstance(cell, str) and possible_days(cell):
                return True
            plain[header] = plain[header] or is_plain_date(cell)
    return not all(plain.values())


def settle(plan: Plan, rows: Iterable[SourceRow]) -> Plan:
    """Return the plan with the formats of dates that nobody declared, and knowing what a column `ID` holds.

    Where it has our references, it is the record itself; otherwise the field that is called so too, if there is one.

    Args:
        plan: as `make_plan` made it.
        rows: all of the file, or its first ones where `needs_settling` says that they are enough.

    Raises:
        UsageError: the dates of a column can be read in two ways, or contradict each other, or its numbers have a
            decimal comma that nobody declared.
    """
    dates = [_Dates(header, target) for header, target in _undeclared(plan).items()]
    ids = [_Ids(column.header, plan.entity.name) for column in plan.columns if column.tentative]
    numbers = [DecimalPoint(header, target) for header, target in _numeric(plan).items()]
    looking: list[_Dates | _Ids | DecimalPoint] = [*dates, *ids, *numbers]
    for row in rows if looking else ():
        if not plan.skips(row.cells):
            for column in looking:
                column.look(row)
    settled: list[_Dates | DecimalPoint] = [*dates, *numbers]
    unclear = [column for column in settled if column.is_unclear]
    if unclear:
        raise UsageError("\n".join(column.message() for column in unclear), hint=unclear[0].hint())
    formats = {column.header: column.format() for column in dates}
    ours = {column.header for column in ids if column.are_ours}
    columns = [_decided(column, ours=column.header in ours) if column.tentative else column for column in plan.columns]
    known = [evolve(column, style=_with_format(column, formats)) for column in columns if not column.tentative]
    foreign = [column.header for column in columns if column.tentative]
    return evolve(plan, mapping=evolve(plan.mapping, columns=tuple(known), unknown=(*plan.unknown, *foreign)))


def _decided(column: MappedColumn, *, ours: bool) -> MappedColumn:
    """Return what a column `ID` is; still tentative where it is nothing."""
    id = SYSTEM_FIELDS["id"]
    if ours:
        return evolve(column, path=(id.name,), field=id, tentative=False)
    return evolve(column, tentative=column.field is id)


def _undeclared(plan: Plan) -> dict[str, str]:
    """Return the date columns without a format: header -> where it goes."""
    if plan.date_format is not None:
        return {}
    dated = (column for column in plan.columns if column.field.kind in DATED and column.style.format is None)
    return {column.header: column.target for column in dated}


def _numeric(plan: Plan) -> dict[str, str]:
    """Return the columns of numbers whose decimal point nobody declared: header -> where it goes."""
    return {c.header: c.target for c in plan.columns if c.field.kind in NUMERIC and c.style.decimal is None}


def _with_format(column: MappedColumn, formats: Mapping[str, str | None]) -> Style:
    if column.field.kind in DATED and column.style.format is None:
        return evolve(column.style, format=formats.get(column.header))
    return column.style


@define
class _Dates:
    """What the cells of a date column say about what comes first in it."""

    header: str
    target: str
    possible: frozenset[Order] | None = None
    """What all dates so far may have first; None before the first one."""
    examples: dict[frozenset[Order], tuple[int, str]] = field(factory=dict)
    """What a date may have first -> the first such cell and its line."""
    differing: tuple[int, str] | None = None
    """A cell that means one day or another."""
    _seen: set[str] = field(factory=set)

    def look(self, row: SourceRow) -> None:
        """Take a cell into account."""
        cell = row.cells.get(self.header)
        if not isinstance(cell, str) or cell in self._seen:
            return
        if len(self._seen) < _REMEMBERED:
            self._seen.add(cell)
        days = possible_days(cell)
        if not days:
            return
        orders = frozenset(days)
        self.possible = orders if self.possible is None else self.possible & orders
        self.examples.setdefault(orders, (row.line, cell))
        if self.differing is None and len(set(days.values())) > 1:
            self.differing = row.line, cell

    @property
    def is_unclear(self) -> bool:
        """Whether the cells contradict each other, or leave open what they mean."""
        if self.possible is None or len(self.possible) == 1:
            return False
        return not self.possible or self.differing is not None

    def format(self) -> str | None:
        """Return the format that all cells have, or None where none needs one."""
        if not self.possible:
            return None
        return self._written(min(self.possible))  # dates such as 5/5/2026 are one day either way

    def _written(self, order: Order) -> str:
        """Return the format with the separator and the digits of the column's first date."""
        _line, text = next(iter(self.examples.values()))
        separator = next(character for character in text if character in "-/.")
        short = text.rstrip()[-3:-2] == separator
        wanted = _SHORT[order] if short else _LONG.get(order, _SHORT[order])
        return wanted.replace("/", separator)

    def message(self) -> str:
        """Say what is unclear, with cells that show it."""
        if self.possible and self.differing:
            line, text = self.differing
            days = possible_days(text)
            return _('column "{header}": "{text}" (line {line}) can be {days}, and no other cell says which').format(
                header=self.header,
                text=text,
                line=line,
                days=_(" or ").join(days[order].isoformat() for order in sorted(self.possible) if order in days),
            )
        fewest_first = sorted(self.examples.items(), key=lambda example: len(example[0]))
        cells = [_('"{text}" (line {line})').format(text=text, line=line) for _orders, (line, text) in fewest_first]
        return _('column "{header}": no order of day, month and year fits all of {cells}').format(
            header=self.header, cells=", ".join(cells)
        )

    def hint(self) -> str:
        """Say what to declare."""
        orders = self.possible or _LONG
        formats = _(" or ").join(f'"{self._written(order)}"' for order in sorted(orders))
        line = f'{json.dumps(self.header, ensure_ascii=False)} = {{ field = "{self.target}", format = ... }}'
        return _("Declare it: --date-format {formats}, or {line} in a mapping file.").format(formats=formats, line=line)


@define
class _Ids:
    """Whether the cells of a column are references to records of the entity."""

    header: str
    entity: str
    are_ours: bool = False
    _foreign: bool = False

    def look(self, row: SourceRow) -> None:
        """Take a cell into account."""
        cell = row.cells.get(self.header)
        if cell is None or cell == "" or self._foreign:
            return
        try:
            self.are_ours = isinstance(cell, str) and Ref.parse(cell.strip()).entity == self.entity
        except ValueError:
            self.are_ours = False
        self._foreign = not self.are_ours
