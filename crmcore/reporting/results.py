"""Checks what a plugin's report function returned, so that every form can rely on it.

Rows are as wide as the columns, values are of their column's kind, charts name columns that exist. A mistake is an
error that names the place; whose report it is says :mod:`crmcore.reporting.running`.
"""

from __future__ import annotations

import datetime as dt
import math
import numbers
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.conformance import did_you_mean
from crmcore.i18n import gettext as _
from crmcore.types import HIDDEN, Ref, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from crmcore.schema.model import Entity
    from crmcore.types import Chart, Column, Fact
    from crmcore.types.reports import ValueKind

__all__ = ["checked_report", "with_value_titles"]

_SHOWN = 60
"""Characters of a value that a message repeats."""


def checked_report(found: object) -> Report:
    """Return a report with its values in one form for each kind: whole `int`, `Decimal` amounts, `float` shares.

    Raises:
        TypeError, ValueError: it is no report, or there is a mistake in it; the first one is named.
    """
    if not isinstance(found, Report):
        raise TypeError(_("expected a Report, found {type}").format(type=type(found).__name__))
    _refuse_repeated([column.name for column in found.columns], _("column"))
    _refuse_repeated([fact.name for fact in found.facts], _("fact"))
    for number, chart in enumerate(found.charts, start=1):
        _check_chart(number, chart, [column.name for column in found.columns])
    return evolve(
        found,
        facts=[_fact(fact) for fact in found.facts],
        rows=[_row(number, row, found.columns) for number, row in enumerate(found.rows, start=1)],
    )


def with_value_titles(report: Report, entities: Mapping[str, Entity]) -> Report:
    """Return a report whose columns have the titles of the codes of the fields that they name.

    Raises:
        ValueError: a column names a field that there is not.
    """
    return evolve(report, columns=[_titled(column, entities) for column in report.columns])


def _titled(column: Column, entities: Mapping[str, Entity]) -> Column:
    if column.field is None:
        return column
    entity, _dot, name = column.field.partition(".")
    fields = entities[entity].fields if entity in entities else {}
    if name not in fields:
        message = _("column {name}: there is no field {field!r}").format(name=column.name, field=column.field)
        hint = did_you_mean(column.field, [f"{each}.{one}" for each in entities for one in entities[each].fields])
        raise ValueError(f"{message} ({hint})" if hint else message)
    return evolve(column, values=fields[name].enum_titles)


def _refuse_repeated(names: Sequence[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ValueError(_("the {what} {name} is there more than once").format(what=what, name=name))


def _fact(fact: Fact) -> Fact:
    try:
        return evolve(fact, value=_value(fact.kind, fact.value))
    except ValueError as error:
        raise ValueError(_("fact {name}: {reason}").format(name=fact.name, reason=error)) from None


def _row(number: int, row: Sequence[Any], columns: Sequence[Column]) -> tuple[Any, ...]:
    if isinstance(row, str) or not isinstance(row, Iterable):
        raise TypeError(_("row {number}: expected a row of values, found {value!r}").format(number=number, value=row))
    values = tuple(row)
    if len(values) != len(columns):
        message = _("row {number}: {found} values for {wanted} columns")
        raise ValueError(message.format(number=number, found=len(values), wanted=len(columns)))
    return tuple(_cell(number, column, value) for column, value in zip(columns, values, strict=True))


def _cell(number: int, column: Column, value: Any) -> Any:
    try:
        return _value(column.kind, value)
    except ValueError as error:
        message = _("row {number}, column {name}: {reason}")
        raise ValueError(message.format(number=number, name=column.name, reason=error)) from None


def _value(kind: ValueKind, value: Any) -> Any:
    if value is None or value is HIDDEN:
        return value
    if kind not in _READ:
        known = ", ".join(_READ)
        raise ValueError(_("there is no kind {kind!r}, only {known}").format(kind=kind, known=known))
    try:
        return _READ[kind](value)
    except (TypeError, ValueError, ArithmeticError):
        shown = f"{value!r}"[:_SHOWN]
        message = _("expected {expected}, found {value} ({type})")
        raise ValueError(message.format(expected=_expected(kind), value=shown, type=type(value).__name__)) from None


def _expected(kind: ValueKind) -> str:
    words: Mapping[ValueKind, str] = {
        "text": _("text"),
        "integer": _("a whole number"),
        "number": _("a number"),
        "money": _("an amount, a Decimal"),
        "date": _("a datetime.date"),
        "share": _("a fraction of 1"),
        "ref": _("a Ref"),
    }
    return words[kind]


def _instance_of(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, kind):
            raise TypeError
        return value

    return read


def _integer(value: Any) -> int:
    # PostgreSQL adds up large integers as NUMERIC, which arrives as a Decimal.
    if isinstance(value, bool) or not isinstance(value, numbers.Integral | Decimal) or value != int(value):
        raise TypeError
    return int(value)


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, bool) or not isinstance(value, numbers.Real | Decimal) or not math.isfinite(value):
        raise TypeError
    if isinstance(value, Decimal):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def _money(value: Any) -> Decimal:
    number = _number(value)
    if isinstance(number, float):  # cents that went through a float may be others
        raise TypeError
    return Decimal(number)


def _date(value: Any) -> dt.date:
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise TypeError
    return value


_READ: Mapping[ValueKind, Callable[[Any], Any]] = {
    "text": _instance_of(str),
    "integer": _integer,
    "number": _number,
    "money": _money,
    "date": _date,
    "share": lambda value: float(_number(value)),
    "ref": _instance_of(Ref),
}


def _check_chart(number: int, chart: Chart, columns: Sequence[str]) -> None:
    if not isinstance(chart.spec, Mapping):
        raise TypeError(_("chart {number}: expected a Vega-Lite specification").format(number=number))
    for key in ("data", "config"):
        if key in chart.spec:
            raise ValueError(_("chart {number}: `{key}` is filled in by the core").format(number=number, key=key))
    known = {*columns, *_named(chart.spec, "as")}
    for name in _named(chart.spec, "field"):
        if name not in known:
            message = _("chart {number}: there is no column {name!r}").format(number=number, name=name)
            hint = did_you_mean(name, known)
            raise ValueError(f"{message} ({hint})" if hint else message)


def _named(part: Any, key: str) -> Iterator[str]:
    """Yield the names that stand under a key (``field``, ``as``) anywhere in a specification."""
    if isinstance(part, Mapping):
        for name, below in part.items():
            if name == key:
                yield from [below] if isinstance(below, str) else _texts(below)
            elif name not in ("value", "values"):  # those are data, not specification
                yield from _named(below, key)
    elif isinstance(part, list | tuple):
        for below in part:
            yield from _named(below, key)


def _texts(names: Any) -> Iterator[str]:
    if isinstance(names, list | tuple):
        yield from (name for name in names if isinstance(name, str))
