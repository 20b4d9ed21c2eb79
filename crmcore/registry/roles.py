"""Whether the roles in ``crm.toml`` fit what was loaded: entities, fields, permissions and conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import Factory, frozen

from crmcore.conditions import Scope, Use, compile_condition
from crmcore.conformance import did_you_mean
from crmcore.errors import ConditionError
from crmcore.i18n import gettext as _
from crmcore.types.names import plugin_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from crmcore.config import Config, EntityRights, Role
    from crmcore.schema.model import Entity
    from crmcore.types import Problem

__all__ = ["Absent", "role_problems"]

_ACTIONS = ("create", "read", "update", "delete")
_OTHERS = "*"


@frozen
class Absent:
    """What plugins that do not run would bring: a role that mentions it is right again when they do."""

    plugins: Collection[str] = ()
    entities: Mapping[str, str] = Factory(dict)
    """Entity -> the plugin that declares it."""
    fields: Mapping[tuple[str, str], str] = Factory(dict)
    """Entity and field -> the plugin that adds it."""


def role_problems(
    config: Config, entities: Mapping[str, Entity], permissions: Collection[str], absent: Absent
) -> tuple[list[Problem], list[Problem]]:
    """Return what is wrong with roles, and warnings of what only a plugin that does not run would know.

    A condition that cannot be compiled is always wrong: the right that it limits would not be limited.
    """
    problems: list[Problem] = []
    warnings: list[Problem] = []
    for role in config.roles.values():
        judged = _Judged(config, role, entities, absent)
        for problem, plugin in (*judged.grants(permissions), *judged.rules()):
            (warnings if plugin else problems).append(problem)
    return problems, warnings


_Found = tuple["Problem", str | None]
"""A problem, and the plugin that would solve it if it ran."""


@frozen
class _Judged:
    config: Config
    role: Role
    entities: Mapping[str, Entity]
    absent: Absent

    def grants(self, permissions: Collection[str]) -> Iterator[_Found]:
        for index, name in enumerate(self.role.grants):
            if name in permissions:
                continue
            plugin = plugin_name(name)
            waiting = plugin if plugin in self.absent.plugins else None
            message = _("there is no permission `{name}`").format(name=name)
            yield self._found(("grants", index), message, waiting, did_you_mean(name, permissions))

    def rules(self) -> Iterator[_Found]:
        for name, rights in self.role.rules.items():
            if name == _OTHERS:
                others = [e for e in self.entities.values() if e.name not in self.role.rules and not e.internal]
                yield from self._rights(name, rights, others)
            elif name in self.entities:
                yield from self._rights(name, rights, [self.entities[name]])
            else:
                message = _("there is no entity `{name}`").format(name=name)
                hint = did_you_mean(name, self.entities)
                yield self._found((name,), message, self.absent.entities.get(name), hint)

    def _rights(self, name: str, rights: EntityRights, entities: list[Entity]) -> Iterator[_Found]:
        for key in ("hide", "fixed"):
            for index, field in enumerate(getattr(rights, key)):
                yield from self._field((name, key, index), field, entities)
        for action in _ACTIONS:
            rule = getattr(rights, action)
            if isinstance(rule, str):
                yield from self._condition((name, action), rule, entities)

    def _field(self, path: tuple[str | int, ...], field: str, entities: list[Entity]) -> Iterator[_Found]:
        known = {name for entity in entities for name in entity.fields}
        if field in known:
            return
        waiting = next((p for e in entities if (p := self.absent.fields.get((e.name, field)))), None)
        message = _("{entity} has no field `{name}`").format(entity=path[0], name=field)
        yield self._found(path, message, waiting, did_you_mean(field, known))

    def _condition(self, path: tuple[str | int, ...], text: str, entities: list[Entity]) -> Iterator[_Found]:
        for entity in entities:
            try:
                compile_condition(text, Scope(entity, self.entities), Use.ACCESS)
            except ConditionError as error:
                message = _("for {entity}: {error}").format(entity=entity.name, error=error.message)
                yield self._found(path, message, None, error.hint)
                return  # one entity is enough to see what is wrong

    def _found(self, path: tuple[str | int, ...], message: str, waiting: str | None, hint: str | None = None) -> _Found:
        if waiting:
            hint = _("It belongs to plugin {plugin}, which does not run.").format(plugin=waiting)
        return self.config.source.problem(("roles", self.role.name, *path), message, code="role", hint=hint), waiting
