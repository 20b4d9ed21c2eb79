"""``crmcore show``: one record with all that is known of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import reference
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import Heading, json_option, print_json, print_pairs, print_table, remark
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.records.session import Session
    from crmcore.schema.records import Record
    from crmcore.types import Ref, TimelineEntry

__all__ = ["print_record", "show"]

_SYSTEM = ("created_at", "created_by", "updated_at", "updated_by", "deleted_at", "source", "external_id", "version")


@click.command(cls=Command, help=_("Show a record: crmcore show customer:42."))
@click.argument("ref", type=reference)
@click.option("--deleted", is_flag=True, help=_("Show it even if it is deleted."))
@click.option("--timeline", "with_timeline", is_flag=True, help=_("Show what happened to it, the latest first."))
@json_option(_("Print the record as JSON; its timeline with --timeline."))
@click.pass_context
@pass_instance
def show(
    instance: Instance, ctx: click.Context, ref: Ref, *, deleted: bool, with_timeline: bool, as_json: bool
) -> None:
    """Print a record, or its timeline."""
    with instance.session(read_only=True) as session:
        record = session.get(ref.entity, ref.id, deleted=deleted)
        if with_timeline:
            if not _print_timeline(session, record, as_json=as_json):
                ctx.exit(PROBLEMS)
        elif as_json:
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


def _print_timeline(session: Session, record: Record, *, as_json: bool) -> bool:
    """Print the timeline and return whether every plugin could tell its part."""
    from crmcore.cli.logs import logs_hidden  # noqa: PLC0415  # failures are named below
    from crmcore.timeline import timeline  # noqa: PLC0415  # it imports SQLAlchemy

    with logs_hidden():
        told = timeline(session, record.ref.entity, [record.ref.id])
    if as_json:
        print_json([_entry_json(entry) for entry in told.entries])
    else:
        click.echo(_heading(session, record))
        headings = [
            Heading(_("When"), whole=True),
            Heading(_("What")),
            Heading(_("Who")),
            Heading(_("Record"), whole=True),
        ]
        print_table(headings, [_entry_row(session, entry) for entry in told.entries])
    for failure in told.failures:
        remark(_("warning: {message}").format(message=failure.message))
    return not told.failures


def _heading(session: Session, record: Record) -> str:
    entity = session.runtime.entity(record.ref.entity)
    name = record[entity.display] if entity.display in entity.fields else None
    return f"{entity.title()} {record.ref}  {name or ''}".rstrip()


def _entry_row(session: Session, entry: TimelineEntry) -> list[str]:
    what = "\n".join(part for part in (entry.title, entry.detail) if part)
    return [_when(session, entry.at), what, entry.actor or "", str(entry.ref or "")]


def _when(session: Session, at: dt.datetime | dt.date) -> str:
    if isinstance(at, dt.datetime):
        return at.astimezone(session.timezone).strftime("%Y-%m-%d %H:%M")
    return at.isoformat()


def _entry_json(entry: TimelineEntry) -> dict[str, Any]:
    at = entry.at.isoformat()
    return {
        "at": at.replace("+00:00", "Z"),
        "kind": entry.kind,
        "title": entry.title,
        "detail": entry.detail,
        "ref": str(entry.ref) if entry.ref else None,
        "actor": entry.actor,
    }
