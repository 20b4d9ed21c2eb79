"""What somebody meant by a text that is no condition: the reason and the suggestion for a syntax error.

Habits from SQL, spreadsheets and programming languages, full-width punctuation from a Chinese keyboard, and
misspelled keywords. Unknown names are :mod:`crmcore.conditions.names`' business.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from typing import TYPE_CHECKING

from crmcore.conditions.excerpt import Mistake
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from lark.exceptions import UnexpectedInput

__all__ = ["misread"]

_INSTEAD = {
    "==": "=",
    "===": "=",
    "=>": ">=",
    "=<": "<=",
    "<>": "!=",
    "&": "and",
    "&&": "and",
    "|": "or",
    "||": "or",
    "!": "not",
    "~": "contains",
    "=~": "contains",
    "like": "contains",
    "ilike": "contains",
    "matches": "contains",
    "includes": "contains",
    "has": "contains",
    "startswith": "starts with",
    "starts_with": "starts with",
    "begins": "starts with",
    "exists": "any",
    "equals": "=",
    "null": "empty",
    "none": "empty",
    "nil": "empty",
    "blank": "empty",
    "“": "'",
    "”": "'",
    "‘": "'",
    "’": "'",
    "「": "'",
    "」": "'",
    "`": "'",
    "、": ",",
    "。": ".",
    "[": "(",
    "]": ")",
    "{": "(",
    "}": ")",
    "×": "*",
    "÷": "/",
    "≥": ">=",
    "≤": "<=",
    "≠": "!=",
    "−": "-",
    "–": "-",
    "且": "and",
    "并且": "and",
    "或": "or",
    "或者": "or",
    "包含": "contains",
    "为空": "is empty",
}
"""What people write -> what the language says."""

_AFTER_VALUE = ("and", "or", "not", "in", "between", "contains", "starts with", "is empty")
_CALL_BEFORE = re.compile(r"\b(?!(?:in|and|or|not)\s*\()[^\W\d]\w*\s*\(\s*$", re.IGNORECASE)
_SYMBOLS = re.compile(r"[=<>!~&|]+")
_WORD = re.compile(r"[\uff01-\uff5e]+|[^\W\d]\w*|\S")
_BARE_WORD = re.compile(
    r"(?:[=<>]|\b(?:contains|starts\s+with)\b|\bin\s*\((?:[^()]*,)?)\s*([^\W\d][\w.]*)\s*$", re.IGNORECASE
)
"""A word without quotes at the end of a text, where a value stands."""
_AFTER_WORDS = re.compile(r"\s+(?:and|or)\b|[,()'\"\n]", re.IGNORECASE)
_CURRENCY = re.compile(r"[$¥￥€£]")


def misread(text: str, error: UnexpectedInput) -> Mistake:
    """Return the mistake for what Lark could not read."""
    token = getattr(error, "token", None)
    if token is not None and token.type == "$END":
        return _ended(text)
    at: int = getattr(error, "pos_in_stream", 0)
    expected = frozenset(getattr(error, "expected", None) or getattr(error, "allowed", None) or ())
    start, end = _part_at(text, at) if token is None or token.type != "STRING" else (at, token.end_pos)
    found = text[start:end]
    if found in ("'", '"'):
        closing = _("A quote inside a text is doubled: 'it''s'.")
        return Mistake(_("a text without a closing quote"), (start, len(text)), closing)
    hint = _habit(text, start, found) or _expectation(expected, found, _bare_text(text, start))
    return Mistake(_("{found} cannot be read here").format(found=found), (start, end), hint)


def _ended(text: str) -> Mistake:
    end = len(text.rstrip())
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "", text)
    missing = bare.count("(") - bare.count(")")
    hint = _("A closing parenthesis is missing.") if missing > 0 else _("Complete it, or remove the last word.")
    return Mistake(_("the text ends too early"), (end, end + 1), hint)


def _part_at(text: str, at: int) -> tuple[int, int]:
    """Return the span of the word, or of the run of symbols, that the unreadable character belongs to."""
    symbols = next((m for m in _SYMBOLS.finditer(text, max(0, at - 2)) if m.start() <= at < m.end()), None)
    if symbols is not None:
        return symbols.span()
    word = _WORD.match(text, at)
    return word.span() if word else (at, at + 1)


def _habit(text: str, start: int, found: str) -> str | None:
    """Return the suggestion for a part that people write out of habit."""
    if found in "‘’“”":
        return _("Put text in straight quotes: 'East'.")
    if start > 0 and text[start - 1].isdigit() and (special := _after_number(text, start, found)):
        return special
    if _CURRENCY.match(found):
        return _("Write amounts without a currency sign.")
    wrong = found
    plain = _INSTEAD.get(found.lower(), _half_width(found))
    if plain is None and (before := re.search(r"\w+(?=\s+$)", text[:start])):
        wrong = before.group()  # `exists orders` is read as a name, so the mistake shows one word later
        plain = _INSTEAD.get(wrong.lower())
    if plain is not None:
        return _("Write {right} instead of {wrong}.").format(right=plain, wrong=wrong)
    if _CALL_BEFORE.search(text[:start]):
        return _("The only functions are today() and now(), without anything in their parentheses.")
    return None


def _after_number(text: str, start: int, found: str) -> str | None:
    if found == "," and re.match(r",[0-9]{3}", text[start:]):
        return _("Write numbers without separators: 1000000.")
    if found in ("%", "％"):
        return _("Write a share as a number: 0.25 instead of 25%.")
    if found[0].isalpha() and found.isidentifier():
        return _("Write the number in full: 100000.")
    return None


def _half_width(found: str) -> str | None:
    """Return the plain form of full-width characters, such as ＝ or （."""
    full = all("\uff01" <= char <= "\uff5e" for char in found)
    return unicodedata.normalize("NFKC", found) if full else None


def _bare_text(text: str, start: int) -> str | None:
    """Return the words without quotes that something is compared with, where the mistake is after the first of them."""
    before = _BARE_WORD.search(text[:start])
    if before is None:
        return None
    words = _AFTER_WORDS.split(text[before.start(1) :], maxsplit=1)[0].strip()
    return None if _SYMBOLS.search(words) else words


def _expectation(expected: frozenset[str], found: str, bare: str | None) -> str | None:
    if found in ("=", "!=", "<", "<=", ">", ">=") and "AND" in expected:
        return _("One comparison at a time: write `a < b and b < c`, or `b between a and c`.")
    if expected == {"LPAR"}:
        return _("Expected: values in parentheses, such as in ('East', 'West').")
    if "AND" in expected:
        close = get_close_matches(found.lower(), _AFTER_VALUE, n=1)
        meant = _("Did you mean {name}?").format(name=close[0]) if close else None
        plain = _("Put it in quotes: '{value}'.").format(value=bare) if bare else None
        if meant and plain:
            return _("{hint} Or is it a text? {plain}").format(hint=meant, plain=plain)
        return meant or plain or _("Expected: a comparison such as = or `is empty`, then `and`, `or`, or the end.")
    if expected & {"NAME", "NUMBER"}:
        return _("Expected: a field, a value or a parenthesis.")
    return None
