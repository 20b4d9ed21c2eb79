"""A condition as a SQL predicate over the rows of a table: the same on SQLite and PostgreSQL.

Negation is carried down to the comparisons, and only there "or it is empty" is added, so that everything else stays
in a form that indexes serve. Every value is a bound parameter.
"""

from __future__ import annotations

import operator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, and_, false, literal, or_, select, true, type_coerce

from crmcore.conditions import meaning as m
from crmcore.conditions.constants import comparable, constant
from crmcore.conditions.evaluation import OPERATORS, constants_hold
from crmcore.conditions.expressions import Place, any_reference, day, expression, parameter, unshifted
from crmcore.conditions.functions import by_code_point, has_element, has_text
from crmcore.conditions.ranges import ALWAYS, FLIPPED, MONEY_SCALE, NEVER, day_bounds, days, integers, prefix_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement

    from crmcore.conditions.ranges import Bounds

__all__ = ["Place", "predicate"]

_OPPOSITES: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.ne,
    "<": operator.ge,
    "<=": operator.gt,
    ">": operator.le,
    ">=": operator.lt,
}
_TEXTS = (m.Domain.FOLDED, m.Domain.EXACT)


def predicate(of: m.Predicate, place: Place, *, negated: bool = False) -> ColumnElement[bool]:
    """Return what is true of the rows for which a predicate holds, or, negated, does not hold.

    Where nothing is known about a row the result may be NULL instead of false, never instead of true.
    """
    match of:
        case m.Not(_, part):
            return predicate(part, place, negated=not negated)
        case m.And(_, parts) | m.Or(_, parts):
            joined = and_ if isinstance(of, m.And) is not negated else or_
            return joined(*(predicate(part, place, negated=negated) for part in parts))
        case m.Related():
            found = _related(of, place)
            return ~found if negated else found
    if all(map(m.is_constant, m.operands(of))):
        return true() if constants_hold(of, place.context) is not negated else false()
    return _leaf(of, place, negated)


def _leaf(of: m.Predicate, place: Place, negated: bool) -> ColumnElement[bool]:
    match of:
        case m.Compare():
            return _compare(of, place, negated)
        case m.Member():
            return _member(of, place, negated)
        case m.Contains(_, domain, column, text):
            return _contains(domain, expression(column, domain, place), text, negated)
        case m.StartsWith(_, domain, column, text):
            bounds = prefix_bounds(comparable(domain, text))
            return _bounded(by_code_point(expression(column, domain, place)), domain, bounds, negated)
        case m.Truth(_, operand):
            domain = m.Domain.BOOLEAN
            return _bounded(expression(operand, domain, place), domain, (("=", True),), negated)
        case m.Empty(_, operand):
            value = expression(operand, m.natural_domain(operand), place)
            return value.is_not(None) if negated else value.is_(None)
    raise TypeError(of)


def _related(of: m.Related, place: Place) -> ColumnElement[bool]:
    relation = of.relation
    rows, counts = place.context.rows(relation.entity)
    id = place.rows.c.id
    if relation.field in rows.c:
        refers = rows.c[relation.field] == id
    else:  # a reference to any record, in two columns
        entity = literal(of.entity, String())
        refers = and_(rows.c[f"{relation.field}__entity"] == entity, rows.c[f"{relation.field}__id"] == id)
    found = select(rows.c.id).where(refers, counts).correlate_except(rows)
    if of.condition is not None:
        found = found.where(predicate(of.condition, Place(rows, place.context)))
    return found.exists()


def _compare(of: m.Compare, place: Place, negated: bool) -> ColumnElement[bool]:
    domain, op, left, right = of.domain, of.op, of.left, of.right
    if m.is_constant(left):
        left, right, op = right, left, FLIPPED[op]
    if m.is_constant(right):
        value = comparable(domain, constant(right, place.context))
        return _compare_constant(domain, op, left, value, place, negated)
    pairs = list(zip(*_sides(domain, op, left, right, place), strict=True))
    if not negated:
        return and_(*(OPERATORS[op](a, b) for a, b in pairs))
    empty = [side.is_(None) for pair in pairs for side in pair]
    return or_(*(_OPPOSITES[op](a, b) for a, b in pairs), *empty)


