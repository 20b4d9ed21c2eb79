"""Values as the text of a cell, and as plain JSON."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from crmcore_tabular.headers import column_name

BETWEEN = "; "
"""Between the parts of a list in one cell."""
_SEPARATORS = re.compile(r"[,;，；、\n]")
"""What importing takes for the end of a part."""


def as_text(value: Any) -> str:
    """Return a value as the text of a cell: exact, read back as the same value, and no text for what is empty."""
    if value is None or (isinstance(value, list | tuple | Mapping) and not value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple) and _is_plain(value):
        return BETWEEN.join(value)
    if isinstance(value, list | tuple | Mapping):
        return json.dumps(as_json(value), ensure_ascii=False)
    return str(as_json(value))


def _is_plain(parts: Sequence[Any]) -> bool:
    """Whether the parts of a list can be told apart again where they stand beside each other in one cell."""
    texts = all(isinstance(part, str) and part.strip() and not _SEPARATORS.search(part) for part in parts)
    return texts and parts[0].lstrip()[0] not in "[{"


def as_json(value: Any) -> Any:
    """Return a value as plain JSON has it: decimals as text, since a float is another number, dates as in ISO 8601."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): as_json(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(part) for part in value]
    return str(value)


def wider(headers: list[str], cells: int) -> list[str]:
    """Return the headers, with names for the cells that a row has beyond them."""
    return [*headers, *(column_name(number) for number in range(len(headers) + 1, cells + 1))]
