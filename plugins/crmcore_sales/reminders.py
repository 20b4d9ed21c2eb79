"""What sales reminds of: deals that stand still, deals that are late, next steps that are due. Open deals only."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from attrs import frozen
from sqlalchemy import case, select

from crmcore import gettext as _
from crmcore import stage_since, stage_titles
from crmcore.errors import AccessDenied
from crmcore.types import Ref, Reminder
from crmcore_sales.settings import pipelines_in
from crmcore_sales.timeline import money, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from sqlalchemy import ColumnElement, Row, Select, Subquery

    from crmcore import Session
    from crmcore.types import Pipeline

_DAY = dt.timedelta(days=1)


def reminders(tx: Session, since: dt.date, until: dt.date) -> Iterator[Reminder]:
    """Yield what is due from one day to another; what has been due for longer is due on the first."""
    for pipeline in pipelines_in(tx.settings("sales")).values():
        try:
            ages = stage_since(tx, pipeline, as_of=until)
        except AccessDenied:
            continue
        deals = _OpenDeals(tx, pipeline, tx.table(pipeline.entity), ages, stage_titles(tx, pipeline))
        yield from deals.stale(since)
        yield from deals.late(since, until)
        yield from deals.next_steps(since, until)


@frozen
class _OpenDeals:
    """The open records of a pipeline."""

    tx: Session
    pipeline: Pipeline
    records: Subquery
    ages: Subquery
    titles: Mapping[str, str]

    def stale(self, since: dt.date) -> Iterator[Reminder]:
        """Yield records that have been in their stage for longer than it allows, from the day after."""
        limits = {stage.name: stage.max_days for stage in self.pipeline.stages if stage.max_days is not None}
        if not limits:
            return
        limit = case(limits, value=self.ages.c.stage)
        for row in self.tx.execute(self._selected().where(self.ages.c.days > limit)):
            reason = _("{days} days in {stage}, {allowed} at most").format(
                days=f"{(self.tx.today - row.since).days:,}", stage=self.titles[row.stage], allowed=limits[row.stage]
            )
            due = max(since, row.since + (limits[row.stage] + 1) * _DAY)
            yield self._reminder(row, "sales.stale", due, _("Move it on, or close it"), reason)

    def late(self, since: dt.date, until: dt.date) -> Iterator[Reminder]:
        """Yield records that were expected to be won by now, from the day after."""
        expected = shown(self.records, self.pipeline.expected or "")
        for row in self.tx.execute(self._selected(expected.label("day")).where(expected < until)):
            ago = (self.tx.today - row.day).days
            text = _("expected to close on {day}, {days} days ago, and in {stage}")
            if ago <= 0:
                text = _("expected to close on {day}, and in {stage}")
            reason = text.format(day=row.day, days=f"{ago:,}", stage=self.titles[row.stage])
            yield self._reminder(row, "sales.late", max(since, row.day + _DAY), _("Say when it will close"), reason)

    def next_steps(self, since: dt.date, until: dt.date) -> Iterator[Reminder]:
        """Yield records whose next step is due, on its day."""
        day, step = shown(self.records, "next_step_date"), shown(self.records, "next_step")
        for row in self.tx.execute(self._selected(day.label("day"), step.label("step")).where(day <= until)):
            reason = _("planned for {day}, in {stage}").format(day=row.day, stage=self.titles[row.stage])
            title = row.step or _("Take the next step")
            yield self._reminder(row, "sales.next_step", max(since, row.day), title, reason)

    def _selected(self, *columns: ColumnElement[Any]) -> Select[Any]:
        records, ages = self.records, self.ages
        own = self.tx.owner_field(self.pipeline.entity) or ""
        amount, owner = shown(records, self.pipeline.amount or ""), shown(records, own)
        return (
            select(records.c.id, amount.label("amount"), owner.label("owner"), ages.c.stage, ages.c.since, *columns)
            .join_from(records, ages, ages.c.id == records.c.id)
            .where(ages.c.stage.in_([stage.name for stage in self.pipeline.stages if stage.kind == "open"]))
        )

    def _reminder(self, row: Row[Any], kind: str, due: dt.date, title: str, reason: str) -> Reminder:
        figures = "; ".join(part for part in (reason, money(row.amount)) if part)
        ref = Ref(self.pipeline.entity, row.id)
        return Reminder(kind=kind, due=due, ref=ref, title=title, reason=figures, owner=row.owner)
