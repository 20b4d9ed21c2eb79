"""A compiled calculation, and compiling one: a value of a record in the language of conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.inputs import inputs
from crmcore.conditions.literals import NUMERIC
from crmcore.conditions.operands import OperandReader
from crmcore.conditions.parser import is_condition, read
from crmcore.conditions.reading import type_name
from crmcore.conditions.results import result
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.conditions import meaning as m
    from crmcore.conditions import syntax as s
    from crmcore.conditions.context import PythonContext, SqlContext
    from crmcore.conditions.scope import Scope, Use

__all__ = ["Expression", "compile_expression"]


@frozen
class Expression:
    """A calculation whose names and kinds were checked; immutable, usable by many threads."""

    text: str
    entity: str
    """Whose records it describes."""
    fields: frozenset[tuple[str, str]]
    """(Entity, field) of everything that it reads, links included."""
    others: frozenset[str]
    """Entities of records that it reads besides the one that it describes."""
    metrics: frozenset[str]
    """Metrics that it reads, by the names that the text uses."""
    kind: Kind
    """What comes of it: an integer, a number, an amount or a date."""
    meaning: m.Operand = field(repr=False)

    def sql(self, target: FromClause, context: SqlContext) -> ColumnElement[Any]:
        """Return the value over the columns of a table, an alias or a subquery of the entity, as it is stored.

        Returns:
            Units of an amount as a big integer, a double, a big integer or a date; NULL where there is no value.
        """
        from crmcore.conditions.expressions import Place  # noqa: PLC0415  (only who asks for SQL loads SQLAlchemy)
        from crmcore.conditions.results_sql import result_column  # noqa: PLC0415  (as above)

        return result_column(self.meaning, self.kind, Place(target, context))

    def evaluate(self, values: Mapping[str, Any], context: PythonContext) -> Any:
        """Return the value for one record, given by its values in their Python form; None where there is none."""
        return result(self.meaning, self.kind, values, context)

    def explain(self, values: Mapping[str, Any], context: PythonContext) -> tuple[tuple[str, Any], ...]:
        """Return the fields, metrics and functions that it looks at, with their values in the order of the text."""
        return tuple(inputs(self.meaning, values, context))


def compile_expression(text: str, scope: Scope, use: Use, kind: Kind | None = None) -> Expression:
    """Read a calculation, look its names up and check that it may stand where it is used.

    Args:
        text: the calculation.
        scope: the entity that it describes, and the names it may use.
        use: what it is for; metrics are for scoring.
        kind: what the result is wanted as: an integer, a number, an amount or a date; by default what it is anyway.

    Raises:
        ConditionError: with the place in the text, and a suggestion where there is one.

    Example:
        >>> compile_expression("amount * 0.1", scope, Use.FILTER, Kind.MONEY)  # doctest: +SKIP
    """
    reader = OperandReader(scope, use)
    try:
        meaning = reader.read(_value(text))
        found = _checked_kind(meaning, kind)
    except Mistake as mistake:
        raise mistake.within(text) from None
    return Expression(
        text,
        scope.entity.name,
        fields=frozenset(reader.fields),
        others=frozenset(reader.others),
        metrics=frozenset(reader.metrics),
        kind=found,
        meaning=meaning,
    )


def _value(text: str) -> s.Node:
    if not text.strip():
        raise Mistake(_("the calculation is empty"), (0, len(text)), _("Write for instance: amount * 0.1"))
    node = read(text)
    if is_condition(node):
        raise Mistake(_("a condition stands where a value is expected"), node.span)
    return node


def _checked_kind(operand: m.Operand, wanted: Kind | None) -> Kind:
    kind, span = operand.type.kind, operand.source.span
    if kind is not Kind.DATE and kind not in NUMERIC:
        what = type_name(operand.type)
        raise Mistake(_("a number or a date is expected, and this is {what}").format(what=what), span)
    if wanted is not None and (wanted is Kind.DATE) is not (kind is Kind.DATE):
        raise Mistake(_("a date is no number") if kind is Kind.DATE else _("a number is no date"), span)
    return wanted or kind
