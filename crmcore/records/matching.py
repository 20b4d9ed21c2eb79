"""Matching: which stored record an incoming row is, by the rules that its entity declares.

Alternatives are tried in order, the external id first; the first that finds anything decides. A candidate is
passed over when a stronger, distinct alternative speaks against it: the same name under another code is another
customer.
Statements are per alternative and batch, never per row.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    Text,
    any_,
    bindparam,
    func,
    select,
    tuple_,
)

from crmcore.records.keys import draft_keys, keys_of
from crmcore.schema.model import Entity, Kind, MatchRule
from crmcore.store.tables import compared_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore.records.drafts import Draft, Key

__all__ = ["Candidate", "find_candidates"]

_KEYS_PER_STATEMENT = 1000


@frozen
class Candidate:
    """A stored record that a row may be."""

    id: int
    alternative: str
    """The fields that agreed, as people read them."""
    deleted: bool


def find_candidates(
    connection: Connection, entity: Entity, table: Table, drafts: Sequence[Draft], *, external_only: bool = False
) -> dict[int, tuple[Candidate, ...]]:
    """Return for each draft, by row number, the records that the first successful alternative finds.

    Deleted records are candidates too, marked as such; a record merged into another stands for its survivor.

    Args:
        connection: to the database.
        entity: of the drafts.
        table: of the entity.
        drafts: what is looked for.
        external_only: look at the external id and at no rule.
    """
    keys = {draft.row: draft_keys(entity, draft) for draft in drafts}
    looked_for: dict[int, dict[tuple[Any, ...], list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, row_keys in keys.items():
        for alternative, values in row_keys:
            looked_for[alternative][values].append(row)
    found: dict[int, tuple[Candidate, ...]] = {}
    for number in [0] if external_only else sorted(looked_for):
        wanted = {values: rows for values, rows in looked_for[number].items() if not found.keys() >= set(rows)}
        before = frozenset(found)
        for stored in _stored(connection, entity, table, number, wanted):
            for row in wanted[stored.key]:
                if row not in before and not _contradicted(entity, keys[row], stored.keys, number):
                    candidate = Candidate(stored.id, _named(entity, number), stored.deleted)
                    found[row] = (*found.get(row, ()), candidate)
    return found


@frozen
class _Stored:
    id: int
    deleted: bool
    key: tuple[Any, ...]
    keys: tuple[Key, ...]


def _stored(
    connection: Connection, entity: Entity, table: Table, number: int, wanted: Mapping[tuple[Any, ...], object]
) -> Iterator[_Stored]:
    if not wanted:
        return
    statement = _statement(entity, table, number, connection.dialect.name)
    values = list(wanted)
    for start in range(0, len(values), _KEYS_PER_STATEMENT):
        chosen: Any = values[start : start + _KEYS_PER_STATEMENT]
        if len(chosen[0]) == 1:
            chosen = [value for (value,) in chosen]
        if _is_one_parameter(entity, number) and connection.dialect.name == "sqlite":
            chosen = json.dumps(chosen)
        rows = connection.execute(statement, {"wanted": chosen}).mappings().all()
        columns = {name: [row[name] for row in rows] for name in entity.match_fields}
        all_keys = keys_of(entity, columns, [(row["source"], row["external_id"]) for row in rows])
        for row, keys in zip(rows, all_keys, strict=True):
            id, deleted = _survivor(connection, table, row)
            yield _Stored(id, deleted, dict(keys)[number], tuple(keys))


def _survivor(connection: Connection, table: Table, row: RowMapping) -> tuple[int, bool]:
    """Follow merges to the record that stands for a row now, and tell whether that one is deleted."""
    seen: set[int] = set()
    while row["merged_into"] is not None and row["id"] not in seen:
        seen.add(row["id"])
        columns = (table.c.id, table.c.merged_into, table.c.deleted_at)
        row = connection.execute(select(*columns).where(table.c.id == row["merged_into"])).mappings().one()
    return row["id"], row["deleted_at"] is not None


def _statement(entity: Entity, table: Table, number: int, dialect: str) -> Select[Any]:
    """Return the SELECT of the records that an alternative finds by the parameter ``wanted``, made once for a table."""
    made: dict[int, Select[Any]] = table.info.setdefault("candidates", {})
    if number not in made:
        system = (table.c.id, table.c.deleted_at, table.c.merged_into, table.c.source, table.c.external_id)
        statement = select(*system, *(table.c[name] for name in sorted(entity.match_fields)))
        rule = entity.match[number - 1] if number else MatchRule(fields=())
        for name, value in rule.when.items():
            statement = statement.where(table.c[name] == value)
        made[number] = statement.where(_among(entity, table, number, dialect))
    return made[number]


def _among(entity: Entity, table: Table, number: int, dialect: str) -> ColumnElement[bool]:
    columns = _columns(entity, table, number)
    if not _is_one_parameter(entity, number):
        return (tuple_(*columns) if len(columns) > 1 else columns[0]).in_(bindparam("wanted", expanding=True))
    # One parameter for all texts: hundreds of them take longer to be bound than the rows to be found.
    if dialect == "postgresql":
        return columns[0] == any_(bindparam("wanted", type_=ARRAY(Text())))
    each = func.json_each(bindparam("wanted", type_=Text())).table_valued("value")
    return columns[0].in_(select(each.c.value))


def _is_one_parameter(entity: Entity, number: int) -> bool:
    """Whether an alternative compares one text, so that many of them can be a list in one parameter."""
    fields = entity.match[number - 1].fields if number else ()
    return len(fields) == 1 and entity.fields[fields[0]].kind is Kind.TEXT


def _columns(entity: Entity, table: Table, number: int) -> tuple[ColumnElement[Any], ...]:
    if number == 0:
        return (table.c.source, table.c.external_id)
    names = entity.match[number - 1].fields
    return tuple(table.c[compared_column(entity.fields[name])] for name in names)


def _contradicted(entity: Entity, row: Iterable[Key], stored: Iterable[Key], number: int) -> bool:
    """Whether a distinct alternative stronger than `number` knows both and says that they differ."""
    theirs = dict(stored)
    for alternative, values in row:
        other = theirs.get(alternative)
        if alternative >= number or other is None or other == values:
            continue
        # External ids of two different systems say nothing about each other.
        if other[0] == values[0] if alternative == 0 else entity.match[alternative - 1].distinct:
            return True
    return False


def _named(entity: Entity, number: int) -> str:
    return " + ".join(("source", "external_id") if number == 0 else entity.match[number - 1].fields)
