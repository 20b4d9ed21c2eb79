"""``crmcore create`` and ``crmcore update``: the values that people own, set field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli.arguments import reference, values_from
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from crmcore.records.session import Session
    from crmcore.schema.records import Record
    from crmcore.types import Ref

__all__ = ["create", "update"]


def _set_option(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    return click.option(
        "--set",
        "values",
        multiple=True,
        required=required,
        metavar="FIELD=VALUE",
        help=_("Set a field, by its name or title; an empty value empties it. May be given several times."),
    )


@click.command(
    cls=Command,
    help=_("""Create a record of ENTITY.

    References take a reference or what the other record is called: --set customer=customer:42,
    --set customer=佛山企业电子."""),
)
@click.argument("entity")
@_set_option(required=True)
@click.option("--duplicate", is_flag=True, help=_("Create it even if there is a record like it."))
@json_option(_("Print the record as JSON."))
@pass_instance
def create(instance: Instance, entity: str, values: Sequence[str], *, duplicate: bool, as_json: bool) -> None:
    """Create a record and print its reference."""
    with instance.session() as session:
        read = values_from(session, session.runtime.entity(entity), values)
        record = session.create(entity, read, on_match="create" if duplicate else "error")
        _print_saved(session, record, as_json=as_json)


@click.command(cls=Command, help=_("Change fields of a record: crmcore update customer:42 --set region=华南."))
@click.argument("ref", type=reference)
@_set_option(required=True)
@click.option(
    "--version",
    type=click.IntRange(min=1),
    metavar="N",
    help=_("The version that you have seen; refused if somebody changed the record since."),
)
@json_option(_("Print the record as JSON."))
@pass_instance
def update(instance: Instance, ref: Ref, values: Sequence[str], version: int | None, *, as_json: bool) -> None:
    """Change a record and print its reference."""
    with instance.session() as session:
        read = values_from(session, session.runtime.entity(ref.entity), values)
        record = session.update(ref.entity, ref.id, read, version=version)
        _print_saved(session, record, as_json=as_json)


def _print_saved(session: Session, record: Record, *, as_json: bool) -> None:
    if as_json:
        print_json(record.as_json())
        return
    entity = session.runtime.entity(record.ref.entity)
    name = record[entity.display] if entity.display in entity.fields else None
    click.echo(f"{record.ref}  {name}" if name else str(record.ref))
