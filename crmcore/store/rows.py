"""The fast way of rows into tables: values in JSON form become driver parameters, a batch becomes one statement.

An import of a million rows runs through here, so nothing builds a SQLAlchemy construct per row. What is written,
and whether it may be, is decided above. Records are read in :mod:`crmcore.store.selection`; here a row comes back in
JSON form only, for whoever changes it next.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from sqlalchemy import Connection, Dialect, Table, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from crmcore.schema.model import Entity, Field, Kind
from crmcore.schema.values import TO_JSON, fold_all
from crmcore.store.chunks import chunks
from crmcore.store.columns import MONEY_PLACES
from crmcore.store.tables import column_names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Row

__all__ = [
    "RowCodec",
    "RowUpdate",
    "allocate_ids",
    "insert_rows",
    "json_text",
    "sqlite_instant",
    "update_rows",
    "write_rows",
]

Encode = Callable[[Sequence[Any]], tuple[Sequence[Any], ...]]
"""From the JSON forms of a field in some rows, None where it is empty, to the cells of each of its columns."""
RowUpdate = tuple[int, int, "Mapping[str, Any]", "Mapping[str, Any]"]
"""Id, version that was read, values in JSON form, system columns to set in Python form."""

# From here on COPY beats a pipelined executemany, in spite of its set-up.
_COPY_FROM_ROWS = 50

# Kinds whose JSON form is what both drivers take and give.
_PLAIN = (Kind.TEXT, Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.REF)

_encode_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@frozen(eq=False)
class RowCodec:
    """How the records of one entity are written to and read from its table, on one dialect."""

    entity: Entity
    table: Table
    dialect: Dialect
    _steps: tuple[tuple[str, tuple[str, ...], Encode | None], ...] = field(init=False)
    """For each field its name, its columns, and what turns its JSON forms into these (None: one, as it is)."""
    _readers: tuple[tuple[str, int, Kind], ...] = field(init=False)
    """For each field its name, the place of its first column in a selected row, its kind."""

    @_steps.default
    def _encoding(self) -> tuple[tuple[str, tuple[str, ...], Encode | None], ...]:
        name = self.dialect.name
        return tuple((f.name, column_names(f), _encoder(f, name)) for f in self.entity.fields.values())

    @_readers.default
    def _decoding(self) -> tuple[tuple[str, int, Kind], ...]:
        columns = list(self.table.columns.keys())
        return tuple((f.name, columns.index(column_names(f)[0]), f.kind) for f in self.entity.fields.values())

    def encode(
        self, values: Sequence[Mapping[str, Any]], own: Mapping[str, Sequence[Any]], common: Mapping[str, Any]
    ) -> tuple[tuple[str, ...], Sequence[tuple[Any, ...]]]:
        """Return the columns that any of some new rows fills, and the parameters of each row.

        A table has many more columns than a file, and every parameter costs time.

        Args:
            values: fields of each row in canonical JSON form; what is absent or None is empty.
            own: system columns by name, each with a value per row in Python form.
            common: system columns that are the same in every row.
        """
        system = {**{name: [value] * len(values) for name, value in common.items()}, **own}
        columns = [name for name, given in system.items() if any(value is not None for value in given)]
        cells: list[Sequence[Any]] = [[_encode_system(v, self.dialect.name) for v in system[name]] for name in columns]
        filled = set().union(*values)
        for name, names, encode in self._steps:
            if name in filled:
                given = [row.get(name) for row in values]
                columns += names
                cells += [given] if encode is None else encode(given)
        return tuple(columns), list(zip(*cells, strict=True))

    def encode_fields(self, names: Iterable[str], values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[Any, ...]]:
        """Return the columns of some fields, and their parameters."""
        wanted = frozenset(names)
        columns: list[str] = []
        parameters: list[Any] = []
        for name, own, encode in self._steps:
            if name in wanted:
                columns += own
                value = values.get(name)
                parameters += [value] if encode is None else [cell for (cell,) in encode([value])]
        return tuple(columns), tuple(parameters)

    def decode_json(self, row: Row[Any]) -> dict[str, Any]:
        """Return the fields of a row that are filled in, in canonical JSON form, without system columns.

        Args:
            row: selected with ``select(table, ...)``: all columns of the table, first.
        """
        found: dict[str, Any] = {}
        for name, at, kind in self._readers:
            value = row[at]
            if value is None:
                continue
            if kind is Kind.ANY_REF:
                found[name] = f"{value}:{row[at + 1]}"
            elif kind in _PLAIN or kind is Kind.JSON:
                found[name] = value
            else:
                found[name] = TO_JSON[kind](self.entity.fields[name], value)
        return found


def allocate_ids(connection: Connection, table: Table, n: int) -> Sequence[int]:
    """Return ids for new rows, ascending and never given out before, not even to rows that are gone.

    On SQLite the transaction takes the write lock, if it does not have it yet.
    """
    if connection.dialect.name == "sqlite":
        return _allocate_sqlite(connection, table.name, n)
    sequence = func.pg_get_serial_sequence(f'"{table.name}"', "id")
    series = func.generate_series(1, bindparam("n", n)).table_valued("number")
    drawn = connection.execute(select(func.nextval(sequence)).select_from(series)).scalars()
    return sorted(drawn)


def insert_rows(
    connection: Connection,
    codec: RowCodec,
    values: Sequence[Mapping[str, Any]],
    own: Mapping[str, Sequence[Any]],
    common: Mapping[str, Any],
) -> None:
    """Insert rows, given as `RowCodec.encode` takes them.

    Raises:
        sqlalchemy.exc.IntegrityError: an index or a foreign key refuses a row; the transaction must roll back, to
            a savepoint at least.
    """
    if values:
        write_rows(connection, codec.table.name, *codec.encode(values, own, common))


def write_rows(connection: Connection, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows of driver parameters into a table, the fastest way for their number.

    Raises:
        sqlalchemy.exc.IntegrityError: as for `insert_rows`.
    """
    if not rows:
        return
    names = ", ".join(_quoted(columns))
    if connection.dialect.name == "postgresql" and len(rows) >= _COPY_FROM_ROWS:
        _copy(connection, f'COPY "{table}" ({names}) FROM STDIN', rows)
        return
    places = ", ".join([_place(connection)] * len(columns))
    # The names are a schema's, checked when it was loaded; values are parameters.
    statement = f'INSERT INTO "{table}" ({names}) VALUES ({places})'  # noqa: S608
    connection.exec_driver_sql(statement, list(rows))


