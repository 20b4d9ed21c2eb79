"""A report on the terminal: its facts, its table, its notes. Other forms are :mod:`crmcore.reporting`'s."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli.output import Heading, print_pairs, print_table
from crmcore.i18n import title_in
from crmcore.reporting.values import RIGHT, cell_text, value_text

if TYPE_CHECKING:
    from crmcore.types import Report

__all__ = ["print_report"]


def print_report(report: Report) -> None:
    """Print a report."""
    click.secho(title_in(report.titles, ""), bold=True)
    facts = [(title_in(fact.titles, fact.name), value_text(fact.kind, fact.value)) for fact in report.facts]
    if facts:
        print_pairs(facts, indent=2)
        click.echo()
    headings = [
        Heading(title_in(column.titles, column.name), right=column.kind in RIGHT, whole=column.kind == "ref")
        for column in report.columns
    ]
    rows = [[cell_text(c, v) for c, v in zip(report.columns, row, strict=True)] for row in report.rows]
    print_table(headings, rows)
    if report.notes:
        click.echo()
    for note in report.notes:
        click.echo(note)
