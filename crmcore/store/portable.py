"""Stored rows as values that are the same from SQLite and PostgreSQL, and back: archives and copies are made of them.

A *portable row* is the list of a row's values in the order of its table's columns, each one a value of JSON. Money is
the stored whole number of ten-thousandths, an instant ISO 8601 in UTC, a date ``YYYY-MM-DD``.

The *canonical line* of a row is what two databases are compared by: its portable row as a JSON array in UTF-8 without
blanks, with nothing escaped that JSON lets stand, and a line feed at the end. What one of the two databases cannot
keep is taken out of it: keys of objects are sorted; -0.0 is 0.0; inside lists and objects a number without a fraction
is written without one (PostgreSQL makes 10000000000000000000000 of 1e22). The lines of a table follow one another in
the order of its primary key, by code point where that is a text, and the table's hash is the SHA-256 of them all.
"""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.exc import DataError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.failures import database_errors
from crmcore.store.rows import json_text, sqlite_instant

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Row, Table

__all__ = ["ROWS_PER_BATCH", "canonical_line", "from_portable", "is_unwritable", "misfit", "stored_rows", "to_portable"]

ROWS_PER_BATCH = 5_000

_encode_sorted = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode


def stored_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[Column[Any]] | None = None,
    *where: ColumnElement[bool],
) -> Generator[Sequence[Row[Any]]]:
    """Yield the rows of a table in batches, in the order of its primary key; whoever stops before the end closes it.

    Raises:
        DatabaseError: a column holds what its type does not allow, as SQLite lets happen.
    """
    chosen = select(table) if columns is None else select(*columns)
    ordered = chosen.where(*where).order_by(*table.primary_key.columns)
    with database_errors(connection.engine.url):
        try:
            with connection.execute(ordered.execution_options(yield_per=ROWS_PER_BATCH)) as result:
                yield from result.partitions()
        except (ValueError, DataError) as error:
            reason = error.orig if isinstance(error, DataError) else error
            raise DatabaseError(
                _("a row of the table {table} cannot be read: {reason}").format(table=table.name, reason=reason),
                hint=_("Something other than crmcore has written it. Mend it there, then try again."),
            ) from error


def to_portable(types: Sequence[str]) -> Callable[[Sequence[Any]], list[Any]]:
    """Return what makes a portable row of a selected one.

    Args:
        types: of the columns, as `crmcore.store.structure.read_structure` names them.
    """
    written = [(at, _WRITERS[kind]) for at, kind in enumerate(types) if kind in _WRITERS]

    def made(row: Sequence[Any]) -> list[Any]:
        values = list(row)
        for at, write in written:
            if values[at] is not None:
                values[at] = write(values[at])
        return values

    return made


def from_portable(types: Sequence[str], dialect: str) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """Return what makes driver parameters of a portable row.

    Args:
        types: of the columns.
        dialect: ``sqlite`` or ``postgresql``.
    """
    readers = {"json": json_text, **({"instant": sqlite_instant} if dialect == "sqlite" else {})}
    read_so = [(at, readers[kind]) for at, kind in enumerate(types) if kind in readers]

    def made(row: Sequence[Any]) -> tuple[Any, ...]:
        values = list(row)
        for at, read in read_so:
            if values[at] is not None:
                values[at] = read(values[at])
        return tuple(values)

    return made


def canonical_line(types: Sequence[str]) -> Callable[[Sequence[Any]], str]:
    """Return what makes the canonical line of a portable row."""
    numbers = [at for at, kind in enumerate(types) if kind == "number"]
    documents = [at for at, kind in enumerate(types) if kind == "json"]

    def made(row: Sequence[Any]) -> str:
        values = list(row)
        for at in numbers:
            if values[at] == 0:
                values[at] = 0.0
        for at in documents:
            values[at] = _canonical(values[at])
        return _encode_sorted(values) + "\n"

    return made


def misfit(kind: str, value: Any, dialect: str) -> bool:
    """Tell whether a database cannot store a portable value in a column of a type: why a batch of rows was refused."""
    if value is None:
        return False
    if kind in ("text", "json"):
        wrong = kind == "text" and not isinstance(value, str)
        return (
            wrong or is_unwritable(value) or (dialect == "postgresql" and any("\0" in text for text in _texts(value)))
        )
    if kind == "integer":
        return type(value) is not int or not -(2**63) <= value < 2**63
    return not isinstance(value, _CLASSES.get(kind, object))


def is_unwritable(value: Any) -> bool:
    """Tell whether a value is none of JSON: bytes, as SQLite lets happen, or half of a character, a surrogate pair."""
    return isinstance(value, bytes) or any("\ud800" <= part <= "\udfff" for text in _texts(value) for part in text)


_CLASSES: Mapping[str, tuple[type, ...]] = {"boolean": (bool,), "number": (int, float)}


def _canonical(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        # By its decimal digits: 1e23 is not 10**23 as a number in Python.
        return int(Decimal(repr(value)))
    if isinstance(value, list):
        return [_canonical(part) for part in value]
    if isinstance(value, dict):
        return {name: _canonical(part) for name, part in value.items()}
    return value


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from _texts(part)


def _instant(value: dt.datetime) -> str:
    return value.isoformat().removesuffix("+00:00") + "Z"


_WRITERS: Mapping[str, Callable[[Any], Any]] = {"instant": _instant, "date": dt.date.isoformat}
