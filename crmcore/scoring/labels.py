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
    decisions: list[Decision] = []
    for label, condition in zip(rule.labels, on.conditions, strict=True):
        decisions.append(decision(on, label.value, condition, values))
        if decisions[-1].holds:
            break
    reached = next((one for one in decisions if one.holds), None)
    said = reached.label if reached else rule.otherwise
    return Explanation(rule, said, values[rule.field], tuple(decisions))


def decision(on: Ground, label: str | None, condition: Condition, values: Mapping[str, Any]) -> Decision:
    """Try a condition on one record."""
    findings = condition.explain(values, on.python) if on.may_know(condition) else ()
    return Decision(label, condition.text, condition.evaluate(values, on.python), findings)
