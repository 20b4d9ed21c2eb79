"""``crmcore import``: a file's rows as records; bad rows go to a file that can be mended and imported again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli import completing
from crmcore.cli.arguments import options_from
from crmcore.cli.commands.import_shown import (
    ProgressLine,
    outcome_line,
    print_plan,
    print_result,
    result_json,
    undo_line,
)
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command, Group
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.importing.plan import Plan
    from crmcore.importing.undo import UndoResult
    from crmcore.types import SourceHeader

__all__ = ["import_"]

_RUN = "run"


class _ImportGroup(Group):
    """A group whose first word may be an entity: ``crmcore import customer file.csv`` runs an import."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the command in where it is left out."""
        if args and args[0] not in self.commands and args[0] not in self.get_help_option_names(ctx):
            args.insert(0, _RUN)
        return super().parse_args(ctx, args)


@click.group(
    "import",
    cls=_ImportGroup,
    help=_("""Import files, look at imports, take them back.

    `crmcore import ENTITY FILE` is short for `crmcore import run ENTITY FILE`."""),
)
def import_() -> None:
    """Group the commands about imports."""


def _file_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command with the arguments and options that say what is in a file."""
    for parameter in (
        click.option(
            "--option",
            "options",
            multiple=True,
            metavar="NAME=VALUE",
            help=_("An option of the reader, such as encoding=gb18030. May be given several times."),
        ),
        click.option(
            "--date-format",
            metavar="FORMAT",
            help=_("How dates are written, dd-mm-yyyy for instance, where the mapping file does not say it."),
        ),
        click.option(
            "--mapping",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help=_("A file that says what the columns mean; `crmcore import mapping` makes one to start from."),
        ),
        click.argument("file", type=click.Path(path_type=Path)),
        click.argument("entity", shell_complete=completing.entities),
    ):
        command = parameter(command)
    return command


@import_.command(
    _RUN,
    cls=Command,
    help=_("""Import the rows of FILE as records of ENTITY.

    Headers are matched with names, titles and aliases of fields, or by a mapping file; what they mean is shown first.
    Bad rows are written to a file of rejects with their line and reason, the others are kept; ends with code 1 if any
    was rejected. An interrupted import goes on where it was when the same command is given again."""),
)
@_file_arguments
@click.option(
    "--on-match",
    type=click.Choice(["update", "skip", "error"]),
    default="update",
    help=_("What becomes of a row whose record is there already (update)."),
)
@click.option("--create-missing", is_flag=True, help=_("Create records that rows refer to and that are not there."))
@click.option("--dry-run", is_flag=True, help=_("Do it all and throw it away: nothing is saved."))
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=_("Where rejected rows go (beside the file)."),
)
@click.option("--restart", is_flag=True, help=_("Begin anew instead of going on with an interrupted import."))
@json_option(_("Print what was done as JSON."))
@click.pass_context
@pass_instance
def run(
    instance: Instance,
    ctx: click.Context,
    /,
    entity: str,
    file: Path,
    options: Sequence[str],
    *,
    as_json: bool,
    **settings: Any,
) -> None:
    """Import, and say what became of the rows."""
    from crmcore.importing import import_file  # noqa: PLC0415  # it imports SQLAlchemy

    def show_plan(plan: Plan, header: SourceHeader) -> None:
        if not as_json:
            print_plan(file, plan, header)

    with ProgressLine(dry_run=settings["dry_run"]) as progress:
        result = import_file(
            instance.crm,
            file,
            entity,
            actor=instance.login,
            options=_options(instance, file, options),
            progress=progress,
            before=show_plan,
            **settings,
        )
    if as_json:
        print_json(result_json(result))
    else:
        print_result(result)
    if result.outcomes.get("rejected"):
        ctx.exit(PROBLEMS)


@import_.command(
    "mapping",
    cls=Command,
    help=_("""Print what the columns of FILE mean as a mapping file, to be corrected and given to --mapping."""),
)
@_file_arguments
@pass_instance
def mapping_(instance: Instance, /, entity: str, file: Path, options: Sequence[str], **settings: Any) -> None:
    """Print a mapping file."""
    from crmcore.importing import as_mapping_file, plan_file  # noqa: PLC0415  # it imports SQLAlchemy

    given = _options(instance, file, options)
    plan, _source = plan_file(instance.crm, file, entity, options=given, **settings)
    click.echo(as_mapping_file(plan), nl=False)


@import_.command("list", cls=Command, help=_("List the imports, the latest first."))
@json_option(_("Print the imports as JSON."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each import."""
    from crmcore.importing.register import imports  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.importing.result import row_outcomes  # noqa: PLC0415  # the same

    with instance.session(read_only=True) as session:
        found = imports(session)
        timezone = session.timezone
    if as_json:
        names = ("id", "entity", "file", "actor", "state", "started_at", "finished_at", "position", "rejects")
        print_json([{**{n: getattr(one, n) for n in names}, "outcomes": one.outcomes} for one in found])
        return
    if not found:
        remark(_("nothing was imported yet"))
        return
    words = {"running": _("not finished"), "finished": _("finished"), "undone": _("undone")}
    rows = [
        [
            str(one.id),
            one.started_at.astimezone(timezone).strftime("%Y-%m-%d %H:%M"),
            one.actor,
            one.entity,
            words[one.state],
            outcome_line(row_outcomes(one.outcomes)),
            one.file,
        ]
        for one in found
    ]
    titles = (_("Began"), _("By"), _("Entity"), _("State"), _("Rows"), _("File"))
    print_table([Heading(_("Import"), right=True), *map(Heading, titles)], rows)


