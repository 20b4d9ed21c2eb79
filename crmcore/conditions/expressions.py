"""Operands of a condition as SQL expressions: columns, columns behind links, metrics, arithmetic, parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    Double,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.sql import operators
from sqlalchemy.sql.expression import BinaryExpression, Grouping

from crmcore.conditions import meaning as m
from crmcore.conditions.constants import comparable, constant, in_bounds
from crmcore.conditions.functions import day_number, quotient
from crmcore.conditions.limits import NUMBER_BITS
from crmcore.conditions.ranges import MONEY_UNITS
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import ColumnElement, FromClause
    from sqlalchemy.sql.operators import OperatorType
    from sqlalchemy.types import TypeEngine

    from crmcore.conditions.context import SqlContext

__all__ = ["Place", "any_reference", "computed", "day", "expression", "parameter", "unshifted"]

_TYPES: Mapping[m.Domain, TypeEngine[Any]] = {
    m.Domain.FOLDED: String(),
    m.Domain.EXACT: String(),
    m.Domain.TAG: String(),
    m.Domain.BOOLEAN: Boolean(),
    m.Domain.INTEGER: BigInteger(),
    m.Domain.MONEY: BigInteger(),
    m.Domain.RECORD: BigInteger(),
    m.Domain.ANY_RECORD: BigInteger(),
    m.Domain.NUMBER: Double(),
    m.Domain.COMPUTED: Double(),
    m.Domain.DAY: Date(),
}
"""How the values of a domain are bound. Instants are bound as their column says."""
_OPERATIONS: Mapping[str, OperatorType] = {"+": operators.add, "-": operators.sub, "*": operators.mul}
_BOUND = 2.0**NUMBER_BITS


@frozen
class Place:
    """Where a condition stands in a statement: the rows it speaks of, and the context."""

    rows: FromClause
    context: SqlContext


def parameter(domain: m.Domain, value: Any, beside: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a value as a bound parameter to be compared with an expression."""
    return literal(value, _TYPES.get(domain, beside.type))


def expression(operand: m.Operand, domain: m.Domain, place: Place) -> ColumnElement[Any]:
    """Return the expression whose value is what the domain compares; not for constants."""
    if domain is m.Domain.COMPUTED:
        return computed(operand, place)
    match operand:
        case m.Column(_, _, links, field):
            name = f"{field.name}__folded" if domain is m.Domain.FOLDED else field.name
            if field.kind is Kind.ANY_REF:
                return any_reference(operand, place)[0]
            return _reached(links, place, lambda rows: _typed(rows.c[name], domain))
        case m.MetricValue(_, _, name):
            assert place.context.metric is not None  # noqa: S101  (whoever admits metrics in the scope gives them)
            return _typed(place.context.metric(name), domain)
        case m.Shift(_, _, base, days):
            return day(base, place) + literal(days, BigInteger())
        case m.DaysBetween(_, _, left, right):
            return day(left, place) - day(right, place)
    raise TypeError(operand)


def day(operand: m.Operand, place: Place) -> ColumnElement[int]:
    """Return the number of a date's day."""
    if m.is_constant(operand):
        return literal(constant(operand, place.context), BigInteger())
    found = expression(operand, m.Domain.DAY, place)
    return found if isinstance(operand, m.Shift) else type_coerce(day_number(found), BigInteger())


def unshifted(operand: m.Operand) -> tuple[m.Operand, int]:
    """Return a date without the days that it is moved by, and those days."""
    days = 0
    while isinstance(operand, m.Shift):
        days += operand.days
        operand = operand.base
    return operand, days


def any_reference(column: m.Column, place: Place) -> tuple[ColumnElement[str], ColumnElement[int]]:
    """Return the two columns of a reference to any record: the entity and the id."""
    name = column.field.name
    entity = _reached(column.links, place, lambda rows: rows.c[f"{name}__entity"])
    return entity, _reached(column.links, place, lambda rows: rows.c[f"{name}__id"])


def _typed(column: ColumnElement[Any], domain: m.Domain) -> ColumnElement[Any]:
    """Look at a column as its bare database type: what decorates it elsewhere gives amounts, not their units."""
    return type_coerce(column, _TYPES[domain]) if domain is m.Domain.MONEY else column


def _reached(
    links: Sequence[m.Link], place: Place, pick: Callable[[FromClause], ColumnElement[Any]]
) -> ColumnElement[Any]:
    """Return what is picked from the rows, or from the one record that links lead to."""
    if not links:
        return pick(place.rows)
    source, counts = place.context.rows(links[0].entity)
    arrived, joined, tables = source, source, [source]
    for link in links[1:]:
        table, visible = place.context.rows(link.entity)
        joined = joined.join(table, and_(table.c.id == arrived.c[link.field], visible))
        arrived = table
        tables.append(table)
    found = select(pick(arrived)).select_from(joined)
    found = found.where(source.c.id == place.rows.c[links[0].field], counts)
    # Correlated with whatever is around it, so that it works in SELECT, UPDATE and DELETE alike.
    return found.correlate_except(*tables).scalar_subquery()


def computed(operand: m.Operand, place: Place, *, part: bool = False) -> ColumnElement[float]:
    """Return a number in double precision; as a part of a calculation, empty outside the bounds for that."""
    if m.is_constant(operand):
        number = comparable(m.Domain.COMPUTED, constant(operand, place.context))
        # PostgreSQL cannot tell the type of a bare NULL among operators.
        usable = number is not None and (not part or in_bounds(number))
        return literal(number, Double()) if usable else cast(null(), Double())
    match operand:
        case m.Minus(_, _, inner):
            return -computed(inner, place, part=part)
        case m.Arithmetic(_, _, op, left, right):
            first, second = computed(left, place, part=True), computed(right, place, part=True)
            if op == "/":
                return quotient(first, second)
            # The operators of SQLAlchemy leave out the parentheses of a + (b + c), which doubles round otherwise.
            return BinaryExpression(first, Grouping(second), _OPERATIONS[op], type_=Double())
    if isinstance(operand, m.Column):
        name, kind = operand.field.name, operand.type.kind
        return _reached(operand.links, place, lambda rows: _double(rows.c[name], kind, part=part))
    return _double(expression(operand, m.Domain.INTEGER, place), operand.type.kind, part=part)


def _double(column: ColumnElement[Any], kind: Kind, *, part: bool) -> ColumnElement[float]:
    if kind is Kind.MONEY:
        units: ColumnElement[Any] = cast(type_coerce(column, BigInteger()), Double())
        return quotient(units, _bound(MONEY_UNITS))  # 64 bits of units are always within the bounds
    number: ColumnElement[Any] = cast(column, Double())
    if not part:
        return number
    within: ColumnElement[bool] = number.between(_bound(-_BOUND), _bound(_BOUND))
    if kind is Kind.NUMBER:
        size: ColumnElement[Any] = func.abs(number, type_=Double())
        within = and_(within, or_(size == _bound(0.0), size >= _bound(1 / _BOUND)))
    return case((within, number))


def _bound(number: float) -> ColumnElement[float]:
    return literal(number, Double())
