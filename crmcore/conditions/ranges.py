"""A comparison with a constant as bounds that a column of the database can be compared with exactly.

``amount > 0.00005`` becomes a bound in whole ten-thousandths, ``created_at = '2026-01-31'`` two instants, and a number
that no column can hold becomes "always" or "never" before a driver could refuse it.
"""

from __future__ import annotations

import datetime as dt
import math
import sys
from decimal import Context, Decimal
from typing import Any

__all__ = [
    "ALWAYS",
    "FIRST_INSTANT",
    "FLIPPED",
    "LAST_INSTANT",
    "MONEY_SCALE",
    "MONEY_UNITS",
    "NEVER",
    "Bounds",
    "day_bounds",
    "days",
    "integers",
    "money_units",
    "prefix_bounds",
    "utc",
]

Bounds = tuple[tuple[str, Any], ...] | None
"""Comparisons all of which must hold; `ALWAYS` for every value that is not empty, `NEVER` for none."""
ALWAYS: Bounds = ()
NEVER: Bounds = None

FLIPPED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""The operator that means the same with its sides exchanged."""

MONEY_SCALE = 4
"""Amounts are stored in units of 10 to the minus 4."""
MONEY_UNITS = 10.0**MONEY_SCALE

_SHIFTING = Context(prec=100)
"""Own context: the application may have set another precision for the thread."""
_LEAST, _MOST = -(2**63), 2**63 - 1
FIRST_INSTANT = dt.datetime.min.replace(tzinfo=dt.UTC)
LAST_INSTANT = dt.datetime.max.replace(tzinfo=dt.UTC)


def integers(op: str, value: Decimal, scale: int = 0) -> Bounds:
    """Return the bounds for a column of 64-bit integers in units of ten to the minus `scale`."""
    scaled = value.scaleb(scale, _SHIFTING)
    below = math.floor(scaled)
    if scaled != below:
        if op == "=":
            return NEVER
        op = {"<": "<=", ">=": ">"}.get(op, op)
    return _within(op, below, _LEAST, _MOST)


def money_units(amount: Decimal) -> Decimal:
    """Return an amount in the units in which it is stored."""
    return amount.scaleb(MONEY_SCALE, _SHIFTING)


def days(op: str, number: int) -> Bounds:
    """Return the bounds for a column of dates, from the number of a day that need not be in the calendar."""
    bounds = _within(op, number, 1, dt.date.max.toordinal())
    return bounds and tuple((each, dt.date.fromordinal(day)) for each, day in bounds)


def day_bounds(op: str, number: int, zone: dt.tzinfo) -> Bounds:
    """Return the bounds for instants, from the number of a day in a time zone."""
    start, end = _start(number, zone), _start(number + 1, zone)
    return {
        "=": ((">=", start), ("<", end)),
        "<": (("<", start),),
        "<=": (("<", end),),
        ">": ((">=", end),),
        ">=": ((">=", start),),
    }[op]


def utc(moment: dt.datetime, zone: dt.tzinfo) -> dt.datetime:
    """Return an instant in UTC, at the ends of the calendar the first or the last; local time is that of a zone."""
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    try:
        return aware.astimezone(dt.UTC)
    except OverflowError:
        return FIRST_INSTANT if moment.year == dt.MINYEAR else LAST_INSTANT


def _start(number: int, zone: dt.tzinfo) -> dt.datetime:
    if number < 1:
        return FIRST_INSTANT
    if number > dt.date.max.toordinal():
        return LAST_INSTANT
    return utc(dt.datetime.combine(dt.date.fromordinal(number), dt.time()), zone)


def _within(op: str, value: int, least: int, most: int) -> Bounds:
    """Return the bound where a column can hold the value, else what a value outside means."""
    if least <= value <= most:
        return ((op, value),)
    always = op in ("<", "<=") if value > most else op in (">", ">=")
    return ALWAYS if always else NEVER


def prefix_bounds(prefix: str) -> Bounds:
    """Return the bounds, in code point order, of the texts that start with a text."""
    bounds = ((">=", prefix),)
    for length in range(len(prefix), 0, -1):
        last = ord(prefix[length - 1]) + 1
        if last <= sys.maxunicode:
            # Halves of surrogate pairs are no characters of their own.
            following = chr(0xE000 if last == 0xD800 else last)
            return (*bounds, ("<", prefix[: length - 1] + following))
    return bounds