@import_.command(
    "undo",
    cls=Command,
    help=_("""Take import ID back: what it created is removed for good, what it changed gets its old values back.

    Records that somebody has changed since stay as they are, and so do those that others refer to."""),
)
@click.argument("id", type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help=_("Only say what would become of the records."))
@click.option("--yes", is_flag=True, help=_("Do not ask."))
@json_option(_("Print what was done as JSON."))
@click.pass_context
@pass_instance
def undo_(instance: Instance, ctx: click.Context, id: int, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Take an import back, once it is confirmed."""
    from crmcore.importing import undo_import  # noqa: PLC0415  # it imports SQLAlchemy

    if not (dry_run or yes) and not _confirmed(id, undo_import(instance.crm, id, actor=instance.login, dry_run=True)):
        remark(_("nothing was changed"))
        ctx.exit(PROBLEMS)
    done = undo_import(instance.crm, id, actor=instance.login, dry_run=dry_run)
    if as_json:
        print_json(_undo_json(done))
        return
    click.echo(undo_line(done))
    for reason, count in done.reasons.items():
        click.echo(_("left as they are: {n} ({reason})").format(n=f"{count:,}", reason=reason))
    if dry_run:
        remark(_("this was tried and thrown away: nothing was changed"))


def _confirmed(id: int, result: UndoResult) -> bool:
    said = undo_line(result)
    if not sys.stdin.isatty():
        message = _("import {id} would be taken back ({said}), and nobody is there to be asked")
        raise UsageError(message.format(id=id, said=said), hint=_("Add --yes."))
    return click.confirm(_("Take import {id} back: {said}?").format(id=id, said=said), err=True)


def _undo_json(result: UndoResult) -> Mapping[str, Any]:
    return {
        "removed": dict(result.removed),
        "reverted": dict(result.reverted),
        "reasons": dict(result.reasons),
        "left": [{"record": str(ref), "reason": reason} for ref, reason in result.left],
    }


def _options(instance: Instance, file: Path, texts: Sequence[str]) -> dict[str, Any]:
    if not texts:
        return {}
    from crmcore.importing.sources import importer_for  # noqa: PLC0415  # it imports SQLAlchemy

    return options_from(importer_for(instance.registry, file).options, texts, "--option")
