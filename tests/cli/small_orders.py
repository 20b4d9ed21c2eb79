"""Orders for tests of commands: a few customers buy most, many buy little, some have stopped.

The amounts are the same on every day; the dates move with the day, so that a report of the last year is the same too.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from random import Random
from typing import TYPE_CHECKING

from attrs import frozen
from small_companies import companies

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["orders_csv"]

HEADER = ("Order No", "Customer", "Order Date", "Amount", "Status")
_SEED = 20_261_113
_YEARS = 2
_DAYS = 365 * _YEARS
_OPEN_DAYS = 14
"""Days after which an order is completed."""
_CANCELLED = 0.04


@frozen
class _Habit:
    """How a group of customers buys."""

    orders_per_year: int
    least: int
    most: int
    """Amounts of an order, in the currency of the instance."""
    stopped_days_ago: int = 0


_HABITS = (
    *[_Habit(14, 9_000, 42_000)] * 4,
    *[_Habit(5, 4_000, 16_000)] * 9,
    *[_Habit(2, 800, 6_000)] * 14,
    *[_Habit(8, 6_000, 20_000, stopped_days_ago=400)] * 4,
    *[_Habit(0, 0, 0)] * 4,
)
"""One for each customer, dealt out by chance."""


def orders_csv(today: dt.date) -> str:
    """Return a file of orders, its header in English and its customers by name."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(HEADER)
    # Numbered in the order of their dates, as a shop numbers them.
    rows = sorted(_rows(today), key=lambda row: (row[1], row[0]))
    writer.writerows((f"SO{number:05}", *row) for number, row in enumerate(rows, start=1))
    return written.getvalue()


def _rows(today: dt.date) -> Iterator[tuple[str, str, str, str]]:
    random = Random(_SEED)  # invented figures, no secret
    habits = list(_HABITS)
    random.shuffle(habits)
    for customer, habit in zip(companies(), habits, strict=True):
        for _order in range(habit.orders_per_year * _YEARS):
            days_ago = random.randrange(habit.stopped_days_ago, _DAYS)
            amount = random.randrange(habit.least, habit.most, 10)
            status = (
                "cancelled" if random.random() < _CANCELLED else "completed" if days_ago > _OPEN_DAYS else "confirmed"
            )
            yield customer.name, (today - dt.timedelta(days=days_ago)).isoformat(), f"{amount}.00", status
