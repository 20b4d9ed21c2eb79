"""Which regular expressions the dialect admits: those that Python, ECMAScript and Rust understand alike.

A pattern is read here by its tokens and compiled by nobody; whether its brackets match, the engines say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["pattern_fault"]

_SYNTAX = r"^$\\.*+?()\[\]{}|/"
_ESCAPE = rf"\\[nrt{_SYNTAX}]"
_IN_CLASS = rf"(?:{_ESCAPE}|\\-|[^\\\[\]&~|-])"
_CLASS = rf"\[(?:\^|(?!\^))(?:-\]|-?(?:{_IN_CLASS}(?:-{_IN_CLASS})?)+-?\])"
_QUANTIFIER = r"(?:[*+?]|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\})\??"
_ADMITTED = re.compile(
    rf"(?:{_CLASS}|{_ESCAPE}|[^{_SYNTAX}])(?:{_QUANTIFIER}(?![*+?{{]))?"  # one character, or how many of it
    rf"|\)(?:{_QUANTIFIER}(?![*+?{{]))?"
    r"|\((?:\?:|(?![?*+{]))"
    r"|[\^$|](?![*+?{])"
)


def pattern_fault(pattern: str) -> tuple[str, str] | None:
    """Return the first part of a pattern that is not admitted and what to write instead, or None."""
    at = 0
    while at < len(pattern):
        if not (admitted := _ADMITTED.match(pattern, at)):
            rest = pattern[at:]
            return next((found[0], hint) for found, hint in _banned(rest) if found)
        at = admitted.end()
    return None


def _banned(rest: str) -> Iterator[tuple[re.Match[str] | None, str]]:
    """Yield, most telling first, what the rest of a pattern may begin with, and what to write instead."""
    for start, hint in (
        (r"\\[dD]", _("Write [0-9], or [^0-9]: other engines take \\d for the digits of every script.")),
        (r"\\[wW]", _("Write the characters that you mean, for instance [A-Za-z0-9_].")),
        (r"\\[sS]", _("Write the characters that you mean, for instance [ \\t].")),
        (r"\\[pP]\{?[^}]*\}?", _("Write the range of characters, for instance [一-鿿]; Python knows no \\p.")),
        (r"\\[bB]", _("Write what stands around the word; what a word is differs between engines.")),
        (r"\\[AZz]", _("Write ^ or $.")),
        (r"\\[1-9k]", _("Leave out references to groups: they have no bound on the time they take.")),
        (r"\(\?<?[=!]", _("Leave out looking ahead and behind: the engine that decides has neither.")),
        (r"\(\?P?<[^>]*>", _("Write (...): a check needs no names of groups.")),
        (r"\(\?", _("Write (...) or (?:...); flags inside a pattern differ between engines.")),
        (r"\.", _("Write [^\\n], or \\. for a point: engines disagree which line ends a dot matches.")),
        (r"\\.?", _("Escape only \\n \\r \\t and the characters of the syntax; write others as they are.")),
        (r"\[[^\]\\]*(\\[dDwWsSpPbB])", _("Write the characters that you mean: [0-9], [A-Za-z0-9_] or [ \\t].")),
        (r"\[[^\]]*\]?", _("Inside [...] escape [ ] and \\, and write no & ~ | and no - but in ranges or at an end.")),
        (r".?[*+?{]+", _("Write one of * + ? {n} {n,} {n,m}, after a character or a group, and at most 999.")),
        (r"(?s:.)", _("Escape it with \\ where the character itself is meant.")),
    ):
        yield re.match(start, rest), hint
