"""Whether what plugins declare fits the entities: metrics, scoring rules, and the entities that hooks listen to."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.conditions import Scope, Use, compile_condition
from crmcore.conformance import did_you_mean
from crmcore.errors import ConditionError
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind, relations
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.config import Config
    from crmcore.manifest import Manifest
    from crmcore.registry.declarations import Declarations
    from crmcore.schema.model import Entity
    from crmcore.types import Label, Metric, ScoringRule

__all__ = ["declaration_problems", "listening_problems", "metric_kinds"]

_SUMMED = (Kind.MONEY, Kind.INTEGER, Kind.NUMBER)
_DATED = (Kind.DATE, Kind.INSTANT)
_AGGREGATED = {"sum": _SUMMED, "min": (*_SUMMED, *_DATED), "max": (*_SUMMED, *_DATED)}


def declaration_problems(declared: Declarations, entities: Mapping[str, Entity], config: Config) -> Iterator[Problem]:
    """Yield what is wrong with metrics and scoring rules, each problem with the plugin that it belongs to."""
    sound = {}
    for name, metric in declared.metrics.items():
        problems = [*_metric(metric, entities)]
        yield from problems
        if not problems:
            sound[name] = metric
    writers = Counter((rule.entity, rule.field) for rule in declared.scoring_rules.values())
    for rule in declared.scoring_rules.values():
        yield from _rule(rule, entities, sound, config)
        if writers[rule.entity, rule.field] > 1:
            message = _("rule {rule}: {entity}.{field} is written by more than one rule")
            yield _problem(rule, message.format(rule=rule.name, entity=rule.entity, field=rule.field), code="conflict")


def metric_kinds(metrics: Mapping[str, Metric], entities: Mapping[str, Entity], entity: str) -> dict[str, Kind]:
    """Return the kinds of an entity's metrics by full name, and by the part after the dot where that is unambiguous."""
    kinds = {name: _kind(metric, entities) for name, metric in metrics.items() if metric.entity == entity}
    short = Counter(name.partition(".")[2] for name in kinds)
    for name in list(kinds):
        own = name.partition(".")[2]
        if short[own] == 1 and own not in entities[entity].fields:
            kinds[own] = kinds[name]
    return kinds


def listening_problems(
    manifest: Manifest, entities: Mapping[str, Entity], running: Mapping[str, object]
) -> tuple[list[Problem], list[Problem]]:
    """Return the entities under ``listens`` that there are not, as problems or as warnings.

    They are warnings where the plugin comes ``after`` one that is not enabled: the entity may be that plugin's.
    """
    found = []
    for hook, names in manifest.listens.items():
        for index, name in enumerate(names):
            if name != "*" and name not in entities:
                message = _("`{hook}` listens to `{name}`, which is no entity").format(hook=hook, name=name)
                hint = did_you_mean(name, entities)
                found.append(manifest.source.problem(("listens", hook, index), message, code="entity", hint=hint))
    optional = any(other not in running for other in manifest.after)
    return ([], found) if optional else (found, [])


def _metric(metric: Metric, entities: Mapping[str, Entity]) -> Iterator[Problem]:
    def wrong(text: str, **values: object) -> Problem:
        hint = values.pop("hint", None)
        message = _("metric {metric}: {reason}").format(metric=metric.name, reason=text.format(**values))
        return _problem(metric, message, code="metric", hint=str(hint) if hint else None)

    if metric.entity not in entities:
        hint = did_you_mean(metric.entity, entities)
        yield wrong(_("there is no entity `{name}`"), name=metric.entity, hint=hint)
        return
    known = relations(entities, metric.entity)
    if metric.relation not in known:
        hint = did_you_mean(metric.relation, known)
        yield wrong(_("{entity} has no `{name}`"), entity=metric.entity, name=metric.relation, hint=hint)
        return
    related = entities[known[metric.relation].entity]
    for name, kinds in _fields_of(metric):
        if name not in related.fields:
            hint = did_you_mean(name, related.fields)
            yield wrong(_("{entity} has no field `{name}`"), entity=related.name, name=name, hint=hint)
        elif related.fields[name].kind not in kinds:
            kind = related.fields[name].kind
            wanted = ", ".join(kinds)
            text = _("{entity}.{name} is {kind}; expected one of: {wanted}")
            yield wrong(text, entity=related.name, name=name, kind=kind, wanted=wanted)
    yield from (wrong(text) for text in _shape(metric))
    if metric.where is not None:
        try:
            compile_condition(metric.where, Scope(related, entities), Use.FILTER)
        except ConditionError as error:
            yield wrong("{error}", error=error.message, hint=error.hint)


