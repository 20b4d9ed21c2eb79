"""What a literal means beside an operand of a known type: a date, an enum value, a record, a number."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from crmcore.conditions import meaning as m
from crmcore.conditions import syntax as s
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.names import close_to
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind
from crmcore.schema.values import fold
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["NUMERIC", "example", "in_quotes", "plain_literal", "read_date", "read_literal"]

NUMERIC = (Kind.INTEGER, Kind.NUMBER, Kind.MONEY)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIME = re.compile(r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?")


def plain_literal(node: s.String | s.Number | s.Boolean) -> m.Literal:
    """Return a literal that nothing beside it gives another meaning."""
    match node:
        case s.String(value):
            return m.Literal(node, m.Type(Kind.TEXT), value)
        case s.Number(number):
            return m.Literal(node, m.Type(Kind.NUMBER), number)
        case s.Boolean(truth):
            return m.Literal(node, m.Type(Kind.BOOLEAN), truth)


def read_literal(node: s.String | s.Number | s.Boolean, expected: m.Type, entities: Collection[str]) -> m.Literal:
    """Return a literal as a value of a type.

    Args:
        node: what was written.
        expected: type of the operand that it is compared with.
        entities: names of all entities, for references.

    Raises:
        Mistake: it cannot be such a value.
    """
    match node:
        case s.Boolean(truth) if expected.kind is Kind.BOOLEAN:
            return m.Literal(node, expected, truth)
        case s.Number(number) if expected.kind in NUMERIC:
            return m.Literal(node, m.Type(Kind.NUMBER), number)
        case s.Number(number) if expected.kind is Kind.REF and number == int(number):
            return m.Literal(node, expected, int(number))
        case s.String() if expected.entity is not None:
            return _reference(node, expected, entities)
        case s.String() if expected.kind is Kind.TEXT:
            return m.Literal(node, expected, _text(node, expected))
        case s.String() if expected.kind in (Kind.DATE, Kind.INSTANT):
            return _moment(node, expected)
    raise Mistake(_kind_expected(expected), node.span, example(node, expected))


def read_date(node: s.String) -> m.Literal:
    """Return a text in quotes as a date.

    Raises:
        Mistake: it is none.
    """
    return _moment(node, m.Type(Kind.DATE))


def _text(node: s.String, expected: m.Type) -> str:
    value = node.value.strip()
    if not value:
        raise Mistake(_("an empty text equals nothing"), node.span, _("Write `is empty` or `is not empty`."))
    if not expected.enum or value in expected.enum:
        return value
    same = next((known for known in expected.enum if fold(known) == fold(value)), None)
    hint = _("Did you mean {name}?").format(name=same) if same else close_to(value, expected.enum)
    raise Mistake(_("{value} is not one of the allowed values").format(value=repr(value)), node.span, hint)


def _reference(node: s.String, expected: m.Type, entities: Collection[str]) -> m.Literal:
    try:
        ref = Ref.parse(node.value)
    except ValueError:
        example = expected.entity if expected.kind is not Kind.ANY_REF else "customer"
        hint = _("Write the entity and the id: '{entity}:42'.").format(entity=example)
        raise Mistake(_("this is not a reference to a record"), node.span, hint) from None
    if ref.entity not in entities:
        reason = _("there is no entity {name}").format(name=ref.entity)
        raise Mistake(reason, node.span, close_to(ref.entity, entities))
    if expected.kind is Kind.ANY_REF:
        return m.Literal(node, expected, ref)
    if ref.entity != expected.entity:
        reason = _("a {found} where a {expected} is expected").format(found=ref.entity, expected=expected.entity)
        raise Mistake(reason, node.span)
    return m.Literal(node, m.Type(Kind.REF, expected.entity), ref.id)


def _moment(node: s.String, expected: m.Type) -> m.Literal:
    text = node.value.strip()
    value: Any = None
    try:
        if _DATE.fullmatch(text):
            value = dt.date.fromisoformat(text)
        elif expected.kind is Kind.INSTANT and _DATE.match(text) and _TIME.fullmatch(text, 10):
            value = dt.datetime.fromisoformat(text)
    except ValueError:
        reason = _("there is no such day or time as {value}").format(value=repr(text))
        raise Mistake(reason, node.span) from None
    if value is None:
        raise Mistake(_kind_expected(expected), node.span, example(node, expected))
    kind = Kind.INSTANT if isinstance(value, dt.datetime) else Kind.DATE
    return m.Literal(node, m.Type(kind), value)


def _kind_expected(expected: m.Type) -> str:
    return {
        Kind.TEXT: _("a text is expected here"),
        Kind.BOOLEAN: _("true or false is expected here"),
        Kind.DATE: _("a date is expected here"),
        Kind.INSTANT: _("a date or a time is expected here"),
        Kind.REF: _("a reference to a record is expected here"),
        Kind.ANY_REF: _("a reference to a record is expected here"),
        Kind.JSON: _("a list or an object cannot be compared"),
    }.get(expected.kind, _("a number is expected here"))


def in_quotes(node: s.Node) -> str | None:
    """Return the sentence that asks for quotes around what was written; None where they are there."""
    match node:
        case s.Number(number):
            return _("Put it in quotes: '{value}'.").format(value=format(number, "f"))
        case s.Name(parts):
            return _("Put it in quotes: '{value}'.").format(value=".".join(parts))
        case s.String():
            return None
    return _("Put text in straight quotes: 'East'.")


def example(node: s.Node, expected: m.Type) -> str | None:
    """Return what to write instead of something that is no value of a type."""
    if expected.kind is Kind.TEXT:
        return in_quotes(node)
    if expected.kind in NUMERIC and isinstance(node, s.String):
        return _("Write numbers without quotes.")
    return {
        Kind.BOOLEAN: _("Write true or false without quotes."),
        Kind.DATE: _("Write dates as '2026-01-31', or today()."),
        Kind.INSTANT: _("Write '2026-01-31', '2026-01-31 09:30', today() or now()."),
        Kind.REF: _("Write an id, '{entity}:42', or me.").format(entity=expected.entity),
        Kind.ANY_REF: _("Write the entity and the id: 'customer:42'."),
        Kind.JSON: _("Write `contains 'text'`, `is empty` or `is not empty`."),
    }.get(expected.kind)
