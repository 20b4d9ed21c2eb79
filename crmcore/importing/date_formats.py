"""The formats in which a column may declare its dates: what comes first, and whether months have names.

Dates that need no format are read in `crmcore.importing.dates`. A year of two digits is one of 1969 to 2068, as in
POSIX.
"""

from __future__ import annotations

import datetime as dt
import re
from functools import cache
from itertools import pairwise

from attrs import frozen

from crmcore.i18n import gettext as _

__all__ = ["MONTH_NAME", "DateFormat", "date_format", "day_of", "full_year", "month_number"]

MONTH_NAME = r"(?P<name>[A-Za-z]{3,9})\.?"
_PIVOT = 69
"""The first two-digit year of the last century: 68 is 2068, 69 is 1969."""
_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)


@frozen
class DateFormat:
    """A declared way of writing dates."""

    text: str
    pattern: re.Pattern[str]

    def read(self, text: str) -> dt.date | None:
        """Return the date, or None where the text is not written so or there is no such day."""
        found = self.pattern.fullmatch(text)
        if not found:
            return None
        parts = found.groupdict()
        month = month_number(parts["name"]) if "name" in parts else int(parts["month"])
        return day_of(full_year(parts["year"]), month, int(parts["day"]))


@cache
def date_format(text: str) -> DateFormat:
    """Understand a declared format: ``dd-mm-yyyy``, ``d/m/yy``, ``dd mmm yyyy``, ``%d.%m.%Y``.

    Day and month may be written with one digit or two, years with two or four, and ``-``, ``/`` and ``.`` stand for
    each other: what a format declares is the order. A time after the date is read without being declared.

    Raises:
        ValueError: year, month and day are not all there once, or something else is.
    """
    parts = _TOKEN.findall(_TIME_IN_FORMAT.sub("", text.strip()))
    kinds = [kind for part in parts if (kind := _KINDS.get(part.lower() if part[0] != "%" else part))]
    wanted = sorted("month" if kind == "name" else kind for kind in kinds)
    if wanted != ["day", "month", "year"] or any(part[0].isalpha() and part.lower() not in _KINDS for part in parts):
        raise ValueError(
            _('"{format}" is no format of dates: expected year, month and day, such as dd/mm/yyyy').format(format=text)
        )
    fixed = any(_is_token(one) and _is_token(next_) for one, next_ in pairwise(parts))
    return DateFormat(text, re.compile("".join(_pattern(part, fixed=fixed) for part in parts), re.ASCII))


_KINDS = {
    **dict.fromkeys(("yyyy", "yy", "%Y", "%y"), "year"),
    **dict.fromkeys(("mmmm", "mmm", "%B", "%b"), "name"),
    **dict.fromkeys(("mm", "m", "%m"), "month"),
    **dict.fromkeys(("dd", "d", "%d"), "day"),
}
_TOKEN = re.compile(r"%.|y+|m+|d+|[a-z]|\s+|.", re.IGNORECASE)
_TIME_IN_FORMAT = re.compile(
    r"[T ]\s*(?:%[HI]:%M(?::%S(?:\.%f)?)?(?:\s*%p)?(?:\s*%z)?|h{1,2}:mm(?::ss)?(?:\s*(?:am/pm|tt))?)$", re.IGNORECASE
)


def _is_token(part: str) -> bool:
    return part in _KINDS or part.lower() in _KINDS


def _pattern(part: str, *, fixed: bool) -> str:
    kind = _KINDS.get(part) or _KINDS.get(part.lower())
    if kind == "name":
        return MONTH_NAME
    if kind == "year":
        digits = 4 if part.lower() == "yyyy" or part == "%Y" else 2
        return rf"(?P<year>\d{{{digits}}})" if fixed else r"(?P<year>\d{4}|\d{2})"
    if kind:
        return rf"(?P<{kind}>\d\d)" if fixed else rf"(?P<{kind}>\d{{1,2}})"
    if part.isspace():
        return r"\s+"
    return r"[-/.]" if part in "-/." else re.escape(part)


def month_number(name: str) -> int:
    """Return the number of a month from its English name or the beginning of it; 0 where it is none."""
    meant = [number for number, month in enumerate(_MONTHS, start=1) if month.startswith(name.lower())]
    return meant[0] if len(meant) == 1 else 0


def full_year(digits: str) -> int:
    """Return the year that two or four digits mean."""
    year = int(digits)
    if len(digits) > 2:
        return year
    return year + (1900 if year >= _PIVOT else 2000)


def day_of(year: int, month: int, day: int) -> dt.date | None:
    """Return the date, or None where the calendar has no such day."""
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
