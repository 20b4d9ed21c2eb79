"""Metrics that are aggregates: all those over one relation from one scan of the related records.

The related records are those that a session may see; scoring looks as the system.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from attrs import evolve
from sqlalchemy import and_, case, cast, func, select

from crmcore.conditions import Scope, Use, compile_condition
from crmcore.schema.model import ANY_ENTITY, Kind
from crmcore.store.tables import REF_ENTITY, REF_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, FromClause, Subquery

    from crmcore.records.session import Session
    from crmcore.schema.model import Relation
    from crmcore.types import Metric

__all__ = ["EMPTY_IS_ZERO", "aggregate_scan"]

EMPTY_IS_ZERO = ("count", "sum")
"""Aggregates that are 0 over nothing; the others are empty."""

# Days that begin within the calendar in UTC as well.
_FIRST_DAY, _LAST_DAY = dt.date(1, 1, 2).toordinal(), dt.date(9999, 12, 30).toordinal()


def aggregate_scan(
    session: Session,
    target: str,
    relation: Relation,
    metrics: Mapping[str, Metric],
    as_of: dt.date,
    only: int | None = None,
) -> Subquery:
    """Return a subquery with a row for each record that something refers to.

    Args:
        session: whose actor says which related records are seen.
        target: the entity that is described.
        relation: the way to the related records.
        metrics: column -> metric; all of this relation.
        as_of: last day that counts.
        only: id of the one record that is wanted.

    Returns:
        Columns ``id``, of the described record, and one for each metric.
    """
    related = session.table(relation.entity)
    reference = session.runtime.registry.entities[relation.entity].fields[relation.field]
    if reference.ref == ANY_ENTITY:
        parent = related.c[relation.field + REF_ID]
        wanted = related.c[relation.field + REF_ENTITY] == target
    else:
        parent = related.c[relation.field]
        wanted = parent.is_not(None)
    columns = [_aggregate(session, related, relation.entity, metric, as_of).label(c) for c, metric in metrics.items()]
    if only is not None:
        wanted = and_(wanted, parent == only)
    return select(parent.label("id"), *columns).where(wanted).group_by(parent).subquery()


def _aggregate(
    session: Session, related: FromClause, entity: str, metric: Metric, as_of: dt.date
) -> ColumnElement[Any]:
    counted = _counted(session, related, entity, metric, as_of)
    value = related.c[metric.field] if metric.field else related.c.id
    chosen = value if counted is None else case((counted, value))
    aggregated: ColumnElement[Any] = getattr(func, str(metric.aggregate))(chosen)
    # PostgreSQL gives the sum of BIGINTs as NUMERIC.
    return cast(aggregated, value.type) if metric.aggregate == "sum" else aggregated


def _counted(
    session: Session, related: FromClause, entity: str, metric: Metric, as_of: dt.date
) -> ColumnElement[bool] | None:
    """Return which related records count, or None when all do."""
    entities = session.runtime.registry.entities
    wanted: list[ColumnElement[bool]] = []
    if metric.date_field:
        column, kind = related.c[metric.date_field], entities[entity].fields[metric.date_field].kind
        wanted.append(column < _start_of(_shifted(as_of, 1), kind, session.timezone))
        if metric.days is not None:
            first = _shifted(as_of, 1 - metric.days)
            wanted.append(column >= _start_of(first, kind, session.timezone))
    if metric.where:
        condition = compile_condition(metric.where, Scope(entities[entity], entities), Use.FILTER)
        wanted.append(condition.sql(related, evolve(session.filter_context(), today=as_of)))
    return and_(*wanted) if wanted else None


def _shifted(day: dt.date, days: int) -> dt.date:
    """Return a day some days later or earlier; where the calendar has none, its end or its beginning."""
    return dt.date.fromordinal(min(max(day.toordinal() + days, _FIRST_DAY), _LAST_DAY))


def _start_of(day: dt.date, kind: Kind, timezone: ZoneInfo) -> dt.date | dt.datetime:
    """Return where a day of the instance begins, as a value that compares with a date or an instant."""
    return dt.datetime.combine(day, dt.time(), timezone) if kind is Kind.INSTANT else day
