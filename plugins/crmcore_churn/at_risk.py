"""The report ``churn.at_risk``: who may be lost, why, and their usual yearly revenue."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmcore import gettext as _
from crmcore import metric_values
from crmcore.types import AS_OF, Chart, Column, Fact, Ref, Report
from crmcore_churn.parameters import A_YEAR, CUSTOMER, LIMIT
from crmcore_churn.reasons import NAMES, a_year, reasons

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Row

    from crmcore import Session

PARAMETERS = {
    "type": "object",
    "properties": {
        "risk": {
            "type": "string",
            "enum": ["at_risk", "lost"],
            "default": "at_risk",
            "title": "Label",
            "x-crm": {"titles": {"zh-CN": "标签"}},
        },
        "limit": LIMIT,
        "as_of": AS_OF,
    },
}
TITLES = {
    "at_risk": {"en": "Customers at risk", "zh-CN": "流失预警客户"},
    "lost": {"en": "Lost customers", "zh-CN": "已流失客户"},
}
COLUMNS = (
    *CUSTOMER,
    Column(name="interval", titles={"en": "Usual interval", "zh-CN": "通常间隔（天）"}, kind="number"),
    Column(name="overdue", titles={"en": "Times overdue", "zh-CN": "逾期倍数"}, kind="number"),
    A_YEAR,
    Column(name="why", titles={"en": "Why", "zh-CN": "原因"}),
)
_CHARTED = 15


def at_risk_table(tx: Session, parameters: Mapping[str, Any]) -> Report:
    """List the customers with a label of ``churn.risk``, as of its last run, with their figures of a day."""
    risk, as_of = parameters["risk"], parameters.get("as_of") or tx.today
    rows = labelled(tx, risk, as_of)
    shown = [_row(row, as_of) for row in rows[: parameters["limit"]]]
    count = {"en": "Customers", "zh-CN": "客户数"}
    yearly = {"en": "Usual yearly revenue in all", "zh-CN": "原年均销售额合计"}
    together = sum((a_year(row) or Decimal(0) for row in rows), Decimal(0))
    return Report(
        titles=TITLES[risk],
        columns=COLUMNS,
        rows=shown,
        facts=[
            Fact(name="customers", value=len(rows), titles=count, kind="integer"),
            Fact(name="a_year", value=together, titles=yearly, kind="money"),
        ],
        charts=[_chart()] if any(row[5] for row in shown) else [],
        notes=[_("The labels are those of the last `crmcore score run`.")],
    )


def labelled(tx: Session, risk: str, as_of: dt.date) -> Sequence[Row]:
    """Return the customers with a label and their metrics as of a day, the largest usual revenue first."""
    customer, values = tx.table("customer"), metric_values(tx, "customer", [f"churn.{name}" for name in NAMES], as_of)
    statement = (
        select(customer.c.name, values).join(values, values.c.id == customer.c.id).where(customer.c.churn_risk == risk)
    )
    return sorted(tx.execute(statement), key=lambda row: (-(a_year(row) or 0), row.id))


def last_order(row: Row, as_of: dt.date) -> dt.date | None:
    """Return the day of a customer's last order."""
    return None if row.days_since_order is None else as_of - dt.timedelta(days=row.days_since_order)


def _row(row: Row, as_of: dt.date) -> tuple[Any, ...]:
    ref = Ref("customer", row.id)
    return (row.name, ref, last_order(row, as_of), row.usual_interval, row.overdue, a_year(row), reasons(row))


def _chart() -> Chart:
    return Chart(
        titles={"en": "Usual yearly revenue", "zh-CN": "原年均销售额"},
        spec={
            "transform": [
                {"window": [{"op": "row_number", "as": "place"}]},
                {"filter": f"datum.place <= {_CHARTED}"},
            ],
            "mark": "bar",
            "encoding": {
                "y": {"field": "customer", "type": "nominal", "sort": None, "axis": {"title": None}},
                "x": {"field": "a_year", "type": "quantitative"},
            },
        },
    )
