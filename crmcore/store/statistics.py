"""What PostgreSQL knows of how tables are filled, from which it chooses how to find rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Table

__all__ = ["refresh_statistics"]


def refresh_statistics(connection: Connection, tables: Iterable[Table]) -> None:
    """Have the statistics of tables taken anew after many rows have come at once.

    Until its own process gets to it, PostgreSQL takes a column of a new table for one of few different values, and
    reads the whole table for every batch that looks for some. SQLite assumes that an index finds few rows.
    """
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"ANALYZE {connection.dialect.identifier_preparer.format_table(table)}"))
