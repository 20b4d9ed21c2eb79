"""Rules of an expression: the result of a calculation is the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmcore.access import live
from crmcore.scoring.results import Explanation, Summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select

    from crmcore.scoring.ground import Ground

__all__ = ["explain_calculation", "select_calculation", "summary"]


def select_calculation(on: Ground) -> Select[Any]:
    """Return a SELECT of the id and the result of every live record."""
    return on.select(on.value().label(on.rule.field))


def explain_calculation(on: Ground, values: Mapping[str, Any]) -> Explanation:
    """Return the result for a record, and what it was calculated from."""
    assert on.expression is not None, "the rule has one"  # noqa: S101
    inputs = on.expression.explain(values, on.python) if on.may_know(on.expression) else ()
    result = on.expression.evaluate(values, on.python)
    return Explanation(on.rule, result, values[on.rule.field], inputs=inputs)


def summary(on: Ground) -> Summary:
    """Return what is stored in the field of the rule over all live records."""
    table = on.metrics.table
    field = table.c[on.rule.field]
    counted = select(func.count(field), func.count(), func.min(field), func.max(field)).where(live(table))
    filled, every, least, most = on.session.connection.execute(counted).one()
    return Summary(filled, every - filled, least, most)
