"""Values of a purge that go back into columns: field by field, where a field is empty and nobody has its value."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from sqlalchemy import bindparam, column, exists, not_, or_, select, table, update

from crmcore.store.chunks import chunks
from crmcore.store.partial_indexes import condition, declared_rows
from crmcore.store.portable import from_portable, to_portable
from crmcore.store.structure import column_types
from crmcore.store.tables import FOLDED, REF_ENTITY, REF_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, FromClause, Index, Row, Select, Table, Update

__all__ = ["put_values"]

_Places = tuple[int, ...]
"""Of the columns of a field in a row of the part."""


def put_values(
    connection: Connection, target: Table, part: Mapping[str, Any], rows: Sequence[list[Any]], erased: Collection[int]
) -> tuple[int, int]:
    """Fill fields that are empty; what was written since stays, and so does a record that was erased.

    Args:
        connection: in a transaction for writing.
        target: the table.
        part: as the manifest describes it.
        rows: of the part, portable, the id first.
        erased: ids of records that were erased.

    Returns:
        The number of rows of which something was filled in, and of those of which something was not.
    """
    filling = _Filling(connection, target, part)
    there = filling.stored(row[0] for row in rows)
    left = {row[0] for row in rows if row[0] not in there or row[0] in erased}
    going: dict[tuple[_Places, ...], list[list[Any]]] = defaultdict(list)
    for row in rows:
        if row[0] in left:
            continue
        now = there[row[0]]
        gone = [places for places in filling.fields if any(row[at] not in (None, now[at]) for at in places)]
        empty = [places for places in gone if all(now[at] is None for at in places)]
        if empty != gone:
            left.add(row[0])
        for fields in filling.together(empty):
            going[fields].append(row)
    restored: set[int] = set()
    for fields, those in going.items():
        refused = filling.fill(tuple(chain(*fields)), those)
        restored |= {row[0] for row in those} - refused
        left |= refused
    return len(restored), len(left)


@frozen(eq=False)
class _Filling:
    """Reads and writes the columns of a part where they are in the database."""

    connection: Connection
    target: Table
    part: Mapping[str, Any]
    names: Sequence[str] = field(init=False)
    """Of the columns."""
    fields: Sequence[_Places] = field(init=False)
    """A text and its folded form are one field, and so are the two columns of a reference to any record."""
    unique: Mapping[_Places, Index] = field(init=False)
    """The fields of which no two records have the same value."""

    @names.default
    def _columns(self) -> Sequence[str]:
        return [stored["name"] for stored in self.part["columns"]]

    @fields.default
    def _by_field(self) -> Sequence[_Places]:
        found: dict[str, _Places] = {}
        for at, name in enumerate(self.names[1:], start=1):
            key = name.removesuffix(FOLDED).removesuffix(REF_ENTITY).removesuffix(REF_ID)
            found[key] = (*found.get(key, ()), at)
        return [*found.values()]

    @unique.default
    def _indexes(self) -> Mapping[_Places, Index]:
        indexes = [index for index in self.target.indexes if index.unique]
        columns = {places: {self.names[at] for at in places} for places in self.fields}
        return {places: i for places in self.fields for i in indexes if {*i.columns.keys()} <= columns[places]}

    def stored(self, ids: Iterable[int]) -> Mapping[int, list[Any]]:
        """Return the rows that are there, portable; nobody else changes them meanwhile."""
        portable = to_portable(column_types(self.part))
        wanted = select(*(self.target.c[name] for name in self.names)).with_for_update()
        return {row[0]: portable(row) for row in self._chosen(wanted, ids)}

    def together(self, fields: Sequence[_Places]) -> list[tuple[_Places, ...]]:
        """Return which fields one statement fills: one whose value somebody may have is refused by itself."""
        alone: list[tuple[_Places, ...]] = [(places,) for places in fields if places in self.unique]
        others = tuple(places for places in fields if places not in self.unique)
        return [others, *alone] if others else alone

    def fill(self, places: _Places, rows: Sequence[list[Any]]) -> set[int]:
        """Fill columns of some rows, and return the ids of those whose value somebody else has by now."""
        ready = from_portable(column_types(self.part), self.connection.dialect.name)
        parameters = [{"row_id": cells[0], **{f"value_{at}": cells[at] for at in places}} for cells in map(ready, rows)]
        if self.connection.execute(self._statement(places), parameters).rowcount == len(rows):
            return set()
        empty = select(self.target.c.id).where(*(self.target.c[self.names[at]].is_(None) for at in places))
        return {row.id for row in self._chosen(empty, (row[0] for row in rows))}

    def _statement(self, places: _Places) -> Update:
        # Columns without types: parameters are the driver's own, as those of rows that are written.
        own = table(self.target.name, *map(column, self.target.c.keys()))
        values: dict[str, Any] = {self.names[at]: bindparam(f"value_{at}") for at in places}
        statement = update(own).where(own.c.id == bindparam("row_id")).values(values)
        index = self.unique.get(places)
        if index is None:
            return statement
        other = own.alias()
        same = [other.c[name] == value for name, value in values.items() if name in index.columns]
        taken = exists(select(other.c.id).where(*same, *_covered(index, other)))
        return statement.where(or_(not_(taken), *map(not_, _covered(index, own))))

    def _chosen(self, statement: Select[Any], ids: Iterable[int]) -> Iterator[Row[Any]]:
        for some in chunks(ids):
            yield from self.connection.execute(statement.where(self.target.c.id.in_(some)))


def _covered(index: Index, rows: FromClause) -> list[ColumnElement[bool]]:
    within = condition(rows, declared_rows(index) or {})
    return [] if within is None else [within]
