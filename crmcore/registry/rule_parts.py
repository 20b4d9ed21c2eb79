"""The texts of a scoring rule, compiled; what they read; and in which order rules run that read each other's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.conditions import Condition, Expression, Scope, Use, compile_condition, compile_expression
from crmcore.registry.metric_checks import metric_kinds, metric_reads
from crmcore.types.names import is_called, plugin_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmcore.schema.model import Entity, Kind
    from crmcore.types import Metric, ScoringRule

__all__ = [
    "RulePart",
    "compile_part",
    "compiled_parts",
    "reads",
    "rule_order",
    "rule_parts",
    "rule_reads",
    "rule_scope",
]


@frozen
class RulePart:
    """A condition or a calculation of a rule."""

    text: str
    path: tuple[str, ...]
    """Where it stands in a rule's own table in ``crm.toml``."""
    calculated: bool = False
    kind: Kind | None = None
    """What a calculation is wanted as."""


def rule_parts(rule: ScoringRule, entities: Mapping[str, Entity]) -> Iterator[RulePart]:
    """Yield the texts of a rule: of its labels; or the condition and then the value of its rank; or its expression."""
    for label in rule.labels:
        yield RulePart(label.condition, ("labels", label.value))
    if rule.rank is not None:
        if rule.rank.where is not None:
            yield RulePart(rule.rank.where, ("rank", "where"))
        yield RulePart(rule.rank.by, ("rank", "by"), calculated=True)
    if rule.expression is not None:
        field = entities[rule.entity].fields.get(rule.field)
        yield RulePart(rule.expression, ("expression",), calculated=True, kind=field.kind if field else None)


def rule_scope(rule: ScoringRule, entities: Mapping[str, Entity], metrics: Mapping[str, Metric]) -> Scope:
    """Return the names that the texts of a rule may use."""
    plugin = plugin_name(rule.name)
    return Scope(entities[rule.entity], entities, metric_kinds(metrics, entities, rule.entity, plugin))


def compile_part(part: RulePart, scope: Scope) -> Condition | Expression:
    """Compile a text of a rule.

    Raises:
        ConditionError: there is a mistake in it.
    """
    if not part.calculated:
        return compile_condition(part.text, scope, Use.SCORING)
    return compile_expression(part.text, scope, Use.SCORING, part.kind)


def compiled_parts(
    rule: ScoringRule, entities: Mapping[str, Entity], metrics: Mapping[str, Metric]
) -> tuple[Condition | Expression, ...]:
    """Return the texts of a rule, compiled.

    Raises:
        ConditionError: there is a mistake in one.
    """
    scope = rule_scope(rule, entities, metrics)
    return tuple(compile_part(part, scope) for part in rule_parts(rule, entities))


def reads(
    compiled: Condition | Expression, entities: Mapping[str, Entity], metrics: Mapping[str, Metric]
) -> frozenset[tuple[str, str]]:
    """Return (entity, field) of everything that a text looks at, through its metrics too."""
    read = set(compiled.fields)
    for metric in metrics.values():
        if metric.entity == compiled.entity and any(is_called(metric.name, name) for name in compiled.metrics):
            read |= metric_reads(metric, entities)
    return frozenset(read)


def rule_reads(
    rule: ScoringRule, entities: Mapping[str, Entity], metrics: Mapping[str, Metric]
) -> frozenset[tuple[str, str]]:
    """Return (entity, field) of everything that a rule looks at, but for what the SELECTs of plugins look at."""
    parts = compiled_parts(rule, entities, metrics)
    return frozenset(pair for part in parts for pair in reads(part, entities, metrics))


def rule_order(
    rules: Mapping[str, ScoringRule], entities: Mapping[str, Entity], metrics: Mapping[str, Metric]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Put rules in an order in which a rule that reads a field runs after the one that writes it.

    Rules that are independent stay in the order in which they were declared; a rule may read its own field.

    Returns:
        The names in order, and the names of a circle, in which every rule reads what the next one writes; empty
        where there is none.
    """
    writers = {(rule.entity, rule.field): name for name, rule in rules.items()}
    needed: dict[str, list[str]] = {}
    for name, rule in rules.items():
        read = rule_reads(rule, entities, metrics)
        needed[name] = sorted({writers[pair] for pair in read if pair in writers} - {name}, key=list(rules).index)
    order: dict[str, None] = {}
    for name in rules:
        circle = _visit(name, needed, order, ())
        if circle:
            return (), circle
    return tuple(order), ()


def _visit(
    name: str, needed: Mapping[str, Sequence[str]], order: dict[str, None], path: tuple[str, ...]
) -> tuple[str, ...]:
    if name in path:
        return path[path.index(name) :]
    if name not in order:
        for other in needed[name]:
            circle = _visit(other, needed, order, (*path, name))
            if circle:
                return circle
        order[name] = None
    return ()
