"""``crmcore delete`` and ``crmcore restore``: deleted records can be brought back. Erasing is `crmcore erase`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli.arguments import reference
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.types import Ref

__all__ = ["delete", "restore"]


@click.command(cls=Command, help=_("Delete records, all or none of them; `crmcore restore` brings them back."))
@click.argument("refs", metavar="REF...", type=reference, nargs=-1, required=True)
@pass_instance
def delete(instance: Instance, refs: Sequence[Ref]) -> None:
    """Delete records."""
    with instance.session() as session:
        for ref in dict.fromkeys(refs):
            session.delete(ref.entity, ref.id)
    for ref in dict.fromkeys(refs):
        click.echo(_("{ref} deleted").format(ref=ref))


@click.command(cls=Command, help=_("Bring a deleted record back, with what was deleted along with it."))
@click.argument("ref", type=reference)
@pass_instance
def restore(instance: Instance, ref: Ref) -> None:
    """Restore a record."""
    with instance.session() as session:
        session.restore(ref.entity, ref.id)
    click.echo(_("{ref} restored").format(ref=ref))
