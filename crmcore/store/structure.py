"""The structure of our tables as a database really has it, in a form that is written down and built again elsewhere.

A backup must hold columns of disabled plugins too, which no schema of the running program declares; so it asks the
database. What a schema asks for is :mod:`crmcore.store.tables`; rows are :mod:`crmcore.store.portable`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    MetaData,
    Table,
    Text,
    inspect,
)
from sqlalchemy import types as sql_types
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.columns import Instant, json_type, key_type, text_type
from crmcore.store.installed import read_installed
from crmcore.store.tables import CORE_PREFIX, ENTITY_PREFIX, build_tables, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

__all__ = [
    "build_structure",
    "column_types",
    "complete_tables",
    "create_bare_tables",
    "read_structure",
    "refuse_occupied",
    "stored_structure",
]

_SHOWN_TABLES = 3
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

# Asked in this order: SQLAlchemy's big integer is an integer, its double a float.
_TYPES: Mapping[str, tuple[type[TypeEngine[Any]], Callable[[], TypeEngine[Any]]]] = {
    "boolean": (sql_types.Boolean, Boolean),
    "integer": (sql_types.Integer, sql_types.BigInteger),
    "number": (sql_types.Float, Double),
    "instant": (DateTime, Instant),
    "date": (sql_types.Date, Date),
    "json": (sql_types.JSON, json_type),
    "text": (Text, text_type),
}


def stored_structure(connection: Connection) -> dict[str, Any]:
    """Return the structure of all tables of the CRM in a database, those of disabled plugins too.

    Raises:
        DatabaseError: there is no CRM in it, or a column has a type that no field has.
    """
    core = build_tables({})
    installed = read_installed(connection, core)
    if not installed:
        raise DatabaseError(_("there is no CRM in this database"), hint=_("`crmcore db upgrade` makes one."))
    entities = {entity for origin in installed.values() for entity in origin.fields}
    # A database that waits for its upgrade has not all of the core's tables yet.
    there = set(inspect(connection).get_table_names())
    names = [*(name for name in core.metadata.tables if name in there), *sorted(map(table_name, entities))]
    return read_structure(connection, names)


def refuse_occupied(connection: Connection) -> None:
    """Refuse a database that holds tables of a CRM; those of others do not matter.

    Raises:
        DatabaseError: names the tables.
    """
    names = inspect(connection).get_table_names()
    there = sorted(name for name in names if name.startswith((ENTITY_PREFIX, CORE_PREFIX)))
    if there:
        shown = ", ".join(there[:_SHOWN_TABLES]) + (", …" if len(there) > _SHOWN_TABLES else "")
        raise DatabaseError(
            _("the database holds a CRM already ({tables})").format(tables=shown),
            hint=_("Name a new, empty database; when it is filled, change `url` in crm.toml."),
        )


def column_types(described: Mapping[str, Any]) -> list[str]:
    """Return the types of a table's columns, in their order."""
    return [column["type"] for column in described["columns"]]


def read_structure(connection: Connection, names: Iterable[str]) -> dict[str, Any]:
    """Return the columns, indexes and foreign keys of tables as plain JSON values.

    Raises:
        DatabaseError: a column has a type that no field has.
    """
    inspector = inspect(connection)
    return {
        name: {
            "columns": [
                {"name": c["name"], "type": _token(name, c), "nullable": c["nullable"]}
                for c in inspector.get_columns(name)
            ],
            "primary_key": inspector.get_pk_constraint(name)["constrained_columns"],
            "indexes": [
                {
                    "name": index["name"],
                    "columns": index["column_names"],
                    "unique": bool(index["unique"]),
                    "live": any(option.endswith("_where") for option in index.get("dialect_options", {})),
                }
                for index in inspector.get_indexes(name)
                if None not in index["column_names"]
            ],
            "references": [
                {"column": key["constrained_columns"][0], "table": key["referred_table"]}
                for key in inspector.get_foreign_keys(name)
            ],
        }
        for name in names
    }


def build_structure(structure: Mapping[str, Any]) -> MetaData:
    """Return tables built from what `read_structure` gave, for either database.

    Raises:
        ValueError: names or types that no backup of ours has.
    """
    metadata = MetaData()
    for name, described in structure.items():
        if not name.startswith((ENTITY_PREFIX, CORE_PREFIX)):
            raise ValueError(name)
        _build_table(metadata, _checked(name), described)
    return metadata


def create_bare_tables(connection: Connection, metadata: MetaData) -> None:
    """Create tables to be filled, without what is made faster, and in less memory, once the rows are there."""
    for table in metadata.tables.values():
        connection.execute(CreateTable(table))  # on PostgreSQL without references, which have `use_alter`


def complete_tables(connection: Connection, metadata: MetaData) -> None:
    """Create the indexes of tables, and on PostgreSQL their references, which SQLite has had from the beginning."""
    for table in metadata.tables.values():
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(CreateIndex(index))
    if connection.dialect.supports_alter:
        for table in metadata.tables.values():
            for reference in table.foreign_key_constraints:
                connection.execute(AddConstraint(reference))


def _build_table(metadata: MetaData, name: str, described: Mapping[str, Any]) -> None:
    numbered = described["primary_key"] == ["id"]
    columns = [_build_column(column, described["primary_key"], numbered=numbered) for column in described["columns"]]
    references = [
        ForeignKeyConstraint(
            [reference["column"]],
            [f"{_checked(reference['table'])}.id"],
            name=f"fk_{name}_{reference['column']}"[:63],
            deferrable=True,
            initially="IMMEDIATE",
            use_alter=True,
        )
        for reference in described["references"]
    ]
    table = Table(name, metadata, *columns, *references, sqlite_autoincrement=numbered)
    for index in described["indexes"]:
        live = table.c.deleted_at.is_(None) if index["live"] else None
        Index(
            _checked(index["name"]),
            *(table.c[column] for column in index["columns"]),
            unique=bool(index["unique"]),
            sqlite_where=live,
            postgresql_where=live,
        )


def _build_column(described: Mapping[str, Any], primary_key: list[str], *, numbered: bool) -> Column[Any]:
    name = _checked(described["name"])
    if numbered and name == "id":
        return Column("id", key_type(), Identity(), primary_key=True)
    kind = _TYPES[described["type"]][1]()
    return Column(name, kind, primary_key=name in primary_key, nullable=bool(described["nullable"]))


def _token(table: str, column: Mapping[str, Any]) -> str:
    for token, (stored, _made) in _TYPES.items():
        if isinstance(column["type"], stored):
            return token
    raise DatabaseError(
        _("the column {table}.{column} has the type {type}, which no field has").format(
            table=table, column=column["name"], type=column["type"]
        ),
        hint=_("Columns that were added by hand to a table of the CRM cannot be backed up; move them to one of yours."),
    )


def _checked(name: Any) -> str:
    if not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise ValueError(name)
    return name
