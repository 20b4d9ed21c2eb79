"""``crmcore db``: whether the database fits the schemas, making it fit, and copies of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmcore.cli.commands.db_copy import copy
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_table
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.store.migrate import OriginStatus, Upgrade

__all__ = ["db"]


@click.group(cls=Group, help=_("Look after the database."))
def db() -> None:
    """Group the commands about the database."""


db.add_command(copy)


@db.command(help=_("Show whether the database is up to date; ends with code 1 if it is not."))
@json_option(_("Print the state as JSON."))
@click.pass_context
@pass_instance
def status(instance: Instance, ctx: click.Context, *, as_json: bool) -> None:
    """Print a line for the core, each plugin and the instance."""
    origins = instance.crm.status()
    if as_json:
        print_json(
            [
                {"name": o.name, "installed": o.installed, "running": o.running, "needs_upgrade": o.needs_upgrade}
                for o in origins
            ]
        )
    else:
        headings = [Heading(title) for title in (_("Schemas of"), _("In the database"), _("Running"), _("State"))]
        print_table(headings, [[o.name, o.installed or "–", o.running or "–", _state(o)] for o in origins])
    if any(origin.needs_upgrade for origin in origins):
        ctx.exit(PROBLEMS)


@db.command(help=_("Bring the database to the form of the schemas, in one transaction; make it where there is none."))
@click.option(
    "--dry-run", is_flag=True, help=_("Change nothing; show what would be done and which records break rules.")
)
@click.option(
    "--drop",
    multiple=True,
    metavar="ENTITY.FIELD",
    help=_("A field, or an entity, that may lose what is stored. May be given several times."),
)
@click.pass_context
@pass_instance
def upgrade(instance: Instance, ctx: click.Context, *, dry_run: bool, drop: Sequence[str]) -> None:
    """Upgrade, and say what was done."""
    done = instance.crm.upgrade(drop=drop, dry_run=dry_run)
    if dry_run:
        _print_rehearsal(done)
        if done.refused.count:
            ctx.exit(PROBLEMS)
    elif done.origins:
        click.echo(_("upgraded: {origins}").format(origins=", ".join(done.origins)))
    else:
        click.echo(_("the database is up to date"))


@db.command(help=_("Write everything that is stored into FILE, an archive for either kind of database."))
@click.argument("file", type=click.Path(path_type=Path))
@pass_instance
def backup(instance: Instance, file: Path) -> None:
    """Write an archive."""
    if file.exists():
        raise UsageError(_("{path} is there already").format(path=file), hint=_("Name a new file for the backup."))
    archive = instance.crm.backup(file)
    click.echo(_("{file}: {n} rows").format(file=file, n=f"{sum(archive.rows.values()):,}"))


@db.command(help=_("Bring an archive back into the database, which must hold no CRM yet."))
@click.argument("file", type=click.Path(path_type=Path))
@pass_instance
def restore(instance: Instance, file: Path) -> None:
    """Read an archive."""
    archive = instance.crm.restore(file)
    click.echo(
        _("restored {n} rows from the backup of {day}").format(
            n=f"{sum(archive.rows.values()):,}", day=archive.created_at.date()
        )
    )


def _state(origin: OriginStatus) -> str:
    if origin.running is None:
        return _("disabled; its data is kept")
    return _("needs `crmcore db upgrade`") if origin.needs_upgrade else _("up to date")


def _print_rehearsal(upgrade: Upgrade) -> None:
    if not upgrade.origins:
        click.echo(_("the database is up to date"))
    for statement in upgrade.statements:
        click.echo(f"{statement};")
    for name in upgrade.kept:
        click.echo(_("kept, of a disabled plugin: {name}").format(name=name))
    if upgrade.refused.count:
        said = ngettext(
            "{n} stored record breaks the rules and stays as it is until somebody changes it:",
            "{n} stored records break the rules and stay as they are until somebody changes them:",
            upgrade.refused.count,
        )
        click.echo(said.format(n=upgrade.refused.count))
        for ref, problem in upgrade.refused.problems:
            click.echo(f"  {ref}: {problem}")