def _sides(
    domain: m.Domain, op: str, left: m.Operand, right: m.Operand, place: Place
) -> list[tuple[ColumnElement[Any], ...]]:
    """Return for both operands the columns that are compared, of which a reference to any record has two."""
    both = (left, right)
    if domain is m.Domain.ANY_RECORD:
        return [_any_columns(side, place) for side in both]
    if domain is m.Domain.DAY and not all(isinstance(side, m.Column | m.MetricValue) for side in both):
        return [(day(side, place),) for side in both]
    if domain in _TEXTS and op != "=":
        return [(by_code_point(expression(side, domain, place)),) for side in both]
    return [(expression(side, domain, place),) for side in both]


def _compare_constant(
    domain: m.Domain, op: str, operand: m.Operand, value: Any, place: Place, negated: bool
) -> ColumnElement[bool]:
    if domain is m.Domain.ANY_RECORD:
        entity, id = _any_columns(operand, place)
        return _any_record(entity, id, [value], negated)
    base, shift = unshifted(operand) if domain is m.Domain.DAY else (operand, 0)
    found = expression(base, domain, place)
    if domain in _TEXTS and op != "=":
        found = by_code_point(found)
    return _bounded(found, domain, _bounds(domain, op, value, shift, place), negated)


def _bounds(domain: m.Domain, op: str, value: Any, shift: int, place: Place) -> Bounds:
    """Return what a comparison with a constant demands of a column."""
    if value is None:
        return NEVER
    match domain:
        case m.Domain.INTEGER | m.Domain.RECORD:
            return integers(op, Decimal(value))
        case m.Domain.MONEY:
            return integers(op, value, MONEY_SCALE)
        case m.Domain.DAY:
            return days(op, value - shift)
        case m.Domain.INSTANT if isinstance(value, int):
            return day_bounds(op, value, place.context.timezone)
    return ((op, value),)


def _bounded(value: ColumnElement[Any], domain: m.Domain, bounds: Bounds, negated: bool) -> ColumnElement[bool]:
    """Return that a value is within bounds; negated, that it is not or is empty."""
    if bounds is NEVER:
        return true() if negated else false()
    if bounds == ALWAYS:
        return value.is_(None) if negated else value.is_not(None)
    against = [(op, parameter(domain, bound, value)) for op, bound in bounds or ()]
    if not negated:
        return and_(*(OPERATORS[op](value, bound) for op, bound in against))
    return or_(*(_OPPOSITES[op](value, bound) for op, bound in against), value.is_(None))


def _member(of: m.Member, place: Place, negated: bool) -> ColumnElement[bool]:
    domain = of.domain
    values = [comparable(domain, constant(item, place.context)) for item in of.items]
    if domain is m.Domain.ANY_RECORD:
        entity, id = _any_columns(of.operand, place)
        return _any_record(entity, id, values, negated)
    base, shift = unshifted(of.operand) if domain is m.Domain.DAY else (of.operand, 0)
    found = expression(base, domain, place)
    listed = [bound for value in values for _op, bound in _bounds(domain, "=", value, shift, place) or ()]
    if not listed:
        return true() if negated else false()
    typed = type_coerce(found, parameter(domain, None, found).type)
    return or_(typed.not_in(listed), found.is_(None)) if negated else typed.in_(listed)


def _contains(domain: m.Domain, value: ColumnElement[Any], text: str, negated: bool) -> ColumnElement[bool]:
    sought = parameter(domain, comparable(domain, text), value)
    found = has_element(value, sought) if domain is m.Domain.TAG else has_text(value, sought)
    return or_(~found, value.is_(None)) if negated else found


def _any_columns(operand: m.Operand, place: Place) -> tuple[ColumnElement[str], ColumnElement[int]]:
    assert isinstance(operand, m.Column)  # noqa: S101  (nothing else that varies refers to any record)
    return any_reference(operand, place)


def _any_record(
    entity: ColumnElement[str], id: ColumnElement[int], refs: list[Any], negated: bool
) -> ColumnElement[bool]:
    """Return that a reference to any record is one of some references; negated, that it is none or is empty."""
    found = []
    for ref in refs:
        bounds = integers("=", Decimal(ref.id))
        named = _bounded(entity, m.Domain.EXACT, (("=", ref.entity),), negated)
        numbered = _bounded(id, m.Domain.ANY_RECORD, bounds, negated)
        found.append(or_(named, numbered) if negated else and_(named, numbered))
    return and_(*found) if negated else or_(*found)
