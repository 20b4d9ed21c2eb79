"""A condition decided in Python, for one record at hand: forms, rules before a save, explanations.

Says the same as :mod:`crmcore.conditions.sql`, which decides for many; the property tests compare the two.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

from crmcore.conditions import meaning as m
from crmcore.conditions.constants import comparable, constant, in_bounds
from crmcore.conditions.ranges import FLIPPED, MONEY_UNITS, day_bounds, money_units
from crmcore.schema.model import Kind
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crmcore.conditions.context import PythonContext, Viewpoint

    Reader = Callable[[m.Operand, m.Domain], Any]

__all__ = ["OPERATORS", "computed", "constants_hold", "domain_value", "holds", "looked_up"]

OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DOUBLES: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}


def holds(predicate: m.Predicate, values: Mapping[str, Any], env: PythonContext) -> bool:
    """Return whether a predicate is true of a record."""
    match predicate:
        case m.And(_, parts):
            return all(holds(part, values, env) for part in parts)
        case m.Or(_, parts):
            return any(holds(part, values, env) for part in parts)
        case m.Not(_, part):
            return not holds(part, values, env)
        case m.Related():
            return _related(predicate, values, env)
    return _leaf(predicate, lambda operand, domain: domain_value(operand, domain, values, env), env)


def constants_hold(predicate: m.Predicate, view: Viewpoint) -> bool:
    """Return whether a predicate over constants alone is true."""
    return _leaf(predicate, lambda operand, domain: comparable(domain, constant(operand, view)), view)


def looked_up(operand: m.Operand, values: Mapping[str, Any], env: PythonContext) -> Any:
    """Return the value of a field, a metric, a clock or the viewer in its Python form; None where it is empty."""
    match operand:
        case m.Clock(_, _, name):
            return env.today if name == "today" else env.now
        case m.Column() | m.MetricValue():
            return _stored(operand, values, env)
    return constant(operand, env)


def _stored(operand: m.Column | m.MetricValue, values: Mapping[str, Any], env: PythonContext) -> Any:
    if isinstance(operand, m.MetricValue):
        return values.get(operand.name)
    record = values
    for link in operand.links:
        id = record.get(link.field)
        linked = env.fetch(link.entity, id) if id is not None else None
        if linked is None:
            return None
        record = linked
    return record.get(operand.field.name)


def _related(predicate: m.Related, values: Mapping[str, Any], env: PythonContext) -> bool:
    id = values.get("id")
    if id is None:  # a record that is not saved yet
        return False
    condition = predicate.condition
    found = env.related(predicate.relation, Ref(predicate.entity, id))
    return any(condition is None or holds(condition, record, env) for record in found)


def _leaf(predicate: m.Predicate, read: Reader, view: Viewpoint) -> bool:
    match predicate:
        case m.Compare():
            return _compare(predicate, read, view)
        case m.Member(_, domain, operand, items):
            value = read(operand, domain)
            return value is not None and value in [read(item, domain) for item in items]
        case m.Contains(_, domain, operand, text):
            value = read(operand, domain)
            return value is not None and comparable(domain, text) in value
        case m.StartsWith(_, domain, operand, text):
            value = read(operand, domain)
            return value is not None and value.startswith(comparable(domain, text))
        case m.Empty(_, operand):
            return read(operand, m.natural_domain(operand)) is None
        case m.Truth(_, operand):
            return bool(read(operand, m.Domain.BOOLEAN))
    raise TypeError(predicate)


def _compare(predicate: m.Compare, read: Reader, view: Viewpoint) -> bool:
    left, right = read(predicate.left, predicate.domain), read(predicate.right, predicate.domain)
    if left is None or right is None:
        return False
    op = predicate.op
    if predicate.domain is m.Domain.INSTANT:  # a whole number is a day
        if isinstance(left, int):
            left, right, op = right, left, FLIPPED[op]
        if isinstance(right, int):
            bounds = day_bounds(op, right, view.timezone) or ()
            return all(OPERATORS[each](left, bound) for each, bound in bounds)
    return bool(OPERATORS[op](left, right))


def domain_value(operand: m.Operand, domain: m.Domain, values: Mapping[str, Any], env: PythonContext) -> Any:
    """Return the value of an operand in the form in which a domain compares; None where it is empty."""
    if m.is_constant(operand):
        return comparable(domain, constant(operand, env))
    if domain is m.Domain.COMPUTED:
        return computed(operand, values, env)
    match operand:
        case m.Column() | m.MetricValue():
            value = _stored(operand, values, env)
            return value.toordinal() if domain is m.Domain.DAY and value is not None else comparable(domain, value)
        case m.Shift(_, _, base, days):
            day = domain_value(base, domain, values, env)
            return None if day is None else day + days
        case m.DaysBetween(_, _, left, right):
            ends = [domain_value(side, m.Domain.DAY, values, env) for side in (left, right)]
            return None if None in ends else ends[0] - ends[1]
    raise TypeError(operand)


def computed(operand: m.Operand, values: Mapping[str, Any], env: PythonContext, *, part: bool = False) -> float | None:
    """Return a number in double precision, by the same operations in the same order as the databases.

    Args:
        operand: what to compute.
        values: the record.
        env: the viewpoint.
        part: whether more is calculated with the number, which then must keep within the bounds for that.
    """
    match operand:
        case m.Minus(_, _, inner) if not m.is_constant(operand):
            number = computed(inner, values, env, part=part)
            return None if number is None else -number
        case m.Arithmetic(_, _, op, left, right) if not m.is_constant(operand):
            first, second = (computed(side, values, env, part=True) for side in (left, right))
            if first is None or second is None or (op == "/" and second == 0):
                return None
            return _DOUBLES[op](first, second)
    number = _double(operand, values, env)
    return number if number is None or not part or in_bounds(number) else None


def _double(operand: m.Operand, values: Mapping[str, Any], env: PythonContext) -> float | None:
    value = domain_value(operand, m.Domain.INTEGER, values, env)
    if value is None:
        return None
    if operand.type.kind is Kind.MONEY:
        return float(money_units(value)) / MONEY_UNITS
    return float(value)
