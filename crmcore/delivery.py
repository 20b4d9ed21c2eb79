"""Delivery of committed events to plugins: at least once, after the commit, isolated from one another.

The outbox itself, with its leases and waiting times, is :mod:`crmcore.store.outbox`.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.store import outbox
from crmcore.store.engine import writing

if TYPE_CHECKING:
    from crmcore.app import CRM

__all__ = ["Delivery", "deliver"]

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
    for _call in range(_MOST_CALLS):
        with writing(crm.engine) as connection:
            claimed = outbox.claim(
                connection,
                crm.runtime.tables,
                plugins=crm.registry.listeners("crm_committed"),
                now=crm.now(),
                limit=_EVENTS_PER_CALL,
            )
        if not claimed:
            break
        by_plugin = sorted(claimed, key=lambda one: one.plugin)
        for plugin, some in groupby(by_plugin, key=lambda one: one.plugin):
            events = list(some)
            failures = crm.registry.call_isolated(
                "crm_committed", plugin, crm=crm, events=[one.event for one in events]
            )
            with writing(crm.engine) as connection:
                if failures:
                    error = failures[0].message
                    outbox.failed(connection, crm.runtime.tables, events, error=error, now=crm.now())
                    failed += len(events)
                else:
                    outbox.done(connection, crm.runtime.tables, [one.event.id for one in events])
                    delivered += len(events)
    return Delivery(delivered, failed)
