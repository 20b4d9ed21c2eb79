"""Plugin ``churn``: each customer's own buying rhythm, who falls out of it, and why (R14, R16)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import hookimpl
from crmcore.types import Label, ReportType, ScoringRule
from crmcore_churn import at_risk, retention, win_back
from crmcore_churn.reminders import overdue
from crmcore_churn.rhythm import METRICS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore import Session
    from crmcore.types import Metric, Reminder


@hookimpl
def crm_metrics() -> Iterable[Metric]:
    """Declare what is known of a customer's rhythm."""
    return METRICS


@hookimpl
def crm_scoring_rules(settings: Mapping[str, Any]) -> Iterator[ScoringRule]:
    """Declare the rules that write risk, overdue and attention of customers."""
    yield ScoringRule(
        name="churn.risk",
        entity="customer",
        field="churn_risk",
        labels=[
            *(Label(name, settings[name]) for name in ("lost", "at_risk")),
            Label("steady", "order_days >= 3"),
        ],
        titles={"en": "Churn risk", "zh-CN": "流失风险"},
    )
    yield ScoringRule(
        name="churn.overdue",
        entity="customer",
        field="churn_overdue",
        expression="overdue",
        titles={"en": "Overdue", "zh-CN": "逾期倍数"},
    )
    yield ScoringRule(
        name="churn.attention",
        entity="customer",
        field="attention",
        labels=[Label(name, settings[name]) for name in ("problem", "changing", "value")],
        titles={"en": "Attention", "zh-CN": "关注类型"},
    )


@hookimpl
def crm_report_types() -> Iterator[ReportType]:
    """Declare the reports of who may be lost, of retention, and of whom to win back."""
    yield ReportType(
        name="churn.at_risk",
        summary="Customers who may be lost, why, and their usual yearly revenue",
        titles={"en": "Customers at risk", "zh-CN": "流失预警"},
        parameters=at_risk.PARAMETERS,
        compute=at_risk.at_risk_table,
    )
    yield ReportType(
        name="churn.retention",
        summary="Retention rate and churn rate, period by period",
        titles={"en": "Retention and churn", "zh-CN": "客户保持率与流失率"},
        parameters=retention.PARAMETERS,
        compute=retention.retention_table,
    )
    yield ReportType(
        name="churn.win_back",
        summary="Lost customers, and what it may bring to win them back",
        titles={"en": "Win-back list", "zh-CN": "流失客户挽回名单"},
        parameters=win_back.PARAMETERS,
        compute=win_back.win_back_table,
    )


@hookimpl
def crm_reminders(tx: Session, since: dt.date, until: dt.date) -> Iterator[Reminder]:
    """Remind of customers who have not ordered for much longer than they usually do."""
    return overdue(tx, since, until)