def _fields_of(metric: Metric) -> Iterator[tuple[str, tuple[Kind, ...]]]:
    if metric.field is not None and metric.aggregate != "count":
        yield metric.field, _AGGREGATED[metric.aggregate]
    if metric.date_field is not None:
        yield metric.date_field, _DATED


def _shape(metric: Metric) -> Iterator[str]:
    if metric.aggregate == "count" and metric.field is not None:
        yield _("`count` counts records and takes no field")
    if metric.aggregate != "count" and metric.field is None:
        yield _("a field to aggregate is missing")
    if metric.days is not None and metric.date_field is None:
        yield _("`days` needs a `date_field`")
    if metric.days is not None and metric.days <= 0:
        yield _("`days` must be positive")


def _kind(metric: Metric, entities: Mapping[str, Entity]) -> Kind:
    if metric.aggregate == "count" or metric.field is None:
        return Kind.INTEGER
    related = entities[relations(entities, metric.entity)[metric.relation].entity]
    return related.fields[metric.field].kind


def _rule(
    rule: ScoringRule, entities: Mapping[str, Entity], metrics: Mapping[str, Metric], config: Config
) -> Iterator[Problem]:
    entity = entities.get(rule.entity)
    if entity is None:
        message = _("rule {rule}: there is no entity `{name}`").format(rule=rule.name, name=rule.entity)
        yield _problem(rule, message, code="rule", hint=did_you_mean(rule.entity, entities))
        return
    yield from _rule_field(rule, entity)
    scope = Scope(entity, entities, metric_kinds(metrics, entities, rule.entity))
    for label in rule.labels:
        try:
            compile_condition(label.condition, scope, Use.SCORING)
        except ConditionError as error:
            yield _bad_condition(rule, label, error, config)


def _rule_field(rule: ScoringRule, entity: Entity) -> Iterator[Problem]:
    field = entity.fields.get(rule.field)
    if field is None:
        message = _("rule {rule}: {entity} has no field `{name}`")
        message = message.format(rule=rule.name, entity=rule.entity, name=rule.field)
        yield _problem(rule, message, code="rule", hint=did_you_mean(rule.field, entity.fields))
        return
    if field.computed_by not in (rule.name, rule.name.partition(".")[0]):
        message = _("rule {rule} may not write {entity}.{name}: its schema does not say that this plugin computes it")
        hint = _('Write in its x-crm: "computed_by": "{rule}".').format(rule=rule.name)
        message = message.format(rule=rule.name, entity=rule.entity, name=rule.field)
        yield _problem(rule, message, code="rule", hint=hint)
    if field.kind is not Kind.TEXT:
        message = _("rule {rule} writes text, and {entity}.{name} is {kind}")
        message = message.format(rule=rule.name, entity=rule.entity, name=rule.field, kind=field.kind)
        yield _problem(rule, message, code="rule")
    values = [label.value for label in rule.labels] + ([] if rule.otherwise is None else [rule.otherwise])
    for value in dict.fromkeys(values):
        if field.enum and value not in field.enum:
            message = _("rule {rule}: `{value}` is not among the values of {entity}.{name}")
            message = message.format(rule=rule.name, value=value, entity=rule.entity, name=rule.field)
            yield _problem(rule, message, code="rule", hint=did_you_mean(value, field.enum))


def _bad_condition(rule: ScoringRule, label: Label, error: ConditionError, config: Config) -> Problem:
    plugin = rule.name.partition(".")[0]
    message = _("rule {rule}, label {label}: {error}").format(rule=rule.name, label=label.value, error=error.message)
    path = _written_at(config.plugin_settings.get(plugin, {}), label.condition)
    if path is None:
        return _problem(rule, message, code="condition", hint=error.hint)
    found = config.source.problem(("plugins", plugin, *path), message, code="condition", hint=error.hint)
    return evolve(found, plugin=plugin)


def _written_at(value: Any, text: str) -> tuple[str | int, ...] | None:
    """Return the path of a text in the settings of a plugin: a condition mostly comes from there unchanged."""
    if value == text:
        return ()
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, below in inner:
        path = _written_at(below, text)
        if path is not None:
            return (key, *path)
    return None


def _problem(declared: Metric | ScoringRule, message: str, *, code: str, hint: str | None = None) -> Problem:
    return Problem(message=message, hint=hint, code=code, plugin=declared.name.partition(".")[0])
