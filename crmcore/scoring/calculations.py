"""Rules of an expression: the result of a calculation is the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.scoring.results import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.scoring.ground import Ground

__all__ = ["explain_calculation"]


def explain_calculation(on: Ground, values: Mapping[str, Any]) -> Explanation:
    """Return the result for a record, and what it was calculated from."""
    assert on.expression is not None, "the rule has one"  # noqa: S101
    inputs = on.expression.explain(values, on.python) if on.may_know(on.expression) else ()
    result = on.expression.evaluate(values, on.python)
    return Explanation(on.rule, result, values[on.rule.field], inputs=inputs)
