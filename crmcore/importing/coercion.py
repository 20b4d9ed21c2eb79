"""From the text of a cell to a value of a field: numbers, dates, booleans and enums as people write them.

Only what can be read in one way is read; anything else is left to the write door, which names the problem.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind
from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crmcore.schema.model import Field

__all__ = ["coerce"]

# Either plain digits or groups of three: "1,2" is neither, and might mean 1.2.
_NUMBER = re.compile(r"[-+]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?", re.ASCII)
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?:[ T]0{1,2}:00(?::00)?)?", re.ASCII)
_TRUE = frozenset({"true", "yes", "y", "1", "是", "有", "对"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "无", "错"})


def coerce(field: Field, cell: Any) -> Any:
    """Return the value of a cell for a field; what is no text is returned as it is.

    Raises:
        ValueError: the text cannot be read as a value of the field's kind; the message says what was expected.
    """
    if not isinstance(cell, str) or not cell.strip():
        return cell or None
    if field.enum:
        return _choice(field, cell)
    read = _READERS.get(field.kind)
    return read(cell.strip()) if read else cell


def _choice(field: Field, cell: str) -> str:
    wanted = fold(cell.strip())
    for value in field.enum:
        if wanted in (fold(value), *(fold(title) for title in field.enum_titles.get(value, {}).values())):
            return value
    return cell  # the write door says which values there are


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(_('expected a number such as 1,234.50, found "{text}"').format(text=text))
    return text.replace(",", "").lstrip("+")


def _integer(text: str) -> int:
    number = Decimal(_number(text))
    if number != number.to_integral_value():
        raise ValueError(_('expected a whole number, found "{text}"').format(text=text))
    return int(number)


def _date(text: str) -> dt.date:
    found = _YEAR_FIRST.fullmatch(text)
    try:
        if found:
            return dt.date(*map(int, found.groups()))
    except ValueError:
        pass
    raise ValueError(_('expected a date such as 2026-11-21, found "{text}"').format(text=text))


def _boolean(text: str) -> bool:
    if fold(text) not in _TRUE | _FALSE:
        raise ValueError(_('expected yes or no, found "{text}"').format(text=text))
    return fold(text) in _TRUE


_READERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.INTEGER: _integer,
    Kind.NUMBER: lambda text: float(_number(text)),
    Kind.MONEY: lambda text: Decimal(_number(text)),
    Kind.DATE: _date,
    Kind.BOOLEAN: _boolean,
    Kind.JSON: lambda text: [part.strip() for part in re.split(r"[,;，；、]", text) if part.strip()],
}
