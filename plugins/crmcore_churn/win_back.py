"""The report ``churn.win_back``: lost customers, and what it may bring to win them back rather than prospects (R16).

One in four lost customers is won back, and one in sixteen prospects is won: the priors of R16, which settings replace.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmcore import gettext as _
from crmcore.types import AS_OF, Column, Fact, Ref, Report
from crmcore_churn.at_risk import labelled, last_order
from crmcore_churn.parameters import A_YEAR, CUSTOMER, LIMIT
from crmcore_churn.reasons import a_year, reasons

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore import Session

PARAMETERS = {
    "type": "object",
    "properties": {
        "limit": LIMIT,
        "as_of": AS_OF,
    },
}
COLUMNS = (
    *CUSTOMER,
    A_YEAR,
    Column(name="expected", titles={"en": "Expected from winning back", "zh-CN": "挽回期望值"}, kind="money"),
    Column(name="why", titles={"en": "What happened", "zh-CN": "情况"}),
)


def win_back_table(tx: Session, parameters: Mapping[str, Any]) -> Report:
    """List lost customers; what is expected of one is its value of a year times the share that is won back."""
    settings = tx.settings("churn")
    rate, prospect_rate = (Decimal(str(settings[name])) for name in ("win_back_rate", "prospect_rate"))
    as_of = parameters.get("as_of") or tx.today
    lost = labelled(tx, "lost", as_of)
    prospects = _prospects(tx)
    rows = []
    for row in lost[: parameters["limit"]]:
        yearly = a_year(row)
        expected = None if yearly is None else (yearly * rate).quantize(Decimal("0.01"))
        rows.append((row.name, Ref("customer", row.id), last_order(row, as_of), yearly, expected, reasons(row)))
    facts = [
        _count("lost", len(lost), "Lost customers", "已流失客户"),
        _number("won_back", len(lost) * rate, f"Won back at {rate:.2%}", f"预计挽回（{rate:.2%}）"),
        _count("prospects", prospects, "Prospects without orders", "未成交潜在客户"),
        _number("won", prospects * prospect_rate, f"Won at {prospect_rate:.2%}", f"预计成交（{prospect_rate:.2%}）"),
    ]
    if prospect_rate:
        facts.append(
            _number("ratio", rate / prospect_rate, "A lost customer is worth prospects", "一位流失客户相当于潜客")
        )
    return Report(
        titles={"en": "Win-back list", "zh-CN": "流失客户挽回名单"},
        columns=COLUMNS,
        rows=rows,
        facts=facts,
        notes=[_("The labels are those of the last `crmcore score run`.")],
    )


def _prospects(tx: Session) -> int:
    customer, order = tx.table("customer"), tx.table("order")
    ordered = select(order.c.customer).where(order.c.customer.is_not(None))
    counted = select(func.count()).select_from(customer).where(customer.c.id.not_in(ordered))
    return int(tx.execute(counted).scalar_one())


def _count(name: str, value: int, en: str, zh: str) -> Fact:
    return Fact(name=name, value=value, titles={"en": en, "zh-CN": zh}, kind="integer")


def _number(name: str, value: Decimal, en: str, zh: str) -> Fact:
    return Fact(name=name, value=float(value), titles={"en": en, "zh-CN": zh})
