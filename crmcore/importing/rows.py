"""Reading the rows of a file: each cell by the reader of its column, into values nested as the columns' paths say.

The readers are made once for a file, because millions of cells go through them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, frozen

from crmcore.currencies import currencies_of
from crmcore.i18n import gettext as _
from crmcore.importing.coercion import cell_reader, cell_text, four_places
from crmcore.importing.columns import DATED, Style
from crmcore.importing.numbers import EXACT
from crmcore.importing.unreadable import ForeignAmount, Unreadable
from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.values import fold, shown
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.importing.columns import FileMapping, Fill, MappedColumn
    from crmcore.schema.model import Field

    Values = dict[str, Any]
    Foreign = tuple["_Column", Any, ForeignAmount]
    """An amount in another currency than the instance's: its column, its cell, what was found."""

__all__ = ["PLACEHOLDER", "PlannedRow", "RowReader"]

PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
"""A header inside the text of a filled field."""


@frozen
class _Column:
    """A column as it is read."""

    header: str
    read: Callable[[Any], Any]
    replaced: Mapping[str, Any] | None
    """Folded cell -> what is read in its place."""
    inside: tuple[str, ...]
    """Where the value lies: the path without its last field."""
    name: str
    if_empty: bool = False


@define
class PlannedRow:
    """What a row of the file says."""

    values: Values
    """Field -> value in its Python form; empty cells are left out. A reference that one column names is a text, one
    that several columns describe is a dict of fields. Under the name of the relation: the dict of the line."""
    problems: list[Problem]
    """Cells that cannot be read: `field` is the header, `value` the cell."""
    cleaned: list[tuple[str, str, str]]
    """Header, cell, and what the mapping file has in its place."""
    skipped: bool
    """Whether the mapping file leaves the row out on purpose; nothing was read then."""


class RowReader:
    """What a file's rows are read with."""

    def __init__(
        self,
        mapping: FileMapping,
        *,
        currency: str,
        timezone: dt.tzinfo,
        date_format: str | None = None,
    ) -> None:
        def reader(field: Field, style: Style) -> Callable[[Any], Any]:
            if field is SYSTEM_FIELDS["id"]:
                return _own_reference(mapping.entity.name)
            if field.kind in DATED and style.format is None:
                style = evolve(style, format=date_format)
            return cell_reader(field, style, currency=currency, timezone=timezone)

        self._columns = tuple(_column(column, reader(column.field, column.style)) for column in mapping.columns)
        self._fills = tuple((fill, reader(fill.field, Style()), _companions(fill, mapping)) for fill in mapping.fills)
        self._skipped = tuple((header, frozenset(map(fold, texts))) for header, texts in mapping.skips.items())
        self._currency = currency
        fields = mapping.entity.fields
        self._converts = "currency" in fields and "exchange_rate" in fields
        self._undeclared = tuple(
            column.header
            for column in mapping.columns
            if column.field.kind is Kind.MONEY and column.style.rate is None and column.style.currency is None
        )

    def read(self, rows: Sequence[Mapping[str, Any]]) -> list[PlannedRow]:
        """Read rows, column by column, because there are far more rows than columns."""
        planned = [PlannedRow({}, [], [], self.skips(cells)) for cells in rows]
        pairs = [(cells, row) for cells, row in zip(rows, planned, strict=True) if not row.skipped]
        foreign: dict[int, list[Foreign]] = defaultdict(list)
        for column in self._columns:
            _read_column(column, pairs, foreign)
        if self._fills or self._converts or foreign:
            for number, (cells, row) in enumerate(pairs):
                self._complete(row, cells, foreign.get(number, ()))
        return planned

    def skips(self, cells: Mapping[str, Any]) -> bool:
        """Tell whether one of the cells is among those by which rows are left out."""
        return bool(self._skipped) and any(_folded(cells.get(header)) in texts for header, texts in self._skipped)

    def _complete(self, row: PlannedRow, cells: Mapping[str, Any], foreign: Sequence[Foreign]) -> None:
        """Fill in what no column gives, and settle amounts that bear the sign of another currency."""
        if self._fills:
            self._fill(row.values, cells, row.cleaned, row.problems)
        if self._converts and (foreign or "currency" in row.values):
            self._convert(row.values, cells, foreign, row.problems)
        else:
            row.problems += [_problem(column.header, cell, error) for column, cell, error in foreign]

    def _fill(
        self,
        values: Values,
        cells: Mapping[str, Any],
        cleaned: list[tuple[str, str, str]],
        problems: list[Problem],
    ) -> None:
        """Give the fields that no column gives their values."""
        written = {**cells, **{header: text for header, _cell, text in reversed(cleaned)}}
        for fill, read, beside in self._fills:
            value = fill.value
            if beside and not _is_there(values, beside):
                continue
            try:
                if fill.headers:
                    value = _composed(value, fill.headers, written)
                if not _is_empty(value):
                    _put(values, fill.path[:-1], fill.path[-1], read(value))
            except (ValueError, ArithmeticError) as error:
                problems.append(_problem(".".join(fill.path), value, error))

    def _convert(
        self,
        values: Values,
        cells: Mapping[str, Any],
        foreign: Sequence[Foreign],
        problems: list[Problem],
    ) -> None:
        """Bring amounts that bear the sign of the record's currency into the instance's, at the record's rate."""
        codes = currencies_of(str(values.get("currency", "")))
        if codes:
            values["currency"] = self._currency if self._currency in codes else min(codes)
        code, rate = values.get("currency", self._currency), values.get("exchange_rate")
        for column, cell, error in foreign:
            if rate and code in error.currencies:
                amount = EXACT.multiply(error.amount, Decimal(repr(rate)))
                _put(values, column.inside, column.name, four_places(amount))
            else:
                problems.append(_problem(column.header, cell, error))
        amounts = any(not _is_empty(cells.get(header)) for header in self._undeclared)
        if code != self._currency and not rate and amounts and not foreign:
            message = _("amounts in {code} need an exchange rate").format(code=shown(code))
            hint = _("Give the exchange_rate of the record, or declare the currency of the columns in a mapping file.")
            problems.append(Problem(message=message, hint=hint, code="currency", field="currency", value=code))


