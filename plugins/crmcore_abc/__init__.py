"""Plugin ``abc``: customers in classes by conditions, by expected purchase, by rank and by share of the value.

R8 (classes by conditions), R9 (purchase grade), R11 (pyramid), R12 (Pareto); reports of the classes and of the curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import hookimpl
from crmcore.types import AS_OF, Metric, ReportType
from crmcore_abc.classes import class_table
from crmcore_abc.pareto import pareto_table
from crmcore_abc.rules import rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.types import ScoringRule

NOT_CANCELLED = "status != 'cancelled'"
DAYS = {
    "type": "integer",
    "minimum": 1,
    "maximum": 36500,
    "title": "Window in days",
    "x-crm": {"titles": {"zh-CN": "统计天数"}},
}


@hookimpl
def crm_metrics(settings: Mapping[str, Any]) -> Iterator[Metric]:
    """Declare revenue, profit and number of orders for each window, and of all time, and the day of the last order."""
    orders: dict[str, Any] = {"entity": "customer", "relation": "orders", "date_field": "order_date"}
    for ending, days in [("total", None), *((f"{days}d", days) for days in settings["windows"])]:
        window = {**orders, "days": days, "where": NOT_CANCELLED}
        yield Metric(name=f"abc.revenue_{ending}", aggregate="sum", field="amount", **window)
        yield Metric(name=f"abc.profit_{ending}", aggregate="sum", field="profit", **window)
        yield Metric(name=f"abc.orders_{ending}", aggregate="count", **window)
    yield Metric(name="abc.last_order_date", aggregate="max", field="order_date", where=NOT_CANCELLED, **orders)


@hookimpl
def crm_scoring_rules(settings: Mapping[str, Any]) -> Iterable[ScoringRule]:
    """Declare the rules that write the four fields of a customer."""
    return rules(settings)


@hookimpl
def crm_report_types() -> Iterable[ReportType]:
    """Declare the reports of the classes and of the Pareto curve."""
    yield ReportType(
        name="abc.classes",
        summary="Customers and revenue by class",
        titles={"en": "Customers by class", "zh-CN": "客户等级分布"},
        parameters={"type": "object", "properties": {"days": {**DAYS, "default": 365}, "as_of": AS_OF}},
        compute=class_table,
    )
    yield ReportType(
        name="abc.pareto",
        summary="Which share of the customers brings which share of the revenue or profit",
        titles={"en": "Pareto curve", "zh-CN": "二八曲线"},
        parameters={
            "type": "object",
            "properties": {
                "by": {
                    "type": "string",
                    "enum": ["revenue", "profit"],
                    "default": "revenue",
                    "title": "Value",
                    "x-crm": {"titles": {"zh-CN": "统计指标"}},
                },
                "days": {
                    **DAYS,
                    "title": "Window in days; by default all orders",
                    "x-crm": {"titles": {"zh-CN": "统计天数（默认全部订单）"}},
                },
                "as_of": AS_OF,
                "share": {
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": 1,
                    "default": 0.8,
                    "title": "Share of the value of which the customers are counted",
                    "x-crm": {"titles": {"zh-CN": "统计客户数所对应的累计占比"}},
                },
            },
        },
        compute=pareto_table,
    )
