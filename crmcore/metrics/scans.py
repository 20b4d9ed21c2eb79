"""Where metrics come from: one scan for each relation, one for each SELECT of a plugin's own; and joining them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import func, type_coerce

from crmcore.metrics.aggregates import EMPTY_IS_ZERO, aggregate_scan
from crmcore.metrics.queries import query_scan
from crmcore.registry.metric_checks import metric_kind
from crmcore.store.columns import COLUMN_TYPES
from crmcore.types.names import own_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.records.session import Session
    from crmcore.types import Metric, MetricQuery

__all__ = ["MetricTable", "Scan", "joined", "scans"]


@frozen(eq=False)
class Scan:
    """Some metrics that come from one source."""

    rows: FromClause
    """A row for each record that the source knows something of: its ``id``, and a column for each metric."""
    columns: Mapping[str, str]
    """Name of a metric, as it was asked for -> its column."""


@frozen(eq=False)
class MetricTable:
    """Records of an entity with a column for each metric asked for."""

    source: FromClause
    """The records joined with each source of metrics."""
    table: FromClause
    columns: Mapping[str, ColumnElement[Any]]
    """Name of a metric, as it was asked for -> its column: 0 for a count or sum over nothing, else NULL."""


def scans(
    session: Session, entity: str, named: Mapping[str, Metric], as_of: dt.date, only: int | None = None
) -> Iterator[Scan]:
    """Yield a scan for each source of some metrics.

    Args:
        session: whose actor says which related records are seen.
        entity: the entity that is described.
        named: metrics of it by any name.
        as_of: last day that counts.
        only: id of the one record that is wanted.
    """
    relations = session.runtime.registry.relations(entity)
    by_relation: dict[str, dict[str, Metric]] = defaultdict(dict)
    by_query: dict[MetricQuery, dict[str, Metric]] = defaultdict(dict)
    for name, metric in named.items():
        if metric.query is not None:
            by_query[metric.query][name] = metric
        else:
            by_relation[str(metric.relation)][name] = metric
    for relation, metrics in by_relation.items():
        columns = {name: f"m{n}" for n, name in enumerate(metrics)}  # a whole name may be longer than PostgreSQL's
        numbered = {columns[name]: metric for name, metric in metrics.items()}
        yield Scan(aggregate_scan(session, entity, relations[relation], numbered, as_of, only), columns)
    for query, metrics in by_query.items():
        rows = query_scan(session, query, [*metrics.values()], as_of, only)
        yield Scan(rows, {name: own_name(metric.name) for name, metric in metrics.items()})


def joined(session: Session, table: FromClause, named: Mapping[str, Metric], found: Sequence[Scan]) -> MetricTable:
    """Return records joined with the scans of some metrics."""
    entities = session.runtime.registry.entities
    source, columns = table, dict[str, "ColumnElement[Any]"]()
    for scan in found:
        source = source.outerjoin(scan.rows, scan.rows.c.id == table.c.id)
        for name, own in scan.columns.items():
            column = type_coerce(scan.rows.c[own], COLUMN_TYPES[metric_kind(named[name], entities)])
            columns[name] = func.coalesce(column, 0) if named[name].aggregate in EMPTY_IS_ZERO else column
    return MetricTable(source, table, columns)
