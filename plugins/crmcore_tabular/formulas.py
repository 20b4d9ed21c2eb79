"""Text that a spreadsheet would run as a formula: an apostrophe before it in CSV, taken away again by the reader."""

from __future__ import annotations

import re

_FORMULA = re.compile(r"[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")
_APOSTROPHE = re.compile(r"'[=+\-@\t\r]")
_NUMBER = re.compile(r"[0-9 +\-()./]+")
"""Plain numbers and phone numbers: Excel may compute with them, but they call nothing."""


def guarded(text: str) -> str:
    """Return the text as a CSV cell may hold it; `unguarded` gives back the same text."""
    formula = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if formula or _GUARDED.match(text) else text


def may_be_guarded(row: str) -> bool:
    """Tell whether any cell of a row may be, so that the others need not be looked at."""
    return _APOSTROPHE.search(row) is not None


def unguarded(text: str) -> str:
    """Return the text that a cell stands for."""
    return text[1:] if _GUARDED.match(text) else text
