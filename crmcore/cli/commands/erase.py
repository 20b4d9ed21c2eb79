"""``crmcore erase``: a person's data gone for good on request, or all of it printed (``--held``)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from crmcore.cli.arguments import reference
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import print_json, remark
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.types import Ref

__all__ = ["erase"]


@click.command(
    cls=Command,
    help=_("""Erase a record for good: its values, its history, what belongs to it, and rejected rows that name it.

    This cannot be undone. A tombstone stays, so that references to the record lead somewhere."""),
)
@click.argument("ref", type=reference)
@click.option("--held", is_flag=True, help=_("Erase nothing; print all that is held about the record as JSON."))
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@click.pass_context
@pass_instance
def erase(instance: Instance, ctx: click.Context, ref: Ref, *, held: bool, yes: bool) -> None:
    """Erase a record, or print what is held about it."""
    from crmcore.erase import erase as erase_record  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.erase import held_about  # noqa: PLC0415  # the same

    if held:
        with instance.session(read_only=True) as session:
            print_json(held_about(session, ref.entity, ref.id))
        return
    if not (yes or _confirmed(instance, ref)):
        remark(_("nothing was erased"))
        ctx.exit(PROBLEMS)
    with instance.session() as session:
        erased = erase_record(session, ref.entity, ref.id)
    counted = ", ".join(f"{entity} {count}" for entity, count in erased.records.items())
    click.echo(_("erased: {counted}").format(counted=counted))
    if erased.rejected.rows:
        click.echo(_("erased: {n} rejected rows of imports").format(n=erased.rejected.rows))
    for path in erased.rejected.rewritten:
        click.echo(_("erased from {path}").format(path=path))
    for path in erased.rejected.by_hand:
        remark(_("{path} may name the record: look at it, and delete it by hand").format(path=path))


def _confirmed(instance: Instance, ref: Ref) -> bool:
    with instance.session(read_only=True) as session:
        record = session.get(ref.entity, ref.id, deleted=True)
        entity = session.runtime.entity(ref.entity)
        name = record[entity.display] if entity.display in entity.fields else None
    shown = f"{ref} ({name})" if name else str(ref)
    click.echo(_("Erase {record} for good? Type the reference to confirm: ").format(record=shown), nl=False, err=True)
    return sys.stdin.readline().strip() == str(ref)
