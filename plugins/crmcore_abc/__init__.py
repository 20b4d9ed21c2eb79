"""Plugin ``abc``: customers in classes A, B and C by conditions from ``crm.toml`` (R8), and a report of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import hookimpl
from crmcore.types import Label, Metric, ReportType, ScoringRule
from crmcore_abc.classes import class_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

NOT_CANCELLED = "status != 'cancelled'"


@hookimpl
def crm_metrics(settings: Mapping[str, Any]) -> Iterator[Metric]:
    """Declare revenue and number of orders for each window, and of all time, and the day of the last order."""
    orders: dict[str, Any] = {"entity": "customer", "relation": "orders", "date_field": "order_date"}
    for ending, days in [("total", None), *((f"{days}d", days) for days in settings["windows"])]:
        window = {**orders, "days": days, "where": NOT_CANCELLED}
        yield Metric(name=f"abc.revenue_{ending}", aggregate="sum", field="amount", **window)
        yield Metric(name=f"abc.orders_{ending}", aggregate="count", **window)
    yield Metric(name="abc.last_order_date", aggregate="max", field="order_date", where=NOT_CANCELLED, **orders)


@hookimpl
def crm_scoring_rules(settings: Mapping[str, Any]) -> Iterable[ScoringRule]:
    """Declare the rule that writes ``customer.abc_class``."""
    labels = [Label(name, settings[name]) for name in ("A", "B")]
    titles = {"en": "Customer class", "zh-CN": "客户等级"}
    yield ScoringRule(
        name="abc.class", entity="customer", field="abc_class", labels=labels, otherwise="C", titles=titles
    )


@hookimpl
def crm_report_types() -> Iterable[ReportType]:
    """Declare the report of the classes."""
    yield ReportType(
        name="abc.classes",
        summary="Customers and revenue by class",
        titles={"en": "Customers by class", "zh-CN": "客户等级分布"},
        parameters={
            "type": "object",
            "properties": {
                "days": {"type": "integer", "minimum": 1, "maximum": 36500, "default": 365, "title": "Window in days"}
            },
        },
        compute=class_table,
    )
