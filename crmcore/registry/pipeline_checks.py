"""Whether the pipelines that plugins declare fit the entities: fields, values, moves, and one pipeline for a field.

A plugin mostly makes its pipelines of a table ``pipelines.<name>`` in its settings; where there is one, a problem names
the line.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from crmcore.conformance import Source, closest, did_you_mean
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.config import Config
    from crmcore.schema.model import Entity, Field
    from crmcore.types import Pipeline, Problem, Stage

__all__ = ["pipeline_problems"]

_KINDS = {"amount": Kind.MONEY, "started": Kind.DATE, "expected": Kind.DATE, "closed": Kind.DATE}
"""What the fields hold that a pipeline names besides its own."""


def pipeline_problems(
    pipelines: Mapping[str, Pipeline], entities: Mapping[str, Entity], config: Config
) -> Iterator[Problem]:
    """Yield what is wrong with pipelines, each problem with the plugin that it belongs to."""
    of_field = Counter((pipeline.entity, pipeline.field) for pipeline in pipelines.values())
    for pipeline in pipelines.values():
        place = _Place(pipeline, config)
        if of_field[pipeline.entity, pipeline.field] > 1:
            message = _("{entity}.{field} belongs to more than one pipeline")
            message = message.format(entity=pipeline.entity, field=pipeline.field)
            yield place.problem(message, "field", code="conflict")
        entity = entities.get(pipeline.entity)
        if entity is None:
            message = _("there is no entity `{name}`").format(name=pipeline.entity)
            yield place.problem(message, "entity", hint=did_you_mean(pipeline.entity, entities))
            continue
        yield from _other_fields(pipeline, entity, place)
        yield from _moves(pipeline, place)
        yield from _stages(pipeline, entity, place)


@frozen
class _Place:
    """Where a pipeline is written, for messages."""

    pipeline: Pipeline
    config: Config

    @property
    def table(self) -> str:
        """The table of ``crm.toml`` in which a plugin looks for the pipeline."""
        plugin, _dot, name = self.pipeline.name.partition(".")
        return f"[plugins.{plugin}.pipelines.{name}]"

    def problem(self, message: str, *path: str | int, code: str = "pipeline", hint: str | None = None) -> Problem:
        """Return a problem with a part of the pipeline: at its line in ``crm.toml``, or in its plugin at least."""
        plugin, _dot, name = self.pipeline.name.partition(".")
        said = _("pipeline {pipeline}: {reason}").format(pipeline=self.pipeline.name, reason=message)
        settings = self.config.plugin_settings.get(plugin, {})
        tables = settings.get("pipelines")
        written = isinstance(tables, dict) and name in tables
        source = self.config.source if written else Source(toml=True)
        found = source.problem(("plugins", plugin, "pipelines", name, *path), said, code=code, hint=hint)
        return evolve(found, plugin=plugin, pointer=found.pointer if written else None)


def _stages(pipeline: Pipeline, entity: Entity, place: _Place) -> Iterator[Problem]:
    field = entity.fields.get(pipeline.field)
    if field is None:
        message = _("{entity} has no field `{name}`").format(entity=entity.name, name=pipeline.field)
        yield place.problem(message, "field", hint=did_you_mean(pipeline.field, entity.fields))
        return
    if field.kind is not Kind.TEXT or not field.enum or field.readonly:
        message = _("{entity}.{name} must be a text with fixed values (`enum`) that people may set")
        yield place.problem(message.format(entity=entity.name, name=field.name), "field")
        return
    names = [stage.name for stage in pipeline.stages]
    for index, name in enumerate(names):
        if name not in field.enum:
            message = _("the stage `{stage}` is not among the values of {entity}.{name}")
            message = message.format(stage=name, entity=entity.name, name=field.name)
            yield place.problem(message, "stages", index, "name", hint=_to_add(entity, field, name))
        if name in names[:index]:
            yield place.problem(_("the stage `{stage}` is there twice").format(stage=name), "stages", index, "name")
    for value in field.enum:
        if value not in names:
            message = _("{entity}.{name} may be `{value}`, which is no stage")
            message = message.format(entity=entity.name, name=field.name, value=value)
            stage = f'{{ name = "{value}", win_rate = 0.1 }}'
            hint = _("Add it to the list `stages` of {table}, for instance: {stage}")
            yield place.problem(message, "stages", hint=hint.format(table=place.table, stage=stage))
    if all(stage.kind != "open" for stage in pipeline.stages):
        yield place.problem(_("at least one stage must be open"), "stages")


def _to_add(entity: Entity, field: Field, value: str) -> str:
    """Return how a value is added to a field: the extension of the instance, to be copied."""
    if not field.open:
        return _("Its values are fixed: {values}.").format(values=", ".join(field.enum))
    near = closest(value, field.enum)
    if near:
        return _("Did you mean `{name}`?").format(name=near)
    titles = {value: {"en": value.replace("_", " ").capitalize(), "zh-CN": value}}
    extension = {
        "$schema": "urn:crmcore:extension:1",
        "properties": {field.name: {"enum": [value], "x-crm": {"values": titles}}},
    }
    return _("To add it, write into schemas/{entity}.extend.json beside crm.toml: {extension}").format(
        entity=entity.name, extension=json.dumps(extension, ensure_ascii=False)
    )


def _moves(pipeline: Pipeline, place: _Place) -> Iterator[Problem]:
    names = [stage.name for stage in pipeline.stages]
    for index, stage in enumerate(pipeline.stages):
        for number, name in enumerate(stage.moves or ()):
            if name not in names:
                message = _("the stage {stage} moves to `{name}`, which is no stage")
                message = message.format(stage=stage.name, name=name)
                yield place.problem(message, "stages", index, "moves", number, hint=did_you_mean(name, names))


def _other_fields(pipeline: Pipeline, entity: Entity, place: _Place) -> Iterator[Problem]:
    for index, stage in enumerate(pipeline.stages):
        yield from _required(stage, entity, place, index)
    for role, kind in _KINDS.items():
        name: str | None = getattr(pipeline, role)
        if name is None:
            continue
        field = entity.fields.get(name)
        if field is None:
            message = _("{entity} has no field `{name}`").format(entity=entity.name, name=name)
            yield place.problem(message, role, hint=did_you_mean(name, _of_kind(entity, kind)))
        elif field.kind is not kind:
            message = _("{entity}.{name} is {kind}; expected one of: {wanted}")
            message = message.format(entity=entity.name, name=name, kind=field.kind, wanted=kind)
            yield place.problem(message, role, hint=did_you_mean(name, _of_kind(entity, kind)))


def _required(stage: Stage, entity: Entity, place: _Place, index: int) -> Iterator[Problem]:
    for number, name in enumerate(stage.required):
        if name not in entity.fields:
            message = _("the stage {stage} needs `{name}`, and {entity} has no such field")
            message = message.format(stage=stage.name, name=name, entity=entity.name)
            yield place.problem(message, "stages", index, "required", number, hint=did_you_mean(name, entity.fields))


def _of_kind(entity: Entity, kind: Kind) -> Iterable[str]:
    return [field.name for field in entity.fields.values() if field.kind is kind]
