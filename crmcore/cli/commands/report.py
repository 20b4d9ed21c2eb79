"""``crmcore report``: what plugins compute, on the screen, as a page or a workbook, or for other programs."""

from __future__ import annotations

import json
import sys
import tempfile
import webbrowser
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli import completing
from crmcore.cli.arguments import pair
from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark, write_file
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore.reporting import Outcome
    from crmcore.types import ReportType

__all__ = ["report"]

_TABLE = "table"
_MODULES = {
    "csv": "comma_separated",
    "json": "json_document",
    "markdown": "markdown",
    "html": "page",
    "xlsx": "workbook",
}
"""Form -> module of `crmcore.reporting` that renders it."""
_SUFFIXES = {
    ".csv": "csv",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".html": "html",
    ".htm": "html",
    ".xlsx": "xlsx",
}


@click.group(cls=Group, help=_("Run reports."))
def report() -> None:
    """Group the commands about reports."""


@report.command("list", help=_("List the reports that enabled plugins offer."))
@json_option(_("Print the reports as JSON, their parameters as a JSON Schema."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each report."""
    reports = instance.registry.report_types.values()
    if as_json:
        print_json([{"name": r.name, "summary": r.summary, "parameters": r.parameters} for r in reports])
        return
    if not reports:
        remark(_("no enabled plugin offers a report"))
        return
    rows = [[r.name, title_in(r.titles, r.summary), ", ".join(_parameters(r))] for r in reports]
    print_table([Heading(_("Name")), Heading(_("Title")), Heading(_("Parameters"))], rows)


@report.command(
    help=_("""Compute the reports NAME over the records that you may see.

    Several reports make one page, one workbook or one document; one that fails is named, and the others are there.""")
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=completing.reports)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help=_("A parameter, for those of the reports that have it. May be given several times."),
)
@click.option(
    "--format",
    "form",
    type=click.Choice([_TABLE, *_MODULES]),
    help=_("The form (that of FILE's suffix, else table)."),
)
@click.option(
    "-o",
    "--output",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=_("Write to FILE, replacing what is there."),
)
@click.option("--open", "opened", is_flag=True, help=_("Show the page in a browser."))
@click.pass_context
@pass_instance
def run(
    instance: Instance,
    ctx: click.Context,
    names: Sequence[str],
    parameters: Sequence[str],
    form: str | None,
    file: Path | None,
    *,
    opened: bool,
) -> None:
    """Compute reports, and print or write them."""
    from crmcore.reporting import Failed, imprint_of, run_reports  # noqa: PLC0415  # commands are imported for --help too

    form = _form(form, file, opened=opened)
    wanted = _wanted(instance, names, parameters)
    if form == "csv" and len(wanted) > 1:
        raise UsageError(
            _("a CSV file holds one report"), hint=_("Run them one by one, or choose xlsx, html, markdown or json.")
        )
    with instance.session(read_only=True) as session:
        outcomes = run_reports(session, wanted, isolated=len(wanted) > 1)
        imprint = imprint_of(session)
    if form == _TABLE:
        _print(outcomes)
    else:
        content = import_module(f"crmcore.reporting.{_MODULES[form]}").render(outcomes, imprint)
        _deliver(content, _in_temporary_folder(opened) if file is None else file, opened=opened)
    if form == "html":
        _name_missing_extra(outcomes)
    if any(isinstance(outcome, Failed) for outcome in outcomes):
        ctx.exit(PROBLEMS)


def _form(form: str | None, file: Path | None, *, opened: bool) -> str:
    """Return the form that is asked for: by its name, by the suffix of a file, or by showing a page."""
    known = ", ".join(dict.fromkeys(_SUFFIXES))
    chosen = form or (_SUFFIXES.get(file.suffix.lower()) if file else "html" if opened else _TABLE)
    if chosen is None:
        raise UsageError(
            _("the suffix of {file} names no form").format(file=file), hint=_("Known: {known}").format(known=known)
        )
    if opened and chosen != "html":
        raise UsageError(_("only a page is shown in a browser"), hint=_("Use --format html."))
    if chosen == _TABLE and file:
        raise UsageError(_("a table is printed, not written"), hint=_("Use --format markdown."))
    if chosen == "xlsx" and file is None and sys.stdout.isatty():
        raise UsageError(_("a workbook cannot be shown in a terminal"), hint=_("Write it to a file: -o FILE.xlsx"))
    return chosen


def _wanted(instance: Instance, names: Sequence[str], texts: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the parameters of each report."""
    from crmcore.reporting import report_type  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.reporting.parameters import share_out  # noqa: PLC0415  # the same

    declared = [report_type(instance.registry, name) for name in dict.fromkeys(names)]
    shares = share_out(declared, dict(pair(text, "--param") for text in texts))
    return {each.name: _read(each, shares[each.name]) for each in declared}


def _read(declared: ReportType, texts: Mapping[str, str]) -> dict[str, Any]:
    """Read parameters: as JSON where the report expects something else than text and it can be read so."""
    properties: Mapping[str, Any] = declared.parameters.get("properties", {})
    given: dict[str, Any] = {**texts}
    for name, text in texts.items():
        if properties.get(name, {}).get("type") != "string":
            try:
                given[name] = json.loads(text)
            except ValueError:
                continue  # the schema of the report says what is expected
    return given


def _print(outcomes: Sequence[Outcome]) -> None:
    from crmcore.cli.report_table import print_report  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.reporting import Computed  # noqa: PLC0415  # the same

    computed = [outcome.report for outcome in outcomes if isinstance(outcome, Computed)]
    for number, each in enumerate(computed):
        if number:
            click.echo()
        print_report(each)


def _deliver(content: str | bytes, file: Path | None, *, opened: bool) -> None:
    """Print a form, or write it and say where it lies."""
    if file is None:
        click.echo(content, nl=False)
        return
    write_file(file, content)
    click.echo(file)
    if opened and not webbrowser.open(file.resolve().as_uri()):
        remark(_("no browser could be started"))


def _in_temporary_folder(opened: bool) -> Path | None:
    return Path(tempfile.mkdtemp(prefix="crmcore-")) / "report.html" if opened else None


def _name_missing_extra(outcomes: Sequence[Outcome]) -> None:
    from crmcore.reporting import Computed, charts  # noqa: PLC0415  # commands are imported for --help too

    if any(isinstance(o, Computed) and o.report.charts for o in outcomes) and not charts.can_draw():
        remark(charts.missing_extra())


def _parameters(declared: ReportType) -> list[str]:
    properties = declared.parameters.get("properties", {})
    return [f"{name}={json.dumps(p['default'])}" if "default" in p else name for name, p in properties.items()]
