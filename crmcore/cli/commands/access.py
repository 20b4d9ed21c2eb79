"""``crmcore access``: why somebody may or may not do something with a record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import reference
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import json_option, print_json
from crmcore.errors import NotFound
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.access import Explanation
    from crmcore.types import Ref

__all__ = ["access"]


@click.group(cls=Group, help=_("Look at who may do what."))
def access() -> None:
    """Group the commands about access."""


@access.command(
    help=_("Show which rules let LOGIN do ACTION with a record: crmcore access explain li.wei update customer:42.")
)
@click.argument("login")
@click.argument("action", type=click.Choice(["create", "read", "update", "delete"]))
@click.argument("ref", type=reference)
@json_option(_("Print the rules as JSON."))
@pass_instance
def explain(instance: Instance, login: str, action: Any, ref: Ref, *, as_json: bool) -> None:
    """Print each rule and whether it holds."""
    crm = instance.crm
    asked = crm.actor(login)
    with instance.session(read_only=True) as session:
        session.runtime.entity(ref.entity)
        if not session.sees(ref.entity, ref.id, deleted=True):
            raise NotFound(ref.entity, ref.id)
        with crm.session(asked, connection=session.connection, read_only=False) as theirs:
            found = session.access.explain(session.connection, asked, action, ref.entity, ref.id, theirs.rule_context())
    if as_json:
        print_json(_as_json(found))
    else:
        _print(found, login, action, str(ref))


def _print(found: Explanation, login: str, action: str, record: str) -> None:
    allowed = _("{login} may {action} {record}") if found.allowed else _("{login} may not {action} {record}")
    click.echo(allowed.format(login=login, action=action, record=record))
    for grant, holds in found.reasons:
        if grant.effect == "allow":
            said = _("allows it") if holds else _("does not allow it")
        else:
            said = _("forbids it") if holds else _("does not forbid it")
        click.echo(f"  {grant.source}: {grant.text}: {said}")
    if not found.reasons:
        click.echo("  " + _("no rule covers it; what no rule allows is refused"))
    if found.hidden:
        click.echo("  " + _("hidden fields: {names}").format(names=", ".join(sorted(found.hidden))))


def _as_json(found: Explanation) -> dict[str, Any]:
    return {
        "allowed": found.allowed,
        "reasons": [
            {"source": grant.source, "rule": grant.text, "effect": grant.effect, "holds": holds}
            for grant, holds in found.reasons
        ],
        "hidden": sorted(found.hidden),
    }
