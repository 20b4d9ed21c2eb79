"""Hooks that answer a question when it is asked."""

# mypy: disable-error-code="empty-body"
# Specifications have no body: pluggy reads their names and arguments.

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.hookspecs.markers import hookspec

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from crmcore.types import AccessRule, Action, Actor, Reminder, TimelineEntry, Transaction

__all__ = [
    "crm_access_rules",
    "crm_reminders",
    "crm_timeline",
]


@hookspec
def crm_access_rules(actor: Actor, action: Action, entity: str) -> Iterable[AccessRule]:
    """Allow or forbid an actor rows of an entity, beside the roles in ``crm.toml``.

    Called when an actor's rights on an entity in ``listens`` are worked out. The conditions may not use metrics.

    Args:
        actor: who acts; never the system, which no rule restricts.
        action: ``create``, ``read``, ``update`` or ``delete``.
        entity: name of the entity.

    Returns:
        Rules. A row is admitted where a rule or role allows it and no rule forbids it.

    Raises:
        Exception: access is denied: nothing is read or written.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import AccessRule
        >>> @hookimpl
        ... def crm_access_rules(actor, action, entity):
        ...     if action == "delete":
        ...         yield AccessRule(where="locked = true", effect="forbid", reason="locked by accounting")
        >>> [rule.effect for rule in crm_access_rules(actor=None, action="delete", entity="order")]
        ['forbid']
    """


@hookspec
def crm_timeline(tx: Transaction, entity: str, ids: Sequence[int]) -> Iterable[TimelineEntry]:
    """Tell what happened to records, for the timeline that ``crmcore show customer:42 --timeline`` prints.

    Isolated: a failure is named beside the timeline, and the others tell theirs.

    Args:
        tx: the transaction; what its actor may not see is not told.
        entity: of the records.
        ids: of the records.

    Returns:
        Entries in any order.

    Raises:
        Exception: reported with the plugin's name.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Ref, TimelineEntry
        >>> @hookimpl
        ... def crm_timeline(tx, entity, ids):
        ...     if entity == "customer":
        ...         for id in ids:
        ...             yield TimelineEntry(about=Ref(entity, id), at=tx.today, kind="rain", title="It rained")
        >>> list(crm_timeline(tx=None, entity="order", ids=[1]))
        []
    """


@hookspec
def crm_reminders(tx: Transaction, since: dt.date, until: dt.date) -> Iterable[Reminder]:
    """Tell what somebody should see to within some days, for ``crmcore remind``.

    Isolated: a failure is named beside the list, and the others remind all the same.

    Args:
        tx: the transaction; of what its actor may not see they are not reminded.
        since: the first day.
        until: the last day.

    Returns:
        Reminders that are due from `since` to `until`; what has been due for longer is due on `since`.

    Raises:
        Exception: reported with the plugin's name.

    Example:
        >>> import datetime as dt
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Ref, Reminder
        >>> @hookimpl
        ... def crm_reminders(tx, since, until):
        ...     yield Reminder(kind="tea.make", due=since, ref=Ref("user", 1), title="Make tea")
        >>> today = dt.date(2026, 11, 21)
        >>> [reminder.title for reminder in crm_reminders(tx=None, since=today, until=today)]
        ['Make tea']
    """
