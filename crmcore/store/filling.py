"""Databases that hold no CRM yet, and get one whole in a single transaction: by a backup, or by a copy.

Which tables these are is read in :mod:`crmcore.store.structure`. Until the commit there is no CRM, whatever happens.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import inspect
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.checks import refuse_broken_references
from crmcore.store.engine import reading, restructuring, sqlite_file
from crmcore.store.tables import CORE_PREFIX, ENTITY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection, Engine, MetaData

__all__ = ["filled_tables", "new_database", "no_empty_file"]

_SHOWN_TABLES = 3


@contextmanager
def new_database(engine: Engine) -> Iterator[Connection]:
    """Open the transaction in which a database gets a CRM; after an error no SQLite file that was made for it stays.

    Raises:
        DatabaseError: it holds tables of a CRM, which are named; those of others do not matter.
    """
    with no_empty_file(engine), restructuring(engine) as connection:
        _refuse_occupied(connection)
        yield connection


@contextmanager
def filled_tables(connection: Connection, metadata: MetaData) -> Iterator[None]:
    """Make tables to be filled in the ``with`` block, and afterwards what is made faster, and in less memory, then.

    That is indexes, and on PostgreSQL references, which SQLite has had from the beginning, unchecked until then.

    Raises:
        DatabaseError: names rows that refer to nothing.
    """
    for table in metadata.tables.values():
        connection.execute(CreateTable(table))  # on PostgreSQL without references, which have `use_alter`
    yield
    for table in metadata.tables.values():
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))
    if connection.dialect.supports_alter:
        for table in metadata.tables.values():
            for reference in table.foreign_key_constraints:
                connection.execute(AddConstraint(reference))
    refuse_broken_references(connection)


def _refuse_occupied(connection: Connection) -> None:
    names = inspect(connection).get_table_names()
    there = sorted(name for name in names if name.startswith((ENTITY_PREFIX, CORE_PREFIX)))
    if there:
        shown = ", ".join(there[:_SHOWN_TABLES]) + (", …" if len(there) > _SHOWN_TABLES else "")
        raise DatabaseError(
            _("the database holds a CRM already ({tables})").format(tables=shown),
            hint=_("Name a new, empty database; when it is filled, change `url` in crm.toml."),
        )


@contextmanager
def no_empty_file(engine: Engine) -> Iterator[None]:
    """Remove an SQLite file that was made inside the block and in which there is nothing at its end."""
    file = sqlite_file(engine)
    made = file is not None and not file.exists()
    try:
        yield
    finally:
        if made and _is_empty(engine):
            for ending in ("", "-wal", "-shm"):
                with suppress(OSError):
                    Path(f"{file}{ending}").unlink()


def _is_empty(engine: Engine) -> bool:
    """Tell whether nobody has filled a new database meanwhile."""
    engine.dispose()
    try:
        with reading(engine) as connection:
            return not inspect(connection).get_table_names()
    except DatabaseError:
        return False  # whatever is there, it is not known to be nothing
    finally:
        engine.dispose()
