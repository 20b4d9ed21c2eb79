"""Metrics of all records, kept for the time of a run: each source is scanned once, whoever reads its metrics."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, Table, insert, select
from sqlalchemy.exc import IntegrityError

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.metrics.scans import Scan, joined, scans
from crmcore.registry.metric_checks import metric_kind
from crmcore.store.columns import COLUMN_TYPES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.metrics.scans import MetricTable
    from crmcore.records.session import Session
    from crmcore.types import Metric

__all__ = ["kept_metrics"]


@contextmanager
def kept_metrics(session: Session, entity: str, metrics: Iterable[Metric], as_of: dt.date) -> Iterator[MetricTable]:
    """Lay metrics of all records, also deleted ones, into temporary tables that are there inside the ``with`` block.

    Args:
        session: in a savepoint, to which an error inside the block goes back; whoever its actor is.
        entity: the entity that is described.
        metrics: of that entity.
        as_of: last day of every window; related records of later days do not count.

    Returns:
        A join to select from, with the metrics by their full names.

    Raises:
        UsageError: the SELECT of a plugin gives a record more than once.
    """
    named = {metric.name: metric for metric in metrics}
    table, kept = session.runtime.tables.entity[entity], list[Table]()
    found = []
    # What is told of a run may start another: each has tables of its own.
    with session.computing() as depth:
        for scan in scans(session.as_system(), entity, named, as_of):
            kept.append(_table(f"crmcore_metrics_{depth}_{len(kept)}", session, table, scan, named))
            _fill(session, kept[-1], scan)
            found.append(Scan(kept[-1], scan.columns))
        yield joined(session, table, named, found)
        for each in kept:
            each.drop(session.connection)


def _table(name: str, session: Session, table: Table, scan: Scan, named: Mapping[str, Metric]) -> Table:
    entities = session.runtime.registry.entities
    kinds = {own: metric_kind(named[metric], entities) for metric, own in scan.columns.items()}
    identity = Column("id", table.c.id.type, primary_key=True, autoincrement=False)
    columns = [Column(own, COLUMN_TYPES[kind]) for own, kind in kinds.items()]
    return Table(name, MetaData(), identity, *columns, prefixes=["TEMPORARY"])


def _fill(session: Session, kept: Table, scan: Scan) -> None:
    kept.create(session.connection)
    names = [column.name for column in kept.c]
    # A plugin's SELECT may group orders without a customer; SQLite would give their row a number of its own.
    rows = select(*(scan.rows.c[name] for name in names)).where(scan.rows.c.id.is_not(None))
    try:
        session.connection.execute(insert(kept).from_select(names, rows))
    except IntegrityError as error:
        metrics = ", ".join(scan.columns)
        message = _("the SELECT behind {metrics} gives a record more than once")
        raise UsageError(message.format(metrics=metrics)) from error
