"""Rules of a rank: records in bands, from the largest value to the smallest, by their number or by their value.

Everything is compared in whole numbers, so that a band ends where it should whatever a double makes of 0.8: amounts
in their units, calculations that are added up rounded to four decimals, the ends of bands as fractions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from attrs import evolve
from sqlalchemy import BigInteger, case, cast, func, literal, null, or_, select, true

from crmcore.schema.model import Kind
from crmcore.scoring.labels import decision
from crmcore.scoring.results import Explanation, Place, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, FromClause, Select, Subquery

    from crmcore.conditions import Expression
    from crmcore.scoring.ground import Ground
    from crmcore.types import Rank

__all__ = ["band_column", "explain_rank"]


def band_column(on: Ground) -> tuple[ColumnElement[Any], Subquery]:
    """Return the band of each record, and the limits that it is decided on: one row, to be joined."""
    rank, by = _rank(on), _by(on).sql(on.metrics.table, on.context)
    limits = _limits(rank, _standings(on, _valued(on).subquery()))
    others = null() if on.rule.otherwise is None else literal(on.rule.otherwise)
    last = rank.bands[-1]
    band = case(
        (or_(by.is_(None), *(on.predicate(condition).is_not(true()) for condition in on.conditions)), others),
        *((by >= limits.c[f"from_{n}"], literal(band.value)) for n, band in enumerate(rank.bands)),
        # What is worth nothing, or less, comes after all that is worth something.
        else_=literal(last.value) if last.upto == 1 else others,
    )
    return band, limits


def explain_rank(on: Ground, values: Mapping[str, Any]) -> Explanation:
    """Return where a record stands, and which band that is."""
    valued = _valued(on).cte("valued")  # read twice, computed once
    standings = _standings(on, valued)
    own = select(valued.c.value).where(valued.c.id == values["id"]).scalar_subquery()
    of_it = [func.max(case((standings.c.value == own, column))) for column in (standings.c.place, standings.c.before)]
    statement = select(func.sum(standings.c.records), func.max(standings.c.total), *of_it).select_from(standings)
    n, total, place, before = (
        None if found is None else int(found) for found in on.session.connection.execute(statement).one()
    )
    places = tuple(_places(_rank(on), total or 0, before))
    band = next((one.label for one in places if one.reached), on.rule.otherwise)
    decisions = tuple(decision(on, None, condition, values) for condition in on.conditions)
    standing = None
    by = _by(on)
    # A place says something of all the others, and who is ranked is part of it.
    if on.session.sees_all(on.rule.entity) and on.may_know(by) and all(map(on.may_know, on.conditions)):
        share = None if before is None or not total else before / total
        value = by.evaluate(values, on.python) if place is not None else None
        inputs = by.explain(values, on.python)
        standing = Standing(by.text, value, inputs, place, n or 0, share, places)
    return Explanation(on.rule, band, values[on.rule.field], decisions, standing)


def _valued(on: Ground) -> Select[Any]:
    """Return a SELECT of the records that the rule speaks of, with what they are ranked by."""
    chosen = on.select(_by(on).sql(on.metrics.table, on.context).label("value"))
    return chosen.where(*(on.predicate(condition) for condition in on.conditions))


def _standings(on: Ground, valued: FromClause) -> Subquery:
    """Return each value that some of the records have, for as many ``records``.

    Returns:
        Their ``place`` from 1, what comes ``before`` them, and the ``total`` of all.
    """
    value = valued.c.value
    records = func.count().label("records")
    worth = func.sum(case((value > 0, value), else_=0)) if _rank(on).of == "value" else func.count()
    each = select(value, records, worth.label("worth")).where(value.is_not(None)).group_by(value).subquery()
    best_first = each.c.value.desc()
    # PostgreSQL adds BIGINTs up as NUMERIC.
    place = cast(func.sum(each.c.records).over(order_by=best_first), BigInteger) - each.c.records + 1
    before = cast(func.sum(each.c.worth).over(order_by=best_first) - each.c.worth, BigInteger)
    total = cast(func.sum(each.c.worth).over(), BigInteger)
    return select(each, place.label("place"), before.label("before"), total.label("total")).subquery()


def _limits(rank: Rank, standings: Subquery) -> Subquery:
    """Return the least value of each band; a band that no value reaches has none."""
    ends = (_end_in_sql(Fraction(str(band.upto)), standings.c.total) for band in rank.bands)
    least = (func.min(case((standings.c.before < end, standings.c.value))) for end in ends)
    return select(*(value.label(f"from_{n}") for n, value in enumerate(least))).subquery()


def _by(on: Ground) -> Expression:
    """Return what is ranked by; as amounts where the results of a calculation are added up."""
    assert on.expression is not None, "a rank has one"  # noqa: S101
    if _rank(on).of == "value" and on.expression.kind is Kind.NUMBER:
        return evolve(on.expression, kind=Kind.MONEY)
    return on.expression


def _rank(on: Ground) -> Rank:
    assert on.rule.rank is not None, "asked for rules of a rank"  # noqa: S101
    return on.rule.rank


def _places(rank: Rank, total: int, before: int | None) -> list[Place]:
    places = []
    for band in rank.bands:
        share = Fraction(str(band.upto))
        end = -(-share.numerator * total // share.denominator)
        reached = before is not None and (before < end or share == 1)
        places.append(Place(band.value, band.upto, end if rank.of == "records" else None, reached))
    return places


def _end_in_sql(share: Fraction, total: ColumnElement[int]) -> ColumnElement[int]:
    """Return a share of a whole number, rounded up; by steps that do not leave 64 bits where the number is large."""
    if share == 1:
        return total
    numerator, denominator = (literal(part, BigInteger()) for part in share.as_integer_ratio())
    rest: ColumnElement[int] = (numerator * (total % denominator) + denominator - 1) // denominator
    return numerator * (total // denominator) + rest
