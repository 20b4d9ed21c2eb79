"""What a purge takes away, and whether it may: found out from what is installed and what is stored. Changes nothing."""

from __future__ import annotations

from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING

from attrs import frozen
from sqlalchemy import column as sql_column
from sqlalchemy import func, select, table

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import CORE, INSTANCE
from crmcore.schema.model import Kind
from crmcore.store.installed import read_installed
from crmcore.store.purging.parts import find_parts
from crmcore.store.tables import CORE_PREFIX, REF_ENTITY, table_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from sqlalchemy import ColumnElement, Connection, FromClause

    from crmcore.schema.model import Entity
    from crmcore.store.installed import Installed, StoredField
    from crmcore.store.purging.parts import Part
    from crmcore.store.tables import Tables

__all__ = ["Purge", "plan_purge"]

_OF_CORE: Mapping[tuple[str, str], str] = {
    ("rows", "history"): "history",
    ("history", "history"): "old_values",
    ("values", "history"): "followed",
    ("rows", "outbox"): "events",
    ("rows", "import"): "imports",
    ("rows", "reject"): "rejected",
}
"""Kind of a part and its table -> what `Purge.besides` calls it."""


@frozen(kw_only=True)
class Purge:
    """What goes, or went, with a plugin."""

    plugin: Installed
    entities: Mapping[str, int]
    """Entities that it brought, whose tables go -> number of records, deleted ones too."""
    fields: Mapping[str, int]
    """Fields that it added to entities of others (``customer.fax``) -> number of records in which they are filled."""
    references: Mapping[str, int]
    """References to any record (``activity.subject``) that lead to its records and are emptied -> how many."""
    values: Mapping[str, int]
    """Values that it added and that stay in rows (``activity.kind = wechat``) -> in how many records."""
    besides: Mapping[str, int]
    """What goes from the tables of the core -> in how many rows: the ``history`` of its records, ``old_values`` of its
    fields, what changes of other records ``followed`` from, undelivered ``events``, ``imports`` and their ``rejected``
    rows."""
    adopted: tuple[str, ...]
    """Fields that somebody else declares by now, and that therefore stay."""
    columns: Mapping[str, frozenset[str]]
    """Table -> columns that go from it."""
    parts: tuple[Part, ...]
    """Everything that goes, as it is written into the archive."""
    others: tuple[Installed, ...]
    """The other disabled plugins."""


def plan_purge(
    connection: Connection, tables: Tables, entities: Mapping[str, Entity], enabled: Collection[str], plugin: str
) -> Purge:
    """Find out what goes with a plugin.

    Args:
        connection: of the database, which is up to date.
        tables: of the schemas that run.
        entities: the entities that run.
        enabled: names of the origins that run, and of plugins that should.
        plugin: its name.

    Raises:
        UsageError: it is enabled, has stored nothing here, or another refers to what it has stored.
    """
    installed = read_installed(connection, tables)
    origin = _purged(installed, enabled, plugin)
    others = {name: other for name, other in installed.items() if name != plugin}
    own = {e for e in origin.fields if e not in entities and f"{e}.schema.json" in origin.documents}
    _refuse_referred(own, others)
    added = {(e, name): stored for e, there in origin.fields.items() if e not in own for name, stored in there.items()}
    adopted = {key for key in added if _is_declared(key, entities) or _is_stored(key, others.values())}
    going = {key: stored for key, stored in added.items() if key not in adopted}
    columns: dict[str, frozenset[str]] = {}
    for (entity, name), stored in going.items():
        columns[table_name(entity)] = columns.get(table_name(entity), frozenset()) | {*stored.columns(name)}
    pointing = list(_pointing(others, own))
    fields: dict[str, frozenset[str]] = {}
    for entity, name in going:
        fields[entity] = fields.get(entity, frozenset()) | {name}
    parts = find_parts(connection, tables, plugin, own=own, columns=columns, fields=fields, pointing=pointing)
    return Purge(
        plugin=origin,
        entities={e: _count(connection, table_name(e)) for e in sorted(own)},
        fields={f"{e}.{name}": _filled(connection, e, name, stored) for (e, name), stored in sorted(going.items())},
        references={f"{e}.{name}": n for e, name in pointing if (n := _leading(connection, e, name, own))},
        values=dict(_values_in_use(connection, origin, entities)),
        besides=_besides(connection, parts),
        adopted=tuple(sorted(f"{entity}.{name}" for entity, name in adopted)),
        columns=columns,
        parts=parts,
        others=tuple(other for name, other in others.items() if name not in enabled),
    )


