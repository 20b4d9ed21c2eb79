"""The report ``abc.classes``: how many customers a class has, and what they bought."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, select

from crmcore.types import Chart, Column, Report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.types import Transaction

COLUMNS = (
    Column(name="class", titles={"en": "Class", "zh-CN": "等级"}, field="customer.abc_class"),
    Column(name="customers", titles={"en": "Customers", "zh-CN": "客户数"}, kind="integer"),
    Column(name="customer_share", titles={"en": "Share of customers", "zh-CN": "客户占比"}, kind="share"),
    Column(name="revenue", titles={"en": "Revenue", "zh-CN": "销售额"}, kind="money"),
    Column(name="revenue_share", titles={"en": "Share of revenue", "zh-CN": "销售额占比"}, kind="share"),
)
CHART = Chart(
    titles={"en": "Customers and revenue by class", "zh-CN": "各等级客户数与销售额"},
    spec={
        "hconcat": [
            {
                "mark": {"type": "bar"},
                "encoding": {
                    "x": {"field": "class", "type": "nominal", "axis": {"labelAngle": 0}},
                    "y": {"field": measure, "type": "quantitative"},
                    "color": {"field": "class", "type": "nominal", "legend": None},
                },
            }
            for measure in ("customers", "revenue")
        ]
    },
)


def class_table(tx: Transaction, parameters: Mapping[str, Any]) -> Report:
    """Count the customers of each class and add up the orders of their last days, cancelled ones left out.

    Shares are fractions of all customers and of all revenue that the actor may see; a share of nothing is empty.
    """
    customer, order = tx.table("customer"), tx.table("order")
    as_of = parameters.get("as_of") or tx.today
    since = as_of - dt.timedelta(days=parameters["days"])
    counted = and_(
        order.c.customer == customer.c.id,
        order.c.order_date > since,
        order.c.order_date <= as_of,
        func.coalesce(order.c.status, "") != "cancelled",
    )
    by_class = (
        select(
            customer.c.abc_class,
            func.count(customer.c.id.distinct()).label("customers"),
            func.sum(order.c.amount).label("revenue"),
        )
        .select_from(customer.outerjoin(order, counted))
        .group_by(customer.c.abc_class)
        .order_by(case((customer.c.abc_class.is_(None), 1), else_=0), customer.c.abc_class)
    )
    rows = [(row.abc_class, row.customers, row.revenue or Decimal(0)) for row in tx.execute(by_class)]
    customers = sum(count for _class, count, _revenue in rows)
    total = sum(revenue for _class, _count, revenue in rows)
    return Report(
        titles={"en": "Customers by class", "zh-CN": "客户等级分布"},
        columns=COLUMNS,
        rows=[
            (name, count, count / customers, revenue, float(revenue / total) if total else None)
            for name, count, revenue in rows
        ],
        charts=[CHART] if rows else [],
    )
