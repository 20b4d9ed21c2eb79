"""What a customer's rhythm says, in words: why it is at risk, and its usual yearly revenue."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from crmcore import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Row

NAMES = (
    "order_days",
    "days_since_order",
    "usual_interval",
    "overdue",
    "recent_amount",
    "usual_amount",
    "amount_trend",
)
"""The metrics that reasons are made of."""
_LATE, _LESS = 1.5, 0.7
"""From where on a pause, or smaller amounts, are worth a sentence."""
_DAYS_A_YEAR = 365


def reasons(row: Row) -> str:
    """Return why a customer is where it is, from its metrics."""
    return "; ".join(_reasons(row)) or _("in its usual rhythm")


def days(interval: float) -> str:
    """Return a number of days, with its half where it has one."""
    return f"{interval:,.1f}".removesuffix(".0")


def _reasons(row: Row) -> Iterator[str]:
    if row.overdue is None:
        if row.days_since_order is not None:
            yield _("no order for {days} days").format(days=f"{row.days_since_order:,}")
    elif row.overdue >= _LATE:
        text = _("no order for {days} days, usually one every {interval}")
        yield text.format(days=f"{row.days_since_order:,}", interval=days(row.usual_interval))
    if row.amount_trend is not None and row.amount_trend <= _LESS:
        text = _("amounts down to {share}: {recent} lately, {usual} before")
        yield text.format(
            share=f"{row.amount_trend:.0%}", recent=f"{row.recent_amount:,.0f}", usual=f"{row.usual_amount:,.0f}"
        )


def a_year(row: Row) -> Decimal | None:
    """Return a customer's usual yearly revenue: its usual amount at its usual interval; None without a rhythm."""
    amount = row.usual_amount if row.usual_amount is not None else row.recent_amount
    if amount is None or not row.usual_interval:
        return None
    return (amount * _DAYS_A_YEAR / Decimal(str(row.usual_interval))).quantize(Decimal("0.01"))
