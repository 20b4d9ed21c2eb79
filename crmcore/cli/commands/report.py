"""``crmcore report``: the tables that plugins offer, on the screen or for other programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import pair
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_csv, print_json, print_table, remark
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore.types import Column, Report, ReportType

__all__ = ["print_report", "report"]

_NUMBERS = ("integer", "number", "money", "share")


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


@report.command(help=_("Compute the report NAME over the records that you may see."))
@click.argument("name")
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help=_("A parameter of the report. May be given several times."),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    help=_("How it is printed (table)."),
)
@pass_instance
def run(instance: Instance, name: str, parameters: Sequence[str], form: str) -> None:
    """Compute and print a report."""
    from crmcore.reporting import report_type, run_report  # noqa: PLC0415  # commands are imported for --help too

    declared = report_type(instance.registry, name)
    with instance.session(read_only=True) as session:
        computed = run_report(session, name, _given(declared, parameters))
    if form == "json":
        print_json(_as_json(computed))
    elif form == "csv":
        print_csv([title_in(c.titles, c.name) for c in computed.columns], computed.rows)
    else:
        print_report(computed)


def print_report(computed: Report) -> None:
    """Print a report as a table."""
    from crmcore.cli.cells import column_cell  # noqa: PLC0415  # it imports SQLAlchemy

    headings = [Heading(title_in(c.titles, c.name), right=c.kind in _NUMBERS) for c in computed.columns]
    rows = [[column_cell(c, v) for c, v in zip(computed.columns, row, strict=True)] for row in computed.rows]
    print_table(headings, rows, title=title_in(computed.titles, ""))


def _given(declared: ReportType, texts: Sequence[str]) -> dict[str, Any]:
    """Read parameters: as JSON where the report expects something else than text and it can be read so."""
    properties: Mapping[str, Any] = declared.parameters.get("properties", {})
    given: dict[str, Any] = {}
    for text in texts:
        name, written = pair(text, "--param")
        given[name] = written
        if properties.get(name, {}).get("type") != "string":
            try:
                given[name] = json.loads(written)
            except ValueError:
                continue  # the schema of the report says what is expected
    return given


def _parameters(declared: ReportType) -> list[str]:
    properties = declared.parameters.get("properties", {})
    return [f"{name}={json.dumps(p['default'])}" if "default" in p else name for name, p in properties.items()]


def _as_json(computed: Report) -> dict[str, Any]:
    names = [column.name for column in computed.columns]
    return {
        "title": title_in(computed.titles, ""),
        "columns": [_column_json(column) for column in computed.columns],
        "rows": [dict(zip(names, row, strict=True)) for row in computed.rows],
    }


def _column_json(column: Column) -> dict[str, str]:
    return {"name": column.name, "title": title_in(column.titles, column.name), "kind": column.kind}
