"""Metrics as SQL: aggregates of related records, all those of one source from one scan.

A metric is declared by a plugin (:class:`crmcore.types.Metric`); scoring rules and reports use it by name. Nothing
is stored here.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import ColumnElement, FromClause, and_, case, cast, func, select

from crmcore.access import live
from crmcore.conditions import Scope, Use, compile_condition
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.model import ANY_ENTITY, Kind
from crmcore.store.tables import REF_ENTITY, REF_ID

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from sqlalchemy import Table

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.schema.model import Relation
    from crmcore.types import Metric

__all__ = ["MetricTable", "metric_named", "metric_table"]


@frozen(eq=False)
class MetricTable:
    """The live records of an entity with a column for each metric asked for."""

    source: FromClause
    """The entity's table joined with one subquery for each source of metrics."""
    table: Table
    columns: Mapping[str, ColumnElement[Any]]
    """Full name of a metric -> its column: 0 for a count or sum over nothing, else NULL."""


def metric_named(registry: Registry, entity: str, name: str) -> Metric:
    """Return a metric of an entity by its full or its short name.

    Raises:
        UsageError: there is none, or several have that short name.
    """
    found = [
        metric
        for metric in registry.metrics.values()
        if metric.entity == entity and name in (metric.name, metric.name.partition(".")[2])
    ]
    if len(found) != 1:
        raise UsageError(_("{entity} has no metric {name!r}").format(entity=entity, name=name))
    return found[0]


def metric_table(session: Session, entity: str, names: Iterable[str], as_of: dt.date) -> MetricTable:
    """Return the live records of an entity joined with some of its metrics.

    Args:
        session: gives the tables; metrics look at all live records, whoever asks.
        entity: the entity that is described.
        names: full or short names of metrics.
        as_of: last day of every window; related records of later days do not count.

    Returns:
        A join to select from: one row for each record of the entity.
    """
    registry = session.runtime.registry
    table = session.runtime.tables.entity[entity]
    source: FromClause = table
    columns: dict[str, ColumnElement[Any]] = {}
    by_relation: dict[str, dict[str, Metric]] = defaultdict(dict)
    for name in names:
        metric = metric_named(registry, entity, name)
        by_relation[metric.relation][name] = metric
    for relation, metrics in by_relation.items():
        scan = _scan(session, entity, registry.relations(entity)[relation], metrics, as_of)
        source = source.outerjoin(scan, scan.c.parent == table.c.id)
        for name, metric in metrics.items():
            column = scan.c[name]
            columns[name] = func.coalesce(column, 0) if metric.aggregate in ("count", "sum") else column
    return MetricTable(source, table, columns)


def _scan(
    session: Session, target: str, relation: Relation, metrics: Mapping[str, Metric], as_of: dt.date
) -> FromClause:
    child = session.runtime.tables.entity[relation.entity]
    reference = session.runtime.registry.entities[relation.entity].fields[relation.field]
    wanted = [live(child)]
    if reference.ref == ANY_ENTITY:
        parent = child.c[relation.field + REF_ID]
        wanted.append(child.c[relation.field + REF_ENTITY] == target)
    else:
        parent = child.c[relation.field]
        wanted.append(parent.is_not(None))
    aggregated = [_aggregate(session, relation.entity, metric, as_of).label(name) for name, metric in metrics.items()]
    return select(parent.label("parent"), *aggregated).where(*wanted).group_by(parent).subquery()


def _aggregate(session: Session, source: str, metric: Metric, as_of: dt.date) -> ColumnElement[Any]:
    child = session.runtime.tables.entity[source]
    counted = _counted(session, source, metric, as_of)
    value = child.c[metric.field] if metric.field else child.c.id
    chosen = value if counted is None else case((counted, value))
    aggregated: ColumnElement[Any] = getattr(func, metric.aggregate)(chosen)
    # PostgreSQL gives the sum of BIGINTs as NUMERIC.
    return cast(aggregated, value.type) if metric.aggregate == "sum" else aggregated


def _counted(session: Session, source: str, metric: Metric, as_of: dt.date) -> ColumnElement[bool] | None:
    """Return which related records count, or None when all do."""
    child = session.runtime.tables.entity[source]
    wanted: list[ColumnElement[bool]] = []
    if metric.date_field:
        fields = session.runtime.registry.entities[source].fields
        column, kind = child.c[metric.date_field], fields[metric.date_field].kind
        wanted.append(column < _start_of(as_of + dt.timedelta(days=1), kind, session.timezone))
        if metric.days is not None:
            first = as_of - dt.timedelta(days=metric.days - 1)
            wanted.append(column >= _start_of(first, kind, session.timezone))
    if metric.where:
        entities = session.runtime.registry.entities
        condition = compile_condition(metric.where, Scope(entities[source], entities), Use.FILTER)
        wanted.append(condition.sql(child, session.rule_context()))
    return and_(*wanted) if wanted else None


def _start_of(day: dt.date, kind: Kind, timezone: ZoneInfo) -> dt.date | dt.datetime:
    """Return where a day of the instance begins, as a value that compares with a date or an instant."""
    return dt.datetime.combine(day, dt.time(), timezone) if kind is Kind.INSTANT else day
