"""What an import remembers of the rows that it has passed: on disk, so that its memory stays flat.

Nothing here outlives the process: an import that is taken up again passes its rows once more.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Seen"]

_TABLES = """
CREATE TABLE row (digest BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE record (key TEXT PRIMARY KEY, said TEXT NOT NULL) WITHOUT ROWID;
"""


class Seen:
    """Rows by what is in them, and records by what rows have said of them."""

    def __init__(self) -> None:
        # An empty name is a temporary file of SQLite's own, gone when it is closed.
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLES}")
        self._connection.execute("BEGIN")  # one transaction for all: it is never committed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._connection.close()

    def row_key(self, cells: Mapping[str, Any]) -> str:
        """Return what stands for a row that has no key: the hash of its cells, and how many like it came before."""
        text = json.dumps(sorted(cells.items()), ensure_ascii=False, default=str)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]
        statement = "INSERT INTO row VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times"
        ((times,),) = self._connection.execute(statement, (digest,)).fetchall()
        return f"{digest.hex()}:{times}"

    def said_of(self, key: str) -> dict[str, Any]:
        """Return what rows have said of a record so far, as `say` was told it."""
        found = self._connection.execute("SELECT said FROM record WHERE key = ?", (key,)).fetchone()
        return json.loads(found[0]) if found else {}

    def say(self, key: str, said: Mapping[str, Any]) -> None:
        """Remember what rows say of a record; plain JSON values."""
        text = json.dumps(said, ensure_ascii=False)
        self._connection.execute("INSERT OR REPLACE INTO record VALUES (?, ?)", (key, text))
