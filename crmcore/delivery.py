"""Delivery of committed events to plugins: at least once, after the commit, isolated from one another.

The outbox itself, with its leases and waiting times, is :mod:`crmcore.store.outbox`.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.store import outbox
from crmcore.store.engine import writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.app import CRM
    from crmcore.store.outbox import Claimed

__all__ = ["Delivery", "deliver"]

_log = logging.getLogger("crmcore.delivery")

_EVENTS_PER_CALL = 500
_MOST_CALLS = 1000
"""A plugin whose handler causes the next event would otherwise keep a delivery going for ever."""


@frozen
class Delivery:
    """What one delivery did."""

    delivered: int = 0
    failed: int = 0
    """Events whose plugin failed; they are tried again after a pause."""


def deliver(crm: CRM) -> Delivery:
    """Give plugins the committed events that are due, and return how many.

    A failing plugin is logged, its events stay in the outbox, and the others get theirs.
    """
    delivered = failed = 0
    plugins = crm.registry.listeners("crm_committed")
    if not plugins:
        return Delivery()  # without taking a lock
    for _call in range(_MOST_CALLS):
        with writing(crm.engine) as connection:
            claimed = outbox.claim(
                connection, crm.runtime.tables, plugins=plugins, now=crm.now(), limit=_EVENTS_PER_CALL
            )
        if not claimed:
            break
        together: dict[tuple[str, str], list[Claimed]] = defaultdict(list)
        for one in claimed:
            together[one.plugin, one.event.entity].append(one)
        for (plugin, _entity), events in together.items():
            if not _hand_over(crm, plugin, events):
                delivered += len(events)
            else:
                # One that cannot be handled must not hold up the others: each for itself.
                alone = [_hand_over(crm, plugin, [one]) for one in events] if len(events) > 1 else [True]
                failed += sum(alone)
                delivered += len(alone) - sum(alone)
    if delivered or failed:
        _log.info("%d events delivered, %d failed", delivered, failed)
    return Delivery(delivered, failed)


def _hand_over(crm: CRM, plugin: str, claimed: Sequence[Claimed]) -> bool:
    """Give events to a plugin, note the outcome, and return whether it failed; several that failed stay claimed."""
    events = [one.event for one in claimed]
    failures = crm.registry.call_isolated("crm_committed", plugin, crm=crm, events=events)
    with writing(crm.engine) as connection:
        if not failures:
            outbox.done(connection, crm.runtime.tables, [event.id for event in events])
        elif len(claimed) == 1:
            outbox.failed(connection, crm.runtime.tables, claimed, error=failures[0].message, now=crm.now())
    return bool(failures)
