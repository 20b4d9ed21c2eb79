"""Connections of somebody else: sessions work in their transactions, and leave beginning, committing, closing to them.

SQLAlchemy's connections are used as they are. One that sqlite3 or psycopg opened, Django's for instance, is dressed
as SQLAlchemy's, and left as it was found. Engines of our own are :mod:`crmcore.store.engine`'s.
"""

from __future__ import annotations

import sqlite3
import sys
import threading
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Connection, Engine, NullPool, create_engine, types
from sqlalchemy.dialects.sqlite import DATE, DATETIME, JSON

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.store.engine import check_connection, refuse_autocommit
from crmcore.store.failures import database_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

__all__ = ["Dressing", "borrowed", "dressing"]


@frozen(eq=False)
class Dressing:
    """Makes SQLAlchemy connections of what a driver opened; shared by threads, tenants and databases."""

    engine: Engine
    _lent: threading.local

    @contextmanager
    def dressed(self, lent: Any) -> Iterator[Connection]:
        """Give a SQLAlchemy connection that works on a driver's, and never commits it, rolls it back or closes it."""
        self._lent.connection = lent
        with self.engine.connect() as connection, connection.begin():
            del self._lent.connection
            yield connection


def dressing(backend: str) -> Dressing:
    """Return what dresses the connections of ``sqlite`` or ``postgresql``."""
    lent = threading.local()
    # NullPool: nothing outlives its session.
    options: dict[str, Any] = {"poolclass": NullPool, "pool_reset_on_return": None, "hide_parameters": True}
    if backend == "sqlite":
        # The path is never opened; one in memory could not be shared.
        engine = create_engine("sqlite:///lent", creator=lambda: _LentSQLite(lent.connection), **options)
        engine.dialect.colspecs = {**engine.dialect.colspecs, **_READ}
    else:
        # Its types are looked for on a connection of psycopg's very own; no entity has one.
        options["use_native_hstore"] = False
        engine = create_engine("postgresql+psycopg://", creator=lambda: _LentPostgreSQL(lent.connection), **options)
    return Dressing(engine, lent)


@contextmanager
def borrowed(lent: object, engine: Engine, dress: Callable[[str], Dressing]) -> Iterator[Connection]:
    """Work in the transaction of a connection that somebody else opened; an error takes back what was done here.

    Args:
        lent: a connection of SQLAlchemy, sqlite3 or psycopg.
        engine: of the CRM that works there.
        dress: returns the `Dressing` of a backend.

    Raises:
        UsageError: it is no such connection, or not of the CRM's kind of database, or has no transaction.
        DatabaseError: SQLite with foreign keys switched off, or an unsupported database.
    """
    with database_errors(lent.engine.url if isinstance(lent, Connection) else engine.url):
        backend = _backend(lent)
        if backend != engine.dialect.name:
            raise UsageError(
                _("the connection is one of {found}, the database of {expected}").format(
                    found=backend, expected=engine.dialect.name
                )
            )
        with nullcontext(lent) if isinstance(lent, Connection) else dress(backend).dressed(lent) as connection:
            _demand_transaction(connection)
            check_connection(connection)
            # An error inside the block takes back what the session did; the rest is the application's to decide.
            with connection.begin_nested():
                yield connection


def _backend(lent: object) -> str:
    if isinstance(lent, Connection):
        return lent.dialect.name
    if isinstance(lent, sqlite3.Connection):
        return "sqlite"
    psycopg = sys.modules.get("psycopg")  # whoever has such a connection has imported it
    if psycopg is not None and isinstance(lent, psycopg.Connection):
        return "postgresql"
    raise UsageError(
        _("`connection` is a connection of SQLAlchemy, sqlite3 or psycopg, not {found}").format(
            found=type(lent).__name__
        ),
        hint=_("An engine goes to CRM(registry, engine); Django has the driver's own in connection.connection."),
    )


def _demand_transaction(connection: Connection) -> None:
    """Refuse what would commit by itself: where nothing has begun, the end of a savepoint is a commit."""
    driver: Any = connection.connection.dbapi_connection if connection.in_transaction() else None
    if driver is None or (connection.dialect.name == "sqlite" and not driver.in_transaction):
        raise UsageError(
            _("the connection has no transaction"),
            hint=_(
                "Begin one and commit it afterwards. SQLite's driver waits with it: make a CRM of the engine first."
            ),
        )
    if connection.dialect.name == "postgresql":
        refuse_autocommit(driver)


class _Lent:
    """A driver's connection as SQLAlchemy may use it: what is its owner's to do is not done."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        """Leave it to the owner."""

    rollback = close = commit

    def create_function(self, *_arguments: Any, **_options: Any) -> None:
        """Define no functions: the owner may have some of the same names."""

    def add_notice_handler(self, _called: Any) -> None:
        """Follow no notices: they would be followed once more in every session."""


class _LentSQLite(_Lent):
    def cursor(self) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self._connection.cursor()
        cursor.row_factory = None  # the owner may want another form of rows
        return cursor


class _LentPostgreSQL(_Lent):
    def cursor(self, name: str | None = None) -> psycopg.Cursor[Any] | psycopg.ServerCursor[Any]:
        """Return a cursor that reads as psycopg does by itself; Django, for one, reads JSON as text.

        One with a name stays on the server, and gives the rows out as they are asked for.
        """
        from psycopg import Cursor, ServerCursor  # noqa: PLC0415  # an extra
        from psycopg.rows import tuple_row  # noqa: PLC0415
        from psycopg.types import datetime, json  # noqa: PLC0415

        cursor = (
            Cursor(self._connection, row_factory=tuple_row)
            if name is None
            else ServerCursor(self._connection, name, row_factory=tuple_row)
        )
        cursor.adapters.register_loader("jsonb", json.JsonbLoader)
        cursor.adapters.register_loader("timestamptz", datetime.TimestamptzLoader)
        return cursor


class _AsRead:
    """A type whose values the owner may have converted already: ``detect_types`` of sqlite3."""

    def result_processor(self, dialect: Any, coltype: Any) -> Callable[[Any], Any]:
        """Return what reads text, and gives on anything else."""
        read: Callable[[Any], Any] = super().result_processor(dialect, coltype)  # type: ignore[misc]  # a mixin
        return lambda value: read(value) if isinstance(value, str) else value


class _Date(_AsRead, DATE):
    pass


class _DateTime(_AsRead, DATETIME):
    pass


class _JSON(_AsRead, JSON):
    pass


_READ = {types.Date: _Date, types.DateTime: _DateTime, types.JSON: _JSON}
