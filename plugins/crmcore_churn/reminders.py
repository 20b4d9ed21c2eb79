"""Reminders of customers who have not ordered for much longer than they usually do."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING

from sqlalchemy import null, or_, select

from crmcore import gettext as _
from crmcore import metric_values
from crmcore.types import Ref, Reminder
from crmcore_churn.reasons import NAMES, days, reasons

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Row

    from crmcore import Session

_FEWEST = 3
"""Order days from which on a customer has a rhythm."""


def overdue(tx: Session, since: dt.date, until: dt.date) -> Iterator[Reminder]:
    """Yield a reminder for each customer on the day when its usual interval has passed too often.

    How often is the setting ``remind_overdue``. Customers labelled lost are left to the win-back list. Name, owner and
    label are left out where the actor may not read them.
    """
    factor = tx.settings("churn")["remind_overdue"]
    customer, values = tx.table("customer"), metric_values(tx, "customer", [f"churn.{name}" for name in NAMES])
    ahead = (until - tx.today).days
    name, owner, risk = (customer.c.get(field, null()) for field in ("name", "owner", "churn_risk"))
    statement = (
        select(name.label("name"), owner.label("owner"), values)
        .join_from(customer, values, values.c.id == customer.c.id)
        .where(
            values.c.order_days >= _FEWEST,
            values.c.days_since_order + ahead >= factor * values.c.usual_interval,
            or_(risk.is_(None), risk != "lost"),
        )
    )
    for row in tx.execute(statement):
        ref = Ref("customer", row.id)
        last = tx.today - dt.timedelta(days=row.days_since_order)
        due = last + dt.timedelta(days=math.ceil(factor * row.usual_interval))
        yield Reminder(
            kind="churn.overdue",
            due=max(due, since),
            ref=ref,
            title=_title(row.name or str(ref), late=due <= tx.today),
            reason=reasons(row) if due <= tx.today else _rhythm(row, last),
            owner=row.owner,
        )


def _title(customer: str, *, late: bool) -> str:
    text = _("Call {customer}: an order is overdue") if late else _("Call {customer} unless it has ordered by then")
    return text.format(customer=customer)


def _rhythm(row: Row, last: dt.date) -> str:
    text = _("usually an order every {interval} days, the last on {day}")
    return text.format(interval=days(row.usual_interval), day=last.isoformat())
