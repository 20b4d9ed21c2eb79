"""Hooks around the life of a CRM and its database, and after a commit."""

# mypy: disable-error-code="empty-body"
# Specifications have no body: pluggy reads their names and arguments.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.types import Event, Transaction

__all__ = [
    "crm_committed",
    "crm_migrate",
    "crm_shutdown",
    "crm_startup",
]


@hookspec
def crm_startup(crm: Any) -> None:
    """Prepare what the plugin needs while a CRM is open.

    Called once for every CRM that is opened, when its database is up to date.

    Args:
        crm: the CRM.

    Raises:
        Exception: the CRM is not opened.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_startup(crm):
        ...     print("ready")
        >>> crm_startup(crm=None)
        ready
    """


@hookspec
def crm_shutdown(crm: Any) -> None:
    """Let go of what `crm_startup` took.

    Called once for every CRM that is closed. Isolated: every plugin is called, whatever the others do.

    Args:
        crm: the CRM.

    Raises:
        Exception: logged with the plugin's name.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_shutdown(crm):
        ...     print("closed")
    """


@hookspec
def crm_migrate(tx: Transaction, from_version: str) -> None:
    """Bring a plugin's own records into the form that its new version expects.

    Called inside ``crmcore db upgrade``, after the tables have changed, when the installed version differs.

    Args:
        tx: the transaction of the upgrade.
        from_version: version of the plugin that wrote the records.

    Raises:
        Exception: the upgrade is rolled back.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_migrate(tx, from_version):
        ...     tx.update_where("visit", "kind is empty", {"kind": "call"})
    """


@hookspec
def crm_committed(crm: Any, events: Sequence[Event]) -> None:
    """Tell the world outside what was committed: mail, webhooks, search indexes.

    Called from the outbox after the commit, at least once for each event of an entity in ``listens``; a receiver that
    keeps the ids it has seen handles each once. Isolated: a failure is logged, and the events are delivered again.

    An event has the action ``create``, ``update``, ``delete``, ``restore``, ``computed`` or ``erase``. An erased one
    has lost its values for good, on request of the person that it is about: what was sent on has to be erased there
    as well. Earlier events of it that nobody has been told yet are gone too.

    Args:
        crm: the CRM.
        events: events of one entity, oldest first.

    Raises:
        Exception: logged with the plugin's name; other plugins are called all the same.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_committed(crm, events):
        ...     print(*(event.action for event in events))
    """
