"""Engines and transactions: how SQLite and PostgreSQL are opened, configured, and shared with forked processes.

Tables are in :mod:`crmcore.store.tables`; what a failing database says to people is in :mod:`crmcore.store.failures`.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, func, make_url, select, text
from sqlalchemy.exc import ArgumentError

from crmcore.errors import DatabaseError, UsageError
from crmcore.i18n import gettext as _
from crmcore.store.failures import database_errors, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = [
    "IMMEDIATE",
    "adopt",
    "check_connection",
    "create_store_engine",
    "is_missing",
    "reading",
    "references_deferred",
    "refuse_autocommit",
    "refuse_missing",
    "restructuring",
    "snapshot",
    "sqlite_file",
    "writing",
]

IMMEDIATE = "crmcore_immediate"
"""Execution option of a connection whose transactions take SQLite's write lock when they begin.

A transaction that reads first and writes later fails at once with "locked" when somebody wrote in between; one
that takes the lock at its start waits for its turn instead. PostgreSQL ignores it.
"""

_BUSY_MILLISECONDS = 120_000
"""A run of rules over a million customers holds the lock for about a minute; whoever writes meanwhile waits."""
_CACHE_KIBIBYTES = 65_536
_CONNECT_SECONDS = 10
_OLDEST_SQLITE = (3, 35, 0)  # RETURNING and DROP COLUMN
_LOCK = 0x63726D636F7265  # "crmcore": the advisory lock that changes of one PostgreSQL database's tables queue for
_LOCK_SECONDS = 60

_engines: WeakSet[Engine] = WeakSet()


def create_store_engine(url: str | URL) -> Engine:
    """Return an engine for the database of a CRM, configured; nothing is opened before its first use.

    Args:
        url: ``sqlite:///path/to/crm.db`` or ``postgresql://user:password@host/database``.

    Raises:
        DatabaseError: the URL cannot be meant, or the driver of PostgreSQL is not installed.
    """
    wanted = _read_url(url)
    if wanted.get_backend_name() == "sqlite":
        return adopt(create_engine(wanted, hide_parameters=True))
    timeout = {} if "connect_timeout" in wanted.query else {"connect_timeout": _CONNECT_SECONDS}
    try:
        return adopt(create_engine(wanted, connect_args=timeout, pool_pre_ping=True, hide_parameters=True))
    except ModuleNotFoundError as error:
        raise DatabaseError(
            _("PostgreSQL needs the package psycopg, which is not installed"),
            hint=_('Run `pip install "crmcore[postgres]"`.'),
        ) from error


def adopt(engine: Engine) -> Engine:
    """Configure an engine that somebody else made for use by a CRM, and return it.

    On SQLite its connections get foreign keys, explicit transactions and patience with locks; those already in
    its pool are replaced. Adopting an engine twice changes nothing.

    Raises:
        DatabaseError: it is no SQLite file and no PostgreSQL database reached through psycopg 3.
    """
    if engine in _engines:
        return engine
    _check_dialect(engine)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        engine.dispose()
    _engines.add(engine)
    return engine


def check_connection(connection: Connection) -> None:
    """Refuse a connection of somebody else's engine on which references would not be enforced.

    Raises:
        DatabaseError: SQLite with foreign keys switched off, or an unsupported database.
    """
    _check_dialect(connection.engine)
    if connection.dialect.name == "sqlite" and not connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise DatabaseError(
            _("foreign keys are switched off on this SQLite connection"),
            hint=_("Give its engine to CRM(registry, engine), or say PRAGMA foreign_keys = ON where it is opened."),
        )


def refuse_autocommit(connection: Any) -> None:
    """Refuse a connection of psycopg on which every statement is committed by itself.

    Raises:
        UsageError: it is one, and no transaction was begun on it.
    """
    # Where somebody has sent a BEGIN, the switch means nothing until the end of that transaction.
    if connection.autocommit and connection.info.transaction_status.name not in ("INTRANS", "INERROR"):
        raise UsageError(
            _("the connection commits every statement by itself"),
            hint=_("Begin a transaction, or make the engine without isolation_level='AUTOCOMMIT'."),
        )


def sqlite_file(engine: Engine) -> Path | None:
    """Return the file of an SQLite database; None for others, and for files that are named by a URI."""
    named = engine.url.database or ""
    return Path(named) if engine.dialect.name == "sqlite" and not named.startswith("file:") else None


def is_missing(engine: Engine) -> bool:
    """Tell whether the file of an SQLite database is not there, in a folder where opening it would make it."""
    file = sqlite_file(engine)
    try:
        return file is not None and not file.stat()
    except FileNotFoundError:
        return file is not None and file.parent.is_dir()
    except OSError:
        return False  # whatever is wrong, SQLite says it


def refuse_missing(engine: Engine) -> None:
    """Refuse an SQLite database that is not there, which opening it would make.

    Raises:
        DatabaseError: names the file.
    """
    if is_missing(engine):
        raise DatabaseError(
            _("there is no database {path}").format(path=sqlite_file(engine)),
            hint=_("`crmcore init` and `crmcore db upgrade` make one; or correct `url` under [database] in crm.toml."),
        )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a connection that reads everything as it is at one moment, while others go on writing.

    Its transaction is rolled back at the end.
    """
    with database_errors(engine.url), engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin() as transaction:
            yield connection
            transaction.rollback()


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """Open a connection as `reading` does, on which nothing can be written and every stored instant can be read."""
    with reading(engine) as connection:
        if connection.dialect.name == "postgresql":
            # Not as an option of the connection, whose end would let it write also where its user may only read.
            connection.execute(text("SET TRANSACTION READ ONLY"))
        _speak_utc(connection)
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Open a connection in a transaction for writing, committed at the end, rolled back on any error."""
    with database_errors(engine.url), engine.connect() as connection:
        connection.execution_options(**{IMMEDIATE: True})
        with connection.begin():
            if connection.dialect.name == "postgresql":
                refuse_autocommit(connection.connection.dbapi_connection)
            yield connection


@contextmanager
def restructuring(engine: Engine, *, commit: bool = True) -> Iterator[Connection]:
    """Open the transaction in which tables are made, changed and dropped: alone, without foreign keys on SQLite.

    Copying a table drops the old one, which would empty or break its children; and rows that come table by table would
    be looked for again and again. So call `crmcore.store.checks.refuse_broken_references` before the end.
    """
    with database_errors(engine.url), engine.connect() as connection:
        connection.execution_options(**{IMMEDIATE: True})
        try:
            # SQLite ignores the switch inside a transaction.
            _switch_foreign_keys(connection, on=False)
            with connection.begin() as transaction:
                if connection.dialect.name == "postgresql":
                    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'"))
                    connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                _speak_utc(connection)
                yield connection
                if not commit:
                    transaction.rollback()
        finally:
            _switch_foreign_keys(connection, on=True)


@contextmanager
def references_deferred(connection: Connection) -> Iterator[None]:
    """Check references at the end of the ``with`` block and not at every statement, on SQLite when it is committed.

    For statements whose rows refer to each other in circles.
    """
    sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON" if sqlite else "SET CONSTRAINTS ALL DEFERRED")
    yield
    # Not in a `finally`: after an error there is nothing to check any more.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys = OFF" if sqlite else "SET CONSTRAINTS ALL IMMEDIATE")


def _speak_utc(connection: Connection) -> None:
    """Let PostgreSQL say instants in UTC: the last hours of the year 9999 are the year 10000 in its own time zone."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL TimeZone = 'UTC'"))


