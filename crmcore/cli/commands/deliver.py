"""``crmcore deliver``: plugins hear of what was committed and has not reached them."""

from __future__ import annotations

import click

from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json
from crmcore.i18n import gettext as _

__all__ = ["deliver"]


@click.command(
    cls=Command,
    help=_("""Give plugins the committed events that are due.

    Whoever saves does so at once. This is for what failed and is to be tried again while nobody saves."""),
)
@json_option(_("Print how many as JSON."))
@click.pass_context
@pass_instance
def deliver(instance: Instance, ctx: click.Context, *, as_json: bool) -> None:
    """Deliver, and say how many events reached their plugins."""
    done = instance.crm.deliver()
    if as_json:
        print_json({"delivered": done.delivered, "failed": done.failed})
    else:
        message = _("{delivered} delivered, {failed} failed")
        click.echo(message.format(delivered=done.delivered, failed=done.failed))
    if done.failed:
        ctx.exit(PROBLEMS)
