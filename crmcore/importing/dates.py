"""Dates and instants as people write them.

Dates with the year first or with the month's name mean one day only and are always read. Of the others a declared
format says what comes first (`crmcore.importing.date_formats`), or the whole column (`crmcore.importing.settling`).
"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import normalize

from crmcore.i18n import gettext as _
from crmcore.importing.date_formats import MONTH_NAME, DateFormat, date_format, day_of, full_year, month_number
from crmcore.importing.unreadable import Unreadable
from crmcore.schema.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["Order", "date_reader", "instant_reader", "is_plain_date", "possible_days"]

Order = Literal["day", "month", "year"]
"""What a date of three numbers has first."""

_REMEMBERED = 8192
"""Texts of a column whose dates are kept: the days of twenty years."""
_ISO_LENGTH = len("2026-11-21")
_LONGEST = 60
"""Characters; no date is longer, and patterns need not search a megabyte."""

_YEAR_FIRST = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})|(\d{4})\s?年\s?(\d{1,2})\s?月\s?(\d{1,2})\s?[日号]?|(\d{4})(\d\d)(\d\d)",
    re.ASCII,
)
_NAMED = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/. ]\s?{MONTH_NAME}[-/, ]\s?(?P<year>\d{{4}}|\d\d)",
        rf"{MONTH_NAME}[- ](?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s?|[- ])(?P<year>\d{{4}})",
        rf"(?P<year>\d{{4}})[-/. ]{MONTH_NAME}[-/. ](?P<day>\d{{1,2}})",
    )
]
_NUMBERS = re.compile(r"(\d{1,2})([-/.])\s?(\d{1,2})\2\s?(\d{4}|\d\d)", re.ASCII)
_TIMED = re.compile(
    r"""(?P<day>\S.*?) (?: T(?=\d) | \s+ | (?=[上下]午) )
    (?P<half>[上下]午)? \s* (?P<hour>\d{1,2}) : (?P<minute>\d\d)
    (?: : (?P<second>\d\d) (?: [.,] (?P<fraction>\d{1,9}) )? )?
    \s* (?P<after>[ap]\.?m\.?)? \s* (?P<offset> Z | [+-]\d\d:?\d\d )?""",
    re.ASCII | re.VERBOSE | re.IGNORECASE,
)


def date_reader(declared: str | None, timezone: dt.tzinfo) -> Callable[[Any], dt.date]:
    """Return the function that reads the cells of a date column.

    Args:
        declared: the column's format, or None for dates that mean one day only.
        timezone: of the instance: the day of an instant is the day there.
    """
    moment = _moment_reader(declared)

    @lru_cache(_REMEMBERED)
    def day(text: str) -> dt.date:
        return _day(moment(text), timezone)

    def read(cell: Any) -> dt.date:
        if isinstance(cell, dt.date):
            return _day(cell, timezone)
        return day(cell if isinstance(cell, str) else _digits(cell))

    return read


def instant_reader(declared: str | None, timezone: dt.tzinfo) -> Callable[[Any], dt.datetime]:
    """Return the function that reads the cells of a column of instants.

    Args:
        declared: the format of the dates in the column, or None for dates that mean one day only.
        timezone: of the instance, for cells without an offset.
    """
    moment = _moment_reader(declared)

    def read(cell: Any) -> dt.datetime:
        found = cell if isinstance(cell, dt.date) else moment(cell if isinstance(cell, str) else _digits(cell))
        if not isinstance(found, dt.datetime):
            found = dt.datetime.combine(found, dt.time())
        return found if found.tzinfo else found.replace(tzinfo=timezone)

    return read


def is_plain_date(cell: Any) -> bool:
    """Tell whether a cell is a date that can be read without a format."""
    if isinstance(cell, dt.date):
        return True
    try:
        _moment(cell if isinstance(cell, str) else _digits(cell), None)
    except ValueError:
        return False
    return True


def possible_days(text: str) -> Mapping[Order, dt.date]:
    """Return the days that a date of three numbers can mean, by what it has first; none where it is no such date."""
    found = _NUMBERS.fullmatch(_apart(_plain(text))[0])
    if not found:
        return {}
    first, second, third = found[1], found[3], found[4]
    days: dict[Order, dt.date | None] = {
        "day": day_of(full_year(third), int(second), int(first)),
        "month": day_of(full_year(third), int(first), int(second)),
        # 26/11/21 is written for 2026-11-21 as well; only years of four digits rule that out.
        "year": day_of(full_year(first), int(second), int(third)) if len(first) == len(third) == 2 else None,
    }
    return {order: day for order, day in days.items() if day}


def _day(moment: dt.date, timezone: dt.tzinfo) -> dt.date:
    if not isinstance(moment, dt.datetime):
        return moment
    try:
        return (moment.astimezone(timezone) if moment.tzinfo else moment).date()
    except OverflowError:  # it is on the first or the last day that there is
        return moment.date()


def _moment_reader(declared: str | None) -> Callable[[str], dt.date]:
    chosen = date_format(declared) if declared else None
    return lambda text: _moment(text, chosen)


def _moment(text: str, declared: DateFormat | None) -> dt.date:
    """Return the date, or date and time, that a text means."""
    plain = _plain(text)
    if declared is None and (moment := _iso(plain)):
        return moment
    day_text, time = _apart(plain)
    day = declared.read(day_text) if declared else None
    day = day or _year_first(day_text) or _with_name(day_text)
    if day is None:
        raise _unreadable(text, declared, ordered=bool(_NUMBERS.fullmatch(day_text)))
    if time is None:
        return day
    try:
        return _timed(day, time)
    except ValueError:
        raise _unreadable(text, declared, ordered=False) from None


def _iso(text: str) -> dt.date | None:
    """Return the moment of an ISO text: what exports of other systems have, and what is fastest to read."""
    if len(text) < _ISO_LENGTH or not text[4] == text[7] == "-":
        return None
    try:
        return dt.date.fromisoformat(text) if len(text) == _ISO_LENGTH else dt.datetime.fromisoformat(text)
    except ValueError:
        return None


def _plain(text: str) -> str:
    stripped = text.strip()
    if len(stripped) > _LONGEST:
        return ""
    return stripped if stripped.isascii() else normalize("NFKC", stripped)


def _apart(text: str) -> tuple[str, re.Match[str] | None]:
    """Take the time of day off a date."""
    found = _TIMED.fullmatch(text) if ":" in text else None
    return (found["day"], found) if found else (text, None)


def _timed(day: dt.date, time: re.Match[str]) -> dt.datetime:
    hour = int(time["hour"])
    half = time["half"] or (time["after"] or "").lower()[:1]
    if half in ("上午", "a"):
        hour = 0 if hour == 12 else hour
    elif half in ("下午", "p"):
        hour += 12 if hour < 12 else 0
    second, fraction = int(time["second"] or 0), int((time["fraction"] or "0").ljust(6, "0")[:6])
    offset = _offset(time["offset"]) if time["offset"] else None
    return dt.datetime.combine(day, dt.time(hour, int(time["minute"]), second, fraction, offset))


def _offset(text: str) -> dt.tzinfo:
    if text in "Zz":
        return dt.UTC
    delta = dt.timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return dt.timezone(-delta if text[0] == "-" else delta)


def _year_first(text: str) -> dt.date | None:
    found = _YEAR_FIRST.fullmatch(text)
    if not found:
        return None
    year, month, day = (part for part in found.groups() if part and part not in "-/.")
    return day_of(int(year), int(month), int(day))


def _with_name(text: str) -> dt.date | None:
    for pattern in _NAMED:
        if found := pattern.fullmatch(text):
            return day_of(full_year(found["year"]), month_number(found["name"]), int(found["day"]))
    return None


def _digits(cell: Any) -> str:
    """Return a number such as 20261121 as the text that it was before a spreadsheet took it for a number."""
    if isinstance(cell, int | float) and not isinstance(cell, bool) and cell == cell // 1:
        return str(int(cell))
    raise _unreadable(cell, None, ordered=False)


def _unreadable(cell: Any, declared: DateFormat | None, *, ordered: bool) -> Unreadable:
    found = shown(cell)
    if declared:
        message = _("expected a date such as 2026-11-21, or in the format {format}; found {found}")
        return Unreadable(message.format(format=declared.text, found=found), code="date")
    hint = None
    if ordered:
        hint = _("Say what comes first: `--date-format dd/mm/yyyy`, or `format` of the column in a mapping file.")
    return Unreadable(
        _("expected a date such as 2026-11-21, found {found}").format(found=found), code="date", hint=hint
    )
