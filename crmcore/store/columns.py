"""How a value of each kind lies in a column: SQLAlchemy types that give and take the Python forms.

Which columns a table has is decided in :mod:`crmcore.store.tables`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, Boolean, Date, DateTime, Double, Integer, Text
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import TypeDecorator, TypeEngine

from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Dialect

__all__ = ["COLUMN_TYPES", "MONEY_PLACES", "MONEY_SCALE", "Instant", "Money", "json_type", "key_type", "text_type"]

MONEY_PLACES = 4
MONEY_SCALE = 10**MONEY_PLACES
"""Money is stored as a whole number of ten-thousandths: SQLite has no decimal type, its NUMERIC is a float."""


class Money(TypeDecorator[Decimal]):
    """An exact amount: `Decimal` in Python, a whole number of 1/10,000 in the table.

    Sums and extremes of such a column are money too. In other arithmetic its operands are scaled as well, so
    calculate with ``type_coerce(column, BigInteger)``.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:  # noqa: ARG002  # an override
        """Scale a Decimal or int."""
        return None if value is None else int(Decimal(value).scaleb(MONEY_PLACES))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002  # an override
        """Unscale; PostgreSQL gives sums of BIGINT as Decimal."""
        return None if value is None else Decimal(value).scaleb(-MONEY_PLACES)


class Instant(TypeDecorator[dt.datetime]):
    """A point in time: aware UTC datetime in Python; timestamptz, or text in UTC on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """Convert to UTC; SQLite's text has no place for a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(value)
        utc = value.astimezone(dt.UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(
        self,
        value: dt.datetime | None,
        dialect: Dialect,  # noqa: ARG002  # an override
    ) -> dt.datetime | None:
        """Return it as UTC, whatever the time zone of the connection."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


def text_type() -> TypeEngine[str]:
    """Return the type of text: sorted by code point on both databases."""
    return Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def key_type() -> TypeEngine[int]:
    """Return the type of primary keys: SQLite gives out ids itself for INTEGER only."""
    return BigInteger().with_variant(Integer(), "sqlite")


def json_type() -> TypeEngine[Any]:
    """Return the type of lists and objects; None is NULL, not JSON's null."""
    return JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")


COLUMN_TYPES: Mapping[Kind, TypeEngine[Any]] = {
    Kind.TEXT: text_type(),
    Kind.INTEGER: BigInteger(),
    Kind.NUMBER: Double(),
    Kind.BOOLEAN: Boolean(),
    Kind.MONEY: Money(),
    Kind.DATE: Date(),
    Kind.INSTANT: Instant(),
    Kind.REF: BigInteger(),
    Kind.JSON: json_type(),
}
"""Type of the one column of a field; an any-reference has two, a text and a big integer."""
