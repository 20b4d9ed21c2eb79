"""The records of an entity with a column for each of some metrics, for one statement; metrics found by name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import select

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.metrics.scans import joined, scans
from crmcore.registry.metric_checks import metric_reads
from crmcore.types.names import is_called, own_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from sqlalchemy import Subquery

    from crmcore.metrics.scans import MetricTable
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.types import Metric

__all__ = ["metric_named", "metric_table", "metric_values"]


def metric_named(registry: Registry, entity: str, name: str, plugin: str = "") -> Metric:
    """Return a metric of an entity by its full name, or by its short one: of several, that of a plugin, if it has one.

    Raises:
        UsageError: there is none, or several have that short name.
    """
    of_entity = {metric.name: metric for metric in registry.metrics.values() if metric.entity == entity}
    found = [metric for full, metric in of_entity.items() if is_called(full, name)]
    if f"{plugin}.{name}" in of_entity:
        return of_entity[f"{plugin}.{name}"]
    if len(found) == 1:
        return found[0]
    message = _("{entity} has no metric {name!r}").format(entity=entity, name=name)
    if found:
        message = _("{entity} has more than one metric {name!r}").format(entity=entity, name=name)
    known = ", ".join(sorted(metric.name for metric in found) or sorted(of_entity)) or _("none")
    raise UsageError(message, hint=_("Known: {known}").format(known=known))


def metric_table(
    session: Session, entity: str, names: Iterable[str], as_of: dt.date, *, plugin: str = "", only: int | None = None
) -> MetricTable:
    """Return the records of an entity joined with some of its metrics, for rules: they look at all that is live.

    Args:
        session: gives the tables, whoever its actor is.
        entity: the entity that is described.
        names: full or short names of metrics.
        as_of: last day of every window; related records of later days do not count.
        plugin: whose metric is meant by a short name that several have.
        only: id of the one record whose metrics are wanted, so that nothing is computed for the others.

    Returns:
        A join to select from: one row for each record of the entity, deleted ones included.
    """
    table, wanted = session.runtime.tables.entity[entity], dict.fromkeys(names)
    metrics = {name: metric_named(session.runtime.registry, entity, name, plugin) for name in wanted}
    found = [*scans(session.as_system(), entity, metrics, as_of, only)]
    return joined(session, table, metrics, found)


def metric_values(tx: Session, entity: str, names: Iterable[str], as_of: dt.date | None = None) -> Subquery:
    """Return some metrics of the records that the actor may see, over related records that the actor may see.

    Args:
        tx: what hooks are given.
        entity: the entity that is described.
        names: full or short names of metrics.
        as_of: last day that counts; today by default.

    Returns:
        A subquery to join with `Transaction.table`: the column ``id``, and one for each metric called by the part of
        its name after the dot.

    Raises:
        UsageError: there is no such metric, or two have the same name after the dot.
        AccessDenied: a metric looks at a field that the actor may not read.

    Example:
        >>> values = metric_values(tx, "customer", ["abc.revenue_365d"])  # doctest: +SKIP
        >>> tx.execute(select(values.c.id, values.c.revenue_365d))  # doctest: +SKIP
    """
    registry = tx.runtime.registry
    tx.runtime.entity(entity)
    metrics = {metric.name: metric for metric in (metric_named(registry, entity, name) for name in names)}
    own = {name: own_name(name) for name in metrics}
    twice = [name for name, n in Counter(own.values()).items() if n > 1]
    if twice:
        raise UsageError(_("two of the metrics are called {name}").format(name=twice[0]))
    for metric in metrics.values():
        hidden = sorted(metric_reads(metric, registry.entities) & tx.hidden)
        if hidden:
            raise tx.access.denied(tx.actor, "read", ".".join(hidden[0]))
    measured = joined(tx, tx.table(entity), metrics, [*scans(tx, entity, metrics, as_of or tx.today)])
    columns = [measured.columns[name].label(own[name]) for name in metrics]
    return select(measured.table.c.id, *columns).select_from(measured.source).subquery()
