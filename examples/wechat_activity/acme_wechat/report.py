"""The report: conversations and messages by month, employee and customer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.types import Chart, Column, Fact, Report
from sqlalchemy import and_, extract, func, select

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from crmcore.types import Transaction

PARAMETERS = {
    "type": "object",
    "properties": {
        "months": {
            "type": "integer",
            "minimum": 1,
            "maximum": 120,
            "default": 6,
            "title": "Number of months, the last one included",
            "x-crm": {"titles": {"zh-CN": "月数（含末月）"}},
        },
        "as_of": {
            "type": "string",
            "format": "date",
            "title": "A day of the last month; by default today",
            "x-crm": {"titles": {"zh-CN": "末月中的一天（默认今天）"}},
        },
    },
}


def conversations(tx: Transaction, parameters: Mapping[str, Any]) -> Report:
    """Count the conversations with customers that the reader may see, and the messages in them."""
    last = parameters.get("as_of") or tx.today
    rows = _rows(tx, _months_before(last.replace(day=1), parameters["months"] - 1), last)
    return Report(
        titles={"en": "Conversations on WeChat", "zh-CN": "微信沟通统计"},
        columns=[
            Column(name="month", titles={"en": "Month", "zh-CN": "月份"}),
            Column(name="employee", titles={"en": "Employee", "zh-CN": "员工"}),
            Column(name="customer", titles={"en": "Customer", "zh-CN": "客户"}),
            Column(name="conversations", titles={"en": "Conversations", "zh-CN": "沟通次数"}, kind="integer"),
            Column(name="messages", titles={"en": "Messages", "zh-CN": "消息数"}, kind="integer"),
        ],
        rows=rows,
        facts=[
            _count("conversations", {"en": "Conversations", "zh-CN": "沟通次数"}, sum(row[3] for row in rows)),
            _count("messages", {"en": "Messages", "zh-CN": "消息数"}, sum(row[4] for row in rows)),
            _count("customers", {"en": "Customers", "zh-CN": "客户数"}, len({row[2] for row in rows})),
        ],
        charts=[CHART] if rows else [],
    )


CHART = Chart(
    titles={"en": "Conversations by month and employee", "zh-CN": "每月沟通次数（按员工）"},
    spec={
        "mark": "bar",
        "encoding": {
            "x": {"field": "month", "type": "ordinal"},
            "y": {"field": "conversations", "type": "quantitative", "aggregate": "sum"},
            "color": {"field": "employee", "type": "nominal"},
        },
    },
)


def _rows(tx: Transaction, first: dt.date, last: dt.date) -> list[tuple[Any, ...]]:
    """Return the rows in the order of the months, the busiest pair of a month first."""
    activity, customer, user = tx.table("activity"), tx.table("customer"), tx.table("user")
    day = activity.c.wechat_day
    year, month = extract("year", day).label("year"), extract("month", day).label("month")
    employee = func.coalesce(user.c.name, user.c.login)
    about = and_(activity.c.subject__entity == "customer", activity.c.subject__id == customer.c.id)
    counted = func.count().label("conversations")
    statement = (
        select(year, month, employee.label("employee"), customer.c.name, counted, func.sum(activity.c.wechat_messages))
        .join_from(activity, customer, about)
        .outerjoin(user, user.c.id == activity.c.done_by)
        .where(activity.c.kind == "wechat", day >= first, day <= last)
        .group_by(year, month, employee, customer.c.id, customer.c.name)
        .order_by(year, month, counted.desc(), employee, customer.c.name)
    )
    return [(f"{int(row[0]):04}-{int(row[1]):02}", *row[2:]) for row in tx.execute(statement)]


def _months_before(day: dt.date, months: int) -> dt.date:
    years, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return day.replace(year=years, month=month + 1)


def _count(name: str, titles: Mapping[str, str], value: int) -> Fact:
    return Fact(name=name, value=value, titles=titles, kind="integer")
