"""Tables and columns changed inside the transaction of an upgrade, on both databases.

What is to be renamed, converted and dropped comes from :mod:`crmcore.store.plans`; what is missing is found by
Alembic's comparison of the metadata with the database, limited to our own tables. Nothing else's table is touched.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from alembic.autogenerate import produce_migrations
from alembic.migration import MigrationContext
from alembic.operations import Operations, ops
from attrs import frozen
from sqlalchemy import Column, ForeignKey, Index, inspect, text

from crmcore.store.convert import WAS
from crmcore.store.ids_given import last_id, set_last_id
from crmcore.store.partial_indexes import declared_rows, reflected_rows
from crmcore.store.tables import CORE_PREFIX, ENTITY_PREFIX, FOLDED, table_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from crmcore.store.plans import Conversion, Plan
    from crmcore.store.tables import Tables

__all__ = [
    "Difference",
    "add_columns",
    "create_tables",
    "drop_columns",
    "drop_indexes",
    "drop_indexes_on",
    "drop_tables",
    "find_difference",
    "going_columns",
    "rename",
    "set_aside",
]

_INDEX_PREFIXES = (f"ix_{ENTITY_PREFIX}", f"uq_{ENTITY_PREFIX}", f"ix_{CORE_PREFIX}", f"uq_{CORE_PREFIX}")


@frozen
class Difference:
    """What the database lacks, and the indexes that it has too much."""

    columns: Sequence[Column[Any]]
    new_indexes: Sequence[Index]
    old_indexes: Sequence[str]
    changed_indexes: Sequence[Index]
    """Those that are there and cover other rows than they should."""


def rename(connection: Connection, plan: Plan) -> None:
    """Give tables and columns their new names; indexes follow later, by comparison."""
    for old, new in plan.entities:
        connection.execute(text(f'ALTER TABLE "{table_name(old)}" RENAME TO "{table_name(new)}"'))
    for entity, old, new, stored in plan.fields:
        for before, after in zip(stored.columns(old), stored.columns(new), strict=True):
            _rename_column(connection, table_name(entity), before, after)


def set_aside(connection: Connection, conversions: Sequence[Conversion]) -> None:
    """Free the names of columns whose values get another kind."""
    for conversion in conversions:
        for name in conversion.old.columns(conversion.field):
            _rename_column(connection, table_name(conversion.entity), name, name + WAS)


def create_tables(connection: Connection, tables: Tables) -> list[str]:
    """Create the tables that are missing, with their indexes, and return their names."""
    there = set(inspect(connection).get_table_names())
    missing = [table for name, table in tables.metadata.tables.items() if name not in there]
    tables.metadata.create_all(connection, tables=missing, checkfirst=False)
    return [table.name for table in missing]


def going_columns(tables: Tables, plan: Plan) -> Mapping[str, frozenset[str]]:
    """Return the columns to be dropped, by table: named ones, converted ones, and folded ones not needed any more."""
    going: dict[str, set[str]] = defaultdict(set)
    for entity, name, stored in plan.dropped_fields:
        going[table_name(entity)].update(stored.columns(name))
    for conversion in plan.conversions:
        aside = {column + WAS for column in conversion.old.columns(conversion.field)}
        going[table_name(conversion.entity)].update(aside)
    converted = {(conversion.entity, conversion.field) for conversion in plan.conversions}
    for entity, table in tables.entity.items():
        for name, stored in plan.stored.get(entity, {}).items():
            needed = name not in table.c or name + FOLDED in table.c
            if stored.folded and not needed and (entity, name) not in converted:
                going[table.name].add(name + FOLDED)
    return {name: frozenset(columns) for name, columns in going.items()}


def find_difference(connection: Connection, tables: Tables, going: Mapping[str, frozenset[str]]) -> Difference:
    """Compare the tables with the database; columns of disabled plugins and of others count as equal."""

    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return kind != "table" or (name or "").startswith((ENTITY_PREFIX, CORE_PREFIX))

    def wanted(item: Any, name: str | None, kind: str, reflected: bool, compared: Any) -> bool:
        if kind == "foreign_key_constraint":
            return False  # they come with their column, and go with it
        if not reflected or compared is not None:
            return True
        if kind != "index" or not (name or "").startswith(_INDEX_PREFIXES):
            return False
        known = tables.metadata.tables[item.table.name].c.keys()
        return {*item.columns.keys()} <= {*known, *going.get(item.table.name, ())}

    options = {"include_name": ours, "include_object": wanted, "compare_type": False}
    found = produce_migrations(MigrationContext.configure(connection, opts=options), tables.metadata).upgrade_ops
    operations = [] if found is None else list(_flat(found.ops))
    old_indexes = [str(op.index_name) for op in operations if isinstance(op, ops.DropIndexOp)]
    return Difference(
        columns=[
            tables.metadata.tables[op.table_name].c[op.column.name]
            for op in operations
            if isinstance(op, ops.AddColumnOp)
        ],
        new_indexes=[
            index
            for op in operations
            if isinstance(op, ops.CreateIndexOp)
            for index in tables.metadata.tables[op.table_name].indexes
            if index.name == op.index_name
        ],
        old_indexes=old_indexes,
        changed_indexes=[index for index in _covering_others(connection, tables) if index.name not in old_indexes],
    )


def add_columns(connection: Connection, columns: Sequence[Column[Any]]) -> None:
    """Add columns, empty, each with its foreign key."""
    operations = Operations(MigrationContext.configure(connection))
    for column in columns:
        references = [_inline(key) for key in column.foreign_keys]
        # Part of the column, because SQLite would have to copy the table to add a constraint by itself.
        added: Column[Any] = Column(column.name, column.type, *references, nullable=True)
        operations.add_column(column.table.name, added, inline_references=True)


def drop_columns(connection: Connection, going: Mapping[str, frozenset[str]]) -> None:
    """Drop columns; no index may be left on them."""
    for name, columns in going.items():
        there = {column["name"] for column in inspect(connection).get_columns(name)}
        dropped = sorted(columns & there)
        if dropped and connection.dialect.name == "sqlite":
            _copy_without(connection, name, dropped)
        elif dropped:
            operations = Operations(MigrationContext.configure(connection))
            for column in dropped:
                operations.drop_column(name, column)


def drop_tables(connection: Connection, names: Iterable[str]) -> None:
    """Drop tables, which may refer to each other."""
    quoted = [f'"{name}"' for name in names]
    # PostgreSQL drops tables in a circle only together, SQLite only one by one.
    together = [", ".join(quoted)] if quoted and connection.dialect.name == "postgresql" else quoted
    for dropped in together:
        connection.execute(text(f"DROP TABLE {dropped}"))


def drop_indexes(connection: Connection, names: Iterable[str]) -> None:
    """Drop indexes."""
    for name in names:
        connection.execute(text(f'DROP INDEX "{name}"'))


def drop_indexes_on(connection: Connection, going: Mapping[str, frozenset[str]]) -> None:
    """Drop every index that covers one of the columns of tables."""
    for name, columns in going.items():
        found = inspect(connection).get_indexes(name)
        drop_indexes(connection, [str(index["name"]) for index in found if columns & {*index["column_names"]}])


def _copy_without(connection: Connection, name: str, columns: Sequence[str]) -> None:
    """Drop columns of an SQLite table by copying it, which also works for columns with a foreign key."""
    last = last_id(connection, name)
    operations = Operations(MigrationContext.configure(connection))
    with operations.batch_alter_table(name, recreate="always", table_kwargs={"sqlite_autoincrement": True}) as batch:
        for column in columns:
            batch.drop_column(column)
    # The copy counts on from its own highest id, and ids of rows that are gone would be given out again.
    set_last_id(connection, name, last)


def _covering_others(connection: Connection, tables: Tables) -> Iterator[Index]:
    """Yield the indexes that cover other rows in the database than are asked for, which Alembic does not compare."""
    found = inspect(connection).get_multi_indexes(filter_names=[*tables.metadata.tables])
    stored = {
        (name, index["name"]): reflected_rows(index) for (_schema, name), there in found.items() for index in there
    }
    for table in tables.metadata.tables.values():
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            key = (table.name, str(index.name))
            if key in stored and stored[key] != declared_rows(index):
                yield index


def _flat(operations: Iterable[ops.MigrateOperation]) -> Iterator[ops.MigrateOperation]:
    for operation in operations:
        if isinstance(operation, ops.OpContainer):
            yield from _flat(operation.ops)
        else:
            yield operation


def _inline(key: ForeignKey) -> ForeignKey:
    return ForeignKey(key.target_fullname, deferrable=True, initially="IMMEDIATE")


def _rename_column(connection: Connection, table: str, old: str, new: str) -> None:
    # Alembic would copy the whole table on SQLite, which has been able to rename a column for long.
    connection.execute(text(f'ALTER TABLE "{table}" RENAME COLUMN "{old}" TO "{new}"'))