def _purged(installed: Mapping[str, Installed], enabled: Collection[str], plugin: str) -> Installed:
    if plugin in (CORE, INSTANCE) or plugin.startswith(f"{INSTANCE}."):
        raise UsageError(
            _("{name} is no plugin").format(name=plugin),
            hint=_("Fields of your own go with `crmcore db upgrade --drop ENTITY.FIELD`."),
        )
    if plugin in enabled:
        raise UsageError(
            _("the plugin {plugin} is enabled").format(plugin=plugin),
            hint=_("First: crmcore plugins disable {plugin}").format(plugin=plugin),
        )
    if plugin not in installed:
        possible = [name for name in installed if name not in enabled]
        near = get_close_matches(plugin, possible, n=1)
        raise UsageError(
            _("no plugin {plugin!r} has stored anything in this database").format(plugin=plugin),
            hint=_("Did you mean {name}?").format(name=near[0]) if near else None,
        )
    return installed[plugin]


def _refuse_referred(own: Collection[str], others: Mapping[str, Installed]) -> None:
    """Refuse to remove entities that others extend or refer to, enabled or not: their tables would break."""
    found = [
        f"{name} ({entity}.{field})"
        for name, other in others.items()
        for entity, fields in other.fields.items()
        for field, stored in fields.items()
        if entity in own or (stored.kind is Kind.REF and stored.ref in own)
    ]
    if found:
        raise UsageError(
            _("others have fields in these entities, or fields that refer to them: {found}").format(
                found=", ".join(found)
            ),
            hint=_("Purge those plugins first, or drop the fields with `crmcore db upgrade --drop ENTITY.FIELD`."),
        )


def _is_declared(key: tuple[str, str], entities: Mapping[str, Entity]) -> bool:
    entity, name = key
    return entity in entities and name in entities[entity].fields


def _is_stored(key: tuple[str, str], others: Collection[Installed]) -> bool:
    entity, name = key
    return any(name in other.fields.get(entity, {}) for other in others)


def _pointing(others: Mapping[str, Installed], own: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield entity and field of every reference to any record that may lead into the entities that go."""
    for other in others.values() if own else ():
        for entity, fields in other.fields.items():
            yield from ((entity, name) for name, stored in fields.items() if stored.kind is Kind.ANY_REF)


def _values_in_use(
    connection: Connection, origin: Installed, entities: Mapping[str, Entity]
) -> Iterator[tuple[str, int]]:
    for file, document in origin.documents.items():
        entity = entities.get(file.removesuffix(".extend.json"))
        for name, said in document.get("properties", {}).items() if entity else ():
            field = entity.fields.get(name) if entity else None
            if entity is None or field is None or field.kind is not Kind.TEXT or not field.enum:
                continue
            for value in said.get("enum", ()):
                if value not in field.enum and (
                    n := _count(connection, table_name(entity.name), sql_column(name) == value)
                ):
                    yield f"{entity.name}.{name} = {value}", n


def _besides(connection: Connection, parts: Iterable[Part]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for part in parts:
        name = _OF_CORE.get((part.kind, part.table.name.removeprefix(CORE_PREFIX)))
        if name is not None:
            found[name] += _rows(connection, part.table, *part.where)
    return {name: found[name] for name in _OF_CORE.values() if found[name]}


def _filled(connection: Connection, entity: str, name: str, stored: StoredField) -> int:
    return _count(connection, table_name(entity), sql_column(stored.columns(name)[0]).is_not(None))


def _leading(connection: Connection, entity: str, name: str, own: Collection[str]) -> int:
    return _count(connection, table_name(entity), sql_column(name + REF_ENTITY).in_(own))


def _count(connection: Connection, name: str, *where: ColumnElement[bool]) -> int:
    return _rows(connection, table(name), *where)


def _rows(connection: Connection, rows: FromClause, *where: ColumnElement[bool]) -> int:
    return int(connection.execute(select(func.count()).select_from(rows).where(*where)).scalar_one())
