"""Scoring: running the rules that plugins declare, and explaining what they say of one record.

A run is one statement for each rule: conditions become a CASE over the entity and its metrics, and the second write
door stores what differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve, frozen
from sqlalchemy import case, func, literal, null, select

from crmcore.access import live
from crmcore.conditions import Scope, Use, compile_condition
from crmcore.errors import NotFound, UsageError
from crmcore.i18n import gettext as _
from crmcore.metrics import metric_named, metric_table
from crmcore.registry.checks import metric_kinds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.conditions import Condition, Finding, SqlContext
    from crmcore.metrics import MetricTable
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.types import ScoringRule

__all__ = ["Decision", "Explanation", "ScoringRun", "explain", "rules", "run"]

RUN = "scoring.run"
"""The permission to run rules; whoever runs them writes labels of all records, also of those they may not see."""


@frozen
class ScoringRun:
    """What a run of one rule did."""

    rule: ScoringRule
    changed: int
    """Number of records whose label differs now."""
    labels: tuple[tuple[str | None, int], ...]
    """Every label with the number of live records that have it, in the order of the rule."""


@frozen
class Decision:
    """One label of a rule, tried on one record."""

    label: str
    condition: str
    holds: bool
    findings: tuple[Finding, ...]
    """Every comparison of the condition with the values that it found; none where it reads what the actor may not."""


@frozen
class Explanation:
    """Why a record has its label."""

    rule: ScoringRule
    label: str | None
    """What the rule says as of the day asked for."""
    stored: str | None
    """What is stored in the field now."""
    decisions: tuple[Decision, ...]
    """Every label in order, up to the first that holds."""


def rules(registry: Registry, names: Sequence[str] = ()) -> tuple[ScoringRule, ...]:
    """Return rules by name, or all of them.

    Raises:
        UsageError: there is no rule of that name.
    """
    for name in names:
        if name not in registry.scoring_rules:
            known = ", ".join(sorted(registry.scoring_rules)) or _("none: enable a plugin that declares one")
            raise UsageError(
                _("there is no scoring rule {name!r}").format(name=name), hint=_("Known: {known}").format(known=known)
            )
    return tuple(registry.scoring_rules[name] for name in names or registry.scoring_rules)


def run(session: Session, rule: ScoringRule, as_of: dt.date | None = None) -> ScoringRun:
    """Give every live record of the rule's entity its label, and write those that differ.

    Args:
        session: its actor needs the permission ``scoring.run``.
        rule: one of `rules`.
        as_of: day on which metrics and ``today()`` are taken; today by default. Fields are as they are now.

    Raises:
        AccessDenied: the actor may not run rules.
    """
    session.access.demand_permission(session.actor, RUN)
    compiled = _Compiled(session, rule, as_of or session.today)
    labelled = case(
        *((predicate, literal(label.value)) for label, predicate in compiled.labels),
        else_=null() if rule.otherwise is None else literal(rule.otherwise),
    )
    source, table = compiled.metrics.source, compiled.metrics.table
    values = select(table.c.id, labelled.label(rule.field)).select_from(source).where(live(table))
    changed = session.write_computed(rule.entity, [rule.field], values)
    return ScoringRun(rule, changed, _counts(session, rule))


def explain(session: Session, rule: ScoringRule, id: int, as_of: dt.date | None = None) -> Explanation:
    """Return which condition gives a record its label, and the values it was decided on.

    Raises:
        NotFound: there is no such record that the actor may see.
    """
    if not session.sees(rule.entity, id):
        raise NotFound(rule.entity, id)
    if (rule.entity, rule.field) in session.hidden:
        raise session.access.denied(session.actor, "read", f"{rule.entity}.{rule.field}")
    compiled = _Compiled(session, rule, as_of or session.today)
    source, table = compiled.metrics.source, compiled.metrics.table
    metrics = [column.label(f"metric__{number}") for number, column in enumerate(compiled.metrics.columns.values())]
    row = session.connection.execute(select(table, *metrics).select_from(source).where(table.c.id == id)).one()
    values = session.runtime.codecs[rule.entity].decode_python(row)
    measured = {name: getattr(row, f"metric__{number}") for number, name in enumerate(compiled.metrics.columns)}
    context = evolve(session.python_context(), today=as_of or session.today)
    decisions: list[Decision] = []
    for label, condition in zip(rule.labels, compiled.conditions, strict=True):
        known = {**values, **measured}
        findings = condition.explain(known, context) if _may_know(session, rule, condition) else ()
        decisions.append(Decision(label.value, label.condition, condition.evaluate(known, context), findings))
        if decisions[-1].holds:
            break
    reached = decisions[-1] if decisions and decisions[-1].holds else None
    said = reached.label if reached else rule.otherwise
    return Explanation(rule, said, values[rule.field], tuple(decisions))


def _may_know(session: Session, rule: ScoringRule, condition: Condition) -> bool:
    """Whether the actor may see all that a condition looks at: no hidden field, no entity without any right to read."""
    registry = session.runtime.registry
    read = set(condition.fields)
    for name in condition.metrics:
        metric = metric_named(registry, rule.entity, name)
        source = registry.relations(rule.entity)[metric.relation].entity
        read |= {(source, field) for field in (metric.field, metric.date_field, "id") if field}
    entities = {entity for entity, _field in read}
    return not read & session.hidden and all(session.access.can(session.actor, "read", name) for name in entities)


class _Compiled:
    """A rule as SQL: its metrics joined, and the predicate of each label."""

    def __init__(self, session: Session, rule: ScoringRule, as_of: dt.date) -> None:
        registry = session.runtime.registry
        scope = Scope(
            registry.entities[rule.entity],
            registry.entities,
            metrics=metric_kinds(registry.metrics, registry.entities, rule.entity),
        )
        self.conditions = [compile_condition(label.condition, scope, Use.SCORING) for label in rule.labels]
        names = sorted({name for condition in self.conditions for name in condition.metrics})
        self.metrics: MetricTable = metric_table(session, rule.entity, names, as_of)
        context: SqlContext = evolve(session.rule_context(), today=as_of, metric=self.metrics.columns.__getitem__)
        predicates = [condition.sql(self.metrics.table, context) for condition in self.conditions]
        self.labels = list(zip(rule.labels, predicates, strict=True))


def _counts(session: Session, rule: ScoringRule) -> tuple[tuple[str | None, int], ...]:
    table = session.runtime.tables.entity[rule.entity]
    field = table.c[rule.field]
    counted = select(field, func.count()).where(live(table)).group_by(field)
    found: dict[str | None, int] = {row[0]: row[1] for row in session.connection.execute(counted)}
    ordered = [*(label.value for label in rule.labels), rule.otherwise]
    names = [*dict.fromkeys(ordered), *sorted(str(name) for name in found if name not in ordered and name is not None)]
    return tuple((name, found.get(name, 0)) for name in names)
