"""The JSON form of stored values as SQL text, the same from SQLite and PostgreSQL.

History of computed fields is written by INSERT ... SELECT, without a value passing through Python. What these
expressions give must equal :func:`crmcore.schema.values.to_json`; a property test compares them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Text, case, cast, func, literal, type_coerce

from crmcore.schema.model import Kind
from crmcore.store.columns import MONEY_PLACES, MONEY_SCALE

if TYPE_CHECKING:
    from collections.abc import Mapping


__all__ = ["json_form", "json_object"]

_Text = ColumnElement[str]


def json_form(kind: Kind, column: ColumnElement[Any], dialect: str) -> ColumnElement[str]:
    """Return the JSON text of a column's value, ``null`` where it is empty.

    Args:
        kind: of the field; a reference to any record is no column and not supported.
        column: its value column.
        dialect: ``sqlite`` or ``postgresql``.
    """
    return func.coalesce(_FORMS[kind](column, dialect), literal("null", Text))


def json_object(
    old: Mapping[str, tuple[Kind, ColumnElement[Any]]],
    differs: Mapping[str, ColumnElement[bool]],
    dialect: str,
) -> ColumnElement[str]:
    """Return the JSON text of an object with those members for which the row says so.

    Args:
        old: member name -> kind and column of its value.
        differs: member name -> whether the member belongs into the object.
        dialect: ``sqlite`` or ``postgresql``.
    """
    members: _Text = literal("", Text)
    for name, (kind, column) in old.items():
        # Names of fields are plain ASCII words, so they need no escaping.
        member = literal(f',"{name}":', Text).concat(json_form(kind, column, dialect))
        members = members.concat(case((differs[name], member), else_=literal("", Text)))
    return literal("{", Text).concat(func.ltrim(members, ",")).concat(literal("}", Text))


def _text(column: ColumnElement[Any], dialect: str) -> _Text:
    if dialect == "sqlite":
        return func.json_quote(column)
    return cast(func.to_jsonb(cast(column, Text)), Text)


def _integer(column: ColumnElement[Any], _dialect: str) -> _Text:
    return cast(column, Text)


def _number(column: ColumnElement[Any], dialect: str) -> _Text:
    if dialect == "sqlite":
        # SQLite writes 15 digits when it makes text by itself, which is not every double; of NULL, printf makes 0.0.
        return case((column.is_not(None), func.printf("%!.17g", column)))
    return cast(func.to_jsonb(column), Text)


def _boolean(column: ColumnElement[Any], _dialect: str) -> _Text:
    return case((column.is_(None), None), (column, literal("true", Text)), else_=literal("false", Text))


def _money(column: ColumnElement[Any], _dialect: str) -> _Text:
    scaled: ColumnElement[int] = type_coerce(column, BigInteger)
    amount: ColumnElement[int] = func.abs(scaled, type_=BigInteger)
    fraction = cast(amount % MONEY_SCALE, Text)
    padded = func.substr(literal("0" * MONEY_PLACES, Text).concat(fraction), func.length(fraction) + 1)
    cents, rest = func.substr(padded, 1, 2), func.rtrim(func.substr(padded, 3), "0")
    sign = case((scaled < 0, literal("-", Text)), else_=literal("", Text))
    whole = cast(amount // MONEY_SCALE, Text)
    return _quoted(sign.concat(whole).concat(literal(".", Text)).concat(cents).concat(rest))


def _date(column: ColumnElement[Any], dialect: str) -> _Text:
    return _quoted(type_coerce(column, Text) if dialect == "sqlite" else func.to_char(column, "YYYY-MM-DD"))


def _instant(column: ColumnElement[Any], dialect: str) -> _Text:
    if dialect == "sqlite":
        stored = type_coerce(column, Text)
        seconds, fraction = func.replace(func.substr(stored, 1, 19), " ", "T"), func.substr(stored, 20)
    else:
        utc = func.timezone("UTC", column)
        seconds, fraction = func.to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS'), func.to_char(utc, ".US")
    part = case((fraction == ".000000", literal("", Text)), else_=fraction)
    return _quoted(seconds.concat(part).concat(literal("Z", Text)))


def _json(column: ColumnElement[Any], dialect: str) -> _Text:
    return type_coerce(column, Text) if dialect == "sqlite" else cast(column, Text)


def _quoted(text: ColumnElement[str]) -> _Text:
    return literal('"', Text).concat(text).concat(literal('"', Text))


_FORMS = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.INSTANT: _instant,
    Kind.REF: _integer,
    Kind.JSON: _json,
}
