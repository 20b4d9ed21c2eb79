"""What comes of a calculation for one record, as the kind that it is wanted as.

Says the same as :mod:`crmcore.conditions.results_sql`; the property tests compare the two. Results are rounded to what
their kind holds, halves to the even neighbour; a result that it cannot hold is empty.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING, Any

from crmcore.conditions import meaning as m
from crmcore.conditions.constants import constant
from crmcore.conditions.evaluation import computed, domain_value, looked_up
from crmcore.conditions.ranges import MONEY_SCALE, MONEY_UNITS, money_units
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.conditions.context import PythonContext, Viewpoint

__all__ = ["MOST", "constant_result", "result"]

MOST = {Kind.INTEGER: 2**53 - 1, Kind.MONEY: 10**18 - 1}
"""Largest size of a stored integer, and of an amount in its units: fourteen digits and four."""
_EXACT = Context(prec=100, rounding=ROUND_HALF_EVEN)


def result(operand: m.Operand, kind: Kind, values: Mapping[str, Any], context: PythonContext) -> Any:
    """Return the value of a calculation in the Python form of a kind; None where there is none."""
    if m.is_constant(operand):
        return constant_result(operand, kind, context)
    if kind is Kind.DATE:
        return _day(domain_value(operand, m.Domain.DAY, values, context))
    stored = isinstance(operand, m.Column | m.MetricValue)
    if stored and operand.type.kind is kind:
        found = looked_up(operand, values, context)
        return float(found) if kind is Kind.NUMBER and found is not None else found
    if operand.type.kind is Kind.INTEGER and kind in MOST:
        whole = domain_value(operand, m.Domain.INTEGER, values, context)
        return None if whole is None else _held(whole * (10**MONEY_SCALE if kind is Kind.MONEY else 1), kind)
    number = computed(operand, values, context)
    if number is None or kind is Kind.NUMBER:
        return number
    return _held(round(number * MONEY_UNITS if kind is Kind.MONEY else number), kind)


def constant_result(operand: m.Operand, kind: Kind, view: Viewpoint) -> Any:
    """Return the value of a calculation with constants alone, which is exact until it is rounded."""
    value = constant(operand, view)
    if value is None or kind is Kind.DATE:
        return _day(value)
    if kind is Kind.NUMBER:
        return float(value)
    return _held(int(_EXACT.to_integral_value(money_units(value) if kind is Kind.MONEY else value)), kind)


def _held(whole: int, kind: Kind) -> int | Decimal | None:
    """Return a whole number, of units for an amount, in the form of its kind; None where that cannot hold it."""
    if abs(whole) > MOST[kind]:
        return None
    return Decimal(whole).scaleb(-MONEY_SCALE, _EXACT) if kind is Kind.MONEY else whole


def _day(number: int | None) -> dt.date | None:
    return dt.date.fromordinal(number) if number is not None and 1 <= number <= dt.date.max.toordinal() else None
