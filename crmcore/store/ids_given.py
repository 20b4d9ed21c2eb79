"""Which ids a table has given out so far: no id is given twice, not even that of a row that is gone.

Drawing new ones is :func:`crmcore.store.rows.allocate_ids`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Function, func, literal_column, select, text

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["last_id", "set_last_id"]


def last_id(connection: Connection, table: str) -> int | None:
    """Return the highest id that was ever given out in a table; None where there was none."""
    highest = connection.execute(select(func.max(literal_column("id"))).select_from(text(f'"{table}"'))).scalar()
    counted = _counted(connection, table)
    return max(filter(None, (counted, highest)), default=None)


def set_last_id(connection: Connection, table: str, last: int | None) -> None:
    """Let a table give out ids from the next one on; None leaves it as it is."""
    if last is None:
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.setval(_sequence(table), int(last))))
        return
    at = {"name": table, "last": int(last)}
    connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), at)
    connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :last)"), at)


def _counted(connection: Connection, table: str) -> int | None:
    if connection.dialect.name == "sqlite":
        last = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
        return connection.execute(last, {"name": table}).scalar()
    sequence = connection.execute(select(_sequence(table))).scalar_one()
    # The name comes from the database, quoted as needed; a sequence cannot be a parameter.
    row = connection.exec_driver_sql(f"SELECT last_value, is_called FROM {sequence}").one()  # noqa: S608
    return row.last_value if row.is_called else None


def _sequence(table: str) -> Function[str]:
    return func.pg_get_serial_sequence(f'"{table}"', "id")
