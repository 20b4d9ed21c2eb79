"""The end of a deal: the day of closing is kept, and opening it again is a right of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore import Session
    from crmcore.types import Batch, Change, Pipeline, Problem, Stage

REOPEN = "sales.reopen"


def set_closing_day(tx: Session, pipeline: Pipeline, batch: Batch) -> None:
    """Set the day of closing of records that are won or lost, and empty it where they are open again.

    A day that is given stays. An imported record that is new and closed already keeps an empty day: when it was closed
    nobody knows, and it was hardly today. Where an import is taken back, so is the day.
    """
    if batch.taken_back:
        return
    day = str(pipeline.closed)
    for change in batch:
        before, after = _stages(pipeline, change)
        if after is None or after == before:
            continue
        was_closed = before is not None and before.kind != "open"
        given = day in change.changed and change.after[day] is not None
        if after.kind == "open":
            if was_closed and not (given and batch.imported):
                change.set(day, None)
        elif not given and not (batch.action == "create" and batch.imported):
            # Won after it was lost: closed a second time, today.
            change.set(day, tx.today)


def refuse_reopening(tx: Session, pipeline: Pipeline, batch: Batch) -> Iterator[Problem]:
    """Yield a problem for each closed record that is moved by somebody who lacks the permission."""
    if not pipeline.name.startswith("sales.") or tx.granted(REOPEN):
        return
    for change in batch:
        before, _after = _stages(pipeline, change)
        if before is not None and before.kind != "open":
            yield change.problem(
                _("it is closed; to move it on takes the permission {permission}").format(permission=REOPEN),
                field=pipeline.field,
                hint=_("Ask somebody who has it, or an administrator."),
            )


def _stages(pipeline: Pipeline, change: Change) -> tuple[Stage | None, Stage | None]:
    return pipeline.stage(change.before.get(pipeline.field)), pipeline.stage(change.after.get(pipeline.field))
