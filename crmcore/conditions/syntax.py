"""The syntax tree of a condition: what was written and where, before it is known what the names mean.

Nodes are compared by what they say, not by where they stand. Types and meaning live in
:mod:`crmcore.conditions.meaning`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "And",
    "Any",
    "Arithmetic",
    "Between",
    "Boolean",
    "Call",
    "Comparison",
    "Contains",
    "Duration",
    "Empty",
    "In",
    "Minus",
    "Name",
    "Node",
    "Not",
    "Number",
    "Or",
    "Span",
    "StartsWith",
    "String",
    "Viewer",
    "children",
]

Span = tuple[int, int]
"""Offset of the first character of a part of the text, and offset after its last."""


@frozen
class Node:
    """A part of a condition."""

    span: Span = field(default=(0, 0), eq=False, kw_only=True)


# Conditions: true or false.


@frozen
class And(Node):
    """``a and b and c``."""

    parts: tuple[Node, ...]


@frozen
class Or(Node):
    """``a or b or c``."""

    parts: tuple[Node, ...]


@frozen
class Not(Node):
    """``not a``."""

    part: Node


@frozen
class Comparison(Node):
    """``left = right``; the operator is one of ``= != < <= > >=``."""

    op: str
    left: Node
    right: Node


@frozen
class Between(Node):
    """``operand between low and high``, both ends included."""

    operand: Node
    low: Node
    high: Node
    negated: bool = False


@frozen
class In(Node):
    """``operand in (1, 2)``."""

    operand: Node
    items: tuple[Node, ...]
    negated: bool = False


@frozen
class Contains(Node):
    """``name contains '电子'`` and ``tags contains 'vip'``."""

    operand: Node
    text: Node
    negated: bool = False


@frozen
class StartsWith(Node):
    """``phone starts with '021'``."""

    operand: Node
    text: Node
    negated: bool = False


@frozen
class Empty(Node):
    """``email is empty``."""

    operand: Node
    negated: bool = False


@frozen
class Any(Node):
    """``any orders (amount > 1000)``; without parentheses, any related record at all."""

    relation: str
    condition: Node | None
    relation_span: Span = field(default=(0, 0), eq=False, kw_only=True)


# Operands: values.


@frozen
class Name(Node):
    """A field, a field behind links, or a metric: ``amount``, ``customer.region``, ``abc.revenue_365d``."""

    parts: tuple[str, ...]


@frozen
class Viewer(Node):
    """``me`` or ``my_team``."""

    name: str


@frozen
class Call(Node):
    """``today()``."""

    name: str


@frozen
class Number(Node):
    """``1000`` or ``0.25``; a sign before it is `Minus`."""

    value: Decimal


@frozen
class String(Node):
    """Text in quotes: also dates, enum values and record references."""

    value: str


@frozen
class Boolean(Node):
    """``true`` or ``false``."""

    value: bool


@frozen
class Duration(Node):
    """``90 days``; the unit is ``day``, ``week``, ``month`` or ``year``."""

    count: int
    unit: str


@frozen
class Arithmetic(Node):
    """``left + right``; the operator is one of ``+ - * /``."""

    op: str
    left: Node
    right: Node


@frozen
class Minus(Node):
    """``-operand``."""

    operand: Node


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below a node, in the order of the text."""
    match node:
        case And(parts) | Or(parts):
            return parts
        case Not(part):
            return (part,)
        case Comparison(_, left, right) | Arithmetic(_, left, right) | Contains(left, right) | StartsWith(left, right):
            return (left, right)
        case Between(operand, low, high):
            return (operand, low, high)
        case In(operand, items):
            return (operand, *items)
        case Empty(operand) | Minus(operand):
            return (operand,)
        case Any(_, condition) if condition is not None:
            return (condition,)
    return ()
