"""Numbers as people write them: separators, percent, Chinese units, accounting negatives, signs of currencies.

What a number may be in its field (whole, an amount of four places) is decided in `crmcore.importing.coercion`.
"""

from __future__ import annotations

import re
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal
from functools import cache
from typing import TYPE_CHECKING
from unicodedata import category, normalize

from attrs import frozen

from crmcore.currencies import currencies_of
from crmcore.i18n import gettext as _
from crmcore.importing.unreadable import Unreadable
from crmcore.schema.values import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["EXACT", "Written", "rounded", "significant", "without_noise", "written_number"]

EXACT = Context(prec=120)
"""Own context: numbers of `_LONGEST` characters times a scale stay exact, whatever the application has set."""
_LONGEST = 60
"""Characters; no amount is longer, and a megabyte of digits would take minutes."""
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)
_UNITS: Mapping[str | None, Decimal] = {
    None: Decimal(1),
    "百": Decimal(100),
    "千": Decimal(1000),
    "万": Decimal(10**4),
    "百万": Decimal(10**6),
    "千万": Decimal(10**7),
    "亿": Decimal(10**8),
    "万亿": Decimal(10**12),
}
_SHAPE = re.compile(
    r"""(?P<open>\()? \s* (?P<sign>[-+])? \s* (?P<before>[^\d\s.,'()+-]{1,8})? \s*
    (?P<inner>\()? \s* (?P<then>[-+])? \s*
    (?P<digits>[\d.,] [\d., ']*?) (?:[eE](?P<exponent>[-+]?\d{1,3}))? \s*
    (?P<unit>百万|千万|万亿|[百千万亿])? \s* (?P<after>[^\d\s.,'()+-]{1,8})? \s*
    (?P<close>\))? (?P<last>-)?""",
    re.ASCII | re.VERBOSE,
)
_SIGNS = str.maketrans({"\u2212": "-", "\u2019": "'"})
"""The minus of typesetters and the separator of the Swiss, which compatibility forms leave as they are."""
_NOISE = Decimal("1e-12")
"""Relative distance that sums of binary fractions stay within; half of a ten-thousandth is far outside of it."""
_NOISY_DIGITS = 15
"""Significant digits from which on a number is what a computer printed, not what somebody wrote."""


@frozen
class Written:
    """What is written in a cell."""

    number: Decimal
    currencies: frozenset[str] = frozenset()
    """Codes of the currencies that its sign may stand for; none where there is no sign."""
    percent: bool = False
    """Whether there is a percent sign; `number` is the share then."""


def written_number(text: str, decimal: str = ".") -> Written:
    """Read a number.

    Args:
        text: the cell.
        decimal: the decimal point; the other one of ``.`` and ``,``, blanks and ``'`` may stand between thousands.

    Raises:
        Unreadable: it is none, or could be two.
    """
    if decimal == "." and len(text) <= _LONGEST and _PLAIN.fullmatch(text):
        return Written(Decimal(text))
    plain = _plain(text)
    found = _SHAPE.fullmatch(plain)
    digits = _digits(found["digits"], decimal) if found else None
    negative = _negative(found) if found else None
    if found is None or digits is None or negative is None:
        raise _unreadable(text, decimal)
    percent = found["after"] == "%"
    marks = [mark for mark in (found["before"], None if percent else found["after"]) if mark]
    meant = [currencies_of(mark) for mark in marks]
    # A sign before and a code after are two words for one currency, or a mistake.
    currencies = frozenset.intersection(*meant) if meant else frozenset()
    if (marks and not currencies) or (percent and found["unit"]):
        raise _unreadable(text, decimal)
    number = EXACT.multiply(Decimal(digits), _UNITS[found["unit"]])
    number = number.scaleb(int(found["exponent"] or 0) - (2 if percent else 0), EXACT)
    return Written(-number if negative else number, currencies, percent)


def without_noise(number: Decimal, digits: int) -> Decimal:
    """Return the number of at most four places that this one is but for the noise of binary fractions, else itself.

    Args:
        number: what is written, or calculated from it.
        digits: how many significant ones were written.
    """
    if digits < _NOISY_DIGITS:
        return number
    near = rounded(number, 4, ROUND_HALF_EVEN)
    return near if abs(number - near) <= abs(near) * _NOISE else number


def rounded(number: Decimal, places: int, rounding: str = ROUND_HALF_UP) -> Decimal:
    """Return a number with so many places after its point; one that is longer than any amount has none to round."""
    if number.adjusted() > _LONGEST:
        return number
    return number.quantize(Decimal(1).scaleb(-places), rounding=rounding, context=EXACT)


def significant(number: Decimal) -> int:
    """Return how many significant digits a number is written with."""
    return len(number.as_tuple().digits)


def _plain(text: str) -> str:
    """Return the text with the characters that computers calculate with; superscripts are footnotes, not digits."""
    stripped = text.strip()
    if len(stripped) > _LONGEST or any(category(character) == "No" for character in stripped):
        return ""
    return stripped if stripped.isascii() else normalize("NFKC", stripped).translate(_SIGNS)


def _digits(text: str, decimal: str) -> str | None:
    """Return the digits with a point, or None where they are not grouped as thousands are."""
    if not _numerals(decimal).fullmatch(text):
        return None
    whole, point, places = text.partition(decimal)
    return re.sub("[^0-9]", "", whole) + ("." if point else "") + places


@cache
def _numerals(decimal: str) -> re.Pattern[str]:
    """Either plain digits or groups of three: ``1,2`` is neither, and might mean 1.2."""
    point, thousands = re.escape(decimal), "." if decimal == "," else ","
    places = rf"(?:{point}[0-9]+)?"
    return re.compile(
        rf"[0-9]+{places}|{point}[0-9]+|[0-9]{{1,3}}(?:([{thousands}' ])[0-9]{{3}})(?:\1[0-9]{{3}})*{places}"
    )


def _negative(found: re.Match[str]) -> bool | None:
    """Tell whether the number is negative; None where it is said twice, or half."""
    opened = (found["open"] is not None) + (found["inner"] is not None)
    signs = [sign for sign in (found["sign"], found["then"], found["last"]) if sign]
    if opened != (found["close"] is not None) or opened + len(signs) > 1:
        return None
    return bool(opened) or signs == ["-"]


def _unreadable(text: str, decimal: str) -> Unreadable:
    other = "." if decimal == "," else ","
    found = _SHAPE.fullmatch(_plain(text))
    expected = "1,234.50" if decimal == "." else "1.234,50"
    hint = None
    if found and other in found["digits"] and _digits(found["digits"], other):
        hint = _('If that is its decimal point: `decimal = "{other}"` of the column in a mapping file.').format(
            other=other
        )
    message = _("expected a number such as {expected}, found {found}").format(expected=expected, found=shown(text))
    return Unreadable(message, hint=hint)
