"""Rules of labels: the first condition that holds gives the value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, literal, null

from crmcore.scoring.results import Decision, Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from crmcore.conditions import Condition
    from crmcore.scoring.ground import Ground

__all__ = ["decision", "explain_labels", "label_column"]


def label_column(on: Ground) -> ColumnElement[Any]:
    """Return the label of each record."""
    rule = on.rule
    return case(
        *(
            (on.predicate(condition), literal(label.value))
            for label, condition in zip(rule.labels, on.conditions, strict=True)
        ),
        else_=null() if rule.otherwise is None else literal(rule.otherwise),
    )


def explain_labels(on: Ground, values: Mapping[str, Any]) -> Explanation:
    """Return which condition gives a record its label."""
    rule = on.rule
    tried = [(label.value, condition) for label, condition in zip(rule.labels, on.conditions, strict=True)]
    said = next((value for value, condition in tried if condition.evaluate(values, on.python)), rule.otherwise)
    decisions: list[Decision] = []
    for value, condition in tried:
        decisions.append(decision(on, value, condition, values))
        if decisions[-1].holds:
            break
    return Explanation(rule, said, values[rule.field], tuple(decisions))


def decision(on: Ground, label: str | None, condition: Condition, values: Mapping[str, Any]) -> Decision:
    """Try a condition on one record, if the actor may see what it looks at."""
    if not on.may_know(condition):
        return Decision(label)
    return Decision(label, condition.text, condition.evaluate(values, on.python), condition.explain(values, on.python))
