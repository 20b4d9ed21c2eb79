"""From what was written to what it means: values. Names become columns, signs become arithmetic on known kinds."""

from __future__ import annotations

from contextlib import contextmanager
from functools import singledispatchmethod
from typing import TYPE_CHECKING

from crmcore.conditions import meaning as m
from crmcore.conditions import syntax as s
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.literals import NUMERIC, plain_literal, read_date
from crmcore.conditions.names import close_to, find_column
from crmcore.conditions.scope import Use
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore.conditions.scope import Scope
    from crmcore.schema.model import Entity

__all__ = ["OperandReader"]

_VIEWERS = {"me": "user", "my_team": "team"}
_CLOCKS = {"today": Kind.DATE, "now": Kind.INSTANT}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "year": 12}


class OperandReader:
    """Reads values, and remembers which fields and metrics they come from."""

    def __init__(self, scope: Scope, use: Use) -> None:
        self.scope, self.use = scope, use
        self.entity: Entity = scope.entity
        """Whose records the part being read speaks of: another one inside ``any``."""
        self.outermost = True
        self.fields: set[tuple[str, str]] = set()
        self.others: set[str] = set()
        """Entities whose records are reached by links and relations."""
        self.metrics: set[str] = set()

    @contextmanager
    def inside(self, entity: Entity) -> Iterator[None]:
        """Read the condition of an ``any`` over records of another entity."""
        before = self.entity, self.outermost
        self.entity, self.outermost = entity, False
        try:
            yield
        finally:
            self.entity, self.outermost = before

    @singledispatchmethod
    def read(self, node: s.Node) -> m.Operand:
        """Return what a value means.

        Raises:
            Mistake: a name is unknown or may not be used, or kinds do not fit.
        """
        raise Mistake(_("a value is expected here"), node.span)

    @read.register
    def _name(self, node: s.Name) -> m.Operand:
        written = ".".join(node.parts)
        # Where a field and a metric share a name, the field is what everybody sees.
        if self.outermost and written in self.scope.metrics and node.parts[0] not in self.entity.fields:
            return self._metric(node, written)
        column = find_column(self.scope, self.entity, node)
        owner = self.entity.name
        for link in column.links:
            self.fields.add((owner, link.field))
            self.others.add(link.entity)
            owner = link.entity
        self.fields.add((owner, column.field.name))
        return column

    @read.register
    def _viewer(self, node: s.Viewer) -> m.Operand:
        return m.Viewer(node, m.Type(Kind.REF, _VIEWERS[node.name]), node.name)

    @read.register
    def _call(self, node: s.Call) -> m.Operand:
        if node.name not in _CLOCKS:
            reason = _("there is no function {name}()").format(name=node.name)
            raise Mistake(reason, node.span, close_to(f"{node.name}()", [f"{name}()" for name in _CLOCKS]))
        return m.Clock(node, m.Type(_CLOCKS[node.name]), node.name)

    @read.register(s.String)
    @read.register(s.Number)
    @read.register(s.Boolean)
    def _literal(self, node: s.String | s.Number | s.Boolean) -> m.Operand:
        return plain_literal(node)

    @read.register
    def _duration(self, node: s.Duration) -> m.Operand:
        hint = _("Add it to a date or subtract it: today() - 90 days.")
        raise Mistake(_("a duration alone is no value"), node.span, hint)

    @read.register
    def _minus(self, node: s.Minus) -> m.Operand:
        operand = self._number(node.operand, self.read(node.operand))
        return m.Minus(node, m.Type(Kind.NUMBER), operand)

    @read.register
    def _arithmetic(self, node: s.Arithmetic) -> m.Operand:
        if isinstance(node.right, s.Duration) and node.op in "+-":
            return self._shift(node, node.left, node.right)
        if isinstance(node.left, s.Duration) and node.op == "+":
            return self._shift(node, node.right, node.left)
        left, right = self._part(node.left), self._part(node.right)
        if node.op == "-" and left.type.kind is right.type.kind is Kind.DATE:
            return m.DaysBetween(node, m.Type(Kind.INTEGER), left, right)
        self._number(node.left, left)
        self._number(node.right, right)
        if node.op == "/" and isinstance(right, m.Literal) and right.value == 0:
            raise Mistake(_("division by zero"), node.span)
        return m.Arithmetic(node, m.Type(Kind.NUMBER), node.op, left, right)

    def _part(self, node: s.Node) -> m.Operand:
        return read_date(node) if isinstance(node, s.String) else self.read(node)

    def _number(self, node: s.Node, operand: m.Operand) -> m.Operand:
        if operand.type.kind in (Kind.DATE, Kind.INSTANT):
            hint = _("Add a duration to a date: + 3 days. Two dates can only be subtracted.")
            raise Mistake(_("a date is not a number"), node.span, hint)
        if operand.type.kind not in NUMERIC:
            raise Mistake(_("only numbers can be calculated with"), node.span)
        return operand

    def _shift(self, node: s.Arithmetic, base: s.Node, by: s.Duration) -> m.Operand:
        moved = self._part(base)
        if moved.type.kind not in (Kind.DATE, Kind.INSTANT):
            raise Mistake(_("a duration can only be added to a date"), node.span)
        count = -by.count if node.op == "-" else by.count
        days, months = count * _DAYS.get(by.unit, 0), count * _MONTHS.get(by.unit, 0)
        if moved.type.kind is Kind.INSTANT and (months or not m.is_constant(moved)):
            hint = _("Move it to the other side, to today(): created_at >= today() - 3 months.")
            raise Mistake(_("of instants only now() can be shifted, and only by days or weeks"), node.span, hint)
        if months and not m.is_constant(moved):
            hint = _("Months differ in length. Move them to the other side: order_date < today() - 3 months.")
            raise Mistake(_("months can only be added to today() or to a fixed date"), node.span, hint)
        return m.Shift(node, moved.type, moved, days, months)

    def _metric(self, node: s.Name, written: str) -> m.Operand:
        if self.use is not Use.SCORING:
            hint = _("Metrics are computed by scoring. Use the stored label that it writes.")
            raise Mistake(_("the metric {name} cannot be used here").format(name=written), node.span, hint)
        self.metrics.add(written)
        kind = self.scope.metrics[written]
        return m.MetricValue(node, m.Type(kind, exact=kind is Kind.TEXT), written)
