"""What a condition or a calculation looked at in one record: the values that explain what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.conditions import meaning as m
from crmcore.conditions.evaluation import looked_up
from crmcore.conditions.printer import unparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.conditions.context import PythonContext

__all__ = ["inputs"]


def inputs(of: m.Predicate | m.Operand, values: Mapping[str, Any], context: PythonContext) -> Iterator[tuple[str, Any]]:
    """Yield the fields, metrics and functions below a part of a text, each once with its value; None is empty."""
    seen: set[str] = set()
    waiting: list[m.Predicate | m.Operand] = [of]
    while waiting:
        part = waiting.pop()
        below: list[m.Predicate | m.Operand] = [
            *(m.parts(part) if isinstance(part, m.Predicate) else ()),
            *m.operands(part),
        ]
        waiting.extend(reversed(below))
        if isinstance(part, m.Operand) and not below and not isinstance(part, m.Literal):
            text = unparse(part.source)
            if text not in seen:
                seen.add(text)
                yield text, looked_up(part, values, context)
