"""Values that are the same for every record, computed in Python whatever executes the condition.

So months, time zones and decimals have one definition on all databases, and what reaches a database is one bound
parameter that an index can serve.
"""

from __future__ import annotations

import datetime as dt
from calendar import monthrange
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any

from crmcore.conditions import meaning as m
from crmcore.conditions.limits import NUMBER_BITS
from crmcore.conditions.ranges import FIRST_INSTANT, LAST_INSTANT, utc
from crmcore.schema.model import Kind
from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crmcore.conditions.context import Viewpoint

__all__ = ["comparable", "constant", "in_bounds"]

_DECIMALS = Context(prec=34)
"""The precision of a decimal128: amounts are added and multiplied without loss."""
_OPERATIONS: Mapping[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": _DECIMALS.add,
    "-": _DECIMALS.subtract,
    "*": _DECIMALS.multiply,
}
_LAST_DAY = dt.date.max.toordinal()


def constant(operand: m.Operand, view: Viewpoint) -> Any:
    """Return the value of a constant operand, None where it is empty.

    Returns:
        Numbers as decimals, dates as the number of their day, instants in UTC, else the Python form.
    """
    match operand:
        case m.Literal(_, type, value):
            return _literal(type.kind, value, view)
        case m.Clock(_, _, name):
            return view.today.toordinal() if name == "today" else utc(view.now, view.timezone)
        case m.Viewer(_, _, name):
            return view.me if name == "me" else view.my_team
        case m.Shift(_, _, base, days, months):
            return _shifted(constant(base, view), days, months)
        case m.DaysBetween(_, _, left, right):
            return Decimal(constant(left, view) - constant(right, view))
        case m.Minus(_, _, inner):
            number = constant(inner, view)
            return None if number is None else number.copy_negate()
        case m.Arithmetic(_, _, op, left, right):
            return _calculated(op, constant(left, view), constant(right, view))
    raise TypeError(operand)


def comparable(domain: m.Domain, value: Any) -> Any:
    """Return a value of a constant in the form in which a domain compares."""
    if value is None:
        return None
    if domain is m.Domain.FOLDED:
        return fold(value)
    if domain in (m.Domain.NUMBER, m.Domain.COMPUTED):
        return float(value)
    return value


def in_bounds(number: float) -> bool:
    """Return whether a number may enter arithmetic; see `limits.MAX_OPERANDS`."""
    return number == 0 or 2.0**-NUMBER_BITS <= abs(number) <= 2.0**NUMBER_BITS


def _literal(kind: Kind, value: Any, view: Viewpoint) -> Any:
    if kind is Kind.DATE:
        return value.toordinal()
    if kind is Kind.INSTANT:
        return utc(value, view.timezone)
    return value


def _shifted(base: int | dt.datetime, days: int, months: int) -> int | dt.datetime:
    """Move a day or an instant; months end on the last day of a shorter month, the calendar at its ends."""
    if isinstance(base, dt.datetime):
        try:
            return base + dt.timedelta(days)
        except OverflowError:
            return LAST_INSTANT if days > 0 else FIRST_INSTANT
    if not months:
        return base + days
    start = dt.date.fromordinal(min(max(base, 1), _LAST_DAY))
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not dt.MINYEAR <= year <= dt.MAXYEAR:
        return _LAST_DAY if months > 0 else 1
    last = monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(start.day, last)).toordinal()


def _calculated(op: str, left: Decimal | None, right: Decimal | None) -> Decimal | None:
    if left is None or right is None:
        return None
    if op == "/":
        return _DECIMALS.divide(left, right) if right else None
    return _OPERATIONS[op](left, right)
