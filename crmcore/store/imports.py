"""The rows of the register of imports and of the rejected rows that wait in the database.

What an import is, and who may see or undo one, is decided above (:mod:`crmcore.importing.register`).
"""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen
from sqlalchemy import Connection, delete, func, insert, select, update

from crmcore.store.chunks import chunks

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Row, Select

    from crmcore.store.tables import Tables
    from crmcore.types import Actor

__all__ = [
    "ImportRecord",
    "RejectReason",
    "RejectedRow",
    "add_rejects",
    "begin",
    "change_rejects",
    "clear_rejects",
    "close",
    "counted",
    "find_running",
    "has_texts",
    "iterate_rejects",
    "lock",
    "move",
    "reasons",
    "records",
    "rejects_of",
    "remove_rejects",
    "set_rejects_file",
    "stopped",
]

State = Literal["running", "finished", "undone"]

_ROWS_PER_PAGE = 1000


@frozen(kw_only=True)
class ImportRecord:
    """One import, as the register has it."""

    id: int
    entity: str
    file: str
    """As it was named when the import began."""
    digest: str
    """SHA-256 of the file's bytes."""
    size: int
    fingerprint: str
    """Stands for the mapping, the options and what became of matched rows."""
    actor: str
    """Login of who imported."""
    actor_id: int | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    """When it ended: finished, closed, or undone before it was finished."""
    position: int
    """Number of the reader's rows and problems that were done with."""
    outcomes: Counter[str]
    """Outcome -> number of rows."""
    rejects: Path | None
    """The file that rejected rows were written to."""
    rejects_digest: str | None
    """SHA-256 of that file as it was written."""
    state: State


@frozen
class RejectedRow:
    """A row that could not be saved."""

    line: int
    reason: str
    code: str
    cells: Mapping[str, Any] | list[Any] | str
    """By header; a list where the row had more or fewer cells than the header, the text where no cells were found."""
    id: int | None = None
    """Given to rows that wait in the database."""
    position: int | None = None
    """Number of the reader's row or problem, which alone tells it from others: a line may have several. None for rows
    that wait since before it was noted."""


@frozen
class RejectReason:
    """What is wrong with rejected rows, each of them in the same words."""

    reason: str
    rows: int
    line: int
    """Of the first of them."""


def begin(
    connection: Connection,
    tables: Tables,
    *,
    entity: str,
    file: str,
    digest: str,
    size: int,
    fingerprint: str,
    actor: Actor,
    now: dt.datetime,
) -> int:
    """Write a new import, and return its id."""
    values = {
        "entity": entity,
        "file": file,
        "digest": digest,
        "size": size,
        "fingerprint": fingerprint,
        "actor": actor.login,
        "actor_id": actor.id,
        "started_at": now,
        "position": 0,
        "outcomes": {},
        "state": "running",
    }
    statement = insert(tables.imports).values(values).returning(tables.imports.c.id)
    return int(connection.execute(statement).scalar_one())


def find_running(
    connection: Connection, tables: Tables, *, entity: str, digest: str, fingerprint: str, actor: str
) -> ImportRecord | None:
    """Return the latest unfinished import of a file by an actor."""
    table = tables.imports
    statement = select(table).where(
        table.c.state == "running",
        table.c.entity == entity,
        table.c.digest == digest,
        table.c.fingerprint == fingerprint,
        table.c.actor == actor,
    )
    return next(_records(connection, statement.order_by(table.c.id.desc()).limit(1)), None)


def stopped(connection: Connection, tables: Tables, *, entity: str, file: str, actor: str) -> ImportRecord | None:
    """Return the latest import of a file of that name by an actor, if it was begun and never finished."""
    table = tables.imports
    of_file = select(table).where(table.c.entity == entity, table.c.file == file, table.c.actor == actor)
    latest = next(_records(connection, of_file.order_by(table.c.id.desc()).limit(1)), None)
    return latest if latest is not None and latest.state == "running" and latest.position else None


def records(connection: Connection, tables: Tables) -> list[ImportRecord]:
    """Return all imports, the latest first."""
    return list(_records(connection, select(tables.imports).order_by(tables.imports.c.id.desc())))


def lock(connection: Connection, tables: Tables, id: int) -> ImportRecord | None:
    """Return an import, and let nobody else change it before the transaction ends."""
    return next(_records(connection, select(tables.imports).where(tables.imports.c.id == id).with_for_update()), None)


def move(connection: Connection, tables: Tables, id: int, *, old: int, new: int, outcomes: Mapping[str, int]) -> bool:
    """Set the position of a running import, unless it is not the old one any more; return whether that was done."""
    table = tables.imports
    statement = (
        update(table)
        .where(table.c.id == id, table.c.position == old, table.c.state == "running")
        .values(position=new, outcomes=counted(outcomes))
    )
    return connection.execute(statement).rowcount == 1


def set_rejects_file(connection: Connection, tables: Tables, id: int, path: Path, digest: str) -> None:
    """Note which file an import's rejected rows are written to, and what will be in it."""
    table = tables.imports
    connection.execute(update(table).where(table.c.id == id).values(rejects=str(path), rejects_digest=digest))


def close(connection: Connection, tables: Tables, id: int, *, state: State, now: dt.datetime) -> None:
    """End an import; rows that wait as its rejects are forgotten, and it keeps the instant when it ended first."""
    clear_rejects(connection, tables, id)
    table = tables.imports
    connection.execute(update(table).where(table.c.id == id, table.c.finished_at.is_(None)).values(finished_at=now))
    connection.execute(update(table).where(table.c.id == id).values(state=state))


