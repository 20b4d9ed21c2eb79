"""``crmcore remind``: what is to be seen to within some days."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import day
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from crmcore.types import Ref, Reminder

__all__ = ["remind"]


@click.command(
    cls=Command,
    help=_("""List what is to be seen to within some days, the most urgent first.

    Plugins remind of what they know: customers that may be lost, deals that do not move."""),
)
@click.option("--days", type=int, default=7, metavar="N", help=_("How many days ahead, today included (7)."))
@click.option("--since", type=day, metavar="DATE", help=_("The first day (today)."))
@click.option("--owner", metavar="LOGIN", help=_("Only what this user should see to."))
@click.option("--mine", is_flag=True, help=_("Only what you should see to."))
@json_option(_("Print the reminders as JSON."))
@click.pass_context
@pass_instance
def remind(
    instance: Instance,
    ctx: click.Context,
    days: int,
    since: dt.date | None,
    owner: str | None,
    *,
    mine: bool,
    as_json: bool,
) -> None:
    """Print a line for each reminder."""
    from crmcore.cli.logs import logs_hidden  # noqa: PLC0415  # failures are named below
    from crmcore.reminders import reminders  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session(read_only=True) as session, logs_hidden():
        whose = session.actor.id if mine else instance.crm.actor(owner).id if owner else None
        found = reminders(session, days=days, since=since, owner=whose)
        names = session.names(reminder.ref for reminder in found.entries)
    if as_json:
        print_json([_as_json(reminder) for reminder in found.entries])
    elif found.entries:
        headings = [Heading(_("Due"), whole=True), Heading(_("About")), Heading(_("What")), Heading(_("Why"))]
        print_table(headings, [_row(reminder, names) for reminder in found.entries])
    else:
        remark(_("nothing is due"))
    for failure in found.failures:
        remark(_("warning: {message}").format(message=failure.message))
    if found.failures:
        ctx.exit(PROBLEMS)


def _row(reminder: Reminder, names: Mapping[Ref, str]) -> list[str]:
    name = names.get(reminder.ref)
    about = f"{name} ({reminder.ref})" if name else str(reminder.ref)
    return [reminder.due.isoformat(), about, reminder.title, reminder.reason]


def _as_json(reminder: Reminder) -> dict[str, Any]:
    return {
        "kind": reminder.kind,
        "due": reminder.due.isoformat(),
        "ref": str(reminder.ref),
        "title": reminder.title,
        "reason": reminder.reason,
        "owner": reminder.owner,
    }
