"""The purge: what goes is written into an archive, read back, and only then taken out of the database.

All in one transaction that nobody else's writing comes between. The archive gets its name before the commit: killed
at any moment, what is not in the database any more is in the archive.
"""

from __future__ import annotations

import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

from attrs import evolve
from sqlalchemy import bindparam, delete, func, select, text, update
from sqlalchemy.exc import OperationalError

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.store import alter
from crmcore.store.archive import (
    publish,
    read_lines,
    read_manifest,
    reading_archive,
    unfinished_archive,
    write_lines,
    write_manifest,
)
from crmcore.store.checks import refuse_broken_references
from crmcore.store.engine import restructuring
from crmcore.store.ids_given import last_id
from crmcore.store.installed import demand_up_to_date, write_installed
from crmcore.store.portable import ROWS_PER_BATCH, stored_rows, to_portable
from crmcore.store.purging.plan import plan_purge
from crmcore.store.structure import stored_structure
from crmcore.store.tables import CORE_PREFIX, table_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from crmcore.schema.model import Entity
    from crmcore.store.installed import Origin
    from crmcore.store.purging.parts import Part
    from crmcore.store.purging.plan import Purge
    from crmcore.store.tables import Tables

__all__ = ["FORMAT", "KIND", "purge"]

FORMAT = 1
KIND = "purge"
"""What the manifest of such an archive says that it is; that of a backup says nothing."""

_WAIT_MILLISECONDS = 500
"""Half of what PostgreSQL waits before it looks for transactions that wait for each other."""
_WAITS = 120
"""A minute in all, as for every lock of a change of tables."""
_CANCELLED = "57014"
"""SQLSTATE of a statement that has taken too long."""


def purge(
    engine: Engine,
    tables: Tables,
    entities: Mapping[str, Entity],
    origins: Sequence[Origin],
    plugin: str,
    path: Path,
    *,
    enabled: Collection[str],
    now: dt.datetime,
) -> Purge:
    """Remove for good what a disabled plugin has stored, into an archive.

    Args:
        engine: of the database.
        tables: of the schemas that run.
        entities: the entities that run.
        origins: where they come from; the database has to be up to date with them.
        plugin: its name.
        path: of the archive, where no file is yet.
        enabled: names of the origins, and of plugins that should run.
        now: the instant that is noted in the archive.

    Raises:
        UsageError: the plugin is enabled, has stored nothing, or another refers to what it has stored.
        DatabaseError: the database is not up to date, or the archive cannot be written. Nothing was removed.
    """
    if path.exists():
        raise UsageError(_("{path} is there already").format(path=path), hint=_("Name a new file."))
    with unfinished_archive(path) as unfinished, restructuring(engine) as connection:
        demand_up_to_date(connection, tables, origins)
        _keep_others_out(connection)
        found = plan_purge(connection, tables, entities, enabled, plugin)
        _write(connection, unfinished, found, now)
        _read_back(unfinished)
        _remove(connection, tables, found)
        refuse_broken_references(connection)
        publish(unfinished, path, overwrite=False)
    return found


def _keep_others_out(connection: Connection) -> None:
    """Let nobody write what would be dropped without being in the archive; on SQLite the transaction does.

    The locks are asked for in the order in which records are written: their tables first, history and events after
    them. Among the former there is no order, so that we may wait for somebody who waits for us: then all locks are
    given back before PostgreSQL looks for such circles, and would end the other's transaction, and asked for again.
    """
    if connection.dialect.name != "postgresql":
        return
    names = sorted(stored_structure(connection), key=lambda name: (name.startswith(CORE_PREFIX), name))
    listed = ", ".join(f'"{name}"' for name in names)
    lock = f"LOCK TABLE {listed} IN ACCESS EXCLUSIVE MODE"
    before = connection.execute(text("SHOW statement_timeout")).scalar_one()
    _set_timeout(connection, f"{_WAIT_MILLISECONDS}ms")
    for _wait in range(_WAITS):
        try:
            with connection.begin_nested():
                connection.execute(text(lock))
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) != _CANCELLED:
                raise
        else:
            break
    else:
        connection.execute(text(f"{lock} NOWAIT"))  # fails, and says so as every other change of tables
    _set_timeout(connection, before)


