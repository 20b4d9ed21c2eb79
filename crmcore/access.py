"""Who may see and do what, as one predicate over the rows of an entity.

Lists, single reads and writes all ask :meth:`Access.predicate`, so they cannot disagree. Nothing is allowed
unless a role in ``crm.toml`` or a plugin's ``crm_access_rules`` allows it, and a forbidding rule beats all
others. Which columns an actor may read or set is :meth:`Access.fields`. Nothing here writes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from attrs import evolve, field, frozen
from sqlalchemy import ColumnElement, True_, and_, false, or_, select, true

from crmcore.conditions import Condition, Scope, SqlContext, Use, compile_condition
from crmcore.errors import AccessDenied
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Connection, FromClause, Table

    from crmcore.config import EntityRights, Role
    from crmcore.registry import Registry
    from crmcore.store.tables import Tables
    from crmcore.types import Action, Actor

__all__ = ["ADMIN", "Access", "Explanation", "FieldRights", "Grant", "live"]

ADMIN = "admin"
"""The role that exists without being declared and may do everything."""

USERS = "users.administer"
"""The permission to set what decides about rights; without it, whoever may change users could make themselves admin."""

_DECIDING_RIGHTS = frozenset({"login", "roles", "active"})

OTHERS = "*"
"""Key of a role's rights on entities that it does not name."""


@frozen
class Grant:
    """One reason for or against an action on an entity: a role's line, or a plugin's rule."""

    source: str
    """Where it comes from, as people read it: ``role sales``, ``plugin share``."""
    rule: bool | Condition
    effect: Literal["allow", "forbid"] = "allow"

    @property
    def text(self) -> str:
        """The rule as it was written."""
        return self.rule.text if isinstance(self.rule, Condition) else str(self.rule).lower()

    def sql(self, target: FromClause, context: SqlContext) -> ColumnElement[bool]:
        """Return the rule over the columns of `target`."""
        if isinstance(self.rule, Condition):
            return self.rule.sql(target, context)
        return true() if self.rule else false()


@frozen
class FieldRights:
    """Fields of an entity that an actor may not read, and those that the actor may read and not set."""

    hidden: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


@frozen
class Explanation:
    """Why an actor may or may not do something with a record."""

    allowed: bool
    reasons: tuple[tuple[Grant, bool], ...]
    """Every grant that was considered, and whether it holds for the record."""
    hidden: frozenset[str] = field(factory=frozenset)


def live(table: FromClause) -> ColumnElement[bool]:
    """Return the predicate of rows that are neither deleted nor merged away."""
    deleted_at: ColumnElement[object] = table.c.deleted_at
    return deleted_at.is_(None)


