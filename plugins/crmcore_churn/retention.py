"""The report ``churn.retention``: how many of the customers of one period order in the next (R16).

Retention rate = customers who ordered in both periods / customers who ordered in the earlier one; churn rate is the
rest, so that the two add up to 100 %. There are no contracts that end, so an order is what tells that a customer stays.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, literal, select

from crmcore import day_number
from crmcore.types import AS_OF, Chart, Column, Fact, Report

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore import Session

PARAMETERS = {
    "type": "object",
    "properties": {
        "days": {
            "type": "integer",
            "minimum": 1,
            "maximum": 3660,
            "default": 365,
            "title": "Days of a period",
            "x-crm": {"titles": {"zh-CN": "每期天数"}},
        },
        "periods": {
            "type": "integer",
            "minimum": 1,
            "maximum": 120,
            "default": 4,
            "title": "Periods",
            "x-crm": {"titles": {"zh-CN": "期数"}},
        },
        "as_of": AS_OF,
    },
}
COLUMNS = (
    Column(name="from", titles={"en": "From", "zh-CN": "开始"}, kind="date"),
    Column(name="to", titles={"en": "To", "zh-CN": "结束"}, kind="date"),
    Column(name="before", titles={"en": "Customers before", "zh-CN": "期初客户"}, kind="integer"),
    Column(name="kept", titles={"en": "Kept", "zh-CN": "保持"}, kind="integer"),
    Column(name="lost", titles={"en": "Lost", "zh-CN": "流失"}, kind="integer"),
    Column(name="retention", titles={"en": "Retention rate", "zh-CN": "保持率"}, kind="share"),
    Column(name="churn", titles={"en": "Churn rate", "zh-CN": "流失率"}, kind="share"),
    Column(name="won_back", titles={"en": "Won back", "zh-CN": "挽回"}, kind="integer"),
    Column(name="new", titles={"en": "New", "zh-CN": "新增"}, kind="integer"),
)
CHART = Chart(
    titles={"en": "Retention rate", "zh-CN": "客户保持率"},
    spec={
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": {"field": "to", "type": "ordinal"},
            "y": {"field": "retention", "type": "quantitative", "axis": {"format": "%"}, "scale": {"domain": [0, 1]}},
        },
    },
)


def retention_table(tx: Session, parameters: Mapping[str, Any]) -> Report:
    """Count, for periods that end on a day and before, the customers who were kept, lost, won back, and new."""
    days, periods, as_of = parameters["days"], parameters["periods"], parameters.get("as_of") or tx.today
    counted = _counted(tx, days, as_of)
    rows = [_row(as_of, days, number, counted) for number in reversed(range(periods))]
    latest = rows[-1]
    facts = [
        Fact(name=column.name, value=latest[at], titles=column.titles, kind="share")
        for at, column in enumerate(COLUMNS)
        if column.kind == "share" and latest[at] is not None
    ]
    return Report(
        titles={"en": "Retention and churn", "zh-CN": "客户保持率与流失率"},
        columns=COLUMNS,
        rows=rows,
        facts=facts,
        charts=[CHART] if sum(row[5] is not None for row in rows) > 1 else [],
    )


def _counted(tx: Session, days: int, as_of: dt.date) -> Mapping[int, tuple[int, int, int]]:
    """Return for each period, 0 the latest, how many customers ordered, ordered before too, and never before."""
    order, customer = tx.table("order"), tx.table("customer")
    period = ((literal(as_of.toordinal()) - day_number(order.c.order_date)) // days).label("period")
    ordered = (
        select(order.c.customer, period)
        .join(customer, customer.c.id == order.c.customer)
        .where(order.c.order_date <= as_of, func.coalesce(order.c.status, "") != "cancelled")
        .distinct()
        .subquery()
    )
    earlier = func.lag(ordered.c.period).over(partition_by=ordered.c.customer, order_by=ordered.c.period.desc())
    seen = select(ordered.c.period, earlier.label("earlier")).subquery()
    kept, new = case((seen.c.earlier == seen.c.period + 1, 1)), case((seen.c.earlier.is_(None), 1))
    statement = select(seen.c.period, func.count(), func.count(kept), func.count(new)).group_by(seen.c.period)
    return {number: (active, stayed, fresh) for number, active, stayed, fresh in tx.execute(statement)}


def _row(as_of: dt.date, days: int, number: int, counted: Mapping[int, tuple[int, int, int]]) -> Sequence[Any]:
    until = as_of - dt.timedelta(days=days * number)
    since = until - dt.timedelta(days=days - 1)
    active, kept, new = counted.get(number, (0, 0, 0))
    before = counted.get(number + 1, (0, 0, 0))[0]
    retention = kept / before if before else None
    churn = (before - kept) / before if before else None
    return (since, until, before, kept, before - kept, retention, churn, active - kept - new, new)
