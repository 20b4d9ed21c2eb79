"""What the history says of a pipeline: every move from one stage to another, and since when a record is where it is.

The stages that a record went through are the old values in the history and the present one. Both selections hold the
rows that the session's actor may see, and are made for joining: nothing is read into Python here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, cast, func, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from crmcore.pipelines.days import day_of, days_between
from crmcore.store.columns import Instant, text_type

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select, Subquery

    from crmcore.records.session import Session
    from crmcore.types import Pipeline

__all__ = ["demand_readable", "stage_moves", "stage_since"]


def stage_moves(tx: Session, pipeline: Pipeline, ids: Sequence[int] | Select[Any] | None = None) -> Subquery:
    """Return every move of records from one stage to another, as a selection to join and filter.

    Args:
        tx: the transaction; only records that its actor may see are in it.
        pipeline: whose stages are meant.
        ids: of the records that are asked about, or a SELECT of them; all by default.

    Returns:
        A subquery with the columns ``id`` (of the record), ``entry`` (ascends with time), ``from_stage`` (empty where
        the record was in none), ``to_stage``, ``at`` (instant), ``day`` (its day in the time zone of the instance),
        ``actor`` (login), ``days`` (in the stage before). The stage that a record was created in is no move.

    Raises:
        AccessDenied: the actor may not read the stage.

    Example:
        >>> moves = stage_moves(tx, pipeline)  # doctest: +SKIP
        >>> tx.execute(select(moves.c.id, moves.c.to_stage).where(moves.c.day >= since))  # doctest: +SKIP
    """
    demand_readable(tx, pipeline, pipeline.field, pipeline.started)
    records, history = tx.table(pipeline.entity), tx.runtime.tables.history
    left = _old_stage(tx, pipeline)
    changed = _stage_changes(
        tx,
        pipeline,
        select(
            history.c.record_id.label("id"),
            history.c.id.label("entry"),
            left.label("from_stage"),
            history.c.at,
            day_of(tx, history.c.at).label("day"),
            history.c.actor,
        ),
    )
    changes = (changed if ids is None else changed.where(history.c.record_id.in_(ids))).subquery("changes")
    in_turn: dict[str, Any] = {"partition_by": changes.c.id, "order_by": changes.c.entry}
    is_last = func.lead(changes.c.entry).over(**in_turn).is_(None)
    entered = func.coalesce(func.lag(changes.c.day).over(**in_turn), _first_day(tx, pipeline, records))
    return (
        select(
            changes.c.id,
            changes.c.entry,
            changes.c.from_stage,
            case((is_last, records.c[pipeline.field]), else_=func.lead(changes.c.from_stage).over(**in_turn)).label(
                "to_stage"
            ),
            changes.c.at,
            changes.c.day,
            changes.c.actor,
            days_between(entered, changes.c.day).label("days"),
        )
        .join_from(changes, records, records.c.id == changes.c.id)
        .subquery("stage_moves")
    )


def stage_since(tx: Session, pipeline: Pipeline, as_of: dt.date | None = None) -> Subquery:
    """Return since when records are in their stage: the day of their last move, else the day that they started.

    A record that was never moved started on the day in `Pipeline.started`; where that is empty, when it was created.

    Args:
        tx: the transaction; only records that its actor may see are in it.
        pipeline: whose stages are meant.
        as_of: the day up to which days are counted; today by default. Stages are those of today.

    Returns:
        A subquery with the columns ``id`` (of the record), ``stage``, ``since`` (day), ``days``.

    Raises:
        AccessDenied: the actor may not read the stage.
    """
    demand_readable(tx, pipeline, pipeline.field, pipeline.started)
    records, history = tx.table(pipeline.entity), tx.runtime.tables.history
    # Asked for each record by itself: an index answers, also on a database that has just been filled by an import and
    # does not know yet how much there is.
    last_move = _stage_changes(tx, pipeline, select(func.max(history.c.at)).where(history.c.record_id == records.c.id))
    moved_at: ColumnElement[dt.datetime] = type_coerce(last_move.correlate(records).scalar_subquery(), Instant())
    first_day = _first_day(tx, pipeline, records)
    moved = select(
        records.c.id,
        records.c[pipeline.field].label("stage"),
        moved_at.label("moved_at"),
        first_day.label("first_day"),
    ).subquery("last_moves")
    since = func.coalesce(day_of(tx, moved.c.moved_at), moved.c.first_day)
    return select(
        moved.c.id, moved.c.stage, since.label("since"), days_between(since, as_of or tx.today).label("days")
    ).subquery("stage_since")


def demand_readable(tx: Session, pipeline: Pipeline, *fields: str | None) -> None:
    """Raise where the actor may not read a field that the answer would give away.

    Raises:
        AccessDenied: as it says.
    """
    for name in fields:
        if (pipeline.entity, name) in tx.hidden:
            raise tx.access.denied(tx.actor, "read", f"{pipeline.entity}.{name}")


def _stage_changes(tx: Session, pipeline: Pipeline, chosen: Select[Any]) -> Select[Any]:
    """Narrow a selection of the history down to changes of the stage."""
    history = tx.runtime.tables.history
    if tx.runtime.dialect.name == "postgresql":
        changed = type_coerce(history.c.old, JSONB).has_key(pipeline.field)
    else:
        # A stage that was empty is JSON's null, which has a type; one that did not change has none.
        changed = func.json_type(history.c.old, f"$.{pipeline.field}").is_not(None)
    return chosen.where(history.c.entity == pipeline.entity, changed)


def _old_stage(tx: Session, pipeline: Pipeline) -> ColumnElement[str]:
    old = tx.runtime.tables.history.c.old
    if tx.runtime.dialect.name == "postgresql":
        return cast(type_coerce(old, JSONB)[pipeline.field].astext, text_type())
    return func.json_extract(old, f"$.{pipeline.field}", type_=text_type())


def _first_day(tx: Session, pipeline: Pipeline, records: Subquery) -> ColumnElement[dt.date]:
    """Return the day on which a record came into the stage that it was created in."""
    created = day_of(tx, records.c.created_at)
    return func.coalesce(records.c[pipeline.started], created) if pipeline.started else created