class Access:
    """The rules of one registry, compiled once; thread-safe and without state of its own."""

    def __init__(self, registry: Registry, tables: Tables) -> None:
        self._registry = registry
        self._tables = tables
        self._compiled: Callable[[str, str], Condition] = lru_cache(maxsize=1024)(self._compile)

    def predicate(
        self, actor: Actor, action: Action, entity: str, target: FromClause, context: SqlContext
    ) -> ColumnElement[bool]:
        """Return which rows of `target` the actor may do `action` with.

        To change or delete a record is to see it first, so those predicates include the one for reading.

        Returns:
            A SQL predicate; ``true()`` where every row is allowed, ``false()`` where none is.
        """
        allowed = self._combined(self.grants(actor, action, entity), target, context)
        if action in ("update", "delete"):
            return _both(allowed, self.predicate(actor, "read", entity, target, context))
        return allowed

    def demand(self, actor: Actor, action: Action, entity: str) -> None:
        """Raise where no rule can ever allow the action, before any record is looked at.

        Raises:
            AccessDenied: the actor is read-only, or no role and no plugin allows the action on any record.
        """
        if not self.can(actor, action, entity):
            raise self.denied(actor, action, entity)

    def can(self, actor: Actor, action: Action, entity: str) -> bool:
        """Return whether any rule allows the action on any record at all."""
        return any(grant.effect == "allow" and grant.rule is not False for grant in self.grants(actor, action, entity))

    def denied(self, actor: Actor, action: Action, entity: str, id: int | None = None) -> AccessDenied:
        """Return the error that says who may not do what, and how to find out why."""
        record = entity if id is None else f"{entity}:{id}"
        message = _("{login} may not {action} {record}").format(login=actor.login, action=action, record=record)
        if id is None:
            return AccessDenied(message, hint=_("What roles may do is said under [roles] in crm.toml."))
        asked = f"{actor.login} {action} {entity}:{id}"
        return AccessDenied(message, hint=_("`crmcore access explain {asked}` shows the rules.").format(asked=asked))

    def grants(self, actor: Actor, action: Action, entity: str) -> tuple[Grant, ...]:
        """Return every rule that speaks of the action, roles first, then plugins in their order."""
        if actor.read_only and action != "read":
            return (Grant(_("read-only actor"), rule=True, effect="forbid"),)
        if actor.system:
            return (Grant(_("the system"), rule=True),)
        return (*self._role_grants(actor, action, entity), *self._plugin_grants(actor, action, entity))

    def fields(self, actor: Actor, entity: str, action: Action = "read") -> FieldRights:
        """Return the fields that are closed to the actor in an action.

        Rights of several roles add up: a field is hidden only if every role that reads the entity hides it, and closed
        to a change only if every role that allows that change closes it. Where no role allows the action, because a
        plugin does, every role that speaks of the entity counts.
        """
        if actor.system or ADMIN in actor.roles:
            return FieldRights()
        named = [rights for role in self._roles(actor) if (rights := self._rights(role, entity))]
        hidden = _in_all(frozenset(rights.hide) for rights in _allowing(named, "read"))
        closed = _in_all(frozenset(rights.hide) | frozenset(rights.fixed) for rights in _allowing(named, action))
        if entity == "user" and not self.may(actor, USERS):
            closed |= _DECIDING_RIGHTS
        return FieldRights(hidden, closed - hidden)

    def hidden(self, actor: Actor) -> frozenset[tuple[str, str]]:
        """Return every (entity, field) that the actor may not read."""
        entities = self._registry.entities
        return frozenset((entity, name) for entity in entities for name in self.fields(actor, entity).hidden)

    def may(self, actor: Actor, permission: str) -> bool:
        """Return whether one of the actor's roles grants a named permission of a plugin."""
        return actor.system or ADMIN in actor.roles or any(permission in role.grants for role in self._roles(actor))

    def demand_permission(self, actor: Actor, permission: str) -> None:
        """Raise where none of the actor's roles grants a named permission.

        Raises:
            AccessDenied: as it says.
        """
        if not self.may(actor, permission):
            raise AccessDenied(
                _("{login} lacks the permission {permission}").format(login=actor.login, permission=permission),
                hint=_('An administrator can add grants = ["{permission}"] to one of your roles in crm.toml.').format(
                    permission=permission
                ),
            )

    def explain(
        self, connection: Connection, actor: Actor, action: Action, entity: str, id: int, context: SqlContext
    ) -> Explanation:
        """Return what each rule says about one record that exists, deleted ones included."""
        table = self._tables.entity[entity]
        reasons = []
        for needed in ("read", action) if action in ("update", "delete") else (action,):
            for grant in self.grants(actor, needed, entity):
                named = grant if needed == action else evolve(grant, source=f"{grant.source} ({needed})")
                reasons.append((named, _holds(connection, table, id, grant.sql(table, context))))
        allowed = _holds(connection, table, id, self.predicate(actor, action, entity, table, context))
        return Explanation(allowed, tuple(reasons), self.fields(actor, entity).hidden)

    def rows(self, entity: str) -> tuple[FromClause, ColumnElement[bool]]:
        """Return the live rows of an entity, whoever asks: what rules themselves look at."""
        alias = self._tables.entity[entity].alias()
        return alias, live(alias)

    def _combined(self, grants: Iterable[Grant], target: FromClause, context: SqlContext) -> ColumnElement[bool]:
        allowing: list[ColumnElement[bool]] = []
        forbidding: list[ColumnElement[bool]] = []
        for grant in grants:
            (allowing if grant.effect == "allow" else forbidding).append(grant.sql(target, context))
        allowed = true() if any(isinstance(each, True_) for each in allowing) else or_(false(), *allowing)
        for predicate in forbidding:
            # A condition over an empty field is NULL in SQL: "is not true" keeps such rows out of what is forbidden.
            allowed = _both(allowed, predicate.is_not(true()))
        return allowed

    def _role_grants(self, actor: Actor, action: Action, entity: str) -> Iterator[Grant]:
        if ADMIN in actor.roles:
            yield Grant(_("role {name}").format(name=ADMIN), rule=True)
        for role in self._roles(actor):
            rights = self._rights(role, entity)
            rule = getattr(rights, action) if rights else False
            if rule is not False:
                condition = rule if isinstance(rule, bool) else self._compiled(entity, rule)
                yield Grant(_("role {name}").format(name=role.name), condition)

    def _plugin_grants(self, actor: Actor, action: Action, entity: str) -> Iterator[Grant]:
        for plugin, rules in self._registry.call("crm_access_rules", entity, actor=actor, action=action):
            for rule in rules or ():
                source = _("plugin {name}").format(name=plugin)
                yield Grant(
                    f"{source}: {rule.reason}" if rule.reason else source,
                    self._compiled(entity, rule.where),
                    rule.effect,
                )

    def _rights(self, role: Role, entity: str) -> EntityRights | None:
        # A plugin's private tables are not among "the others" that an admin can have thought of.
        others = None if self._registry.entities[entity].internal else role.rules.get(OTHERS)
        return role.rules.get(entity, others)

    def _roles(self, actor: Actor) -> Iterator[Role]:
        declared = self._registry.config.roles
        return (declared[name] for name in actor.roles if name in declared)

    def _compile(self, entity: str, text: str) -> Condition:
        entities = self._registry.entities
        return compile_condition(text, Scope(entities[entity], entities), Use.ACCESS)


def _allowing(named: list[EntityRights], action: Action) -> list[EntityRights]:
    return [rights for rights in named if getattr(rights, action) is not False] or named


def _in_all(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    found = list(sets)
    return frozenset.intersection(*found) if found else frozenset()


def _both(one: ColumnElement[bool], other: ColumnElement[bool]) -> ColumnElement[bool]:
    """Join two predicates; what is always true stays recognisable as such, so that nobody asks the database."""
    if isinstance(one, True_):
        return other
    return one if isinstance(other, True_) else and_(one, other)


def _holds(connection: Connection, table: Table, id: int, predicate: ColumnElement[bool]) -> bool:
    return connection.execute(select(table.c.id).where(table.c.id == id, predicate)).first() is not None
