"""``crmcore update``: change fields of one record, or of all that a condition selects."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crmcore.cli import completing
from crmcore.cli.arguments import print_saved, reference, set_option, values_from
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.types import Ref

__all__ = ["update"]


@click.command(
    cls=Command,
    help=_("""Change fields of a record, or of all records of an entity that a condition selects.

    crmcore update customer:42 --set region=华南

    crmcore update customer --where "region = '华南'" --set owner=li.wei

    The second says how many there are and asks before it changes them, all or none."""),
)
@click.argument("target", metavar="REF|ENTITY", shell_complete=completing.entities)
@set_option(required=True)
@click.option("--where", metavar="CONDITION", help=_("Which records of ENTITY are changed; `true` for all."))
@click.option(
    "--version",
    type=click.IntRange(min=1),
    metavar="N",
    help=_("The version that you have seen; refused if somebody changed the record since."),
)
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@json_option(_("Print what was changed as JSON."))
@click.pass_context
@pass_instance
def update(
    instance: Instance,
    ctx: click.Context,
    target: str,
    values: Sequence[str],
    where: str | None,
    version: int | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    """Change one record and print its reference, or many and print how many."""
    if where is None:
        _update_one(instance, reference(target), values, version, as_json=as_json)
        return
    if version is not None:
        raise UsageError(_("--version is for one record"), hint=_("Leave it out, or name the record."))
    if ":" in target:
        raise UsageError(_("--where selects records of an entity, and {ref} is one record").format(ref=target))
    changed = _update_many(instance, target, where, values, yes=yes)
    if changed is None:
        remark(_("nothing was changed"))
        ctx.exit(PROBLEMS)
    if as_json:
        print_json({"entity": target, "changed": changed})
    else:
        click.echo(ngettext("{n} record changed", "{n} records changed", changed).format(n=f"{changed:,}"))


def _update_one(instance: Instance, ref: Ref, values: Sequence[str], version: int | None, *, as_json: bool) -> None:
    with instance.session() as session:
        read = values_from(session, session.runtime.entity(ref.entity), values)
        record = session.update(ref.entity, ref.id, read, version=version)
    print_saved(session, record, as_json=as_json)  # not before it is committed


def _update_many(instance: Instance, entity: str, where: str, values: Sequence[str], *, yes: bool) -> int | None:
    """Change records and return how many; None where the answer was no."""
    with instance.session(read_only=True) as session:  # a question must not keep others from writing
        values_from(session, session.runtime.entity(entity), values)
        count = session.count(entity, where)
    if count and not (yes or _confirmed(entity, count, values)):
        return None
    with instance.session() as session:
        return session.update_where(entity, where, values_from(session, session.runtime.entity(entity), values))


def _confirmed(entity: str, count: int, values: Sequence[str]) -> bool:
    if not sys.stdin.isatty():
        message = _("{n} {entity} records would be changed, and nobody is there to be asked")
        raise UsageError(message.format(n=f"{count:,}", entity=entity), hint=_("Add --yes."))
    question = ngettext("Set {values} on {n} {entity} record?", "Set {values} on {n} {entity} records?", count)
    return click.confirm(question.format(values=", ".join(values), n=f"{count:,}", entity=entity), err=True)
