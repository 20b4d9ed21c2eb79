"""A compiled condition, and compiling one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.conditions import meaning as m
from crmcore.conditions.emptiness import check_negations
from crmcore.conditions.evaluation import holds
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.inputs import inputs
from crmcore.conditions.parser import read
from crmcore.conditions.printer import unparse
from crmcore.conditions.reading import ConditionReader
from crmcore.conditions.scope import Use

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.conditions.context import PythonContext, SqlContext
    from crmcore.conditions.scope import Scope

__all__ = ["Condition", "Finding", "compile_condition"]


@frozen
class Finding:
    """One comparison of a condition, decided for one record."""

    text: str
    """The comparison as the language writes it."""
    held: bool
    inputs: tuple[tuple[str, Any], ...]
    """The fields, metrics and functions that it looked at, each with its value; None is empty."""


@frozen
class Condition:
    """A condition whose names and kinds were checked; immutable, usable by many threads."""

    text: str
    entity: str
    """Whose records it decides on."""
    fields: frozenset[tuple[str, str]]
    """(Entity, field) of everything that it reads, links and relations included."""
    others: frozenset[str]
    """Entities of records that it reads besides the one that it decides on."""
    metrics: frozenset[str]
    """Metrics that it reads, by the names that the text uses."""
    meaning: m.Predicate = field(repr=False)

    def sql(self, target: FromClause, context: SqlContext) -> ColumnElement[bool]:
        """Return the condition over the columns of a table, an alias or a subquery of the entity.

        Returns:
            A predicate that is true for the rows for which the condition holds, else false or NULL.
        """
        from crmcore.conditions.sql import Place, predicate  # noqa: PLC0415  (only who asks for SQL loads SQLAlchemy)

        return predicate(self.meaning, Place(target, context))

    def evaluate(self, values: Mapping[str, Any], context: PythonContext) -> bool:
        """Return whether the condition holds for one record, given by its values in their Python form."""
        return holds(self.meaning, values, context)

    def explain(self, values: Mapping[str, Any], context: PythonContext) -> tuple[Finding, ...]:
        """Return every comparison of the condition with what it found in one record, in the order of the text."""
        return tuple(
            Finding(unparse(leaf.source), holds(leaf, values, context), tuple(inputs(leaf, values, context)))
            for leaf in _comparisons(self.meaning)
        )


def compile_condition(text: str, scope: Scope, use: Use) -> Condition:
    """Read a condition, look its names up and check that it may stand where it is used.

    Args:
        text: the condition.
        scope: the entity it decides on, and the names it may use.
        use: what it decides.

    Raises:
        ConditionError: with the place in the text, and a suggestion where there is one.
    """
    try:
        reader = ConditionReader(scope, use)
        meaning = reader.read(read(text))
        if use is Use.ACCESS:
            check_negations(meaning)
    except Mistake as mistake:
        raise mistake.within(text) from None
    found = reader.operands
    return Condition(
        text,
        scope.entity.name,
        fields=frozenset(found.fields),
        others=frozenset(found.others),
        metrics=frozenset(found.metrics),
        meaning=meaning,
    )


def _comparisons(predicate: m.Predicate) -> Iterator[m.Predicate]:
    """Yield the parts that a person would call one comparison: ``!=`` and ``between`` are, ``and`` and ``not`` not."""
    inner = m.parts(predicate)
    if not inner or all(part.source is predicate.source for part in inner):
        yield predicate
        return
    for part in inner:
        yield from _comparisons(part)
