"""Parameters and columns that the reports of churn share."""

from __future__ import annotations

from crmcore.types import Column

LIMIT = {
    "type": "integer",
    "minimum": 1,
    "maximum": 10000,
    "default": 50,
    "title": "Customers in the table",
    "x-crm": {"titles": {"zh-CN": "表中客户数"}},
}
CUSTOMER = (
    Column(name="customer", titles={"en": "Customer", "zh-CN": "客户"}),
    Column(name="ref", titles={"en": "Record", "zh-CN": "记录"}, kind="ref"),
    Column(name="last_order", titles={"en": "Last order", "zh-CN": "最近下单"}, kind="date"),
)
"""Who it is, and when it last ordered."""
A_YEAR = Column(name="a_year", titles={"en": "Usual yearly revenue", "zh-CN": "原年均销售额"}, kind="money")