def _set_timeout(connection: Connection, value: str) -> None:
    connection.execute(select(func.set_config("statement_timeout", value, True)))  # True: of this transaction


def _write(connection: Connection, path: Path, found: Purge, now: dt.datetime) -> None:
    described = {}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in found.parts:
            written = write_lines(archive, f"{part.name}.jsonl", part.columns, _batches(connection, part))
            described[part.name] = {
                "kind": part.kind,
                "table": part.table.name,
                "columns": [{"name": c.name, "type": kind} for c, kind in zip(part.columns, part.types, strict=True)],
                **written,
                "last_id": last_id(connection, part.table.name) if part.kind == "table" else None,
            }
        plugin = found.plugin
        write_manifest(
            archive,
            {
                "format": FORMAT,
                "kind": KIND,
                "plugin": plugin.name,
                "version": plugin.version,
                "created_at": now.isoformat(),
                "documents": plugin.documents,
                "parts": described,
            },
        )


def _batches(connection: Connection, part: Part) -> Iterator[list[list[Any]]]:
    portable = to_portable(part.types)
    with closing(stored_rows(connection, part.table, part.columns, *part.where)) as batches:
        for rows in batches:
            written = [portable(row) for row in rows]
            yield _old_values_only(part, written) if part.kind == "history" else written


def _old_values_only(part: Part, rows: Sequence[list[Any]]) -> list[list[Any]]:
    """Return rows of the history with no other old values than those that go; without any, the row stays as it is."""
    at = [column.name for column in part.columns].index("old")
    pieces = [{name: value for name, value in row[at].items() if name in part.fields} for row in rows]
    return [[*row[:at], piece, *row[at + 1 :]] for row, piece in zip(rows, pieces, strict=True) if piece]


def _read_back(path: Path) -> None:
    with reading_archive(path) as archive:
        for name, described in read_manifest(archive, FORMAT, kind=KIND)["parts"].items():
            for _rows in read_lines(archive, f"{name}.jsonl", described):
                pass


def _remove(connection: Connection, tables: Tables, found: Purge) -> None:
    for part in found.parts:
        if part.kind == "history":
            _remove_old_values(connection, part)
        elif part.kind == "rows":
            connection.execute(delete(part.table).where(*part.where))
        elif part.kind == "values":
            empty = dict.fromkeys(part.columns[1:])
            connection.execute(update(part.table).where(*part.where).values(empty))
    alter.drop_indexes_on(connection, found.columns)
    alter.drop_columns(connection, found.columns)
    alter.drop_tables(connection, map(table_name, found.entities))
    # Indexes that only this plugin asked for on columns of others.
    alter.drop_indexes(connection, alter.find_difference(connection, tables, {}).old_indexes)
    connection.execute(delete(tables.installed).where(tables.installed.c.origin == found.plugin.name))
    # Another disabled plugin may have asked for them too: without a digest it is upgraded when it is enabled again.
    write_installed(connection, tables, [evolve(other, digest="") for other in found.others])


def _remove_old_values(connection: Connection, part: Part) -> None:
    """Take old values out of the history; a row that told of nothing else goes."""
    history = part.table
    emptied = delete(history).where(history.c.id == bindparam("row_id"))
    changed = update(history).where(history.c.id == bindparam("row_id")).values(old=bindparam("kept"))
    last = 0
    ordered = select(history.c.id, history.c.old).where(*part.where).order_by(history.c.id)
    statement = ordered.limit(ROWS_PER_BATCH)
    while rows := connection.execute(statement.where(history.c.id > last)).all():
        last = rows[-1].id
        kept = [(row, {n: v for n, v in row.old.items() if n not in part.fields}) for row in rows]
        gone = [{"row_id": row.id} for row, left in kept if row.old and not left]
        less = [{"row_id": row.id, "kept": left} for row, left in kept if left and left != row.old]
        for change, parameters in ((emptied, gone), (changed, less)):
            if parameters:
                connection.execute(change, parameters)
