"""``crmcore history``: who changed a record when, and what was there before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import reference
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import Heading, json_option, print_json, print_table
from crmcore.i18n import gettext as _
from crmcore.schema.values import from_json
from crmcore.types import SYSTEM, Ref

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.records.session import Session
    from crmcore.schema.records import Record
    from crmcore.store.history import HistoryEntry

__all__ = ["history"]


@click.command(cls=Command, help=_("Show who changed a record when, the latest change first."))
@click.argument("ref", type=reference)
@json_option(_("Print the changes as JSON."))
@pass_instance
def history(instance: Instance, ref: Ref, *, as_json: bool) -> None:
    """Print the changes of a record."""
    with instance.session(read_only=True) as session:
        entries = session.history(ref.entity, ref.id)
        if as_json:
            print_json([_as_json(entry) for entry in entries])
        else:
            _print_table(session, session.get(ref.entity, ref.id, deleted=True), entries)


def _as_json(entry: HistoryEntry) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat().replace("+00:00", "Z"),
        "actor": entry.actor,
        "action": entry.action,
        "source": entry.source,
        "version": entry.version,
        "old": dict(entry.old),
    }


def _print_table(session: Session, record: Record, entries: Sequence[HistoryEntry]) -> None:
    headings = [Heading(_("When"), whole=True), Heading(_("Who"), whole=True), Heading(_("What")), Heading(_("Change"))]
    rows = [
        [_local(session, entry.at), entry.actor, _action(entry), changes]
        for entry, changes in zip(entries, _changes(session, record, entries), strict=True)
    ]
    print_table(headings, [*rows, _creation(session, record)])


def _creation(session: Session, record: Record) -> list[str]:
    """Return the first row of a record's life, which is no change and has no entry."""
    creator = record["created_by"]
    login = session.as_system().get("user", creator, deleted=True)["login"] if creator else SYSTEM.login
    return [_local(session, record["created_at"]), str(login or Ref("user", creator)), _("created"), ""]


def _local(session: Session, at: dt.datetime) -> str:
    return at.astimezone(session.timezone).strftime("%Y-%m-%d %H:%M")


def _action(entry: HistoryEntry) -> str:
    words = {
        "update": _("changed"),
        "delete": _("deleted"),
        "restore": _("restored"),
        "computed": _("computed"),
        "merge": _("merged"),
        "erase": _("erased"),
    }
    action = words.get(entry.action, entry.action)
    return action if entry.source in ("api", "cli") else f"{action} ({entry.source})"


def _changes(session: Session, record: Record, entries: Sequence[HistoryEntry]) -> list[str]:
    """Return for each entry what it changed, in one line; values after it are those that the next one replaced."""
    from crmcore.cli.cells import field_cell, names_of  # noqa: PLC0415  # it imports SQLAlchemy

    entity = session.runtime.entity(record.ref.entity)
    after = record.as_json()
    steps: list[dict[str, Any]] = []
    for entry in entries:
        steps.append({name: (entry.old[name], after.get(name)) for name in entry.old if name in entity.fields})
        after |= entry.old
    olds = [type(record).from_json({name: old for name, (old, _new) in step.items()}) for step in steps]
    names = names_of(session, entity, entity.fields, [record, *olds])

    def shown(name: str, value: Any) -> str:
        python = from_json(entity.fields[name], value)
        return field_cell(entity.fields[name], python, session.timezone, names=names) or _("empty")

    def said(name: str, old: Any, new: Any) -> str:
        return f"{entity.fields[name].title()}: {shown(name, old)} → {shown(name, new)}"

    return ["; ".join(said(name, *values) for name, values in step.items()) for step in steps]
