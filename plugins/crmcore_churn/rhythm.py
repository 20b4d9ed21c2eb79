"""The buying rhythm of customers as metrics: how often each one orders, how long ago it was, and how much it was.

The rhythm of a customer is the median of the days between the days on which it ordered: a median, because one long
pause or two orders in a week must not change it. Several orders on one day are one. Cancelled orders do not count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Float, Integer, and_, case, cast, func, literal, select, type_coerce

from crmcore import day_number
from crmcore.types import Metric, MetricQuery

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import Select, Subquery

    from crmcore import Session

RECENT = 3
"""Order days whose average amount is held against the average of those before."""


def rhythm(tx: Session, as_of: dt.date) -> Select[Any]:
    """Return the metrics of all customers who have ordered; see `METRICS`."""
    steps = _steps(tx, as_of)
    # Empty gaps, of the first days, come first: an even number of gaps is cut in the middle, and of an odd one the
    # middle gap is the first of the second half.
    second_half = func.ntile(2).over(partition_by=steps.c.customer, order_by=steps.c.gap.nulls_first()) == 2
    cut = select(steps, second_half.label("late")).subquery()
    above, below = func.min(case((cut.c.late, cut.c.gap))), func.max(case((~cut.c.late, cut.c.gap)))
    median = cast(case((func.count(cut.c.gap) % 2 == 1, above + above), else_=above + below), Float) / 2
    since = literal(as_of.toordinal(), Integer) - func.max(cut.c.day)
    amount = type_coerce(cut.c.amount, BigInteger)  # amounts lie in the table as whole numbers
    recent, usual = func.avg(case((cut.c.recent, amount))), func.avg(case((~cut.c.recent, amount)))
    return select(
        cut.c.customer.label("id"),
        func.count().label("order_days"),
        since.label("days_since_order"),
        median.label("usual_interval"),
        (since / cast(func.nullif(median, 0), Float)).label("overdue"),
        cast(func.round(recent), BigInteger).label("recent_amount"),
        cast(func.round(usual), BigInteger).label("usual_amount"),
        cast(recent / func.nullif(usual, 0), Float).label("amount_trend"),
    ).group_by(cut.c.customer)


def _steps(tx: Session, as_of: dt.date) -> Subquery:
    """Return a row for each customer and day with orders, up to and including a day.

    Returns:
        Columns ``customer``, ``day`` (its number), ``amount`` (added up, empty where no order has one), ``gap`` (days
        since the order day before, empty for the first), and ``recent`` (whether it is one of the latest).
    """
    order = tx.table("order")
    counted = and_(
        order.c.customer.is_not(None), order.c.order_date <= as_of, func.coalesce(order.c.status, "") != "cancelled"
    )
    day = day_number(order.c.order_date).label("day")
    days = (
        select(order.c.customer, order.c.order_date, day, func.sum(order.c.amount).label("amount"))
        .where(counted)
        .group_by(order.c.customer, order.c.order_date)
        .subquery()
    )
    # One order of rows for both, the one that they have been grouped in: they are sorted once.
    mine: dict[str, Any] = {"partition_by": days.c.customer, "order_by": days.c.order_date}
    gap = days.c.day - func.lag(days.c.day).over(**mine)
    recent = func.lead(days.c.day, RECENT).over(**mine).is_(None)
    return select(days, gap.label("gap"), recent.label("recent")).subquery()


_QUERY = MetricQuery(rhythm)

METRICS = tuple(
    Metric(name=f"churn.{name}", entity="customer", query=_QUERY, kind=kind, titles={"en": en, "zh-CN": zh})
    for name, kind, en, zh in (
        ("order_days", "integer", "Days with orders", "下单天数"),
        ("days_since_order", "integer", "Days since the last order", "距上次下单天数"),
        ("usual_interval", "number", "Usual interval in days", "通常间隔天数"),
        ("overdue", "number", "Times the usual interval", "逾期倍数"),
        ("recent_amount", "money", "Average of the last three order days", "最近三次平均金额"),
        ("usual_amount", "money", "Average of the order days before", "此前平均金额"),
        ("amount_trend", "number", "Recent amounts against those before", "金额变化"),
    )
)
