"""What an upgrade has to do that a comparison of tables cannot tell: renames, changes of kind, and what must not go.

Pure: compares what is installed with the composed entities. Doing it is :mod:`crmcore.store.alter`'s and
:mod:`crmcore.store.convert`'s.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from crmcore.errors import MigrationRefused, UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind
from crmcore.store.installed import StoredField

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from crmcore.schema.model import Entity
    from crmcore.store.installed import Installed

__all__ = ["Conversion", "Plan", "make_plan", "refusal"]

_Stored = dict[str, dict[str, StoredField]]


@frozen
class Conversion:
    """A field whose values get another kind."""

    entity: str
    field: str
    old: StoredField


@frozen(kw_only=True)
class Plan:
    """What an upgrade does before and beside the comparison of tables. Names are those after the renames."""

    entities: tuple[tuple[str, str], ...]
    """Renamed entities: old name, new name."""
    fields: tuple[tuple[str, str, str, StoredField], ...]
    """Renamed fields: entity, old name, new name, and how the field is stored so far."""
    conversions: tuple[Conversion, ...]
    dropped_fields: tuple[tuple[str, str, StoredField], ...]
    dropped_entities: tuple[str, ...]
    kept: tuple[str, ...]
    """Fields (``customer.fax``) and entities of disabled plugins, whose columns and tables stay."""
    refused: tuple[str, ...]
    """Fields and entities that are gone from the schemas and were not named to be dropped."""
    stored: Mapping[str, Mapping[str, StoredField]]
    """Everything that is stored, after the renames."""
    installed: Mapping[str, Installed]
    """The disabled plugins, with the renames and drops applied."""


def make_plan(
    installed: Mapping[str, Installed],
    entities: Mapping[str, Entity],
    enabled: Collection[str],
    drop: Collection[str],
) -> Plan:
    """Compare what is installed with the entities of the program.

    Args:
        installed: by origin, as :func:`crmcore.store.installed.read_installed` gives it.
        entities: the composed entities.
        enabled: names of the origins that they come from.
        drop: fields (``customer.fax``) and entities (``ticket``) that may lose what is stored.

    Raises:
        UsageError: a name to be dropped is not stored, or is still declared with the kind it has.
    """
    before = {entity for origin in installed.values() for entity in origin.fields}
    renamed_entities = _entity_renames(before, entities)
    origins = {name: _with_renamed_entities(origin, renamed_entities) for name, origin in installed.items()}
    renamed_fields = _field_renames(_merged(origins.values()), entities)
    origins = {name: _with_renamed_fields(origin, renamed_fields) for name, origin in origins.items()}
    stored = _merged(origins.values())
    conversions = tuple(_conversions(stored, entities))
    gone = _gone(stored, entities)
    _check_names(drop, gone, conversions)
    disabled = {name: origin for name, origin in origins.items() if name not in enabled}
    kept = {name for name in gone if name not in drop and _brought_by(disabled.values(), name)}
    dropped = [name for name in gone if name in drop]
    fields = [name.split(".") for name in dropped if "." in name]
    return Plan(
        entities=tuple(renamed_entities.items()),
        fields=tuple((entity, old, new, stored[entity][new]) for (entity, old), new in renamed_fields.items()),
        conversions=conversions,
        dropped_fields=tuple((entity, field, stored[entity][field]) for entity, field in fields),
        dropped_entities=tuple(name for name in dropped if "." not in name),
        kept=tuple(name for name in gone if name in kept),
        refused=tuple(name for name in gone if name not in dropped and name not in kept),
        stored=stored,
        installed={name: _without(origin, dropped) for name, origin in disabled.items()},
    )


def refusal(losses: Iterable[str], names: Iterable[str]) -> MigrationRefused:
    """Return the error for an upgrade that would lose what is stored."""
    options = " ".join(f"--drop {name}" for name in names)
    return MigrationRefused(
        "\n".join([_("the upgrade would lose what is stored:"), *losses]),
        hint=_(
            "To lose it: `crmcore db upgrade {options}`. A field or entity that was renamed says so with `was`."
        ).format(options=options),
    )


def _entity_renames(before: Collection[str], entities: Mapping[str, Entity]) -> dict[str, str]:
    found: dict[str, str] = {}
    for entity in entities.values():
        if entity.name not in before:
            former = next((n for n in entity.was if n in before and n not in entities and n not in found), None)
            if former is not None:
                found[former] = entity.name
    return found


def _field_renames(stored: _Stored, entities: Mapping[str, Entity]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for entity in entities.values():
        there = stored.get(entity.name, {})
        for field in entity.fields.values():
            if field.name not in there:
                free = [n for n in field.was if n in there and n not in entity.fields and (entity.name, n) not in found]
                found.update({(entity.name, name): field.name for name in free[:1]})
    return found


def _with_renamed_entities(origin: Installed, renames: Mapping[str, str]) -> Installed:
    def moved(stored: StoredField) -> StoredField:
        return evolve(stored, ref=renames.get(stored.ref, stored.ref) if stored.ref else None)

    fields = {
        renames.get(entity, entity): {name: moved(stored) for name, stored in there.items()}
        for entity, there in origin.fields.items()
    }
    return evolve(origin, fields=fields)


def _with_renamed_fields(origin: Installed, renames: Mapping[tuple[str, str], str]) -> Installed:
    fields = {
        entity: {renames.get((entity, name), name): stored for name, stored in there.items()}
        for entity, there in origin.fields.items()
    }
    return evolve(origin, fields=fields)


def _merged(origins: Iterable[Installed]) -> _Stored:
    stored: _Stored = {}
    for origin in origins:
        for entity, fields in origin.fields.items():
            stored.setdefault(entity, {}).update(fields)
    return stored


def _conversions(stored: _Stored, entities: Mapping[str, Entity]) -> Iterable[Conversion]:
    for entity in entities.values():
        there = stored.get(entity.name, {})
        for field in entity.fields.values():
            old = there.get(field.name)
            if old is None:
                continue
            if old.kind is not field.kind or (old.kind is Kind.REF and old.ref != field.ref):
                yield Conversion(entity.name, field.name, old)


def _gone(stored: _Stored, entities: Mapping[str, Entity]) -> list[str]:
    """Return what is stored and no longer declared; the fields of an entity that is gone go with it."""
    names: list[str] = []
    for entity, fields in stored.items():
        if entity not in entities:
            names.append(entity)
        else:
            names += [f"{entity}.{name}" for name in fields if name not in entities[entity].fields]
    return sorted(names)


def _brought_by(origins: Iterable[Installed], name: str) -> bool:
    entity, _dot, field = name.partition(".")
    return any(entity in o.fields and (not field or field in o.fields[entity]) for o in origins)


def _without(origin: Installed, dropped: Collection[str]) -> Installed:
    fields = {
        entity: {name: stored for name, stored in there.items() if f"{entity}.{name}" not in dropped}
        for entity, there in origin.fields.items()
        if entity not in dropped
    }
    # Without a digest the plugin needs an upgrade when it is enabled again: this one may drop columns and indexes
    # that only it asked for.
    return evolve(origin, fields=fields, digest="")


def _check_names(drop: Collection[str], gone: Collection[str], conversions: Iterable[Conversion]) -> None:
    possible = {*gone, *(f"{c.entity}.{c.field}" for c in conversions)}
    for name in drop:
        if name not in possible:
            near = get_close_matches(name, possible, n=1)
            raise UsageError(
                _("{name} is not something that this upgrade would drop").format(name=name),
                hint=_("Did you mean {name}?").format(name=near[0]) if near else None,
            )
