"""Taking a purge back: what its archive holds goes where it was, once the plugin is enabled and upgraded again.

Nothing that was written since is overwritten (:mod:`crmcore.store.purging.values`), and nothing of a record that was
erased since comes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import bindparam, column, inspect, select, table, update

from crmcore.errors import DatabaseError, UsageError
from crmcore.i18n import gettext as _
from crmcore.store.archive import read_lines, read_manifest, reading_archive
from crmcore.store.checks import refuse_broken_references
from crmcore.store.chunks import chunks
from crmcore.store.engine import references_deferred, restructuring
from crmcore.store.ids_given import set_last_id
from crmcore.store.installed import demand_up_to_date
from crmcore.store.portable import from_portable
from crmcore.store.purging.removal import FORMAT, KIND
from crmcore.store.purging.values import put_values
from crmcore.store.rows import write_rows
from crmcore.store.structure import build_structure, column_types, read_structure
from crmcore.store.tables import ENTITY_PREFIX, table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, Table

    from crmcore.store.installed import Origin
    from crmcore.store.tables import Tables

__all__ = ["UndonePurge", "undo_purge"]


@frozen
class UndonePurge:
    """What came back, and what did not."""

    plugin: str
    restored: int
    """Number of rows of which something is where it was."""
    left: int
    """Number of rows of which something stays in the archive: the record is gone or erased, the field has a new value,
    or a value that is to be unique is somebody else's by now."""


def undo_purge(engine: Engine, tables: Tables, origins: Sequence[Origin], plugin: str, path: Path) -> UndonePurge:
    """Bring back what a purge took out, in one transaction.

    Args:
        engine: of the database.
        tables: of the schemas that run.
        origins: where they come from, the plugin among them.
        plugin: its name.
        path: of the archive that the purge wrote.

    Raises:
        UsageError: the archive is not of a purge of this plugin, or the plugin does not run.
        DatabaseError: the archive is damaged, or the tables have another form or hold records by now. Nothing was
            written.
    """
    with reading_archive(path) as archive:
        manifest = read_manifest(archive, FORMAT, kind=KIND)
        _refuse_wrong(manifest, origins, plugin, path)
        parts = manifest["parts"]
        with restructuring(engine) as connection:
            demand_up_to_date(connection, tables, origins)
            built = _fitting_tables(connection, parts.values(), manifest["version"])
            restored = left = 0
            with references_deferred(connection):
                for name, part in parts.items():
                    for rows in read_lines(archive, f"{name}.jsonl", part):
                        put = _PUT[part["kind"]](connection, built[part["table"]], tables.history, part, rows)
                        restored, left = restored + put[0], left + put[1]
                    if part["kind"] == "table":
                        set_last_id(connection, part["table"], part["last_id"])
            refuse_broken_references(connection)
    return UndonePurge(plugin, restored, left)


def _refuse_wrong(manifest: Mapping[str, Any], origins: Iterable[Origin], plugin: str, path: Path) -> None:
    if manifest.get("kind") != KIND:
        raise UsageError(
            _("{path} is not the archive of a purge").format(path=path),
            hint=_("A backup is brought back by `crmcore db restore`."),
        )
    if manifest["plugin"] != plugin:
        raise UsageError(
            _("{path} is of the plugin {found}, not of {plugin}").format(
                path=path, found=manifest["plugin"], plugin=plugin
            )
        )
    if plugin not in {origin.name for origin in origins}:
        raise UsageError(
            _("the plugin {plugin} does not run").format(plugin=plugin),
            hint=_("First: crmcore plugins enable {plugin}, then crmcore db upgrade").format(plugin=plugin),
        )


