"""What the demonstration does with its files, step by step, and what it prints of each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len, set_cell_size

from crmcore import scoring
from crmcore.cli.commands.import_shown import outcome_line
from crmcore.cli.explanations import run_line
from crmcore.cli.report_table import print_report
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.importing import import_file
from crmcore.pipelines import move, pipeline_named
from crmcore.reminders import reminders
from crmcore.reporting import imprint_of, run_report, run_reports
from crmcore.reporting.page import render
from crmcore.reporting.values import value_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crmcore.app import CRM
    from crmcore.records.session import Session

__all__ = ["import_all", "score_all", "show_findings", "work", "write_page"]

_MOVES = (("D0017", "qualified"), ("D0029", "proposal"), ("D0046", "contract"), ("D0052", "won"))
"""Deals that go on, and where to."""
_REPORTS: Mapping[str, Mapping[str, object]] = {
    "abc.classes": {},
    "abc.pareto": {},
    "churn.at_risk": {"limit": 15},
    "churn.retention": {"days": 90, "periods": 6},
    "sales.funnel": {},
    "sales.won": {},
}
_VISIT = {
    "subject": "customer:1",
    "kind": "visit",
    "summary": "谈了年度框架合同",
    "source": "demo",
    "external_id": "visit",
}
_FORECAST = ("forecast", "closed_revenue", "weighted_open")
"""Facts of the funnel that are printed."""
_DAYS = 365
_MOST = 3
"""Customers and reminders that are printed."""
_WIDTH = 79
"""Cells of a line: a terminal shows it whole."""


def import_all(crm: CRM, inputs: Mapping[str, Path], login: str) -> None:
    """Import the files; what orders name and is not there yet is created along."""
    for entity, path in inputs.items():
        result = import_file(crm, path, entity, actor=login, create_missing=entity == "order")
        click.echo(f"{path} ({result.form}): {outcome_line(result.outcomes)}")
        if result.created:
            counts = ", ".join(f"{name} {n:,}" for name, n in sorted(result.created.items()))
            click.echo("  " + _("created along: {counts}").format(counts=counts))
        for problem in result.problems:
            where = ", ".join(part for part in (_("line {line}").format(line=problem.line), problem.field) if part)
            _echo(f"  {where}: {problem.message}")
        if result.rejects:
            click.echo("  " + _("rejected rows, with reasons: {file}").format(file=path.with_name(result.rejects.name)))


def score_all(crm: CRM, login: str) -> None:
    """Run every rule."""
    with crm.session(login, source="cli") as session:
        for done in scoring.run_rules(session):
            click.echo(run_line(done))


def work(crm: CRM, login: str) -> None:
    """Move some deals, and log a visit."""
    pipeline = pipeline_named(crm.registry)
    titles = crm.registry.entities[pipeline.entity].fields[pipeline.field].enum_titles
    with crm.session(login, source="cli") as session:
        for code, stage in _MOVES:
            deal = session.find("opportunity", f"code = '{code}'")[0]
            before = deal[pipeline.field]
            move(session, pipeline, deal.ref.id, stage)
            said = f"{title_in(titles[before], before)} → {title_in(titles[stage], stage)}"
            click.echo(f"{deal.ref} {deal['name']}: {said}")
        session.create("activity", {**_VISIT, "happened_at": session.now}, on_match="update")


def show_findings(crm: CRM, login: str) -> None:
    """Print what was found: the classes, the forecast, who may be lost, and whom to call."""
    with crm.session(login, read_only=True) as session:
        click.echo()
        print_report(run_report(session, "abc.classes"))
        click.echo()
        _print_forecast(session)
        _print_risks(session)


def _echo(text: str) -> None:
    """Print a line, cut where the terminal would break it."""
    click.echo(text if cell_len(text) <= _WIDTH else f"{set_cell_size(text, _WIDTH - 1).rstrip()}…")


def _print_forecast(session: Session) -> None:
    # Days of the calendar year would make other figures on every day.
    since = session.today - dt.timedelta(days=_DAYS)
    funnel = run_report(session, "sales.funnel", {"from": since.isoformat()})
    facts = {fact.name: fact for fact in funnel.facts}
    said = [f"{title_in(facts[name].titles, name)} {value_text('money', facts[name].value)}" for name in _FORECAST]
    for line in said:
        click.echo(line)


def _print_risks(session: Session) -> None:
    risks = run_report(session, "churn.at_risk")
    names = [column.name for column in risks.columns]
    click.echo(f"{title_in(risks.titles, '')}: {len(risks.rows)}")
    for row in risks.rows[:_MOST]:
        values = dict(zip(names, row, strict=True))
        _echo(f"  {values['customer']}: {values['why']}")
    due = reminders(session).entries
    click.echo(_("reminders for the next seven days: {n}").format(n=len(due)))
    for entry in due[:_MOST]:
        _echo(f"  {entry.title}: {entry.reason}")


def write_page(crm: CRM, path: Path, login: str) -> None:
    """Write the page of reports."""
    with crm.session(login, read_only=True) as session:
        page = render(run_reports(session, _REPORTS, isolated=True), imprint_of(session))
    path.write_text(page, encoding="utf-8")
    click.echo("\n" + _("{n} reports with charts: {path}").format(n=len(_REPORTS), path=path))
