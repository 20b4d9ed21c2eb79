"""Metrics that are columns of a plugin's own SELECT: its function called in its name, what it gives checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import CompoundSelect, Label, Over, Select, Table, select
from sqlalchemy.sql.visitors import iterate

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.types.names import own_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import Subquery

    from crmcore.records.session import Session
    from crmcore.types import Metric, MetricQuery

__all__ = ["query_scan", "query_tables"]


def query_scan(
    session: Session, query: MetricQuery, metrics: Sequence[Metric], as_of: dt.date, only: int | None = None
) -> Subquery:
    """Return what a plugin's SELECT gives, as a subquery.

    Args:
        session: given to the plugin as ``tx``.
        query: the plugin's.
        metrics: those of its metrics that are asked for.
        as_of: last day that counts.
        only: id of the one record whose metrics are wanted.

    Raises:
        AccessDenied: it looks at a field that the actor may not read.
        PluginError: the plugin failed, or gave something else than it declared.
    """
    declared = metrics[0].name

    def selected() -> Subquery:
        statement = query.select(session, as_of)
        if not isinstance(statement, Select | CompoundSelect):
            raise UsageError(_("the query of metric {name} gave no SELECT").format(name=declared))
        columns = statement.selected_columns
        missing = [name for name in ("id", *(_own(metric) for metric in metrics)) if name not in columns]
        if missing:
            raise UsageError(
                _("the query of metric {name} has no column {missing}").format(
                    name=declared, missing=", ".join(missing)
                )
            )
        return (statement if only is None else _of_one(statement, only)).subquery()

    return session.runtime.registry.attributed(declared, selected)


def query_tables(session: Session, query: MetricQuery, metrics: Sequence[Metric], as_of: dt.date) -> set[str]:
    """Return the entities whose records a plugin's SELECT looks at.

    Raises:
        AccessDenied: it looks at a field that the actor may not read.
    """
    entities = {table: name for name, table in session.runtime.tables.entity.items()}
    scan = query_scan(session, query, metrics, as_of)
    return {entities[part] for part in iterate(scan) if isinstance(part, Table) and part in entities}


def _of_one(statement: Select[Any] | CompoundSelect[Any], only: int) -> Select[Any] | CompoundSelect[Any]:
    """Return the row of one record; rows of others are left out before they are grouped where that changes nothing."""
    if isinstance(statement, Select):
        id = statement.selected_columns["id"]
        id = id.element if isinstance(id, Label) else id
        grouped = any(id is each for each in statement._group_by_clauses)  # noqa: SLF001  # it has no public name
        parts = (part for column in statement.selected_columns for part in iterate(column))
        if grouped and not any(isinstance(part, Over) for part in parts):
            statement = statement.where(id == only)
    scan = statement.subquery()
    # Databases push an id down through windows that are partitioned by it, and not from a join.
    return select(scan).where(scan.c.id == only)


def _own(metric: Metric) -> str:
    return own_name(metric.name)
