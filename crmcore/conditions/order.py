"""The order of a list: ``-amount, name`` as SQL, and the predicate that continues a list after a given row.

Empty values come last in both directions, text is ordered case-folded by code point, and every order ends with the
id, so that two equal rows have a place of their own and pages neither repeat nor skip one.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import TYPE_CHECKING, Any, Protocol

from attrs import frozen

from crmcore.conditions import limits
from crmcore.conditions import meaning as m
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.names import field_of
from crmcore.conditions.ranges import money_units, utc
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.conditions.scope import Scope
    from crmcore.schema.model import Field

__all__ = ["FILLED", "Order", "OrderKey", "compile_order"]

_ITEM = re.compile(r"\s*(?P<minus>-?)\s*(?P<name>[^\W\d][\w.]*)(?P<rest>[^,]*)")
FILLED = ("id", "version", "created_at", "updated_at")
"""Fields that every row has; their index serves an order that need not put empty values last."""
_FORMS: Mapping[Kind, type] = {
    Kind.TEXT: str,
    Kind.INTEGER: int,
    Kind.REF: int,
    Kind.MONEY: int,
    Kind.NUMBER: float,
    Kind.BOOLEAN: bool,
    Kind.DATE: str,
    Kind.INSTANT: str,
}
"""Kind -> how a key holds a value: what JSON can carry."""


class _Row(Protocol):
    def __getitem__(self, field: str, /) -> Any: ...


@frozen
class OrderKey:
    """One field of an order."""

    field: Field
    descending: bool = False

    @property
    def domain(self) -> m.Domain:
        """As what the field's values are compared."""
        if self.field.kind is Kind.TEXT:
            return m.Domain.FOLDED if self.field.folded else m.Domain.EXACT
        return {Kind.REF: m.Domain.RECORD, Kind.DATE: m.Domain.DAY}.get(self.field.kind) or m.Domain[
            self.field.kind.name
        ]


@frozen
class Order:
    """A checked order; the last key is the id."""

    text: str
    keys: tuple[OrderKey, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields, in the order in which `key` holds their values."""
        return tuple(key.field.name for key in self.keys)

    def sql(self, target: FromClause) -> list[ColumnElement[Any]]:
        """Return what to give to ``ORDER BY``."""
        from crmcore.conditions.sequence import ordering  # noqa: PLC0415  (only who asks for SQL loads SQLAlchemy)

        return ordering(self.keys, target)

    def key(self, values: _Row) -> tuple[str | int | float | bool | None, ...]:
        """Return the place of a row in this order, as values that JSON can carry.

        Args:
            values: the row in its Python form, with its id: a record, or a mapping.
        """
        return tuple(_form(key.field.kind, values[key.field.name], folded=key.field.folded) for key in self.keys)

    def after(self, target: FromClause, key: Sequence[Any]) -> ColumnElement[bool]:
        """Return which rows come after a place in this order.

        Args:
            target: the table, alias or subquery that is ordered.
            key: what `key` returned for the last row that was read.

        Raises:
            UsageError: the key is not one of this order.
        """
        from crmcore.conditions.sequence import following  # noqa: PLC0415  (as above)

        return following(self.keys, self._places(key), target)

    def _places(self, key: Sequence[Any]) -> list[Any]:
        try:
            return [_value(each, value) for each, value in zip(self.keys, key, strict=True)]
        except (TypeError, ValueError, OverflowError):
            raise UsageError(
                _("this is no place in a list ordered by {order}").format(order=self.text),
                hint=_("Start again from the first page."),
            ) from None


def compile_order(text: str, scope: Scope) -> Order:
    """Read an order: fields separated by commas, a minus before those that descend.

    Args:
        text: for instance ``-amount, name``; empty for the order of the ids.
        scope: the entity, and the fields that may not be read.

    Raises:
        ConditionError: a field is unknown, hidden, has no order or comes twice.
    """
    try:
        keys = tuple(_keys(text, scope))
    except Mistake as mistake:
        raise mistake.within(text) from None
    written = ", ".join(f"{'-' if key.descending else ''}{key.field.name}" for key in keys)
    return Order(written, keys)


def _keys(text: str, scope: Scope) -> list[OrderKey]:
    keys: list[OrderKey] = []
    at = 0
    while text.strip():
        item = _ITEM.match(text, at)
        if item is None:
            raise Mistake(_("a field is expected here"), (at, at + 1), _("Write for instance: -amount, name"))
        span = item.span("name")
        if len(keys) == limits.MAX_ORDER_FIELDS:
            raise Mistake(_("more than {limit} fields in one order").format(limit=limits.MAX_ORDER_FIELDS), span)
        keys.append(_key(scope, item, span, keys))
        at = item.end() + 1
        if item.end() == len(text):
            break
    return keys if any(key.field.name == "id" for key in keys) else [*keys, OrderKey(SYSTEM_FIELDS["id"])]


def _key(scope: Scope, item: re.Match[str], span: tuple[int, int], before: Sequence[OrderKey]) -> OrderKey:
    name = item["name"]
    if item["rest"].strip():
        hint = _("Separate fields by commas; a minus before the name means descending: -{name}.").format(name=name)
        raise Mistake(_("a comma is expected here"), item.span("rest"), hint)
    if "." in name:
        raise Mistake(_("a list can only be ordered by the entity's own fields"), span)
    found = field_of(scope, scope.entity, name, span)
    if found.kind not in _FORMS:
        raise Mistake(_("{field} has no order").format(field=name), span)
    if any(found.name == key.field.name for key in before):
        raise Mistake(_("{field} is named twice").format(field=name), span)
    return OrderKey(found, bool(item["minus"]))


def _form(kind: Kind, value: Any, *, folded: bool) -> str | int | float | bool | None:
    """Return a value of a row as a key holds it."""
    if value is None:
        return None
    if kind is Kind.TEXT:
        return fold(value) if folded else str(value)
    if kind is Kind.MONEY:
        return int(money_units(value))
    if kind is Kind.DATE:
        return str(value.isoformat())
    if kind is Kind.INSTANT:
        return utc(value, dt.UTC).isoformat()
    return _FORMS[kind](value)  # type: ignore[no-any-return]  # int, float or bool: the kinds that are left


def _value(key: OrderKey, held: Any) -> Any:
    """Return what a key holds as a value to compare with; a key comes from outside, so nothing is taken for granted.

    Raises:
        TypeError: it is of another kind.
        ValueError: it is no such value.
    """
    kind = key.field.kind
    if held is None:
        if key.field.name in FILLED:
            raise ValueError(held)
        return None
    if type(held) is not _FORMS[kind]:  # not isinstance: true is no integer here
        raise TypeError(held)
    if kind is Kind.DATE:
        return dt.date.fromisoformat(str(held))
    if kind is Kind.INSTANT:
        return dt.datetime.fromisoformat(str(held)).astimezone(dt.UTC)
    if not _is_storable(held):
        raise ValueError(held)
    return held


def _is_storable(held: Any) -> bool:
    if isinstance(held, str):
        return "\0" not in held and not any("\ud800" <= char <= "\udfff" for char in held)
    return math.isfinite(held) if isinstance(held, float) else bool(-(2**63) <= held < 2**63)