def update_rows(
    connection: Connection, codec: RowCodec, fields: Iterable[str], rows: Iterable[RowUpdate]
) -> tuple[int, ...]:
    """Set some fields of many rows and count their versions up, where the version is still the one that was read.

    Args:
        connection: in a transaction for writing.
        codec: of the entity.
        fields: names of the fields to set, the same ones in every row.
        rows: the new values; an absent one empties its field.

    Returns:
        Ids of rows that are gone or have another version; the others are updated.

    Raises:
        sqlalchemy.exc.IntegrityError: as for `insert_rows`.
    """
    names = tuple(fields)
    stale: list[int] = []
    ordered = sorted(rows, key=lambda row: tuple(row[3]))
    for system, some in groupby(ordered, key=lambda row: tuple(row[3])):
        stale += _update_alike(connection, codec, names, system, list(some))
    return tuple(stale)


def _update_alike(
    connection: Connection, codec: RowCodec, names: tuple[str, ...], system: tuple[str, ...], rows: Sequence[RowUpdate]
) -> list[int]:
    dialect = connection.dialect.name
    place = _place(connection)
    columns, _none = codec.encode_fields(names, {})
    assigned = ["version = version + 1", *(f"{column} = {place}" for column in _quoted((*system, *columns)))]
    # The names are a schema's, checked when it was loaded; values are parameters.
    statement = f"UPDATE {codec.table.name} SET {', '.join(assigned)} WHERE id = {place} AND version = {place}"  # noqa: S608

    def parameters(row: RowUpdate) -> tuple[Any, ...]:
        id, version, values, own = row
        _columns, encoded = codec.encode_fields(names, values)
        return (*(_encode_system(own[name], dialect) for name in system), *encoded, id, version)

    with connection.begin_nested() as savepoint:
        result = connection.exec_driver_sql(statement, [parameters(row) for row in rows])
        if result.rowcount == len(rows):
            return []
        # Which ones did not match can only be asked before the others have counted up.
        savepoint.rollback()
    stale = _stale(connection, codec.table, rows)
    fresh = [parameters(row) for row in rows if row[0] not in stale]
    if fresh:
        connection.exec_driver_sql(statement, fresh)
    return [row[0] for row in rows if row[0] in stale]


