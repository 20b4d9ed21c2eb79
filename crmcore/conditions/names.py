"""What a name in a condition stands for, and what was probably meant by one that stands for nothing."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from crmcore.conditions import limits
from crmcore.conditions import meaning as m
from crmcore.conditions.excerpt import Mistake
from crmcore.i18n import gettext as _
from crmcore.schema.model import SYSTEM_FIELDS, Kind, relations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.conditions import syntax as s
    from crmcore.conditions.scope import Scope
    from crmcore.schema.model import Entity, Field, Relation

__all__ = ["UnknownName", "close_to", "field_of", "find_column", "find_relation"]

_BOOKKEEPING = ("deleted_at", "merged_into")
"""Deleted and merged records are never looked at, so there is nothing to ask of them."""
_NOTHING = ("null", "none", "nil", "undefined", "blank", "空")


class UnknownName(Mistake):
    """A name that stands for nothing; beside a field it may be a text without quotes."""


def find_column(scope: Scope, entity: Entity, name: s.Name) -> m.Column:
    """Return the field that a name of one or more parts leads to.

    Raises:
        Mistake: a part is no field, is no link, may not be read, or there are too many links.
    """
    links: list[m.Link] = []
    start = name.span[0]
    *steps, last = name.parts
    if len(steps) > limits.MAX_LINKS:
        raise Mistake(_("more than {limit} links in one name").format(limit=limits.MAX_LINKS), name.span)
    for step in steps:
        span = (start, start + len(step))
        link = field_of(scope, entity, step, span)
        if link.kind is not Kind.REF or link.ref is None or link.ref not in scope.entities:
            raise _no_link(entity, link, span)
        links.append(m.Link(step, link.ref))
        entity = scope.entities[link.ref]
        start = span[1] + 1
    found = field_of(scope, entity, last, (start, start + len(last)))
    kind = m.Type.of(found)
    if found.name == "id":
        kind = m.Type(Kind.INTEGER, entity.name)
    return m.Column(name, kind, tuple(links), found)


def field_of(scope: Scope, entity: Entity, name: str, span: s.Span) -> Field:
    """Return a field of an entity, the system's included.

    Raises:
        Mistake: there is none of that name, or it may not be read.
    """
    found = entity.fields.get(name) or SYSTEM_FIELDS.get(name)
    if found is None or name in _BOOKKEEPING:
        raise _unknown(scope, entity, name, span)
    if (entity.name, name) in scope.hidden:
        raise Mistake(_("you may not read {entity}.{field}").format(entity=entity.name, field=name), span)
    return found


def find_relation(scope: Scope, entity: Entity, node: s.Any) -> Relation:
    """Return the relation that ``any`` names.

    Raises:
        Mistake: there is none of that name, or its reference may not be read.
    """
    known = relations(scope.entities, entity.name)
    relation = known.get(node.relation)
    if relation is None:
        reason = _("{entity} has no related records called {name}").format(entity=entity.name, name=node.relation)
        raise Mistake(reason, node.relation_span, close_to(node.relation, known))
    if (relation.entity, relation.field) in scope.hidden:
        reason = _("you may not read {entity}.{field}").format(entity=relation.entity, field=relation.field)
        raise Mistake(reason, node.relation_span)
    return relation


def close_to(written: str, known: Iterable[str], *, most: int = 12) -> str | None:
    """Return a sentence with the known word that is closest, or with all of them where they are few."""
    words = sorted(known)
    plain = {word.lower(): word for word in words}
    close = get_close_matches(written.lower(), plain, n=1)
    if close:
        return _("Did you mean {name}?").format(name=plain[close[0]])
    if words and len(words) <= most:
        return _("Known: {names}").format(names=", ".join(words))
    return None


def _unknown(scope: Scope, entity: Entity, name: str, span: s.Span) -> Mistake:
    if scope.metrics and entity is scope.entity:
        reason = _("{entity} has neither a field nor a metric {name}").format(entity=entity.name, name=name)
    else:
        reason = _("{entity} has no field {name}").format(entity=entity.name, name=name)
    written = _other_writing(scope, entity, name)
    return Mistake(reason, span, written) if written else UnknownName(reason, span, _meant(scope, entity, name))


def _other_writing(scope: Scope, entity: Entity, name: str) -> str | None:
    """Return how something else than a field is written, where a name says that it is meant."""
    if name.lower() in _NOTHING:
        return _("To ask for a missing value write: email is empty.")
    if name in ("today", "now"):
        return _("Write {name}().").format(name=name)
    if name in _BOOKKEEPING:
        return _("Deleted and merged records are left out everywhere.")
    if name in relations(scope.entities, entity.name):
        return _("To ask for related records write: any {name} (...).").format(name=name)
    return None


def _meant(scope: Scope, entity: Entity, name: str) -> str | None:
    """Return which field was probably meant by a name."""
    readable = {f.name: f for f in _readable(scope, entity)}
    titled = [f.name for f in readable.values() if name.casefold() in _titles(f)]
    if titled:
        return _("The field with that title is called {name}.").format(name=titled[0])
    metrics = scope.metrics if entity is scope.entity else ()
    return close_to(name, {*readable, *metrics})


def _readable(scope: Scope, entity: Entity) -> Iterable[Field]:
    system = (f for f in SYSTEM_FIELDS.values() if f.name not in _BOOKKEEPING)
    return (f for f in (*entity.fields.values(), *system) if (entity.name, f.name) not in scope.hidden)


def _titles(field: Field) -> set[str]:
    return {title.casefold() for title in (*field.titles.values(), *field.aliases)}


def _no_link(entity: Entity, field: Field, span: s.Span) -> Mistake:
    reason = _("{entity}.{field} does not refer to records of one entity").format(entity=entity.name, field=field.name)
    return Mistake(reason, span, _("Only a reference can be followed by a point."))
