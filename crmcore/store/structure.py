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

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.columns import Instant, json_type, key_type, text_type
from crmcore.store.installed import read_installed
from crmcore.store.partial_indexes import condition, reflected_rows
from crmcore.store.tables import CORE_PREFIX, ENTITY_PREFIX, build_tables, table_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import Connection
    from sqlalchemy.types import TypeEngine

__all__ = [
    "build_structure",
    "column_types",
    "read_structure",
    "stored_structure",
]

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


def column_types(described: Mapping[str, Any]) -> list[str]:
    """Return the types of a table's columns, in their order."""
    return [column["type"] for column in described["columns"]]


def read_structure(connection: Connection, names: Iterable[str]) -> dict[str, Any]:
    """Return the columns, indexes and foreign keys of tables as plain JSON values.

    Indexes over expressions or with conditions that no index of ours has are somebody's own, and not among them.

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
                    "where": covered,
                }
                for index in inspector.get_indexes(name)
                if None not in index["column_names"] and (covered := reflected_rows(index)) is not None
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
        where = condition(table, _covered(index))
        Index(
            _checked(index["name"]),
            *(table.c[column] for column in index["columns"]),
            unique=bool(index["unique"]),
            sqlite_where=where,
            postgresql_where=where,
        )


def _covered(index: Mapping[str, Any]) -> Mapping[str, str]:
    """Return which rows an index covers, of which archives of the first format say no more than whether it is all."""
    if "where" in index:
        return dict(index["where"])
    if not index["live"]:
        return {}
    # An external id is unique among deleted rows, too; all others that are unique cover the live ones.
    if index["unique"] and index["columns"] != ["source", "external_id"]:
        return {"deleted_at": "empty"}
    return dict.fromkeys(index["columns"], "filled")


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
