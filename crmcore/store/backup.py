"""Backup and restore: one archive with everything that the CRM stores, the same from and for both databases.

The manifest says which tables there are, with their structure; each table is a file of portable rows. Tables of others
in the same database are left alone. Copying from one database into another is :mod:`crmcore.store.copying`.
"""

from __future__ import annotations

import datetime as dt
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.store.archive import (
    publish,
    read_lines,
    read_manifest,
    reading_archive,
    unfinished_archive,
    write_lines,
    write_manifest,
)
from crmcore.store.engine import snapshot
from crmcore.store.filling import filled_tables, new_database
from crmcore.store.ids_given import last_id, set_last_id
from crmcore.store.portable import from_portable, stored_rows, to_portable
from crmcore.store.rows import write_rows
from crmcore.store.structure import build_structure, column_types, stored_structure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection, Engine, Table

__all__ = ["Archive", "backup", "restore"]

_FORMAT = 2
"""2: indexes say which rows they cover, before only whether it was all of them."""


@frozen
class Archive:
    """What an archive holds."""

    created_at: dt.datetime
    rows: Mapping[str, int]
    """Table -> number of rows."""


def backup(engine: Engine, path: Path, *, now: dt.datetime) -> Archive:
    """Write everything that the CRM stores into an archive, as it is at one moment; others go on working meanwhile.

    Args:
        engine: of the database.
        path: of the archive; a file of that name is replaced once the new one is complete.
        now: the instant that is noted in the archive.

    Raises:
        DatabaseError: the database cannot be read, there is no CRM in it, or the archive cannot be written.
    """
    with unfinished_archive(path) as unfinished:
        with snapshot(engine) as connection, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            found = _write(connection, archive, now)
        publish(unfinished, path, overwrite=True)
    return found


def restore(engine: Engine, path: Path) -> Archive:
    """Bring the contents of an archive into a database that holds no CRM yet, in one transaction.

    Raises:
        DatabaseError: the archive is damaged or of a newer format, or the database holds a CRM. Nothing was written,
            and an SQLite file that was made for it is removed.
    """
    with reading_archive(path) as archive:
        manifest = read_manifest(archive, _FORMAT)
        described = _described(manifest)
        metadata = build_structure(manifest["tables"])
        with new_database(engine) as connection, filled_tables(connection, metadata):
            for table in metadata.tables.values():
                _load(connection, archive, table, manifest["tables"][table.name])
        return described


def _write(connection: Connection, archive: zipfile.ZipFile, now: dt.datetime) -> Archive:
    structure = stored_structure(connection)
    for table in build_structure(structure).tables.values():
        portable = to_portable(column_types(structure[table.name]))
        last = last_id(connection, table.name) if "id" in table.c else None
        with closing(stored_rows(connection, table)) as stored:
            batches = ([portable(row) for row in rows] for rows in stored)
            written = write_lines(archive, f"{table.name}.jsonl", [*table.columns], batches)
        structure[table.name] |= {**written, "last_id": last}
    manifest = {"format": _FORMAT, "created_at": now.isoformat(), "tables": structure}
    write_manifest(archive, manifest)
    return _described(manifest)


def _described(manifest: Mapping[str, Any]) -> Archive:
    rows = {name: table["rows"] for name, table in manifest["tables"].items()}
    return Archive(dt.datetime.fromisoformat(manifest["created_at"]), rows)


def _load(connection: Connection, archive: zipfile.ZipFile, table: Table, described: Mapping[str, Any]) -> None:
    columns = [column["name"] for column in described["columns"]]
    parameters = from_portable(column_types(described), connection.dialect.name)
    for rows in read_lines(archive, f"{table.name}.jsonl", described):
        if any(len(row) != len(columns) for row in rows):
            raise ValueError(table.name)
        write_rows(connection, table.name, columns, [parameters(row) for row in rows])
    set_last_id(connection, table.name, described["last_id"])