def _switch_foreign_keys(connection: Connection, *, on: bool) -> None:
    if connection.dialect.name == "sqlite":
        # Past SQLAlchemy, which would begin a transaction.
        cursor = connection.connection.cursor()
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if on else 'OFF'}")
        cursor.close()


def _read_url(url: str | URL) -> URL:
    try:
        wanted = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(
            _("the database URL cannot be read"), hint=_("Write sqlite:///crm.db or postgresql://user@host/database.")
        ) from error
    if wanted.drivername in ("postgresql", "postgres"):
        return wanted.set(drivername="postgresql+psycopg")
    if wanted.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise _unsupported(wanted)
    if wanted.get_backend_name() == "sqlite" and wanted.database in (None, "", ":memory:"):
        raise _in_memory()
    return wanted


def _check_dialect(engine: Engine) -> None:
    if (engine.dialect.name, engine.dialect.driver) not in (("sqlite", "pysqlite"), ("postgresql", "psycopg")):
        raise _unsupported(engine.url)
    if engine.dialect.name == "sqlite":
        if engine.url.database in (None, "", ":memory:"):
            raise _in_memory()
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise DatabaseError(
                _("SQLite {found} is too old, {needed} or newer is needed").format(
                    found=sqlite3.sqlite_version, needed=".".join(map(str, _OLDEST_SQLITE))
                )
            )


def _unsupported(url: URL) -> DatabaseError:
    return DatabaseError(
        _("the database {url} is not supported").format(url=shown(url)),
        hint=_("Use SQLite (sqlite:///crm.db) or PostgreSQL through psycopg 3 (postgresql://user@host/database)."),
    )


def _in_memory() -> DatabaseError:
    return DatabaseError(
        _("an SQLite database in memory belongs to one connection and cannot be shared"),
        hint=_("Name a file: sqlite:///crm.db."),
    )


def _configure_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # None: the driver begins and commits nothing by itself, so that DDL is part of the transaction.
    connection.isolation_level = None
    cursor: Any = connection.cursor()
    try:
        # First, because the switch to WAL may have to wait for another process.
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA journal_mode")
        if cursor.fetchone()[0] != "wal":
            _switch_to_wal(cursor)
        # With WAL a power cut may lose the last commits, it cannot damage the file.
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
    finally:
        cursor.close()


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    try:
        cursor.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        # A file that we may only read keeps its mode; reading it works all the same.
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_READONLY:
            raise


def _begin_sqlite(connection: Connection) -> None:
    immediate = connection.get_execution_options().get(IMMEDIATE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _forget_inherited_connections() -> None:
    """Let the connections of the parent process go: two processes on one socket or file lock corrupt both."""
    for engine in tuple(_engines):
        engine.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited_connections)
