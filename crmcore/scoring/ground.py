"""What a rule stands on in a statement: its texts compiled, live records of its entity, their metrics as of a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve, frozen
from sqlalchemy import select

from crmcore.access import live
from crmcore.conditions import Condition, Expression
from crmcore.errors import AccessDenied
from crmcore.metrics import metric_named, metric_table, query_tables
from crmcore.registry.metric_checks import metric_reads
from crmcore.registry.rule_parts import compiled_parts, reads
from crmcore.types.names import plugin_name

if TYPE_CHECKING:
    import datetime as dt

    from sqlalchemy import ColumnElement, Select

    from crmcore.conditions import PythonContext, SqlContext
    from crmcore.metrics import MetricTable
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.types import Metric, ScoringRule

__all__ = ["Ground", "ground", "rule_metrics"]


@frozen(eq=False)
class Ground:
    """A rule made ready for one session and one day."""

    session: Session
    rule: ScoringRule
    conditions: tuple[Condition, ...]
    """Of the labels; or of the records that are ranked, none or one."""
    expression: Expression | None
    """The value that is ranked, or that is written."""
    metrics: MetricTable
    context: SqlContext
    python: PythonContext

    @property
    def plugin(self) -> str:
        """The plugin that the rule belongs to."""
        return plugin_name(self.rule.name)

    def predicate(self, condition: Condition) -> ColumnElement[bool]:
        """Return a condition over the records."""
        return condition.sql(self.metrics.table, self.context)

    def value(self) -> ColumnElement[Any]:
        """Return the expression over the records, in the form in which it is stored."""
        assert self.expression is not None, "asked for by the shapes that have one"  # noqa: S101
        return self.expression.sql(self.metrics.table, self.context)

    def select(self, *columns: ColumnElement[Any]) -> Select[Any]:
        """Return a SELECT of the ids and some columns of all live records."""
        table = self.metrics.table
        return select(table.c.id, *columns).select_from(self.metrics.source).where(live(table))

    def values_of(self, id: int) -> dict[str, Any]:
        """Return the fields, and the metrics that the rule reads, of one record in their Python form."""
        session, entity = self.session, self.rule.entity
        one = metric_table(session, entity, self.metrics.columns, self.context.today, plugin=self.plugin, only=id)
        selection, measured = session.runtime.selections[entity], one.columns
        metrics = [column.label(f"metric__{number}") for number, column in enumerate(measured.values())]
        statement = select(*selection.statement.selected_columns, *metrics).select_from(one.source)
        row = session.connection.execute(statement.where(one.table.c.id == id)).one()
        values = selection.named(row)
        return {**values, **{name: getattr(row, f"metric__{number}") for number, name in enumerate(measured)}}

    def may_know(self, part: Condition | Expression) -> bool:
        """Whether the actor may see what a part looks at: no hidden field, and besides the record only what is open.

        Rules look at all records. So the actor has to be allowed to read all records of an entity to be told what was
        found in some of them.
        """
        session, registry = self.session, self.session.runtime.registry
        if reads(part, registry.entities, registry.metrics) & session.hidden:
            return False
        others = set(part.others)
        try:
            for name in part.metrics:
                others |= self._looked_at(metric_named(registry, self.rule.entity, name, self.plugin))
        except AccessDenied:
            return False
        return all(map(session.sees_all, others))

    def _looked_at(self, metric: Metric) -> set[str]:
        """Return the entities whose records a metric looks at.

        Raises:
            AccessDenied: it looks at a field that the actor may not read.
        """
        if metric.query is None:
            return {entity for entity, _field in metric_reads(metric, self.session.runtime.registry.entities)}
        # What is shown comes from the system's SELECT; the actor's is the one that a hidden field is missing from.
        sessions = (self.session, self.session.as_system())
        return {name for one in sessions for name in query_tables(one, metric.query, [metric], self.context.today)}


def rule_metrics(registry: Registry, rule: ScoringRule) -> dict[str, Metric]:
    """Return the metrics that a rule reads, by the names that its texts use."""
    parts, plugin = compiled_parts(rule, registry.entities, registry.metrics), plugin_name(rule.name)
    names = sorted({name for part in parts for name in part.metrics})
    return {name: metric_named(registry, rule.entity, name, plugin) for name in names}


def ground(session: Session, rule: ScoringRule, day: dt.date, kept: MetricTable | None = None) -> Ground:
    """Make a rule ready.

    Args:
        session: rules look at all live records, whoever its actor is.
        rule: what runs or is explained.
        day: on which metrics and ``today()`` are taken.
        kept: the metrics that it reads, by their full names, where a run has them at hand.
    """
    registry = session.runtime.registry
    parts, read = compiled_parts(rule, registry.entities, registry.metrics), rule_metrics(registry, rule)
    if kept is None:
        metrics = metric_table(session, rule.entity, read, day, plugin=plugin_name(rule.name))
    else:
        metrics = evolve(kept, columns={name: kept.columns[metric.name] for name, metric in read.items()})
    return Ground(
        session,
        rule,
        conditions=tuple(part for part in parts if isinstance(part, Condition)),
        expression=next((part for part in parts if isinstance(part, Expression)), None),
        metrics=metrics,
        context=evolve(session.rule_context(), today=day, metric=metrics.columns.__getitem__),
        python=evolve(session.python_context(), today=day),
    )