def _stale(connection: Connection, table: Table, rows: Sequence[RowUpdate]) -> set[int]:
    expected = {id: version for id, version, _values, _system in rows}
    stored = select(table.c.id, table.c.version).with_for_update()
    found: dict[int, int] = {}
    for ids in chunks(expected):
        found.update((row.id, row.version) for row in connection.execute(stored.where(table.c.id.in_(ids))))
    return {id for id, version in expected.items() if found.get(id) != version}


def _copy(connection: Connection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    cursor: Any = connection.connection.cursor()
    try:
        with cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        # As SQLAlchemy raises it for every other statement; the values stay out of the message.
        base = connection.dialect.loaded_dbapi.Error
        raise DBAPIError.instance(
            statement, None, error, base, hide_parameters=True, dialect=connection.dialect
        ) from error
    finally:
        cursor.close()


def _allocate_sqlite(connection: Connection, name: str, n: int) -> range:
    advance = "UPDATE sqlite_sequence SET seq = seq + ? WHERE name = ? RETURNING seq"
    last = connection.exec_driver_sql(advance, (n, name)).scalar()
    if last is None:
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (name, n))
        last = n
    return range(last - n + 1, last + 1)


def _encoder(declared: Field, dialect: str) -> Encode | None:
    kind = declared.kind
    if declared.folded:
        return lambda values: (values, fold_all(values))
    if kind is Kind.MONEY:
        return lambda values: (_each(_scaled, values),)
    if kind is Kind.JSON:
        return lambda values: (_each(json_text, values),)
    if kind is Kind.ANY_REF:
        return _split_refs
    if kind is Kind.INSTANT and dialect == "sqlite":
        return lambda values: (_each(sqlite_instant, values),)
    return None  # both drivers take it as it is; PostgreSQL reads dates and instants in their ISO form


def _each(encode: Callable[[Any], Any], values: Sequence[Any]) -> Sequence[Any]:
    return [None if value is None else encode(value) for value in values]


def _encode_system(value: Any, dialect: str) -> Any:
    return _instant_parameter(value, dialect) if isinstance(value, dt.datetime) else value


@lru_cache(maxsize=64)
def _instant_parameter(value: dt.datetime, dialect: str) -> str:
    """Return the parameter for an instant; cached because all rows of a batch carry the same one."""
    text = value.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"
    return sqlite_instant(text) if dialect == "sqlite" else text


def json_text(value: Any) -> str:
    """Return a list or object as it is stored."""
    return _encode_json(value)


def sqlite_instant(text: str) -> str:
    """Return the canonical JSON form of an instant as SQLite stores it."""
    stored = f"{text[:10]} {text[11:-1]}"
    return stored if len(stored) > len("YYYY-MM-DD HH:MM:SS") else stored + ".000000"


def _scaled(value: str) -> int:
    # The canonical form needs no decimal arithmetic: the point moves by filling the places up.
    whole, _point, fraction = value.partition(".")
    return int(whole + fraction.ljust(MONEY_PLACES, "0"))


def _split_refs(values: Sequence[str | None]) -> tuple[Sequence[Any], ...]:
    parts = [(None, None, None) if value is None else value.partition(":") for value in values]
    return [entity for entity, _colon, _id in parts], [None if id is None else int(id) for _entity, _colon, id in parts]


def _place(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"


def _quoted(names: Iterable[str]) -> list[str]:
    # A field may be called like a word of SQL (`order`, `group`).
    return [f'"{name}"' for name in names]
