"""What a condition means: typed operands and predicates, made by :mod:`crmcore.conditions.reading` from syntax.

``!=``, ``between`` and the negated forms are gone here: they are `Not`, `And` and a comparison. Both executions,
:mod:`crmcore.conditions.sql` and :mod:`crmcore.conditions.evaluation`, walk these trees.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from crmcore.conditions.syntax import Node
    from crmcore.schema.model import Field, Relation

__all__ = [
    "And",
    "Arithmetic",
    "Clock",
    "Column",
    "Compare",
    "Contains",
    "DaysBetween",
    "Domain",
    "Empty",
    "Link",
    "Literal",
    "Member",
    "MetricValue",
    "Minus",
    "Not",
    "Operand",
    "Or",
    "Predicate",
    "Related",
    "Shift",
    "StartsWith",
    "Truth",
    "Type",
    "Viewer",
    "is_constant",
    "natural_domain",
    "operands",
    "parts",
]


class Domain(enum.Enum):
    """As what two operands are compared."""

    FOLDED = "text, case-folded"
    EXACT = "text as it is written"
    BOOLEAN = "true or false"
    INTEGER = "whole numbers, exactly"
    MONEY = "amounts, exactly"
    NUMBER = "stored numbers, in double precision"
    COMPUTED = "results of arithmetic and numbers of two kinds, in double precision"
    DAY = "days, as their number from 1 January of the year 1"
    INSTANT = "instants; a date is the whole day in the instance's time zone"
    RECORD = "ids of records of one entity"
    ANY_RECORD = "records of any entity"
    TAG = "elements of a list of texts, as they are written"


@frozen
class Type:
    """What an operand holds."""

    kind: Kind
    entity: str | None = None
    """Whose records a reference, or an ``id``, speaks of."""
    enum: tuple[str, ...] = ()
    exact: bool = False
    """Text that is compared as it is written."""

    @classmethod
    def of(cls, field: Field) -> Type:
        """Return the type of a field's value."""
        return cls(field.kind, field.ref, field.enum, exact=field.kind is Kind.TEXT and not field.folded)


@frozen
class Operand:
    """A value."""

    source: Node = field(eq=False, repr=False)
    type: Type


@frozen
class Literal(Operand):
    """A value in the text. An instant without a time zone is the instance's local time."""

    value: Any


@frozen
class Clock(Operand):
    """``today()`` or ``now()``."""

    name: str


@frozen
class Viewer(Operand):
    """``me`` or ``my_team``."""

    name: str


@frozen
class Link:
    """A step from a record to the one that its field refers to."""

    field: str
    entity: str
    """The entity that is arrived at."""


@frozen
class Column(Operand):
    """A field of the record, or of one behind links."""

    links: tuple[Link, ...]
    field: Field


@frozen
class MetricValue(Operand):
    """A metric, by the name that the text uses."""

    name: str


@frozen
class Shift(Operand):
    """A date or an instant moved by days; a constant also by months."""

    base: Operand
    days: int
    months: int


@frozen
class DaysBetween(Operand):
    """Days from `right` to `left`."""

    left: Operand
    right: Operand


@frozen
class Arithmetic(Operand):
    """``+ - * /`` of numbers."""

    op: str
    left: Operand
    right: Operand


@frozen
class Minus(Operand):
    """A number with the other sign."""

    operand: Operand


@frozen
class Predicate:
    """Something that is true or false of a record."""

    source: Node = field(eq=False, repr=False)


@frozen
class And(Predicate):
    """All of them."""

    parts: tuple[Predicate, ...]


@frozen
class Or(Predicate):
    """At least one of them."""

    parts: tuple[Predicate, ...]


@frozen
class Not(Predicate):
    """The opposite."""

    part: Predicate


@frozen
class Compare(Predicate):
    """One of ``= < <= > >=``; false where an operand is empty."""

    domain: Domain
    op: str
    left: Operand
    right: Operand


@frozen
class Member(Predicate):
    """Whether an operand equals one of some constants."""

    domain: Domain
    operand: Operand
    items: tuple[Operand, ...]


@frozen
class Contains(Predicate):
    """Whether a text contains a text, or a list an element."""

    domain: Domain
    operand: Column
    text: str


@frozen
class StartsWith(Predicate):
    """Whether a text starts with a text."""

    domain: Domain
    operand: Column
    text: str


@frozen
class Empty(Predicate):
    """Whether an operand has no value."""

    operand: Operand


@frozen
class Truth(Predicate):
    """A boolean that stands for itself; an empty one is false."""

    operand: Operand


@frozen
class Related(Predicate):
    """Whether there is a related record that satisfies a condition."""

    entity: str
    """The entity of the record that is related to."""
    relation: Relation
    condition: Predicate | None


def parts(predicate: Predicate) -> tuple[Predicate, ...]:
    """Return the predicates over the same record that a predicate is made of."""
    match predicate:
        case And(_, inner) | Or(_, inner):
            return inner
        case Not(_, part):
            return (part,)
    return ()


def operands(of: Predicate | Operand) -> tuple[Operand, ...]:
    """Return the operands directly below a predicate or an operand."""
    match of:
        case Compare(_, _, _, left, right) | DaysBetween(_, _, left, right) | Arithmetic(_, _, _, left, right):
            return (left, right)
        case Member(_, _, operand, items):
            return (operand, *items)
        case Contains(_, _, operand) | StartsWith(_, _, operand):
            return (operand,)
        case Empty(_, operand) | Truth(_, operand) | Minus(_, _, operand) | Shift(_, _, operand):
            return (operand,)
    return ()


def natural_domain(operand: Operand) -> Domain:
    """Return the domain in which an operand alone is looked at, to see whether it is empty."""
    if isinstance(operand, Arithmetic | Minus):
        return Domain.COMPUTED
    if isinstance(operand, Shift | DaysBetween):
        return Domain.INTEGER if operand.type.kind is Kind.INTEGER else Domain.DAY
    return Domain.EXACT


def is_constant(operand: Operand) -> bool:
    """Return whether the value is the same for every record."""
    if isinstance(operand, Column | MetricValue):
        return False
    return all(map(is_constant, operands(operand)))
