"""``crmcore create``: a record, its values set field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli import completing
from crmcore.cli.arguments import print_saved, set_option, values_from
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["create"]


@click.command(
    cls=Command,
    help=_("""Create a record of ENTITY.

    References take a reference or what the other record is called: --set customer=customer:42,
    --set customer=佛山企业电子."""),
)
@click.argument("entity", shell_complete=completing.entities)
@set_option(required=True)
@click.option("--duplicate", is_flag=True, help=_("Create it even if there is a record like it."))
@json_option(_("Print the record as JSON."))
@pass_instance
def create(instance: Instance, entity: str, values: Sequence[str], *, duplicate: bool, as_json: bool) -> None:
    """Create a record and print its reference."""
    with instance.session() as session:
        read = values_from(session, session.runtime.entity(entity), values)
        record = session.create(entity, read, on_match="create" if duplicate else "error")
    print_saved(session, record, as_json=as_json)  # not before it is committed