def _read_column(
    column: _Column, pairs: Sequence[tuple[Mapping[str, Any], PlannedRow]], foreign: Mapping[int, list[Foreign]]
) -> None:
    header, read, name, inside = column.header, column.read, column.name, column.inside
    plain = column.replaced is None and not column.if_empty
    for number, (cells, row) in enumerate(pairs):
        cell = cells.get(header)
        if not plain:
            if column.if_empty and _has(row.values, column):
                continue
            cell = _replaced(column, cell, row.cleaned)
        if cell is None or (cell.__class__ is str and not cell.strip()):
            continue
        try:
            value = read(cell)
        except ForeignAmount as error:
            foreign[number].append((column, cell, error))
        except (ValueError, ArithmeticError) as error:
            row.problems.append(_problem(header, cell, error))
        else:
            if inside:
                _put(row.values, inside, name, value)
            else:
                row.values[name] = value


def _column(column: MappedColumn, read: Callable[[Any], Any]) -> _Column:
    replaced = {fold(cell.strip()): value for cell, value in column.style.values.items()} or None
    return _Column(column.header, read, replaced, column.path[:-1], column.path[-1], column.if_empty)


def _companions(fill: Fill, mapping: FileMapping) -> tuple[str, ...]:
    """Return the path of the record that a filled field describes together with columns.

    Where these are all empty in a row, there is no such record, and nothing to fill in.
    """
    inside = fill.path[:-1]
    return inside if any(column.path[: len(inside)] == inside for column in mapping.columns) else ()


def _is_there(values: Values, path: tuple[str, ...]) -> bool:
    for step in path:
        values = values.get(step, {})
    return bool(values)


def _replaced(column: _Column, cell: Any, cleaned: list[tuple[str, str, str]]) -> Any:
    """Return what a mapping file has in the place of a cell, and note it where that is something else."""
    word = _folded(cell)
    if column.replaced is None or word not in column.replaced:
        return cell
    value = column.replaced[word]
    if value != cell:
        cleaned.append((column.header, _shown(cell), _shown(value)))
    return value


def _has(values: Values, column: _Column) -> bool:
    for step in column.inside:
        values = values.get(step, {})
    return column.name in values


def _put(values: Values, inside: tuple[str, ...], name: str, value: Any) -> None:
    for step in inside:
        values = values.setdefault(step, {})
    values[name] = value


def _own_reference(entity: str) -> Callable[[Any], int]:
    """Return the reader of a column that says which record of the entity a row is."""

    def read(cell: Any) -> int:
        try:
            ref = Ref.parse(cell_text(cell).strip())
        except ValueError:
            ref = None
        if ref is None or ref.entity != entity:
            message = _("expected a reference such as {entity}:42, found {found}")
            raise Unreadable(message.format(entity=entity, found=shown(cell)), code="reference")
        return ref.id

    return read


def _composed(text: str, headers: tuple[str, ...], cells: Mapping[str, Any]) -> str | None:
    """Return a text with the cells of a row in the places of their headers; None where all of them are empty."""
    written = ["" if _is_empty(cell) else cell_text(cell).strip() for cell in map(cells.get, headers)]
    if not any(written):
        return None
    parts = iter(written)
    return " ".join(PLACEHOLDER.sub(lambda _found: next(parts), text).split())


def _problem(header: str, cell: Any, error: Exception) -> Problem:
    if isinstance(error, Unreadable):
        return Problem(message=str(error), hint=error.hint, code=error.code, field=header, value=cell)
    message = _("cannot be read: {found}").format(found=shown(cell))
    return Problem(message=message, code="type", field=header, value=cell)


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _folded(cell: Any) -> str:
    return fold(_shown(cell).strip())


def _shown(cell: Any) -> str:
    try:
        return "" if cell is None else cell_text(cell)
    except Unreadable:
        return shown(cell)
