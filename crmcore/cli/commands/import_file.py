"""``crmcore import``: a file's rows as records; bad rows go to a file that can be mended and imported again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json, remark
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from crmcore.importing import ImportResult
    from crmcore.types import Problem

__all__ = ["import_", "outcome_line", "print_problems"]

_SHOWN = 10
"""Problems on the screen; the file of rejects has them all."""


@click.command(
    "import",
    cls=Command,
    help=_("""Import the rows of FILE as records of ENTITY.

    Headers are matched with names, titles and aliases of fields. Bad rows are written to a file of rejects with their
    line and reason, the others are kept; ends with code 1 if any was rejected."""),
)
@click.argument("entity")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--on-match",
    type=click.Choice(["update", "skip", "error"]),
    default="update",
    help=_("What becomes of a row whose record is there already (update)."),
)
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=_("Where rejected rows go (FILE.rejects.csv)."),
)
@json_option(_("Print what was done as JSON."))
@click.pass_context
@pass_instance
def import_(
    instance: Instance,
    ctx: click.Context,
    entity: str,
    file: Path,
    on_match: Any,
    rejects: Path | None,
    *,
    as_json: bool,
) -> None:
    """Import, and say what became of the rows."""
    from crmcore.importing import import_file  # noqa: PLC0415  # it imports SQLAlchemy

    result = import_file(instance.crm, file, entity, actor=instance.login, on_match=on_match, rejects=rejects)
    if as_json:
        print_json(_as_json(result))
    else:
        _print(result)
    if result.rejects:
        ctx.exit(PROBLEMS)


def outcome_line(result: ImportResult) -> str:
    """Return how many rows were created, updated and so on, in one line."""
    words = {
        "created": _("{n} created"),
        "updated": _("{n} updated"),
        "unchanged": _("{n} unchanged"),
        "skipped": _("{n} skipped"),
        "rejected": _("{n} rejected"),
    }
    said = [words[outcome].format(n=f"{n:,}") for outcome in words if (n := result.outcomes.get(outcome, 0))]
    return ", ".join(said)


def print_problems(result: ImportResult, most: int = _SHOWN, indent: str = "") -> None:
    """Print the first problems, and where the rejected rows are."""
    for problem in result.problems[:most]:
        click.echo(indent + _line(problem))
    more = len(result.problems) - most
    if more > 0:
        click.echo(indent + ngettext("... and {n} more", "... and {n} more", more).format(n=more))
    if result.rejects:
        said = _("rejected rows, with reasons: {file}").format(file=result.rejects)
        click.echo(indent + said)


def _print(result: ImportResult) -> None:
    for header in result.mapping.unknown:
        remark(_("left out: {header} is no field").format(header=header))
    for header in result.mapping.repeated:
        remark(_("left out: {header} means a field that another column fills").format(header=header))
    click.echo(outcome_line(result))
    print_problems(result)


def _line(problem: Problem) -> str:
    where = _("line {line}").format(line=problem.line) if problem.line else ""
    named = ", ".join(part for part in (where, problem.field) if part)
    return f"{named}: {problem.message}" if named else problem.message


def _as_json(result: ImportResult) -> dict[str, Any]:
    names = ("line", "field", "code", "message", "hint")
    problems = [{k: v for k in names if (v := getattr(problem, k)) is not None} for problem in result.problems]
    return {
        "fields": {header: field.name for header, field in result.mapping.fields.items()},
        "left_out": [*result.mapping.unknown, *result.mapping.repeated],
        "outcomes": dict(result.outcomes),
        "problems": problems,
        "rejects": str(result.rejects) if result.rejects else None,
    }
