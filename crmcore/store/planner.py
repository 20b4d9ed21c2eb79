"""What PostgreSQL's planner is told, so that it chooses well how to find rows. SQLite has no need of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Table

__all__ = ["interpreted", "refresh_statistics"]


def refresh_statistics(connection: Connection, tables: Iterable[Table]) -> None:
    """Have the statistics of tables taken anew after many rows have come at once.

    Until its own process gets to it, PostgreSQL takes a column of a new table for one of few different values, and
    reads the whole table for every batch that looks for some. SQLite assumes that an index finds few rows.
    """
    if connection.dialect.name == "postgresql":
        for table in tables:
            connection.execute(text(f"ANALYZE {connection.dialect.identifier_preparer.format_table(table)}"))


@contextmanager
def interpreted(connection: Connection) -> Iterator[None]:
    """Keep PostgreSQL from compiling the statements inside the ``with`` block into machine code.

    The statements of a run have a hundred expressions each, and compiling them takes seconds, whatever they save.

    Args:
        connection: in a transaction, whose setting is as before after the block. An error inside the block takes it
            back too where the caller goes back to a savepoint.
    """
    if connection.dialect.name != "postgresql":
        yield
        return
    before = connection.execute(text("SELECT current_setting('jit')")).scalar_one()
    connection.execute(text("SET LOCAL jit = off"))
    yield
    connection.execute(text("SELECT set_config('jit', :before, true)"), {"before": before})
