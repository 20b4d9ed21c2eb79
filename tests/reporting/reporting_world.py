"""A plugin with reports, and a report made by hand whose every form can be worked out."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from crmcore import hookimpl
from crmcore.reporting import Computed, Failed, Imprint
from crmcore.types import Chart, Column, Fact, Plugin, Ref, Report, ReportType

IMPRINT = Imprint(
    instance="云图贸易", at=dt.datetime(2026, 1, 15, 16, 30, tzinfo=dt.UTC), login="li.wei", currency="CNY"
)
DAYS = {
    "type": "object",
    "properties": {
        "days": {
            "type": "integer",
            "default": 365,
            "title": "Window in days",
            "x-crm": {"titles": {"zh-CN": "统计天数"}},
        },
        "since": {"type": "string", "format": "date"},
    },
}


def both(english: str, chinese: str) -> dict[str, str]:
    return {"en": english, "zh-CN": chinese}


COLUMNS = (
    Column(name="customer", titles=both("Customer", "客户")),
    Column(name="ref", titles=both("Record", "记录"), kind="ref"),
    Column(name="orders", titles=both("Orders", "订单数"), kind="integer"),
    Column(name="revenue", titles=both("Revenue", "销售额"), kind="money"),
    Column(name="share", titles=both("Share", "占比"), kind="share"),
    Column(name="last", titles=both("Last order", "最近下单"), kind="date"),
    Column(name="rhythm", titles=both("Days between", "间隔天数"), kind="number"),
)
ROWS = (
    ("佛山企业电子", Ref("customer", 7), 12, Decimal("1234567.5"), 0.9, dt.date(2026, 1, 9), 30.456),
    ("A|B <script>alert(1)</script>", Ref("customer", 8), 1, Decimal("-12.3456"), 0.1, None, None),
)
FACTS = (
    Fact(name="total", value=Decimal("1234555.1544"), kind="money", titles=both("Total", "合计")),
    Fact(name="count", value=2, titles=both("Customers", "客户总数")),
)
BARS = Chart(
    titles=both("Revenue by customer", "各客户销售额"),
    spec={"mark": "bar", "encoding": {"y": {"field": "customer"}, "x": {"field": "revenue"}}},
)
REPORT = Report(
    titles=both("Best customers", "重点客户"),
    columns=COLUMNS,
    rows=ROWS,
    facts=FACTS,
    charts=[BARS],
    notes=["作废订单不计入 <b>"],
)


def report_type(report: Any = REPORT, name: str = "sales.best", **more: Any) -> ReportType:
    """A report type whose function returns this report, or calls this function."""
    compute = report if callable(report) else lambda tx, parameters: report
    titles = both("Best customers (type)", "重点客户（类型）")
    return ReportType(**{"name": name, "summary": "Best", "titles": titles, "compute": compute, **more})


def plugin(*declared: ReportType, name: str = "sales") -> Plugin:
    module = SimpleNamespace(crm_report_types=hookimpl(lambda settings: declared))
    return Plugin(manifest={"name": name, "version": "1.0", "summary": "A plugin of a test."}, module=module)


def computed(report: Report = REPORT, name: str = "sales.best", **parameters: Any) -> Computed:
    return Computed(declared=report_type(report, name, parameters=DAYS), parameters=parameters, report=report)


def failed(error: Any, name: str = "sales.worst") -> Failed:
    return Failed(declared=report_type(name=name), error=error)
