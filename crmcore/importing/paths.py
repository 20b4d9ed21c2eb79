"""Where a mapping file may send cells: ``amount``, ``customer.code``, ``order_lines.product.code``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.conformance import did_you_mean
from crmcore.i18n import gettext as _
from crmcore.importing.columns import KEPT
from crmcore.importing.mapping import is_open, line_relations
from crmcore.schema.model import SYSTEM_FIELDS, Kind, relations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.schema.model import Entity, Field

__all__ = ["NoPath", "Target", "target_of"]


class NoPath(ValueError):
    """A path that leads nowhere; the message says at which step.

    Attributes:
        hint: what was probably meant, or None.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@frozen
class Target:
    """A field and the way to it."""

    path: tuple[str, ...]
    field: Field
    relation: str | None = None
    """The first step, where it leads to the lines of the record."""


def target_of(entity: Entity, entities: Mapping[str, Entity], written: str) -> Target:
    """Find the field that a path leads to: of the record, of its lines, or of a record that a reference leads to.

    Raises:
        NoPath: there is none, or nobody may fill it.
    """
    steps = tuple(written.split("."))
    lines = line_relations(entity, entities)
    if len(steps) == 1 or steps[0] not in lines:
        return Target(steps, _inside(entity, entities, steps))
    relation = lines[steps[0]]
    if steps[1] == relation.field:
        message = _("{field} of {lines} is the record of the row itself")
        raise NoPath(message.format(field=relation.field, lines=relation.name))
    return Target(steps, _inside(entities[relation.entity], entities, steps[1:]), relation.name)


def _inside(entity: Entity, entities: Mapping[str, Entity], steps: tuple[str, ...]) -> Field:
    name, *deeper = steps
    field = _field(entity, entities, name)
    if not deeper:
        return field
    if field.kind is not Kind.REF or field.ref is None:
        raise NoPath(_("{field} of {entity} refers to no record").format(field=name, entity=entity.name))
    if len(deeper) > 1:
        message = _("a column fills fields of the record that {field} refers to, and none beyond it")
        raise NoPath(message.format(field=name))
    return _field(entities[field.ref], entities, deeper[0])


def _field(entity: Entity, entities: Mapping[str, Entity], name: str) -> Field:
    field = entity.fields.get(name) or SYSTEM_FIELDS.get(name)
    if field is None:
        around = relations(entities, entity.name)
        if name in around:
            message = _("{relation} do not belong to one {entity} each, so that rows cannot be theirs")
            raise NoPath(message.format(relation=name, entity=entity.name))
        known = [one.name for one in entity.fields.values() if is_open(one)]
        message = _("{entity} has no field {field}").format(entity=entity.name, field=name)
        raise NoPath(message, did_you_mean(name, [*known, *KEPT, *line_relations(entity, entities)]))
    if not is_open(field) and name not in ("id", *KEPT):
        raise NoPath(_("nobody may fill in {field} of {entity}").format(field=name, entity=entity.name))
    return field
