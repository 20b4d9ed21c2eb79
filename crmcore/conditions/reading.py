"""From what was written to what it means: predicates. Names are looked up, kinds checked, literals read.

Operands are :mod:`crmcore.conditions.operands`' part.
"""

from __future__ import annotations

from functools import singledispatchmethod
from typing import TYPE_CHECKING

from crmcore.conditions import meaning as m
from crmcore.conditions import syntax as s
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.literals import NUMERIC, example, in_quotes, plain_literal, read_literal
from crmcore.conditions.names import UnknownName, find_relation
from crmcore.conditions.operands import OperandReader
from crmcore.conditions.printer import unparse
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from crmcore.conditions.scope import Scope, Use

__all__ = ["ConditionReader", "type_name"]

_LITERALS = (s.String, s.Number, s.Boolean)
_TEXTS = (m.Domain.FOLDED, m.Domain.EXACT)


class ConditionReader:
    """Reads the conditions of one text, and remembers which fields and metrics they use."""

    def __init__(self, scope: Scope, use: Use) -> None:
        self.scope = scope
        self.operands = OperandReader(scope, use)

    @singledispatchmethod
    def read(self, node: s.Node) -> m.Predicate:
        """Return what a condition means.

        Raises:
            Mistake: a name is unknown or may not be used, or kinds do not fit.
        """
        operand = self.operands.read(node)
        if operand.type.kind is not Kind.BOOLEAN:
            hint = _("Compare it: `{name} = ...`, or ask `{name} is not empty`.")
            raise Mistake(_("a comparison is expected"), node.span, hint.format(name=unparse(node)))
        return m.Truth(node, operand)

    @read.register
    def _and(self, node: s.And) -> m.Predicate:
        return m.And(node, tuple(map(self.read, node.parts)))

    @read.register
    def _or(self, node: s.Or) -> m.Predicate:
        return m.Or(node, tuple(map(self.read, node.parts)))

    @read.register
    def _not(self, node: s.Not) -> m.Predicate:
        return m.Not(node, self.read(node.part))

    @read.register
    def _comparison(self, node: s.Comparison) -> m.Predicate:
        left, right = self._pair(node.left, node.right)
        if node.op == "!=":
            return m.Not(node, self._compare(node, "=", left, right))
        return self._compare(node, node.op, left, right)

    @read.register
    def _between(self, node: s.Between) -> m.Predicate:
        above = self._compare(node, ">=", *self._pair(node.operand, node.low))
        below = self._compare(node, "<=", *self._pair(node.operand, node.high))
        return _unless(node.negated, m.And(node, (above, below)))

    @read.register
    def _in(self, node: s.In) -> m.Predicate:
        pairs = [self._pair(node.operand, item) for item in node.items]
        operand = pairs[0][0]
        domains = []
        for _operand, item in pairs:
            if not m.is_constant(item):
                reason = _("a list holds fixed values, no fields")
                raise Mistake(reason, item.source.span, _("Compare with `or`."))
            domains.append(self._domain(node, "=", operand, item))
        if domains[0] is m.Domain.INSTANT:
            hint = _("Write `between` or a comparison with >= and <.")
            raise Mistake(_("an instant cannot be looked up in a list"), node.span, hint)
        return _unless(node.negated, m.Member(node, domains[0], operand, tuple(item for _operand, item in pairs)))

    @read.register
    def _contains(self, node: s.Contains) -> m.Predicate:
        operand, text = self._searched(node, node.operand, node.text)
        if operand.type.kind is Kind.JSON:
            if not self._holds_texts(operand):
                reason = _("{field} is not a list of texts").format(field=operand.field.name)
                raise Mistake(reason, node.operand.span)
            return _unless(node.negated, m.Contains(node, m.Domain.TAG, operand, text.strip()))
        return _unless(node.negated, m.Contains(node, _text_domain(operand), operand, text))

    @read.register
    def _starts_with(self, node: s.StartsWith) -> m.Predicate:
        operand, text = self._searched(node, node.operand, node.text)
        if operand.type.kind is Kind.JSON:
            raise Mistake(_("a list does not start with a text"), node.span, _("Write `contains`."))
        return _unless(node.negated, m.StartsWith(node, _text_domain(operand), operand, text))

    @read.register
    def _empty(self, node: s.Empty) -> m.Predicate:
        return _unless(node.negated, m.Empty(node, self.operands.read(node.operand)))

    @read.register
    def _any(self, node: s.Any) -> m.Predicate:
        entity = self.operands.entity
        relation = find_relation(self.scope, entity, node)
        self.operands.fields.add((relation.entity, relation.field))
        self.operands.others.add(relation.entity)
        condition = None
        if node.condition is not None:
            with self.operands.inside(self.scope.entities[relation.entity]):
                condition = self.read(node.condition)
        return m.Related(node, entity.name, relation, condition)

    def _pair(self, left: s.Node, right: s.Node) -> tuple[m.Operand, m.Operand]:
        """Return two operands, a literal as the kind of the other."""
        if isinstance(left, _LITERALS):
            if isinstance(right, _LITERALS):
                return plain_literal(left), plain_literal(right)
            other = self.operands.read(right)
            return read_literal(left, other.type, self.scope.entities), other
        first = self.operands.read(left)
        if isinstance(right, _LITERALS):
            return first, read_literal(right, first.type, self.scope.entities)
        return first, self._beside(first, right)

    def _beside(self, first: m.Operand, node: s.Node) -> m.Operand:
        """Read what a value is compared with; a name that stands for nothing may be a text without quotes."""
        try:
            return self.operands.read(node)
        except UnknownName as unknown:
            plain = example(node, first.type)
            if plain is None or unknown.hint is None or ".".join(getattr(node, "parts", ())) in first.type.enum:
                raise Mistake(unknown.reason, unknown.span, plain or unknown.hint) from None
            hint = _("{hint} Or is it no field? {plain}").format(hint=unknown.hint, plain=plain)
            raise Mistake(unknown.reason, unknown.span, hint) from None

    def _compare(self, node: s.Node, op: str, left: m.Operand, right: m.Operand) -> m.Compare:
        return m.Compare(node, self._domain(node, op, left, right), op, left, right)

    def _domain(self, node: s.Node, op: str, left: m.Operand, right: m.Operand) -> m.Domain:
        domain = _common_domain(left, right)
        if domain is None:
            raise _incomparable(node, left, right)
        unordered = domain in (m.Domain.BOOLEAN, m.Domain.RECORD, m.Domain.ANY_RECORD)
        if op != "=" and (unordered or left.type.enum or right.type.enum):
            raise Mistake(_("these values have no order"), node.span, _("Compare them with =, != or `in`."))
        return domain

    def _searched(self, node: s.Node, operand: s.Node, text: s.Node) -> tuple[m.Column, str]:
        if not isinstance(text, s.String):
            raise Mistake(_("a text in quotes is expected here"), text.span, in_quotes(text))
        if not text.value.strip():
            raise Mistake(_("an empty text is found everywhere"), text.span, _("Write `is not empty`."))
        column = self.operands.read(operand)
        if not isinstance(column, m.Column) or column.type.kind not in (Kind.TEXT, Kind.JSON):
            raise Mistake(_("a field with text is expected here"), operand.span)
        if column.type.enum:
            known = ", ".join(map(repr, column.type.enum[:2]))
            raise Mistake(_("the field has fixed values"), node.span, _("Write `in ({known})`.").format(known=known))
        return column, text.value

    def _holds_texts(self, column: m.Column) -> bool:
        entity = self.scope.entities[column.links[-1].entity] if column.links else self.operands.entity
        schema = entity.schema.get("properties", {}).get(column.field.name, {})
        return (schema.get("type"), schema.get("items", {}).get("type")) == ("array", "string")


