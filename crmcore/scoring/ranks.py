"""Rules of a rank: records in bands, from the largest value to the smallest, by their number or by their value.

Everything is compared in whole numbers, so that a band ends where it should whatever a double makes of 0.8: amounts
in their units, calculations that are added up rounded to four decimals, the ends of bands as fractions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from attrs import evolve
from sqlalchemy import BigInteger, case, cast, func, literal, null, select

from crmcore.access import live
from crmcore.schema.model import Kind
from crmcore.scoring.labels import decision
from crmcore.scoring.results import Explanation, Place, Standing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Select, Subquery

    from crmcore.conditions import Expression
    from crmcore.scoring.ground import Ground
    from crmcore.types import Rank

__all__ = ["explain_rank", "select_bands"]


def select_bands(on: Ground) -> Select[Any]:
    """Return a SELECT of the id and the band of every live record."""
    rank, table, ranked = _rank(on), on.metrics.table, _ranked(on)
    others = null() if on.rule.otherwise is None else literal(on.rule.otherwise)
    bands = [(ranked.c.before < _end_in_sql(Fraction(str(band.upto)), ranked.c.total), band) for band in rank.bands]
    last = rank.bands[-1]
    band = case(
        (ranked.c.id.is_(None), others),
        *((reached, literal(band.value)) for reached, band in bands),
        # What is worth nothing, or less, comes after all that is worth something.
        else_=literal(last.value) if last.upto == 1 else others,
    )
    joined = table.outerjoin(ranked, ranked.c.id == table.c.id)
    return select(table.c.id, band.label(on.rule.field)).select_from(joined).where(live(table))


def explain_rank(on: Ground, values: Mapping[str, Any]) -> Explanation:
    """Return where a record stands, and which band that is."""
    ranked = _ranked(on)
    of_it = [func.max(case((ranked.c.id == values["id"], column))) for column in (ranked.c.place, ranked.c.before)]
    statement = select(func.count(), func.max(ranked.c.total), *of_it).select_from(ranked)
    n, total, place, before = on.session.connection.execute(statement).one()
    places = tuple(_places(_rank(on), int(total or 0), None if before is None else int(before)))
    band = next((one.label for one in places if one.reached), on.rule.otherwise)
    decisions = tuple(decision(on, None, condition, values) for condition in on.conditions)
    standing = None
    by = _by(on)
    if on.may_know(by):
        share = None if before is None or not total else int(before) / int(total)
        value = by.evaluate(values, on.python) if place is not None else None
        inputs = by.explain(values, on.python)
        standing = Standing(by.text, value, inputs, place, n, share, places)
    return Explanation(on.rule, band, values[on.rule.field], decisions, standing)


def _ranked(on: Ground) -> Subquery:
    """Return the ranked records: ``place`` from 1, what comes ``before`` each, and the ``total`` of all."""
    chosen = on.select(_by(on).sql(on.metrics.table, on.context).label("value"))
    valued = chosen.where(*(on.predicate(condition) for condition in on.conditions)).subquery()
    value = valued.c.value
    place = func.rank().over(order_by=value.desc())
    if _rank(on).of == "records":
        before, total = place - 1, func.count().over()
    else:
        counted = case((value > 0, value), else_=0)
        up_to_its_equals = func.sum(counted).over(order_by=value.desc())
        before = up_to_its_equals - func.sum(counted).over(partition_by=value)
        total = func.sum(counted).over()
    # PostgreSQL adds BIGINTs up as NUMERIC.
    columns = (place.label("place"), cast(before, BigInteger).label("before"), cast(total, BigInteger).label("total"))
    return select(valued.c.id, *columns).where(value.is_not(None)).subquery()


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
