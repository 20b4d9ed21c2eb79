"""Whether scoring rules fit the entities, and each other.

What is asked of the bands of a rank is :mod:`crmcore.registry.rank_checks`'.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.conformance import did_you_mean
from crmcore.errors import ConditionError
from crmcore.i18n import gettext as _
from crmcore.registry.places import declaration_problem
from crmcore.registry.rank_checks import rank_faults
from crmcore.registry.rule_parts import compile_part, rule_order, rule_parts, rule_scope
from crmcore.schema.documents import INSTANCE
from crmcore.schema.model import Kind
from crmcore.types.names import plugin_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.conditions import Condition, Expression
    from crmcore.config import Config
    from crmcore.registry.rule_parts import RulePart
    from crmcore.schema.model import Entity, Field
    from crmcore.types import Metric, Problem, ScoringRule

__all__ = ["rule_problems"]

_SHAPES = ("labels", "rank", "expression")
_CALCULATED = (Kind.NUMBER, Kind.MONEY, Kind.INTEGER, Kind.DATE)


def rule_problems(
    rules: Mapping[str, ScoringRule], entities: Mapping[str, Entity], metrics: Mapping[str, Metric], config: Config
) -> Iterator[Problem]:
    """Yield what is wrong with rules.

    Args:
        rules: all rules by name.
        entities: the composed entities.
        metrics: those that are sound.
        config: where settings, and the instance's own rules, were written.
    """
    writers = Counter((rule.entity, rule.field) for rule in rules.values())
    sound = {}
    for name, rule in rules.items():
        problems = [*_Judged(rule, entities, metrics, config).problems()]
        if writers[rule.entity, rule.field] > 1:
            message = _("rule {rule}: {entity}.{field} is written by more than one rule")
            message = message.format(rule=name, entity=rule.entity, field=rule.field)
            problems.append(declaration_problem(config, "scoring", name, message, code="conflict", path=("field",)))
        if not problems:
            sound[name] = rule
        yield from problems
    _order, circle = rule_order(sound, entities, metrics)
    if circle:
        names = " > ".join((*circle, circle[0]))
        message = _("rules read each other's fields, so that none can run first: {names}").format(names=names)
        yield declaration_problem(config, "scoring", circle[0], message, code="conflict")


@frozen
class _Judged:
    """One rule that is judged, and what it has to fit."""

    rule: ScoringRule
    entities: Mapping[str, Entity]
    metrics: Mapping[str, Metric]
    config: Config

    def problems(self) -> Iterator[Problem]:
        rule = self.rule
        given = [name for name in _SHAPES if getattr(rule, name)]
        if len(given) != 1:
            found = ", ".join(f"`{name}`" for name in given) or _("none of them")
            message = _("a rule has `labels`, a `rank` or an `expression`; this one has {found}").format(found=found)
            yield self.wrong(message)
            return
        entity = self.entities.get(rule.entity)
        if entity is None:
            message = _("there is no entity `{name}`").format(name=rule.entity)
            yield self.wrong(message, "entity", hint=did_you_mean(rule.entity, self.entities))
            return
        field = entity.fields.get(rule.field)
        if field is None:
            message = _("{entity} has no field `{name}`").format(entity=rule.entity, name=rule.field)
            yield self.wrong(message, "field", hint=did_you_mean(rule.field, entity.fields))
        else:
            yield from self.field(field)
        compiled, mistakes = self.texts()
        yield from mistakes
        for message, *path in rank_faults(rule, compiled.get(("rank", "by"))):
            yield self.wrong(message, "rank", *path)

    def field(self, field: Field) -> Iterator[Problem]:
        rule, name = self.rule, f"{self.rule.entity}.{field.name}"
        if field.computed_by not in (rule.name, plugin_name(rule.name)):
            message = _("it may not write {field}: the schema does not say that it computes that field")
            hint = _('Write in its x-crm: "computed_by": "{rule}".').format(rule=rule.name)
            yield self.wrong(message.format(field=name), "field", hint=hint)
        if self.kind is not None and (rule.expression is None or self.kind != field.kind):
            message = _("`kind` is what an expression's own new field holds; {field} is {kind}")
            yield self.wrong(message.format(field=name, kind=field.kind), "kind")
        if rule.expression is not None:
            if field.kind not in _CALCULATED:
                wanted = ", ".join(_CALCULATED)
                message = _("an expression writes one of {wanted}, and {field} is {kind}")
                yield self.wrong(message.format(wanted=wanted, field=name, kind=field.kind), "field")
            if rule.otherwise is not None:
                yield self.wrong(_("an expression takes no `otherwise`"), "otherwise")
            return
        if field.kind is not Kind.TEXT:
            message = _("it writes text, and {field} is {kind}").format(field=name, kind=field.kind)
            yield self.wrong(message, "field")
            return
        for value, path in dict(_values(rule)).items():
            if field.enum and value not in field.enum:
                message = _("`{value}` is not among the values of {field}").format(value=value, field=name)
                yield self.wrong(message, *path, hint=did_you_mean(value, field.enum))

    @property
    def kind(self) -> str | None:
        """The kind that a rule of ``crm.toml`` wants its field to have."""
        plugin, _dot, own = self.rule.name.partition(".")
        found: str | None = self.config.scoring.get(own, {}).get("kind") if plugin == INSTANCE else None
        return found

    def texts(self) -> tuple[dict[tuple[str, ...], Condition | Expression], list[Problem]]:
        """Return what could be compiled, by its path, and what is wrong with the rest."""
        scope = rule_scope(self.rule, self.entities, self.metrics)
        compiled, problems = {}, []
        for part in rule_parts(self.rule, self.entities):
            try:
                compiled[part.path] = compile_part(part, scope)
            except ConditionError as error:
                problems.append(self.mistake(part, error))
        return compiled, problems

    def mistake(self, part: RulePart, error: ConditionError) -> Problem:
        shape, *at = part.path
        message, named = _("rule {rule}, {part}: {error}"), " ".join(part.path)
        if shape == "labels":
            message, named = _("rule {rule}, label {part}: {error}"), at[0]
        return declaration_problem(
            self.config,
            "scoring",
            self.rule.name,
            message.format(rule=self.rule.name, part=named, error=error.message),
            code="condition",
            hint=error.hint,
            path=part.path,
            text=part.text,
        )

    def wrong(self, reason: str, *path: str, hint: str | None = None, code: str = "rule") -> Problem:
        message = _("rule {rule}: {reason}").format(rule=self.rule.name, reason=reason)
        return declaration_problem(self.config, "scoring", self.rule.name, message, code=code, hint=hint, path=path)


def _values(rule: ScoringRule) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the values that a rule writes, each with where it says so."""
    if rule.otherwise is not None:
        yield rule.otherwise, ("otherwise",)
    for label in rule.labels:
        yield label.value, ("labels", label.value)
    for band in rule.rank.bands if rule.rank else ():
        yield band.value, ("rank", "bands", band.value)