def type_name(of: m.Type) -> str:
    """Return what a value of a type is called in a message."""
    if of.kind is Kind.REF:
        return _("a reference to {entity}").format(entity=of.entity)
    return {
        Kind.TEXT: _("text"),
        Kind.BOOLEAN: _("true or false"),
        Kind.DATE: _("a date"),
        Kind.INSTANT: _("an instant"),
        Kind.ANY_REF: _("a reference to any record"),
        Kind.JSON: _("a list or an object"),
    }.get(of.kind, _("a number"))


def _common_domain(left: m.Operand, right: m.Operand) -> m.Domain | None:
    """Return as what two operands are compared; None where they cannot be."""
    kinds = (left.type.kind, right.type.kind)
    if all(kind in NUMERIC for kind in kinds):
        return _number_domain(left, right)
    if left.type.entity is not None and right.type.entity is not None:
        return _record_domain(left, right)
    if Kind.INSTANT in kinds:
        return _instant_domain(left, right)
    if kinds[0] is not kinds[1]:
        return None
    if kinds[0] is Kind.TEXT:
        exact = (_is_exact(left.type), _is_exact(right.type))
        return _text_domain(left) if exact[0] is exact[1] else None
    return {Kind.BOOLEAN: m.Domain.BOOLEAN, Kind.DATE: m.Domain.DAY}.get(kinds[0])


def _number_domain(left: m.Operand, right: m.Operand) -> m.Domain:
    stored = [side for side in (left, right) if not m.is_constant(side)]
    kinds = {side.type.kind for side in stored}
    if any(isinstance(side, m.Arithmetic | m.Minus) for side in stored) or len(kinds) > 1:
        return m.Domain.COMPUTED
    return m.Domain[kinds.pop().name] if kinds else m.Domain.INTEGER


def _record_domain(left: m.Operand, right: m.Operand) -> m.Domain | None:
    if left.type.entity != right.type.entity:
        return None
    return m.Domain.ANY_RECORD if left.type.kind is Kind.ANY_REF else m.Domain.RECORD


def _instant_domain(left: m.Operand, right: m.Operand) -> m.Domain | None:
    """Compare instants with each other, and a stored instant with a fixed date, which stands for the whole day."""
    for instant, other in ((left, right), (right, left)):
        if instant.type.kind is other.type.kind is Kind.INSTANT:
            return m.Domain.INSTANT
        if instant.type.kind is Kind.INSTANT and other.type.kind is Kind.DATE:
            return m.Domain.INSTANT if m.is_constant(other) and not m.is_constant(instant) else None
    return None


def _is_exact(of: m.Type) -> bool:
    return of.exact or bool(of.enum)


def _text_domain(operand: m.Operand) -> m.Domain:
    return m.Domain.EXACT if _is_exact(operand.type) else m.Domain.FOLDED


def _incomparable(node: s.Node, left: m.Operand, right: m.Operand) -> Mistake:
    reason = _("{left} and {right} cannot be compared").format(left=type_name(left.type), right=type_name(right.type))
    hint = None
    if {left.type.kind, right.type.kind} == {Kind.DATE, Kind.INSTANT}:
        hint = _("Compare a date with today() or a date, and an instant with a fixed day, not with a date field.")
    elif Kind.JSON in (left.type.kind, right.type.kind):
        hint = _("Write `contains 'text'`, `is empty` or `is not empty`.")
    elif left.type.kind is right.type.kind is Kind.TEXT:
        hint = _("Free text is compared case-folded, codes and fixed values as they are written.")
    return Mistake(reason, node.span, hint)


def _unless(negated: bool, predicate: m.Predicate) -> m.Predicate:
    return m.Not(predicate.source, predicate) if negated else predicate
