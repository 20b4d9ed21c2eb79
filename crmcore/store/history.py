"""The history: who changed which record when, with the values from before.

One row per changed record, old values only, written in the transaction of the change. A creation has none: the first
state of a record is its row of today with all later changes undone. Who may read which values is decided above.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Connection, Insert, insert, literal, select, type_coerce
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import JSON, Text

from crmcore.store.columns import Instant
from crmcore.store.json_form import json_object

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.schema.model import Entity
    from crmcore.store.tables import Tables

__all__ = ["HistoryEntry", "HistoryRow", "append", "computed_history", "read"]


@frozen(kw_only=True)
class HistoryRow:
    """One change of one record, to be written."""

    at: dt.datetime
    actor: str
    """Login of who did it."""
    actor_id: int | None
    entity: str
    record_id: int
    action: str
    """``update``, ``delete``, ``restore``, ``computed``, ``merge`` or ``erase``."""
    version: int
    """Version of the record after the change."""
    source: str
    """Where the change came from: ``api``, ``cli``, ``import``, or a plugin's own word."""
    because: str | None = None
    """Reference of the record whose deletion this change followed from."""
    old: Mapping[str, Any]
    """Changed fields -> their JSON form before; None where they were empty."""
    import_id: int | None = None
    """The import that made the change."""


@frozen(kw_only=True)
class HistoryEntry(HistoryRow):
    """One change of one record, as it was written."""

    id: int


def append(connection: Connection, tables: Tables, rows: Iterable[HistoryRow]) -> None:
    """Write changes."""
    values = [
        {
            "at": row.at,
            "actor": row.actor,
            "actor_id": row.actor_id,
            "entity": row.entity,
            "record_id": row.record_id,
            "action": row.action,
            "version": row.version,
            "source": row.source,
            "because": row.because,
            "old": dict(row.old),
            "import_id": row.import_id,
        }
        for row in rows
    ]
    if values:
        connection.execute(insert(tables.history), values)


def read(connection: Connection, tables: Tables, entity: str, id: int) -> Sequence[HistoryEntry]:
    """Return the changes of a record, the latest first."""
    history = tables.history
    statement = (
        select(history).where(history.c.entity == entity, history.c.record_id == id).order_by(history.c.id.desc())
    )
    return [HistoryEntry(**row) for row in connection.execute(statement).mappings()]


def computed_history(
    tables: Tables,
    entity: Entity,
    *,
    rows: FromClause,
    old: Mapping[str, ColumnElement[Any]],
    new: Mapping[str, ColumnElement[Any]],
    at: dt.datetime,
    actor: str,
    actor_id: int | None,
    source: str,
    dialect: str,
) -> Insert:
    """Return the statement that writes the history of computed fields, without reading a row into Python.

    Args:
        tables: the tables.
        entity: whose fields they are.
        rows: where the old and new values lie, with a column ``id``: one row per changed record.
        old: field -> column of `rows` with its value before.
        new: field -> column of `rows` with its value after; only fields that differ are kept.
        at: the instant of the change.
        actor: login of who ran the rule.
        actor_id: id of that user.
        source: where the change comes from.
        dialect: ``sqlite`` or ``postgresql``.
    """
    table = tables.entity[entity.name]
    kinds = {name: (entity.fields[name].kind, column) for name, column in old.items()}
    differs = {name: column.is_distinct_from(new[name]) for name, column in old.items()}
    written = json_object(kinds, differs, dialect)
    values: dict[str, ColumnElement[Any]] = {
        "at": literal(at, Instant()),
        "actor": literal(actor, Text),
        "actor_id": literal(actor_id, table.c.id.type),
        "entity": literal(entity.name, Text),
        "record_id": rows.c.id,
        "action": literal("computed", Text),
        "version": table.c.version,
        "source": literal(source, Text),
        "old": type_coerce(written, JSON) if dialect == "sqlite" else sql_cast(written, JSONB),
    }
    chosen = select(*values.values()).join_from(rows, table, table.c.id == rows.c.id).order_by(rows.c.id)
    return insert(tables.history).from_select(list(values), chosen)
