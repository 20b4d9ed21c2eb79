"""The stages that a record went through, on the screen and as JSON; the moves are :mod:`crmcore.pipelines`'."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from attrs import frozen
from sqlalchemy import select

from crmcore.cli.output import Heading, print_table
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext
from crmcore.pipelines import stage_moves, stage_since, stage_titles

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from sqlalchemy import RowMapping

    from crmcore.records.session import Session
    from crmcore.types import Pipeline

__all__ = ["History", "history_json", "history_of", "print_history"]


@frozen
class History:
    """The stages that a record went through in one pipeline."""

    pipeline: Pipeline
    titles: Mapping[str, str]
    moves: Sequence[RowMapping]
    """Rows of `crmcore.pipelines.stage_moves`, the first one first."""
    stage: str | None
    since: dt.date
    days: int


def history_of(session: Session, pipeline: Pipeline, id: int) -> History:
    """Return the stages that a record went through and where it is."""
    moves, ages = stage_moves(session, pipeline, [id]), stage_since(session, pipeline)
    rows = session.execute(select(moves).order_by(moves.c.entry)).mappings().all()
    here = session.execute(select(ages).where(ages.c.id == id)).one()
    return History(pipeline, stage_titles(session, pipeline), rows, here.stage, here.since, here.days)


def print_history(session: Session, passed: History) -> None:
    """Print a line for each move, and one for the stage that the record is in."""
    headings = [
        Heading(_("When"), whole=True),
        Heading(_("Who"), whole=True),
        Heading(_("From")),
        Heading(_("To")),
        Heading(_("Days before"), right=True),
    ]
    rows = [
        [
            row["at"].astimezone(session.timezone).strftime("%Y-%m-%d %H:%M"),
            row["actor"],
            _called(passed, row["from_stage"]),
            _called(passed, row["to_stage"]),
            f"{row['days']:,}",
        ]
        for row in passed.moves
    ]
    if rows:
        print_table(headings, rows)
    said = ngettext("{stage} since {since}: {days} day", "{stage} since {since}: {days} days", passed.days)
    click.echo(said.format(stage=_called(passed, passed.stage), since=passed.since, days=f"{passed.days:,}"))


def history_json(passed: History) -> dict[str, Any]:
    """Return the stages that a record went through as a JSON object."""
    return {
        "pipeline": passed.pipeline.name,
        "stage": passed.stage,
        "since": passed.since.isoformat(),
        "days": passed.days,
        "moves": [
            {
                "at": row["at"].isoformat().replace("+00:00", "Z"),
                "actor": row["actor"],
                "from": row["from_stage"],
                "to": row["to_stage"],
                "days": row["days"],
            }
            for row in passed.moves
        ],
    }


def _called(passed: History, stage: str | None) -> str:
    return _("empty") if stage is None else passed.titles.get(stage, stage)
