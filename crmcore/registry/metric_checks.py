"""What metrics hold, what they look at, and whether that fits the entities."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from crmcore.conditions import Scope, Use, compile_condition
from crmcore.conformance import did_you_mean
from crmcore.errors import ConditionError
from crmcore.i18n import gettext as _
from crmcore.registry.places import declaration_problem
from crmcore.schema.model import Kind, relations
from crmcore.types.names import own_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.config import Config
    from crmcore.schema.model import Entity
    from crmcore.types import Metric, Problem

__all__ = ["metric_kind", "metric_kinds", "metric_problems", "metric_reads"]

_SUMMED = (Kind.MONEY, Kind.INTEGER, Kind.NUMBER)
_DATED = (Kind.DATE, Kind.INSTANT)
_AGGREGATED = {"sum": _SUMMED, "min": (*_SUMMED, *_DATED), "max": (*_SUMMED, *_DATED)}
_OF_AGGREGATES = ("relation", "aggregate", "field", "date_field", "days", "where")


def metric_problems(metric: Metric, entities: Mapping[str, Entity], config: Config) -> Iterator[Problem]:
    """Yield what is wrong with a metric."""

    def wrong(text: str, *path: str, hint: str | None = None, **values: object) -> Problem:
        message = _("metric {metric}: {reason}").format(metric=metric.name, reason=text.format(**values))
        return declaration_problem(config, "metrics", metric.name, message, code="metric", hint=hint, path=path)

    if metric.entity not in entities:
        hint = did_you_mean(metric.entity, entities)
        yield wrong(_("there is no entity `{name}`"), "entity", name=metric.entity, hint=hint)
        return
    misshapen = [wrong(text, *path) for text, *path in _shape(metric)]
    yield from misshapen
    if metric.query is not None or metric.relation is None:
        return
    known = relations(entities, metric.entity)
    if metric.relation not in known:
        hint = did_you_mean(metric.relation, known)
        yield wrong(_("{entity} has no `{name}`"), "relation", entity=metric.entity, name=metric.relation, hint=hint)
        return
    related = entities[known[metric.relation].entity]
    for key, name, kinds in _fields_of(metric):
        if name not in related.fields:
            hint = did_you_mean(name, related.fields)
            yield wrong(_("{entity} has no field `{name}`"), key, entity=related.name, name=name, hint=hint)
        elif related.fields[name].kind not in kinds:
            kind = related.fields[name].kind
            wanted = ", ".join(kinds)
            text = _("{entity}.{name} is {kind}; expected one of: {wanted}")
            yield wrong(text, key, entity=related.name, name=name, kind=kind, wanted=wanted)
    if metric.where is not None:
        try:
            compile_condition(metric.where, Scope(related, entities), Use.FILTER)
        except ConditionError as error:
            yield wrong("{error}", "where", error=error.message, hint=error.hint)


def metric_kinds(
    metrics: Mapping[str, Metric], entities: Mapping[str, Entity], entity: str, plugin: str = ""
) -> dict[str, Kind]:
    """Return the kinds of an entity's metrics by full name, and by the part after the dot where one is meant by it.

    Args:
        metrics: all metrics by name.
        entities: the composed entities.
        entity: whose metrics.
        plugin: of several with one short name its own is meant, so that others can take no name from it.
    """
    kinds = {name: metric_kind(metric, entities) for name, metric in metrics.items() if metric.entity == entity}
    short = Counter(map(own_name, kinds))
    for name in list(kinds):
        owner, _dot, own = name.partition(".")
        if (short[own] == 1 or owner == plugin) and own not in entities[entity].fields:
            kinds[own] = kinds[name]
    return kinds


def metric_kind(metric: Metric, entities: Mapping[str, Entity]) -> Kind:
    """Return what a metric holds."""
    if metric.query is not None:
        return Kind(str(metric.kind))
    if metric.relation is None or metric.field is None:
        return Kind.INTEGER
    related = entities[relations(entities, metric.entity)[metric.relation].entity]
    return related.fields[metric.field].kind


def metric_reads(metric: Metric, entities: Mapping[str, Entity]) -> frozenset[tuple[str, str]]:
    """Return (entity, field) of everything that an aggregate looks at; what a plugin's SELECT looks at is not known."""
    if metric.relation is None:
        return frozenset()
    relation = relations(entities, metric.entity)[metric.relation]
    named = (relation.field, metric.field, metric.date_field)
    read = {(relation.entity, name) for name in named if name is not None}
    if metric.where is not None:
        read |= compile_condition(metric.where, Scope(entities[relation.entity], entities), Use.FILTER).fields
    return frozenset(read)


def _fields_of(metric: Metric) -> Iterator[tuple[str, str, tuple[Kind, ...]]]:
    if metric.field is not None and metric.aggregate in _AGGREGATED:
        yield "field", metric.field, _AGGREGATED[metric.aggregate]
    if metric.date_field is not None:
        yield "date_field", metric.date_field, _DATED


def _shape(metric: Metric) -> Iterator[tuple[str, ...]]:
    """Yield what is missing or too much, each with the key that it is about."""
    if metric.query is not None:
        given = [name for name in _OF_AGGREGATES if getattr(metric, name) is not None]
        if given:
            yield (_("a metric of a query takes no {keys}").format(keys=", ".join(f"`{name}`" for name in given)),)
        if metric.kind is None:
            yield (_("a metric of a query says its `kind`"),)
        return
    if metric.relation is None or metric.aggregate is None:
        yield (_("a metric has a `relation` and an `aggregate`, or a `query`"),)
        return
    if metric.kind is not None:
        yield _("an aggregate has the kind of its field and takes no `kind`"), "kind"
    if metric.aggregate == "count" and metric.field is not None:
        yield _("`count` counts records and takes no field"), "field"
    if metric.aggregate != "count" and metric.field is None:
        yield (_("a field to aggregate is missing"),)
    if metric.days is not None and metric.date_field is None:
        yield _("`days` needs a `date_field`"), "days"
    if metric.days is not None and metric.days <= 0:
        yield _("`days` must be positive"), "days"
