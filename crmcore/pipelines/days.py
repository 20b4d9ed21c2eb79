"""Days of the instance in SQL: on which day an instant lies, and how many days lie between two."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Date, Integer, Text, case, cast, func, literal, type_coerce

from crmcore.conditions.functions import day_number
from crmcore.store.columns import Instant

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement

    from crmcore.records.session import Session

__all__ = ["day_of", "days_between"]

_EARLIEST = 2020
"""No instant that is asked about is older: they are those at which crmcore wrote something."""
_DAY = dt.timedelta(days=1)


def day_of(session: Session, instant: ColumnElement[Any]) -> ColumnElement[dt.date]:
    """Return the day on which an instant lies in the time zone of the instance."""
    if session.runtime.dialect.name == "postgresql":
        return cast(func.timezone(session.timezone.key, instant), Date)
    # SQLite knows no time zones, so it is told what the clocks did.
    latest, *earlier = _offsets(session.timezone, session.today.year)
    changes = [
        (instant >= literal(since, Instant()), _shifted(instant, offset)) for since, offset in (latest, *earlier)
    ]
    return case(*changes, else_=_shifted(instant, (latest, *earlier)[-1][1]))


def days_between(first: ColumnElement[Any], last: ColumnElement[Any] | dt.date) -> ColumnElement[int]:
    """Return the number of days from one day to another, 0 where the other is earlier."""
    end = literal(last.toordinal(), Integer()) if isinstance(last, dt.date) else _number(last)
    days = end - _number(first)
    return case((days < 0, 0), else_=days)


def _number(day: ColumnElement[Any]) -> ColumnElement[int]:
    return type_coerce(day_number(day), Integer())


def _shifted(instant: ColumnElement[Any], offset: int) -> ColumnElement[dt.date]:
    return func.date(type_coerce(instant, Text), f"{offset:+} seconds", type_=Date())


@lru_cache(maxsize=64)
def _offsets(timezone: ZoneInfo, year: int) -> Sequence[tuple[dt.datetime, int]]:
    """Return the offsets from UTC up to the end of a year, in seconds, each with when it began; the latest first."""
    at = dt.datetime(_EARLIEST, 1, 1, tzinfo=dt.UTC)
    found = [(at, _offset(timezone, at))]
    while at.year <= max(year, _EARLIEST):
        if _offset(timezone, at + _DAY) != found[-1][1]:
            changed = _change(timezone, at, at + _DAY)
            found.append((changed, _offset(timezone, changed)))
        at += _DAY
    return tuple(reversed(found))


def _change(timezone: ZoneInfo, before: dt.datetime, after: dt.datetime) -> dt.datetime:
    """Return the second in which the offset changes between two instants."""
    while after - before > dt.timedelta(seconds=1):
        middle = before + dt.timedelta(seconds=(after - before) // dt.timedelta(seconds=2))
        if _offset(timezone, middle) == _offset(timezone, before):
            before = middle
        else:
            after = middle
    return after


def _offset(timezone: ZoneInfo, at: dt.datetime) -> int:
    offset = at.astimezone(timezone).utcoffset() or dt.timedelta()
    return int(offset.total_seconds())
