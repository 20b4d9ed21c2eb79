"""The core's own tables: history, outbox, what is installed, and the register of imports.

They are the same whatever the schemas say. Tables made from entities are :mod:`crmcore.store.tables`.
"""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import BigInteger, Column, Identity, Index, Integer, MetaData, Table

from crmcore.store.columns import Instant, json_type, key_type, text_type

__all__ = ["CORE_PREFIX", "LAYOUT", "CoreTables", "build_core_tables", "id_column"]

CORE_PREFIX = "crmcore_"

LAYOUT = 3
"""Part of the core's digest: counted up when one of these tables changes, so that databases made before are upgraded.

2: the register of imports, and `import_id` in the history. 3: `position` of rejected rows.
"""


@frozen(eq=False, kw_only=True)
class CoreTables:
    """The core's own tables."""

    history: Table
    outbox: Table
    installed: Table
    imports: Table
    rejects: Table


def build_core_tables(metadata: MetaData) -> dict[str, Table]:
    """Return the core's own tables, made in `metadata`, by the names that they have in `CoreTables`."""
    return {
        "history": _history_table(metadata),
        "outbox": _outbox_table(metadata),
        "installed": _installed_table(metadata),
        "imports": _imports_table(metadata),
        "rejects": _rejects_table(metadata),
    }


def id_column() -> Column[int]:
    """Return the column of a primary key that the database counts up."""
    return Column("id", key_type(), Identity(), primary_key=True)


def _history_table(metadata: MetaData) -> Table:
    table = Table(
        CORE_PREFIX + "history",
        metadata,
        id_column(),
        Column("at", Instant(), nullable=False),
        Column("actor", text_type(), nullable=False),
        Column("actor_id", BigInteger()),
        Column("entity", text_type(), nullable=False),
        Column("record_id", BigInteger(), nullable=False),
        Column("action", text_type(), nullable=False),
        Column("version", BigInteger(), nullable=False),
        Column("source", text_type(), nullable=False),
        Column("because", text_type()),
        Column("old", json_type(), nullable=False),
        # Without an index, which every change would pay for: taking an import back reads the history once.
        Column("import_id", BigInteger()),
        sqlite_autoincrement=True,
    )
    _index(table, "entity", "record_id", "id")
    _index(table, "because")
    return table


def _outbox_table(metadata: MetaData) -> Table:
    table = Table(
        CORE_PREFIX + "outbox",
        metadata,
        id_column(),
        Column("at", Instant(), nullable=False),
        Column("plugin", text_type(), nullable=False),
        Column("entity", text_type(), nullable=False),
        Column("action", text_type(), nullable=False),
        Column("record_id", BigInteger(), nullable=False),
        Column("actor", text_type(), nullable=False),
        Column("attempts", Integer(), nullable=False),
        Column("due_at", Instant(), nullable=False),
        Column("last_error", text_type()),
        sqlite_autoincrement=True,
    )
    _index(table, "plugin", "due_at")
    _index(table, "entity", "record_id")
    return table


def _installed_table(metadata: MetaData) -> Table:
    return Table(
        CORE_PREFIX + "installed",
        metadata,
        Column("origin", text_type(), primary_key=True),
        Column("version", text_type(), nullable=False),
        Column("digest", text_type(), nullable=False),
        Column("installed_at", Instant(), nullable=False),
        Column("documents", json_type(), nullable=False),
        Column("fields", json_type(), nullable=False),
    )


def _imports_table(metadata: MetaData) -> Table:
    return Table(
        CORE_PREFIX + "import",
        metadata,
        id_column(),
        Column("entity", text_type(), nullable=False),
        Column("file", text_type(), nullable=False),
        Column("digest", text_type(), nullable=False),
        Column("size", BigInteger(), nullable=False),
        Column("fingerprint", text_type(), nullable=False),
        Column("actor", text_type(), nullable=False),
        Column("actor_id", BigInteger()),
        Column("started_at", Instant(), nullable=False),
        Column("finished_at", Instant()),
        Column("position", BigInteger(), nullable=False),
        Column("outcomes", json_type(), nullable=False),
        Column("rejects", text_type()),
        Column("rejects_digest", text_type()),
        Column("state", text_type(), nullable=False),
        sqlite_autoincrement=True,
    )


def _rejects_table(metadata: MetaData) -> Table:
    table = Table(
        CORE_PREFIX + "reject",
        metadata,
        id_column(),
        Column("import_id", BigInteger(), nullable=False),
        Column("position", BigInteger()),  # empty for rows from before there was one
        Column("line", BigInteger(), nullable=False),
        Column("reason", text_type(), nullable=False),
        Column("code", text_type(), nullable=False),
        # JSON written in ASCII as plain text: a cell may hold what PostgreSQL's JSON cannot, and be here for just that.
        Column("cells", text_type(), nullable=False),
        sqlite_autoincrement=True,
    )
    _index(table, "import_id", "id")
    return table


def _index(table: Table, *names: str) -> None:
    Index(f"ix_{table.name}_{'_'.join(names)}", *(table.c[name] for name in names))
