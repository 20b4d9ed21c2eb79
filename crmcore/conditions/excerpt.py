"""Where a mistake is: the line of the text and carets under the right columns, and the error that carries both.

Columns are those of a terminal: Chinese characters take two, combining marks none.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from crmcore.errors import ConditionError

if TYPE_CHECKING:
    from crmcore.conditions.syntax import Span

__all__ = ["Mistake", "excerpt", "width"]

_TAB = "    "
_BEFORE = 60
_AFTER = 40
"""Characters kept on both sides of a mistake in a long line, so that it fits a terminal."""
_LONGEST = 300
"""Characters of a reason or a hint: they repeat names and values of the text, which may be as long as the text."""
_CUT = "…"


class Mistake(Exception):
    """Something wrong in a part of a text, raised where the whole text is not at hand."""

    def __init__(self, reason: str, span: Span, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.span, self.hint = reason, span, hint

    def within(self, text: str) -> ConditionError:
        """Return the error to show: the reason, the line of the text, and carets."""
        start, end = self.span
        hint = self.hint and _short(self.hint)
        return ConditionError(
            _short(self.reason), text=text, start=start, end=end, excerpt=excerpt(text, self.span), hint=hint
        )


def excerpt(text: str, span: Span) -> str:
    """Return the line where a span starts with carets below; with its number when there are several lines."""
    start = min(span[0], len(text))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line_end = len(text) if line_end < 0 else line_end
    end = min(max(span[1], start + 1), max(line_end, start + 1))
    from_, to = max(line_start, start - _BEFORE), min(line_end, max(end, start) + _AFTER, start + _BEFORE + _AFTER)
    before = (_CUT if from_ > line_start else "") + _shown(text[from_:start])
    marked = _shown(text[start : min(end, to)])
    after = _shown(text[end:to]) + (_CUT if to < line_end else "")
    number = f"{text.count(chr(10), 0, start) + 1} | " if "\n" in text else "  "
    carets = "^" * max(width(marked), 1)
    return f"{number}{before}{marked}{after}\n{' ' * (len(number) + width(before))}{carets}"


def width(text: str) -> int:
    """Return the number of terminal columns that a text takes."""
    return sum(map(_columns, text))


def _short(words: str) -> str:
    return words if len(words) <= _LONGEST else words[:_LONGEST] + _CUT


def _columns(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def _shown(text: str) -> str:
    """Replace what a terminal would obey or could not print."""
    return "".join(
        _TAB if c == "\t" else "\ufffd" if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c
        for c in text.replace("\r", "")
    )
