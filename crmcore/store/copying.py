"""Copying a CRM from one database into another, of either kind, with every row compared before anything counts.

The copy is one transaction: until its commit the target holds no CRM, whatever happens. Rows are compared by their
canonical lines (:mod:`crmcore.store.portable`), read from both databases.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.engine import snapshot, sqlite_file
from crmcore.store.failures import shown
from crmcore.store.filling import filled_tables, new_database
from crmcore.store.ids_given import last_id, set_last_id
from crmcore.store.installed import demand_up_to_date
from crmcore.store.portable import canonical_line, from_portable, misfit, stored_rows, to_portable
from crmcore.store.rows import write_rows
from crmcore.store.structure import build_structure, column_types, stored_structure
from crmcore.store.tables import build_tables

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection, Engine, Table

    from crmcore.store.installed import Origin

__all__ = ["CopiedTable", "copy_database"]


@frozen
class CopiedTable:
    """A table that is the same in both databases."""

    name: str
    rows: int
    sha256: str
    """Of its rows' canonical lines, in either database."""


def copy_database(
    source: Engine, target: Engine, origins: Iterable[Origin], *, progress: Callable[[int, int], None] | None = None
) -> tuple[CopiedTable, ...]:
    """Copy everything that the CRM stores, as it is at one moment, into a database that holds no CRM yet.

    Args:
        source: is only read; others go on working, and what they write meanwhile is not in the copy.
        target: is filled in one transaction; an SQLite file that was made for it is removed after an error.
        origins: the schemas of the program, with which the source has to be up to date.
        progress: called with the number of rows that were written or compared, and how many will be.

    Raises:
        DatabaseError: the source is no CRM or waits for an upgrade, the target holds one, a value does not fit into
            it, or a row is not the same afterwards. The target is as it was.
    """
    _refuse_missing(source)
    with snapshot(source) as read:
        demand_up_to_date(read, build_tables({}), origins)
        structure = stored_structure(read)
        metadata = build_structure(structure)
        with new_database(target) as write:
            pairs = [
                _Pair(table, column_types(structure[table.name]), read, write) for table in metadata.tables.values()
            ]
            return _copied(pairs, filled_tables(write, metadata), progress or _unseen)


@frozen(eq=False)
class _Pair:
    """A table in two databases, and the transactions in which it is read and written."""

    table: Table
    types: Sequence[str]
    source: Connection
    target: Connection

    def copy(self) -> Generator[Sequence[str]]:
        """Write the rows of the source into the target, and yield the canonical lines of each batch."""
        portable, line = to_portable(self.types), canonical_line(self.types)
        parameters = from_portable(self.types, self.target.dialect.name)
        columns = self.table.c.keys()
        with closing(stored_rows(self.source, self.table)) as batches:
            for stored in batches:
                rows = [portable(row) for row in stored]
                try:
                    write_rows(self.target, self.table.name, columns, [parameters(row) for row in rows])
                    lines = [line(row) for row in rows]
                except (DBAPIError, UnicodeEncodeError, TypeError) as error:
                    raise self._refused(rows) from error
                yield lines
        if "id" in self.table.c:
            set_last_id(self.target, self.table.name, last_id(self.source, self.table.name))

    def lines(self, connection: Connection) -> Generator[Sequence[str]]:
        """Yield the canonical lines of one of the databases, in batches."""
        portable, line = to_portable(self.types), canonical_line(self.types)
        with closing(stored_rows(connection, self.table)) as batches:
            for rows in batches:
                yield [line(portable(row)) for row in rows]

    def difference(self) -> DatabaseError:
        """Return the error that names the first row which is not the same."""
        with closing(self.lines(self.source)) as source, closing(self.lines(self.target)) as target:
            both = zip_longest(chain.from_iterable(source), chain.from_iterable(target))
            first = next((left or right for left, right in both if left != right), "[null]")
        return DatabaseError(
            _("{table}, row {key}: it is not the same in both databases").format(
                table=self.table.name, key=json.loads(first)[0]
            ),
            hint=_("Nothing was copied."),
        )

    def _refused(self, rows: Sequence[Sequence[Any]]) -> DatabaseError:
        """Return the error that names a value which the target does not take."""
        dialect = self.target.dialect.name
        for row in rows:
            for column, kind, value in zip(self.table.c.keys(), self.types, row, strict=True):
                if misfit(kind, value, dialect):
                    return DatabaseError(
                        _("{table}, row {key}: the value of {column} does not fit into {database}").format(
                            table=self.table.name, key=row[0], column=column, database=shown(self.target.engine.url)
                        ),
                        hint=_("Change it where it is, then copy again. Nothing was copied."),
                    )
        return DatabaseError(
            _("{database} refuses rows of {table}").format(
                database=shown(self.target.engine.url), table=self.table.name
            ),
            hint=_("Nothing was copied."),
        )


def _copied(
    pairs: Sequence[_Pair], filled: AbstractContextManager[None], progress: Callable[[int, int], None]
) -> tuple[CopiedTable, ...]:
    """Copy tables, and compare what both databases say that they hold once the target's are complete."""
    counts = [pair.source.execute(select(func.count()).select_from(pair.table)).scalar_one() for pair in pairs]
    done, total = 0, 2 * sum(counts)  # each row is written, and read again

    def hashed(batches: Iterable[Sequence[str]]) -> str:
        nonlocal done
        digest = hashlib.sha256()
        for lines in batches:
            digest.update("".join(lines).encode("utf-8", "surrogatepass"))
            done += len(lines)
            progress(done, total)
        return digest.hexdigest()

    with filled:
        hashes = [hashed(pair.copy()) for pair in pairs]
    for pair, expected in zip(pairs, hashes, strict=True):
        if hashed(pair.lines(pair.target)) != expected:
            raise pair.difference()
    found = zip(pairs, counts, hashes, strict=True)
    return tuple(CopiedTable(pair.table.name, count, digest) for pair, count, digest in found)


def _refuse_missing(source: Engine) -> None:
    """Refuse an SQLite file that is not there, which opening it would make."""
    file = sqlite_file(source)
    if file is not None and not file.exists():
        raise DatabaseError(_("there is no database {path}").format(path=file))


def _unseen(_done: int, _total: int) -> None:
    """Show no progress."""