def add_rejects(connection: Connection, tables: Tables, id: int, rows: Iterable[RejectedRow]) -> None:
    """Write rejected rows of an import, after those that wait already."""
    values = [{"import_id": id, **_written(row)} for row in rows]
    if values:
        connection.execute(insert(tables.rejects), values)


def rejects_of(connection: Connection, tables: Tables, id: int, *, code: str, after: int = 0) -> list[RejectedRow]:
    """Return the next page of an import's rejected rows with a code, in the order in which they came.

    Args:
        connection: inside a transaction.
        tables: the tables.
        id: of the import.
        code: of the rows.
        after: id of the last row of the page before.
    """
    table = tables.rejects
    chosen = select(table).where(table.c.import_id == id, table.c.code == code, table.c.id > after)
    return [_row(found) for found in connection.execute(chosen.order_by(table.c.id).limit(_ROWS_PER_PAGE))]


def iterate_rejects(connection: Connection, tables: Tables, id: int | None = None) -> Iterator[RejectedRow]:
    """Yield the rejected rows of an import, or of all, in the order in which they came, read page by page."""
    table, last = tables.rejects, 0
    statement = select(table).order_by(table.c.id).limit(_ROWS_PER_PAGE)
    if id is not None:
        statement = statement.where(table.c.import_id == id)
    while page := connection.execute(statement.where(table.c.id > last)).all():
        yield from map(_row, page)
        last = page[-1].id


def reasons(connection: Connection, tables: Tables, id: int, most: int) -> tuple[RejectReason, ...]:
    """Return why rows of an import were rejected: the most frequent reasons first, then those of earlier lines."""
    table = tables.rejects
    rows, line = func.count(), func.min(table.c.line)
    statement = select(table.c.reason, rows, line).where(table.c.import_id == id).group_by(table.c.reason)
    # Of several reasons in one line, the one that came first.
    ordered = statement.order_by(rows.desc(), line, func.min(table.c.id)).limit(most)
    return tuple(RejectReason(*found) for found in connection.execute(ordered))


def has_texts(connection: Connection, tables: Tables, id: int) -> bool:
    """Tell whether any rejected row of an import is a text without cells."""
    table = tables.rejects
    found = select(table.c.id).where(table.c.import_id == id, table.c.cells.startswith('"')).limit(1)
    return connection.execute(found).first() is not None


def change_rejects(connection: Connection, tables: Tables, rows: Iterable[RejectedRow]) -> None:
    """Write rejected rows that wait already once more, with their new reasons."""
    for row in rows:
        connection.execute(update(tables.rejects).where(tables.rejects.c.id == row.id).values(_written(row)))


def remove_rejects(connection: Connection, tables: Tables, rows: Sequence[RejectedRow]) -> int:
    """Remove rejected rows, and return how many of them were still there."""
    removed = 0
    for ids in chunks(row.id for row in rows):
        removed += connection.execute(delete(tables.rejects).where(tables.rejects.c.id.in_(ids))).rowcount
    return removed


def clear_rejects(connection: Connection, tables: Tables, id: int) -> None:
    """Remove all rejected rows of an import."""
    connection.execute(delete(tables.rejects).where(tables.rejects.c.import_id == id))


def counted(outcomes: Mapping[str, int]) -> dict[str, int]:
    """Return outcomes as they are stored: those that there are any of."""
    return {name: n for name, n in sorted(outcomes.items()) if n}


def _records(connection: Connection, statement: Select[Any]) -> Iterator[ImportRecord]:
    for row in connection.execute(statement).mappings():
        path = row["rejects"]
        yield ImportRecord(
            **{**row, "outcomes": Counter(row["outcomes"]), "rejects": None if path is None else Path(path)}
        )


def _written(row: RejectedRow) -> dict[str, Any]:
    return {
        "position": row.position,
        "line": row.line,
        # A reason quotes the cell that it is about, and that may hold what neither database stores as text.
        "reason": row.reason.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode(),
        "code": row.code,
        "cells": json.dumps(_encoded(row.cells)),
    }


def _row(row: Row[Any]) -> RejectedRow:
    return RejectedRow(row.line, row.reason, row.code, _decoded(json.loads(row.cells)), row.id, row.position)


# JSON has no dates and no exact decimals, and a rejected cell goes back into its file as it came.
_TAGS: Mapping[str, tuple[type, Any, Any]] = {
    "instant": (dt.datetime, dt.datetime.isoformat, dt.datetime.fromisoformat),
    "date": (dt.date, dt.date.isoformat, dt.date.fromisoformat),
    "time": (dt.time, dt.time.isoformat, dt.time.fromisoformat),
    "decimal": (Decimal, str, Decimal),
}
_OBJECT = "object"


def _encoded(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _encoded_cell(cell) for name, cell in value.items()}
    return [_encoded_cell(cell) for cell in value]


def _encoded_cell(value: Any) -> Any:
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return [_encoded_cell(one) for one in value]
    if isinstance(value, Mapping):
        return {_OBJECT: _encoded(value)}
    for tag, (kind, write, _read) in _TAGS.items():
        if isinstance(value, kind):
            return {tag: write(value)}
    return str(value)


def _decoded(value: Any) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return {name: _decoded_cell(cell) for name, cell in value.items()}
    return [_decoded_cell(cell) for cell in value]


def _decoded_cell(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded_cell(one) for one in value]
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        return _decoded(inner) if tag == _OBJECT else _TAGS[tag][2](inner)
    return value
