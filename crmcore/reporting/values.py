"""Values as people read them, and as other programs do. Every form and the command line's tables take them from here.

People read grouped amounts with their cents, percentages, and a dash where there is nothing; programs read plain JSON.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from crmcore.types import Column
    from crmcore.types.reports import ValueKind

__all__ = ["EMPTY", "RIGHT", "cell_text", "json_value", "plain_text", "titled_value", "value_text"]

EMPTY = "–"
"""Stands in a table where there is no value."""
RIGHT: frozenset[ValueKind] = frozenset({"integer", "number", "money", "share"})
"""Kinds that are aligned at their right end."""

_PLACES = 4
"""Of an amount that is stored; one that has more is a quotient, and is rounded to cents."""
_SMALL = 0.01
"""Below it two places would say nothing."""


def titled_value(column: Column, value: Any) -> Any:
    """Return the value of a cell; the title of a code in the language that is spoken."""
    titles = column.values.get(value) if isinstance(value, str) else None
    return title_in(titles, value) if titles else value


def cell_text(column: Column, value: Any) -> str:
    """Return the value of a cell of a report as people read it."""
    return value_text(column.kind, titled_value(column, value))


def value_text(kind: ValueKind, value: Any) -> str:
    """Return a value of a report as people read it, a code as it is."""
    if value is None:
        return EMPTY
    if value is HIDDEN:
        return str(value)
    if kind == "share":
        return f"{value:z.1%}"
    if kind == "money":
        return _amount(Decimal(value))
    return _number(value) if kind in RIGHT else plain_text(value)


def plain_text(value: Any) -> str:
    """Return a value without a column, a metric or a parameter for instance, as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal):
        return _amount(value)
    if isinstance(value, float):
        return _measured(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_text, value))
    return str(value)


def json_value(value: Any) -> Any:
    """Return a value as JSON has it: amounts as text, which keeps every digit, days in ISO form, ``customer:42``."""
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, Ref) or value is HIDDEN else value


def _amount(value: Decimal) -> str:
    if Decimal(f"{value:.{_PLACES}f}") != value:
        return f"{value:z,.2f}"
    text = f"{value:z,.{_PLACES}f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")


def _measured(value: float) -> str:
    """Return a stored number; what is beyond four places is mostly the noise of a division."""
    if value and -_SMALL < value < _SMALL:
        return f"{value:.4g}"
    return f"{value:z,.{_PLACES}f}".rstrip("0").rstrip(".")


def _number(value: float | Decimal) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if value and -_SMALL < value < _SMALL:
        return f"{value:.2g}"
    return f"{value:z,.2f}".rstrip("0").rstrip(".")
