"""``crmcore plugins purge``: what a disabled plugin has stored goes into an archive, or comes back from one."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import print_pairs, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from crmcore.store.purging import Purge

__all__ = ["purge"]


@click.command(
    cls=Command,
    help=_("""Remove for good what a disabled plugin has stored: tables, columns, their history.

    All of it is written into an archive first, from which --undo brings it back when the plugin is enabled again."""),
)
@click.argument("name")
@click.option(
    "--export", type=click.Path(path_type=Path), metavar="FILE", help=_("Where the archive goes; a new file, *.zip.")
)
@click.option("--undo", type=click.Path(path_type=Path), metavar="FILE", help=_("Bring back what is in this archive."))
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@click.pass_context
@pass_instance
def purge(
    instance: Instance, ctx: click.Context, name: str, *, export: Path | None, undo: Path | None, yes: bool
) -> None:
    """Remove what a plugin has stored, or bring it back."""
    if (export is None) == (undo is None):
        raise UsageError(
            _("a purge writes an archive, or is taken back from one"),
            hint=_("Write --export FILE, or --undo FILE."),
        )
    with instance.session(read_only=True) as session:
        session.access.demand_permission(session.actor, "records.erase")
    if undo is not None:
        _undo(instance, name, undo)
    elif export is not None:
        _purge(instance, ctx, name, export, yes=yes)


def _purge(instance: Instance, ctx: click.Context, name: str, export: Path, *, yes: bool) -> None:
    if export.exists():
        raise UsageError(_("{path} is there already").format(path=export), hint=_("Name a new file."))
    _print(instance.crm.plan_purge(name))
    if not (yes or _confirmed(name)):
        remark(_("nothing was removed"))
        ctx.exit(PROBLEMS)
    instance.crm.purge(name, export)
    click.echo(_("purged: {plugin}; what it had stored is in {file}").format(plugin=name, file=export))


def _undo(instance: Instance, name: str, archive: Path) -> None:
    done = instance.crm.undo_purge(name, archive)
    restored = ngettext("{n} row is back", "{n} rows are back", done.restored)
    click.echo(restored.format(n=f"{done.restored:,}"))
    if done.left:
        said = ngettext(
            "{n} row stays in the archive, or some of its fields: its record is gone, was erased or has new values, "
            "or another record has a value that is to be unique",
            "{n} rows stay in the archive, or some of their fields: their records are gone, were erased or have new "
            "values, or other records have values that are to be unique",
            done.left,
        )
        remark(said.format(n=f"{done.left:,}"))


def _print(going: Purge) -> None:
    """Print what goes, and what stays although one might think otherwise."""
    pairs = [(_("Plugin"), f"{going.plugin.name} {going.plugin.version}")]
    pairs += [
        (_("Table goes"), f"{entity}: " + ngettext("{n} record", "{n} records", n).format(n=f"{n:,}"))
        for entity, n in going.entities.items()
    ]
    pairs += [
        (_("Column goes"), f"{field}: " + ngettext("{n} value", "{n} values", n).format(n=f"{n:,}"))
        for field, n in going.fields.items()
    ]
    pairs += [
        (_("Emptied"), f"{field}: " + ngettext("{n} reference", "{n} references", n).format(n=f"{n:,}"))
        for field, n in going.references.items()
    ]
    pairs += _of_core(going)
    pairs += [
        (_("Stays"), f"{value}: " + ngettext("in {n} record", "in {n} records", n).format(n=f"{n:,}"))
        for value, n in going.values.items()
    ]
    pairs += [(_("Stays"), _("{field}: declared by somebody else").format(field=field)) for field in going.adopted]
    print_pairs(pairs)


def _of_core(going: Purge) -> list[tuple[str, str]]:
    """Return what goes besides tables and columns of the plugin."""
    rows = Counter(going.besides)
    said = [
        (
            "history",
            _("History goes"),
            ngettext("{n} change of its records", "{n} changes of its records", rows["history"]),
        ),
        (
            "old_values",
            _("History goes"),
            ngettext("{n} change of its fields", "{n} changes of its fields", rows["old_values"]),
        ),
        (
            "followed",
            _("Emptied"),
            ngettext("what {n} change followed from", "what {n} changes followed from", rows["followed"]),
        ),
        (
            "events",
            _("Events go"),
            ngettext("{n} that was not delivered yet", "{n} that were not delivered yet", rows["events"]),
        ),
        (
            "imports",
            _("Imports go"),
            ngettext("{n} in the list of imports", "{n} in the list of imports", rows["imports"]),
        ),
        (
            "rejected",
            _("Imports go"),
            ngettext(
                "{n} rejected row that is in no file yet", "{n} rejected rows that are in no file yet", rows["rejected"]
            ),
        ),
    ]
    return [(title, text.format(n=f"{rows[name]:,}")) for name, title, text in said if rows[name]]


def _confirmed(name: str) -> bool:
    click.echo(_("Remove it for good, with its history? Type the name of the plugin to confirm: "), nl=False, err=True)
    return sys.stdin.readline().strip() == name
