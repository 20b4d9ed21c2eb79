"""What comes of a calculation as a SQL expression, stored as the kind that it is wanted as: the same on both databases.

Says for many records what :mod:`crmcore.conditions.results` says for one.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Date, Double, and_, case, cast, func, literal, null, type_coerce

from crmcore.conditions import meaning as m
from crmcore.conditions.expressions import computed, day, expression
from crmcore.conditions.functions import date_of_day
from crmcore.conditions.ranges import MONEY_SCALE, MONEY_UNITS, money_units
from crmcore.conditions.results import MOST, constant_result
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement
    from sqlalchemy.types import TypeEngine

    from crmcore.conditions.expressions import Place

__all__ = ["result_column"]

_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.INTEGER: BigInteger(),
    Kind.MONEY: BigInteger(),
    Kind.NUMBER: Double(),
    Kind.DATE: Date(),
}
_WHOLE = 2.0**52
"""From here on doubles are whole numbers; added to a smaller one and taken away, it leaves a whole number, and the
processor rounds halves to the even neighbour. Databases agree on no function that does."""


def result_column(operand: m.Operand, kind: Kind, place: Place) -> ColumnElement[Any]:
    """Return the value of a calculation in the form in which a field of a kind is stored."""
    if m.is_constant(operand):
        return _constant(operand, kind, place)
    if kind is Kind.DATE:
        return _date(operand, place)
    if isinstance(operand, m.Column | m.MetricValue) and operand.type.kind is kind:
        return expression(operand, m.Domain[kind.name], place)
    if operand.type.kind is Kind.INTEGER and kind in MOST:
        return _scaled(expression(operand, m.Domain.INTEGER, place), kind)
    number = computed(operand, place)
    if kind is Kind.NUMBER:
        return number
    return _rounded(number * literal(MONEY_UNITS, Double()) if kind is Kind.MONEY else number, kind)


def _constant(operand: m.Operand, kind: Kind, place: Place) -> ColumnElement[Any]:
    value = constant_result(operand, kind, place.context)
    if value is None:
        return cast(null(), _TYPES[kind])
    return literal(int(money_units(value)) if isinstance(value, Decimal) else value, _TYPES[kind])


def _date(operand: m.Operand, place: Place) -> ColumnElement[Any]:
    if isinstance(operand, m.Column | m.MetricValue):
        return type_coerce(expression(operand, m.Domain.DAY, place), Date())
    number = day(operand, place)
    first, last = literal(1, BigInteger()), literal(dt.date.max.toordinal(), BigInteger())
    return case((number.between(first, last), date_of_day(number)))


def _scaled(whole: ColumnElement[Any], kind: Kind) -> ColumnElement[Any]:
    """Return whole numbers as units of amounts, without leaving 64 bits."""
    if kind is not Kind.MONEY:
        return whole
    unit = 10**MONEY_SCALE
    most = literal(MOST[kind] // unit, BigInteger())
    units: ColumnElement[Any] = cast(whole, BigInteger()) * literal(unit, BigInteger())
    return case((and_(whole <= most, whole >= -most), units))


def _rounded(number: ColumnElement[float], kind: Kind) -> ColumnElement[Any]:
    size: ColumnElement[Any] = func.abs(number, type_=Double())
    whole: ColumnElement[float] = literal(_WHOLE, Double())
    rounded = case(
        (size >= literal(float(MOST[kind] + 1), Double()), cast(null(), Double())),
        (size >= whole, number),
        (number >= literal(0.0, Double()), (number + whole) - whole),
        else_=(number - whole) + whole,
    )
    return cast(rounded, BigInteger())
