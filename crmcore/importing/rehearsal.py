"""A rehearsal: a database on which everything can be tried and from which nothing stays.

On SQLite it is a copy in a temporary folder, so that others go on writing meanwhile; on PostgreSQL a transaction that
is rolled back.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.engine import IMMEDIATE, create_store_engine, refuse_missing
from crmcore.store.failures import database_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine

    from crmcore.app import CRM

__all__ = ["rehearsal"]


@contextmanager
def rehearsal(crm: CRM) -> Iterator[Connection]:
    """Open a connection on which everything is tried and thrown away; plugins are delivered nothing.

    Give it to `crm.session(connection=...)`, as often as wanted: one session sees what those before have saved.

    Raises:
        DatabaseError: the database cannot be read, or there is no room for its copy.
    """
    refuse_missing(crm.engine)
    if crm.engine.dialect.name != "sqlite":
        with _thrown_away(crm.engine) as connection:
            yield connection
        return
    with tempfile.TemporaryDirectory(prefix="crmcore-rehearsal-") as folder:
        copy = Path(folder) / "crm.db"
        _copy(crm.engine, copy)
        engine = create_store_engine(f"sqlite:///{copy}")
        try:
            with _thrown_away(engine) as connection:
                yield connection
        finally:
            engine.dispose()


@contextmanager
def _thrown_away(engine: Engine) -> Iterator[Connection]:
    with database_errors(engine.url), engine.connect() as connection:
        connection.execution_options(**{IMMEDIATE: True})
        with connection.begin() as transaction:
            yield connection
            transaction.rollback()


def _copy(engine: Engine, path: Path) -> None:
    """Copy an SQLite database as it is at one moment; with WAL nobody who writes has to wait."""
    with database_errors(engine.url), engine.connect() as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(source)
        target = sqlite3.connect(path)
        try:
            source.backup(target)
        except sqlite3.Error as error:
            raise DatabaseError(
                _("the database cannot be copied for a rehearsal: {reason}").format(reason=error),
                hint=_("There must be room for it in {folder}; TMPDIR names another folder.").format(
                    folder=path.parent.parent
                ),
            ) from error
        finally:
            target.close()
