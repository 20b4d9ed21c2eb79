"""The board of a pipeline: what lies in each stage, how old it is, and the forecast (R20, R21).

One statement counts records by stage and age; there are few different ages, so medians are taken from the counts.
Amounts and win rates are multiplied as decimals: 464 x 30 % is 139.2 and nothing near it.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import func, not_, or_, select

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.pipelines.moves import demand_readable
from crmcore.pipelines.scope import scope_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Row

    from crmcore.pipelines.scope import Scope
    from crmcore.records.session import Session
    from crmcore.types import Pipeline, Stage

__all__ = ["Board", "StageFigures", "board", "stage_titles"]


@frozen(kw_only=True)
class StageFigures:
    """What lies in one stage; in one that is not open, what came to its end there in the period of the board."""

    stage: Stage
    title: str
    """What people call the stage, in the language that was spoken."""
    count: int
    amount: Decimal
    """Sum of the amounts; a record without one adds nothing."""
    without_amount: int
    """Records that have no amount."""
    median_days: float | None
    """Median of the days that the records have been in the stage; None where there are none."""
    oldest_days: int | None
    stale: int
    """Records that have been in the stage for longer than it allows."""

    @property
    def weighted(self) -> Decimal:
        """Amount x win rate."""
        return self.amount * Decimal(str(self.stage.win_rate))


@frozen(kw_only=True)
class Board:
    """A pipeline with what lies in it.

    The forecast is closed revenue + the sum of amount x win rate of all that is open (R21).
    """

    pipeline: Pipeline
    as_of: dt.date
    """The day up to which ages are counted."""
    since: dt.date
    until: dt.date
    """First and last day of the period of which closed records are shown and counted."""
    stages: tuple[StageFigures, ...]
    """In the order of the pipeline."""
    undated: int
    """Won and lost records that do not say when: they are in no period."""
    elsewhere: int
    """Records in no stage of the pipeline."""

    @property
    def open(self) -> tuple[StageFigures, ...]:
        """The open stages."""
        return tuple(figures for figures in self.stages if figures.stage.kind == "open")

    @property
    def open_count(self) -> int:
        """Number of open records."""
        return sum(figures.count for figures in self.open)

    @property
    def open_amount(self) -> Decimal:
        """Amounts of the open records."""
        return sum((figures.amount for figures in self.open), Decimal(0))

    @property
    def weighted(self) -> Decimal:
        """Sum of amount x win rate of the open records."""
        return sum((figures.weighted for figures in self.open), Decimal(0))

    @property
    def without_amount(self) -> int:
        """Open records that have no amount: they are in the forecast with nothing."""
        return sum(figures.without_amount for figures in self.open)

    @property
    def closed(self) -> Decimal:
        """Closed revenue: amounts of what was won in the period."""
        return sum((figures.amount for figures in self.stages if figures.stage.kind == "won"), Decimal(0))

    @property
    def closed_count(self) -> int:
        """Number of records that were won in the period."""
        return sum(figures.count for figures in self.stages if figures.stage.kind == "won")

    @property
    def forecast(self) -> Decimal:
        """Closed revenue and what is expected of the open records."""
        return self.closed + self.weighted


def board(
    tx: Session,
    pipeline: Pipeline,
    where: str | None = None,
    as_of: dt.date | None = None,
    *,
    owner: int | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
) -> Board:
    """Return what lies in each stage of a pipeline, and the forecast, over the records that the actor may see.

    Args:
        tx: the transaction.
        pipeline: the pipeline.
        where: a condition on its records; None for all.
        as_of: the day up to which ages are counted; today by default. Stages and amounts are those of today.
        owner: only records of this user.
        since: first day of the period whose closed records count; by default the first of the year of `until`.
        until: last day of that period; `as_of` by default.

    Raises:
        AccessDenied: the actor may not read the stage, the amount or the day of closing.
        ConditionError: the condition cannot be understood, or names a field the actor may not read.
        UsageError: the entity has no owner, or the period ends before it begins.
    """
    demand_readable(tx, pipeline, pipeline.closed)
    as_of = as_of or tx.today
    until = until or as_of
    since = since or dt.date(until.year, 1, 1)
    if until < since:
        raise UsageError(_("the period ends before it begins: {since} to {until}").format(since=since, until=until))
    scope = scope_of(tx, pipeline, where, owner, as_of)
    by_stage: dict[str | None, list[Row[Any]]] = defaultdict(list)
    for row in _counted(scope, since, until):
        by_stage[row.stage].append(row)
    titles = stage_titles(tx, pipeline)
    known = [_figures(stage, titles[stage.name], by_stage.pop(stage.name, ())) for stage in pipeline.stages]
    return Board(
        pipeline=pipeline,
        as_of=as_of,
        since=since,
        until=until,
        stages=tuple(known),
        undated=_undated(scope),
        elsewhere=sum(row.records for left in by_stage.values() for row in left),
    )


def stage_titles(tx: Session, pipeline: Pipeline) -> Mapping[str, str]:
    """Return what people call the stages of a pipeline, in the language that is spoken."""
    titles = tx.runtime.entity(pipeline.entity).fields[pipeline.field].enum_titles
    return {stage.name: title_in(titles.get(stage.name, {}), stage.name) for stage in pipeline.stages}


def _counted(scope: Scope, since: dt.date, until: dt.date) -> Sequence[Row[Any]]:
    """Count records and add up amounts by stage and age, youngest first; closed ones only of the period."""
    with_amount: ColumnElement[int] = func.count() if scope.amount is None else func.count(scope.amount)
    figures: list[ColumnElement[Any]] = [with_amount.label("with_amount")]
    figures += [] if scope.amount is None else [func.sum(scope.amount).label("amount")]
    counted = select(scope.ages.c.stage, scope.ages.c.days, func.count().label("records"), *figures)
    return scope.tx.execute(
        scope.over(counted)
        .where(or_(not_(scope.is_closed), scope.closing_day.between(since, until)))
        .group_by(scope.ages.c.stage, scope.ages.c.days)
        .order_by(scope.ages.c.days)
    ).all()


def _undated(scope: Scope) -> int:
    """Count closed records without a day of closing."""
    counted = scope.over(select(func.count())).where(scope.is_closed, scope.closing_day.is_(None))
    return int(scope.tx.execute(counted).scalar_one())


def _figures(stage: Stage, title: str, rows: Sequence[Row[Any]]) -> StageFigures:
    counts = [(row.days, row.records) for row in rows]
    n = sum(records for _days, records in counts)
    return StageFigures(
        stage=stage,
        title=title,
        count=n,
        amount=sum((getattr(row, "amount", None) or Decimal(0) for row in rows), Decimal(0)),
        without_amount=n - sum(row.with_amount for row in rows),
        median_days=_median(counts),
        oldest_days=counts[-1][0] if counts else None,
        stale=sum(records for days, records in counts if stage.max_days is not None and days > stage.max_days),
    )


def _median(counts: Sequence[tuple[int, int]]) -> float | None:
    """Return the median of values that come with how often there are, in ascending order."""
    n = sum(count for _value, count in counts)
    if not n:
        return None
    return (_at(counts, (n - 1) // 2) + _at(counts, n // 2)) / 2


def _at(counts: Sequence[tuple[int, int]], position: int) -> int:
    for value, count in counts:
        if position < count:
            return value
        position -= count
    raise IndexError(position)
