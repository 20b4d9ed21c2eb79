"""What a value of each kind has to look like in its column, judged in SQL: columns of SQLite take any value."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Double, Text, and_, false, func, or_, type_coerce

from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Dialect

__all__ = ["unreadable"]

_STORAGE: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("text",),
    Kind.INTEGER: ("integer",),
    Kind.NUMBER: ("integer", "real"),
    Kind.BOOLEAN: ("integer",),
    Kind.MONEY: ("integer",),
    Kind.DATE: ("text",),
    Kind.INSTANT: ("text",),
    Kind.REF: ("integer",),
    Kind.JSON: ("text",),
}
_DIGIT = "[0-9]"
_INSTANT = f"{_DIGIT * 4}-{_DIGIT * 2}-{_DIGIT * 2} {_DIGIT * 2}:{_DIGIT * 2}:{_DIGIT * 2}.{_DIGIT * 6}"
_SECONDS = 19
"""Length of an instant's text before its fraction."""


def unreadable(kind: Kind, column: ColumnElement[Any], dialect: Dialect) -> ColumnElement[bool]:
    """Return a condition that is true where a column has what reading it as this kind fails of, or no JSON can hold."""
    wrong: list[ColumnElement[bool]] = [false()]
    if kind is Kind.NUMBER:
        wrong.append(~type_coerce(column, Double[float]()).between(-sys.float_info.max, sys.float_info.max))
    if dialect.name == "sqlite":
        wrong.append(func.typeof(column).not_in(_STORAGE[kind]))
        wrong += _misshapen(kind, column)
    return and_(column.is_not(None), or_(*wrong))


def _misshapen(kind: Kind, column: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    text = type_coerce(column, Text())
    if kind is Kind.BOOLEAN:
        return [type_coerce(column, BigInteger()).not_in((0, 1))]
    if kind is Kind.DATE:  # counting sets right what is no day of the calendar
        return [func.date(text, "+0 days").is_distinct_from(text)]
    if kind is Kind.INSTANT:
        seconds = func.substr(text, 1, _SECONDS)
        return [text.op("NOT GLOB")(_INSTANT), func.datetime(seconds, "+0 days").is_distinct_from(seconds)]
    if kind is Kind.JSON:
        return [func.json_valid(text) == 0]
    return []
