"""How the board of a pipeline looks, on the screen and as JSON; what lies on it is :mod:`crmcore.pipelines`'."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from crmcore.cli.output import Heading, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext, title_in
from crmcore.pipelines import stage_titles
from crmcore.schema.values import fold
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmcore.pipelines import Board, Deal, StageFigures
    from crmcore.records.session import Session
    from crmcore.types import Pipeline

__all__ = ["board_json", "print_board", "user_called"]

_PLACES = Decimal("0.0001")


def user_called(session: Session, login: str) -> int:
    """Return the id of a user, also of one who cannot log in any more.

    Raises:
        UsageError: there is none of that login that the actor may see.
    """
    if fold(login) == fold(session.actor.login) and session.actor.id is not None:
        return session.actor.id
    user = session.table("user")
    found = session.execute(select(user.c.id).where(user.c.login__folded == fold(login))).scalar()
    if found is None:
        raise UsageError(_("there is no user {login!r}").format(login=login))
    return int(found)


def print_board(session: Session, seen: Board, deals: Sequence[Deal] | None) -> None:
    """Print a line for each stage and one for all that is open, then the forecast, then open records if asked for."""
    headings = [
        Heading(_("Stage")),
        *(
            Heading(title, right=True)
            for title in (
                _("Records"),
                _("Amount"),
                _("Win rate"),
                _("Weighted"),
                _("Median days"),
                _("Oldest"),
                _("Stale"),
            )
        ),
    ]
    print_table(headings, [*map(_stage_row, seen.stages), _open_row(seen)], title=_title(seen))
    click.echo(
        _("Forecast {since} to {until}: {forecast} = {closed} won + {weighted} weighted").format(
            since=seen.since,
            until=seen.until,
            forecast=_amount(seen.forecast),
            closed=_amount(seen.closed),
            weighted=_amount(seen.weighted),
        )
    )
    for line in _left_out(seen):
        remark(line)
    if deals is not None:
        click.echo()
        _print_deals(session, seen.pipeline, deals)


def board_json(seen: Board, deals: Sequence[Deal] | None) -> dict[str, Any]:
    """Return a board as a JSON object."""
    found = {
        "pipeline": seen.pipeline.name,
        "as_of": seen.as_of.isoformat(),
        "from": seen.since.isoformat(),
        "to": seen.until.isoformat(),
        "stages": [_stage_json(figures) for figures in seen.stages],
        "open": {
            "records": seen.open_count,
            "amount": _exact(seen.open_amount),
            "weighted": _exact(seen.weighted),
            "without_amount": seen.without_amount,
        },
        "closed_records": seen.closed_count,
        "closed_revenue": _exact(seen.closed),
        "forecast": _exact(seen.forecast),
        "undated": seen.undated,
        "elsewhere": seen.elsewhere,
    }
    return found if deals is None else {**found, "deals": [_deal_json(deal) for deal in deals]}


def _title(seen: Board) -> str:
    return title_in(seen.pipeline.titles, seen.pipeline.name)


def _stage_row(figures: StageFigures) -> list[str]:
    """Return a line of the table; of what is closed, age and weight mean nothing."""
    shown = [figures.title, f"{figures.count:,}", _amount(figures.amount), f"{figures.stage.win_rate * 100:g} %"]
    if figures.stage.kind != "open":
        return [*shown, "", "", "", ""]
    days = ["", ""] if figures.oldest_days is None else [f"{figures.median_days:,g}", f"{figures.oldest_days:,}"]
    return [*shown, _amount(figures.weighted), *days, f"{figures.stale:,}" if figures.stage.max_days else ""]


def _open_row(seen: Board) -> list[str]:
    stale = sum(figures.stale for figures in seen.open)
    figures = [f"{seen.open_count:,}", _amount(seen.open_amount), "", _amount(seen.weighted), "", "", f"{stale:,}"]
    return [_("All open"), *figures]


def _left_out(seen: Board) -> Iterator[str]:
    """Yield what a reader of the figures should know."""
    if seen.without_amount:
        said = ngettext("{n} open record has no amount", "{n} open records have no amount", seen.without_amount)
        yield said.format(n=f"{seen.without_amount:,}")
    if seen.undated:
        said = ngettext(
            "{n} closed record has no day of closing and is in no period",
            "{n} closed records have no day of closing and are in no period",
            seen.undated,
        )
        yield said.format(n=f"{seen.undated:,}")
    if seen.elsewhere:
        said = ngettext("{n} record is in no stage", "{n} records are in no stage", seen.elsewhere)
        yield said.format(n=f"{seen.elsewhere:,}")


def _print_deals(session: Session, pipeline: Pipeline, deals: Sequence[Deal]) -> None:
    titles = stage_titles(session, pipeline)
    owners = {deal: Ref("user", deal.owner) for deal in deals if deal.owner is not None}
    names = session.names([*(deal.ref for deal in deals), *owners.values()])
    headings = [
        Heading(_("Stage")),
        Heading(_("Record"), whole=True),
        Heading(_("Name")),
        Heading(_("Amount"), right=True),
        Heading(_("Owner")),
        Heading(_("Expected"), whole=True),
        Heading(_("Days"), right=True),
        Heading(""),
    ]
    rows = [
        [
            titles[deal.stage.name],
            str(deal.ref),
            names.get(deal.ref, ""),
            "" if deal.amount is None else _amount(deal.amount),
            names.get(owners[deal], str(owners[deal])) if deal in owners else "",
            "" if deal.expected is None else deal.expected.isoformat(),
            f"{deal.days:,}",
            _("stale") if deal.stale else "",
        ]
        for deal in deals
    ]
    print_table(headings, rows)


def _stage_json(figures: StageFigures) -> dict[str, Any]:
    return {
        "stage": figures.stage.name,
        "title": figures.title,
        "kind": figures.stage.kind,
        "win_rate": figures.stage.win_rate,
        "records": figures.count,
        "amount": _exact(figures.amount),
        "weighted": _exact(figures.weighted),
        "without_amount": figures.without_amount,
        "median_days": figures.median_days,
        "oldest_days": figures.oldest_days,
        "stale": figures.stale,
    }


def _deal_json(deal: Deal) -> dict[str, Any]:
    return {
        "ref": str(deal.ref),
        "stage": deal.stage.name,
        "amount": None if deal.amount is None else _exact(deal.amount),
        "owner": deal.owner,
        "expected": None if deal.expected is None else deal.expected.isoformat(),
        "days": deal.days,
        "stale": deal.stale,
    }


def _amount(value: Decimal) -> str:
    return f"{value:,.2f}"


def _exact(value: Decimal) -> str:
    """Return an amount with its four places, as all amounts are written."""
    return str(value.quantize(_PLACES))
