"""Reminders: what somebody should see to within some days: planned activities, and what plugins know of.

Plugins answer :func:`crmcore.hookspecs.crm_reminders`; one that fails is named beside the list.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from sqlalchemy import exists, or_, select

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.types import Ref, Reminder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import RowMapping

    from crmcore.errors import PluginError
    from crmcore.records.session import Session

__all__ = ["Reminders", "reminders"]

_MOST_DAYS = 3660
_ACTIVITY = "activity"
_NEEDED = ("subject__entity", "subject__id", "kind", "happened_at", "due_date", "follow_up_date", "summary")
"""Columns without which nobody can be reminded of an activity."""


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
    last = first + min(dt.timedelta(days=days - 1), dt.date.max - first)
    told, failures = session.ask_isolated("crm_reminders", since=first, until=last)
    due = [
        evolve(each, due=max(each.due, first))
        for each in [*_activities(session, first, last), *told]
        if each.due <= last and (owner is None or each.owner in (None, owner))
    ]
    return Reminders(tuple(sorted(due, key=lambda each: (each.due, each.kind, each.ref))), failures)


def _activities(session: Session, since: dt.date, until: dt.date) -> Iterator[Reminder]:
    """Yield activities that are planned, and those to follow up after which nothing has happened yet."""
    activity = session.table(_ACTIVITY)
    if any(name not in activity.c for name in _NEEDED):
        return
    later = session.table(_ACTIVITY).alias()
    followed = exists().where(
        later.c.subject__entity == activity.c.subject__entity,
        later.c.subject__id == activity.c.subject__id,
        later.c.happened_at > activity.c.happened_at,
    )
    planned = activity.c.happened_at.is_(None) & (activity.c.due_date <= until)
    to_follow = activity.c.happened_at.is_not(None) & (activity.c.follow_up_date <= until) & ~followed
    for row in session.execute(select(activity).where(or_(planned, to_follow))).mappings():
        yield _reminder(session, row, since)


def _reminder(session: Session, row: RowMapping, since: dt.date) -> Reminder:
    titles: dict[str, Any] = dict(session.runtime.entity(_ACTIVITY).fields["kind"].enum_titles)
    kind = title_in(titles.get(row["kind"], {}), row["kind"])
    planned = row["happened_at"] is None
    due = row["due_date"] if planned else row["follow_up_date"]
    title = _("{kind}: {summary}") if planned else _("follow up {kind}: {summary}")
    late = _("was due on {day}").format(day=due.isoformat()) if due < since else ""
    return Reminder(
        kind="activity.planned" if planned else "activity.follow_up",
        due=max(due, since),
        ref=Ref(row["subject__entity"], row["subject__id"]),
        title=title.format(kind=kind, summary=row["summary"] or Ref(_ACTIVITY, row["id"])),
        reason=late,
        owner=row.get("owner"),
    )
