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


def order_days(tx: Session, as_of: dt.date) -> Subquery:
    """Return a row for each customer and day with orders, up to and including a day.

    Returns:
        Columns ``customer``, ``day`` (its number), ``amount`` (added up, empty where no order has one), ``gap`` (days
        since the order day before, empty for the first), and ``back`` (1 for the latest order day, 2 for the one
        before).
    """
    order = tx.table("order")
    counted = and_(
        order.c.customer.is_not(None), order.c.order_date <= as_of, func.coalesce(order.c.status, "") != "cancelled"
    )
    days = (
        select(order.c.customer, day_number(order.c.order_date).label("day"), func.sum(order.c.amount).label("amount"))
        .where(counted)
        .group_by(order.c.customer, order.c.order_date)
        .subquery()
    )
    mine: dict[str, Any] = {"partition_by": days.c.customer, "order_by": days.c.day}
    back = {**mine, "order_by": days.c.day.desc()}
    return select(
        days.c.customer,
        days.c.day,
        days.c.amount,
        (days.c.day - func.lag(days.c.day).over(**mine)).label("gap"),
        func.row_number().over(**back).label("back"),
    ).subquery()


def rhythm(tx: Session, as_of: dt.date) -> Select[Any]:
    """Return the metrics of all customers who have ordered; see `METRICS`."""
    days = order_days(tx, as_of)
    ranked = select(
        days,
        func.row_number().over(partition_by=days.c.customer, order_by=(days.c.gap.is_(None), days.c.gap)).label("rank"),
        func.count(days.c.gap).over(partition_by=days.c.customer).label("gaps"),
    ).subquery()
    # The middle gap, or the average of the two in the middle.
    in_the_middle = and_(
        ranked.c.gap.is_not(None), ranked.c.rank * 2 >= ranked.c.gaps, ranked.c.rank * 2 <= ranked.c.gaps + 2
    )
    last = func.max(ranked.c.day)
    since = literal(as_of.toordinal(), Integer) - last
    median = func.avg(case((in_the_middle, cast(ranked.c.gap, Float))))
    amount = type_coerce(ranked.c.amount, BigInteger)  # amounts lie in the table as whole numbers
    recent = func.avg(case((ranked.c.back <= RECENT, amount)))
    usual = func.avg(case((ranked.c.back > RECENT, amount)))
    return select(
        ranked.c.customer.label("id"),
        func.count().label("order_days"),
        since.label("days_since_order"),
        cast(median, Float).label("usual_interval"),
        (since / cast(func.nullif(median, 0), Float)).label("overdue"),
        cast(func.round(recent), BigInteger).label("recent_amount"),
        cast(func.round(usual), BigInteger).label("usual_amount"),
        cast(recent / func.nullif(usual, 0), Float).label("amount_trend"),
    ).group_by(ranked.c.customer)


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
