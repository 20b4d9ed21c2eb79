"""From a value to the cell that importing reads as the same value."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.schema.model import Kind
from crmcore.schema.values import WRITTEN, fold

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from crmcore.schema.model import Field

__all__ = ["cell_writer"]


def cell_writer(field: Field, timezone: ZoneInfo, *, codes: bool) -> Callable[[Any], Any]:
    """Return what makes cells of a field's values, which are not empty and no references of their own.

    Args:
        field: the field.
        timezone: that instants are written in.
        codes: whether enums are their codes and booleans are left as they are; titles and words otherwise.
    """
    if field.kind is Kind.INSTANT:
        return lambda value: value.astimezone(timezone).isoformat()
    if field.kind is Kind.MONEY:
        return lambda value: Decimal(WRITTEN[Kind.MONEY](value))
    if field.kind is Kind.NUMBER:
        return _calculated if field.computed_by and not codes else _number
    if field.kind is Kind.ANY_REF:
        return str
    if field.enum and not codes:
        return _titles(field)
    if field.kind is Kind.BOOLEAN and not codes:
        words = {True: _("yes"), False: _("no")}
        return lambda value: words[value]
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


_PRINTED = 40
"""Powers of ten that a number is written out with; a longer text is not read as a number."""


def _number(value: float) -> float | Decimal:
    """Return a number that formats write without an exponent, as long as it has no more digits than people read."""
    written = Decimal(repr(value))
    return Decimal(format(written, "f")) if "e" in repr(value) and abs(written.adjusted()) <= _PRINTED else value


def _calculated(value: float) -> float | Decimal:
    """Return a number that nobody reads back, with the digits that spreadsheets show."""
    return _number(float(f"{value:.15g}"))


def _titles(field: Field) -> Callable[[Any], str]:
    """Return what gives the titles of values, except for those that are also a title or the code of another value."""
    meant: dict[str, set[str]] = {}
    for value in field.enum:
        for word in (value, *field.enum_titles.get(value, {}).values()):
            meant.setdefault(fold(word.strip()), set()).add(value)
    titles = {value: title_in(field.enum_titles.get(value, {}), value) for value in field.enum}
    words = {value: title if meant[fold(title.strip())] == {value} else value for value, title in titles.items()}
    return lambda value: words.get(value, str(value))