def _fitting_tables(connection: Connection, parts: Iterable[Mapping[str, Any]], version: str) -> Mapping[str, Table]:
    """Return the tables that parts go to, which must have their columns, and hold nothing where all of it comes back.

    Raises:
        DatabaseError: names what is otherwise.
    """
    wanted = list(parts)
    names = {part["table"] for part in wanted} & {*inspect(connection).get_table_names()}
    structure = read_structure(connection, sorted(names))
    tables = build_structure(structure).tables
    missing = [
        f"{part['table']}.{column['name']}"
        for part in wanted
        for column in part["columns"]
        if part["table"] not in structure or column not in _columns(structure[part["table"]])
    ]
    if missing:
        raise DatabaseError(
            _("the plugin stores by now otherwise what the archive holds: {columns}").format(
                columns=", ".join(missing)
            ),
            hint=_("The archive is of its version {version}: install that one to take the purge back.").format(
                version=version
            ),
        )
    whole = [tables[part["table"]] for part in wanted if part["kind"] == "table"]
    taken = [one.name for one in whole if connection.execute(select(one.c.id).limit(1)).first()]
    if taken:
        raise DatabaseError(
            _("there are records by now in: {names}").format(
                names=", ".join(name.removeprefix(ENTITY_PREFIX) for name in taken)
            ),
            hint=_("Export them, purge the plugin again into another archive, and take this one back first."),
        )
    return tables


def _columns(described: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": column["name"], "type": column["type"]} for column in described["columns"]]


def _put_rows(
    connection: Connection, target: Table, _history: Table, part: Mapping[str, Any], rows: list[list[Any]]
) -> tuple[int, int]:
    parameters = from_portable(column_types(part), connection.dialect.name)
    names = [stored["name"] for stored in part["columns"]]
    write_rows(connection, target.name, names, [parameters(row) for row in rows])
    return len(rows), 0


def _put_new_rows(
    connection: Connection, target: Table, history: Table, part: Mapping[str, Any], rows: list[list[Any]]
) -> tuple[int, int]:
    found = {row.id for row in _in(connection, select(target.c.id), target.c.id, [row[0] for row in rows])}
    new = [row for row in rows if row[0] not in found]
    _put_rows(connection, target, history, part, new)
    return len(new), len(found)


def _put_values(
    connection: Connection, target: Table, history: Table, part: Mapping[str, Any], rows: list[list[Any]]
) -> tuple[int, int]:
    erased = _erased(connection, history, target.name.removeprefix(ENTITY_PREFIX), [row[0] for row in rows])
    return put_values(connection, target, part, rows, erased)


def _put_history(
    connection: Connection, target: Table, history: Table, part: Mapping[str, Any], rows: list[list[Any]]
) -> tuple[int, int]:
    """Add old values to rows of the history, and rows that told of nothing else."""
    names = [column["name"] for column in part["columns"]]
    id, entity, record, old = (names.index(name) for name in ("id", "entity", "record_id", "old"))
    living = {
        (name, one)
        for name in {row[entity] for row in rows}
        for one in _living(connection, history, name, [row[record] for row in rows if row[entity] == name])
    }
    coming = [row for row in rows if (row[entity], row[record]) in living]
    found = _in(connection, select(target.c.id, target.c.old), target.c.id, [row[id] for row in coming])
    there = {row.id: row.old for row in found}
    changed = update(target).where(target.c.id == bindparam("row_id")).values(old=bindparam("all"))
    merged = {row[id]: {**there[row[id]], **row[old]} for row in coming if row[id] in there}
    fuller = [{"row_id": one, "all": values} for one, values in merged.items() if values != there[one]]
    if fuller:
        connection.execute(changed, fuller)
    new = [row for row in coming if row[id] not in there]
    _put_rows(connection, target, history, part, new)
    done = len(fuller) + len(new)
    return done, len(rows) - done


def _living(connection: Connection, history: Table, entity: str, ids: Sequence[int]) -> set[int]:
    stored = table(table_name(entity), column("id"))
    found = {row.id for row in _in(connection, select(stored.c.id), stored.c.id, ids)}
    return found - _erased(connection, history, entity, ids)


def _erased(connection: Connection, history: Table, entity: str, ids: Sequence[int]) -> set[int]:
    about = select(history.c.record_id).where(history.c.entity == entity, history.c.action == "erase")
    return {row.record_id for row in _in(connection, about, history.c.record_id, ids)}


def _in(
    connection: Connection, statement: Select[Any], id: ColumnElement[int], ids: Sequence[int]
) -> Iterator[Row[Any]]:
    for some in chunks(ids):
        yield from connection.execute(statement.where(id.in_(some)))


_PUT = {
    "table": _put_rows,
    "rows": _put_new_rows,
    "columns": _put_values,
    "values": _put_values,
    "history": _put_history,
}
