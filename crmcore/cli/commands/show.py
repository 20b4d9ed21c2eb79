"""``crmcore show``: one record with all that is known of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli.arguments import reference
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json, print_pairs
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.records.session import Session
    from crmcore.schema.records import Record
    from crmcore.types import Ref

__all__ = ["print_record", "show"]

_SYSTEM = ("created_at", "created_by", "updated_at", "updated_by", "deleted_at", "source", "external_id", "version")


@click.command(cls=Command, help=_("Show a record: crmcore show customer:42."))
@click.argument("ref", type=reference)
@click.option("--deleted", is_flag=True, help=_("Show it even if it is deleted."))
@json_option(_("Print the record as JSON."))
@pass_instance
def show(instance: Instance, ref: Ref, *, deleted: bool, as_json: bool) -> None:
    """Print a record."""
    with instance.session(read_only=True) as session:
        record = session.get(ref.entity, ref.id, deleted=deleted)
        if as_json:
            print_json(record.as_json())
        else:
            print_record(session, record)


def print_record(session: Session, record: Record) -> None:
    """Print a record: its fields that are filled in, then when and by whom it was made and changed."""
    from crmcore.cli.cells import field_cell, field_of, names_of  # noqa: PLC0415  # it imports SQLAlchemy

    entity = session.runtime.entity(record.ref.entity)
    fields = [field_of(entity, name) for name in (*entity.fields, *_SYSTEM) if record[name] is not None]
    # Unlike in a list, there is room for the reference beside the name.
    names = names_of(session, entity, [field.name for field in fields], [record])
    named = {ref: f"{name} ({ref})" for ref, name in names.items()}
    pairs = [(field.title(), field_cell(field, record[field.name], session.timezone, names=named)) for field in fields]
    click.echo(f"{entity.title()} {record.ref}")
    print_pairs(pairs, indent=2)
