"""The company's database as an SQLite file, made once for each size and copied for whoever changes it."""

from __future__ import annotations

import shutil
import sqlite3
from typing import TYPE_CHECKING

from benchmarks.company import AS_OF, fill
from benchmarks.instances import make_instance
from benchmarks.measuring import CRMCORE, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.figures import Options

__all__ = ["PRAGMAS", "company", "connect"]

PRAGMAS = "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536;"
"""What crmcore sets on every connection, besides the write-ahead log, which stays with the file."""


def connect(file: Path) -> sqlite3.Connection:
    """Open a database as crmcore does."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(PRAGMAS)
    return connection


def company(options: Options) -> Path:
    """Return the folder of an instance with the company of this size: ``crm.toml`` and ``crm.db``."""
    folder = options.cache / f"company-{options.customers}"
    if folder.exists():
        run([*CRMCORE, "db", "upgrade"], folder=folder, settled=False)  # schemas may have changed since
        run(["sqlite3", folder / "crm.db", "ANALYZE; PRAGMA wal_checkpoint(TRUNCATE);"], settled=False)
        return folder
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    make_instance(partial)
    connection = connect(partial / "crm.db")
    connection.execute("BEGIN")
    fill(_Sqlite(connection), options.customers)
    connection.execute("COMMIT")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return partial.rename(folder)


class _Sqlite:
    day_before = f"date('{AS_OF}', '-' || {{days}} || ' days')"
    instant_before = f"date('{AS_OF}', '-' || {{days}} || ' days') || ' 08:00:00.000000'"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, sql: str) -> None:
        self._connection.execute(sql)

    def insert(self, table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", values)

    def indexes(self, table: str) -> Sequence[tuple[str, str]]:
        return self._connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL", [table]
        ).fetchall()
