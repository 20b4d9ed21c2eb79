"""Reminders: what somebody should see to within some days, asked of every plugin that knows of any.

Plugins answer :func:`crmcore.hookspecs.crm_reminders`; one that fails is named beside the list.
"""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.errors import PluginError
    from crmcore.records.session import Session
    from crmcore.types import Reminder

__all__ = ["Reminders", "reminders"]

_MOST_DAYS = 3660


@frozen
class Reminders:
    """What is to be seen to, the most urgent first."""

    entries: tuple[Reminder, ...]
    failures: tuple[PluginError, ...] = ()
    """Plugins that could not tell theirs."""


def reminders(session: Session, *, days: int = 7, since: dt.date | None = None, owner: int | None = None) -> Reminders:
    """Return what is due within some days.

    Args:
        session: the transaction; of what its actor may not see nobody is reminded.
        days: how many days are looked at, the first one included.
        since: the first day; today by default. What has been due for longer is due on that day.
        owner: only what this user should see to, and what is nobody's in particular.

    Raises:
        UsageError: `days` is not between 1 and 3,660.
    """
    if not 1 <= days <= _MOST_DAYS:
        raise UsageError(_("days are between 1 and {most}, not {days}").format(most=f"{_MOST_DAYS:,}", days=days))
    first = since or session.today
    last = first + dt.timedelta(days=days - 1)
    answers, failures = session.runtime.registry.ask_isolated("crm_reminders", tx=session, since=first, until=last)
    told = chain.from_iterable(entries for _plugin, entries in answers)
    due = [each for each in told if each.due <= last and (owner is None or each.owner in (None, owner))]
    return Reminders(tuple(sorted(due, key=lambda each: (each.due, each.kind, each.ref))), failures)
