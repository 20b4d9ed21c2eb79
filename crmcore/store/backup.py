"""Backup and restore: one archive with everything that the CRM stores, the same from and for both databases.

A zip file: ``manifest.json`` says which tables there are, with their structure, row counts and SHA-256; each table is a
file of JSON lines, one array of values per row. Tables of others in the same database are left alone.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import zipfile
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Connection, Engine, Table, bindparam, func, inspect, select, text
from sqlalchemy.exc import NoReferenceError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.engine import references_deferred, writing
from crmcore.store.failures import database_errors
from crmcore.store.installed import read_installed
from crmcore.store.rows import json_text, sqlite_instant, write_rows
from crmcore.store.structure import build_structure, read_structure
from crmcore.store.tables import build_tables, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from sqlalchemy import MetaData

__all__ = ["Archive", "backup", "restore"]

_FORMAT = 1
_MANIFEST = "manifest.json"
_ROWS_PER_BATCH = 5_000


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
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _snapshot(engine) as connection, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            found = _write(connection, archive, now)
        unfinished.replace(path)
    except OSError as error:
        message = _("the archive {path} cannot be written: {reason}")
        raise DatabaseError(message.format(path=path, reason=error.strerror or error)) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return found


def restore(engine: Engine, path: Path) -> Archive:
    """Bring the contents of an archive into a database that holds no CRM yet, in one transaction.

    Raises:
        DatabaseError: the archive is damaged or of a newer format, or the database holds a CRM. Nothing was written.
    """
    with _reading_archive(path) as archive:
        manifest = _read_manifest(archive)
        described = _described(manifest)
        metadata = build_structure(manifest["tables"])
        with writing(engine) as connection:
            _refuse_occupied(connection, metadata)
            metadata.create_all(connection, checkfirst=False)
            # Rows come table by table, and references go round in circles.
            with references_deferred(connection):
                for table in metadata.tables.values():
                    _load(connection, archive, table, manifest["tables"][table.name])
        return described


@contextmanager
def _snapshot(engine: Engine) -> Iterator[Connection]:
    with database_errors(engine.url), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with connection.begin():
            yield connection


def _write(connection: Connection, archive: zipfile.ZipFile, now: dt.datetime) -> Archive:
    core = build_tables({})
    installed = read_installed(connection, core)
    if not installed:
        raise DatabaseError(_("there is no CRM in this database"), hint=_("`crmcore db upgrade` makes one."))
    entities = {entity for origin in installed.values() for entity in origin.fields}
    # A database that waits for its upgrade has not all of the core's tables yet.
    there = set(inspect(connection).get_table_names())
    names = [*(name for name in core.metadata.tables if name in there), *sorted(map(table_name, entities))]
    structure = read_structure(connection, names)
    for table in build_structure(structure).tables.values():
        structure[table.name] |= _write_table(connection, archive, table, structure[table.name])
    manifest = {"format": _FORMAT, "created_at": now.isoformat(), "tables": structure}
    archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
    return _described(manifest)


def _write_table(
    connection: Connection, archive: zipfile.ZipFile, table: Table, described: Mapping[str, Any]
) -> dict[str, Any]:
    digest, count = hashlib.sha256(), 0
    writers = [_WRITERS.get(column["type"], _as_it_is) for column in described["columns"]]
    ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_ROWS_PER_BATCH)
    with archive.open(f"{table.name}.jsonl", "w", force_zip64=True) as file:
        for rows in connection.execute(ordered).partitions():
            lines = [
                json_text([v if v is None else write(v) for write, v in zip(writers, row, strict=True)]) for row in rows
            ]
            text = ("\n".join(lines) + "\n").encode()
            digest.update(text)
            file.write(text)
            count += len(rows)
    last_id = _last_id(connection, table) if "id" in table.c else None
    return {"rows": count, "sha256": digest.hexdigest(), "last_id": last_id}


@contextmanager
def _reading_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        message = _("the archive {path} cannot be read: {reason}")
        raise DatabaseError(message.format(path=path, reason=error.strerror or error)) from error
    except _DAMAGES as error:
        raise DatabaseError(
            _("{path} is no archive of a CRM, or it is damaged: {reason}").format(path=path, reason=error),
            hint=_("Nothing was written."),
        ) from error


# What unpacking, reading and building raise where bytes are not those that were written.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    NotImplementedError,
    NoReferenceError,
)


def _read_manifest(archive: zipfile.ZipFile) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    if manifest["format"] > _FORMAT:
        raise DatabaseError(
            _("the archive was written by a newer version of crmcore"), hint=_("Install that version to restore it.")
        )
    return manifest


def _described(manifest: Mapping[str, Any]) -> Archive:
    rows = {name: table["rows"] for name, table in manifest["tables"].items()}
    return Archive(dt.datetime.fromisoformat(manifest["created_at"]), rows)


def _refuse_occupied(connection: Connection, metadata: MetaData) -> None:
    there = set(inspect(connection).get_table_names()) & metadata.tables.keys()
    if there:
        raise DatabaseError(
            _("the database holds a CRM already ({table} and more)").format(table=min(there)),
            hint=_("Restore into a new database, then change `url` in crm.toml."),
        )


def _load(connection: Connection, archive: zipfile.ZipFile, table: Table, described: Mapping[str, Any]) -> None:
    columns = [column["name"] for column in described["columns"]]
    readers = [_reader(column["type"], connection.dialect.name) for column in described["columns"]]
    digest, count = hashlib.sha256(), 0
    batch: list[tuple[Any, ...]] = []
    with archive.open(f"{table.name}.jsonl") as file:
        for line in file:
            digest.update(line)
            count += 1
            row = zip(readers, json.loads(line), strict=True)
            batch.append(tuple(v if v is None else read(v) for read, v in row))
            if len(batch) == _ROWS_PER_BATCH:
                write_rows(connection, table.name, columns, batch)
                batch = []
    write_rows(connection, table.name, columns, batch)
    if (count, digest.hexdigest()) != (described["rows"], described["sha256"]):
        raise ValueError(table.name)
    if described["last_id"] is not None:
        _set_last_id(connection, table, described["last_id"])


def _last_id(connection: Connection, table: Table) -> int | None:
    """Return the highest id that was ever given out; None where there was none."""
    if connection.dialect.name == "sqlite":
        last = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.execute(last, {"name": table.name}).scalar()
    sequence = connection.execute(select(_sequence(table))).scalar_one()
    # The name comes from the database, quoted as needed; a sequence cannot be a parameter.
    row = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608
    return row.last_value if row.is_called else None


def _set_last_id(connection: Connection, table: Table, last: int) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.setval(_sequence(table), bindparam("last", int(last)))))
        return
    at = {"name": table.name, "last": int(last)}
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), at)
    connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), at)


def _sequence(table: Table) -> Any:
    return func.pg_get_serial_sequence(f'"{table.name}"', "id")


def _as_it_is(value: Any) -> Any:
    return value


def _instant(value: dt.datetime) -> str:
    return value.replace(tzinfo=None).isoformat() + "Z"


_WRITERS: Mapping[str, Callable[[Any], Any]] = {"instant": _instant, "date": dt.date.isoformat}


def _reader(kind: str, dialect: str) -> Callable[[Any], Any]:
    if kind == "json":
        return json_text
    return sqlite_instant if kind == "instant" and dialect == "sqlite" else _as_it_is
