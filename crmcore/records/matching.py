"""Matching: which stored record an incoming row is, by the rules that its entity declares.

Alternatives are tried in order, the external id first; the first that finds anything decides. A candidate is
passed over when a stronger, distinct alternative speaks against it: the same name under another code is another
customer.
Statements are per alternative and batch, never per row.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import ARRAY, ColumnElement, Connection, RowMapping, Table, Text, any_, func, literal, select, tuple_

from crmcore.schema.model import Entity, Kind, MatchRule
from crmcore.schema.values import fold, fold_all, from_json
from crmcore.store.tables import compared_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore.records.drafts import Draft, Key
    from crmcore.schema.model import Field

__all__ = ["Candidate", "draft_keys", "find_candidates", "keys_of", "know_keys", "lock_keys"]

_KEYS_PER_STATEMENT = 500
_MOST_LOCKS = 64


@frozen
class Candidate:
    """A stored record that a row may be."""

    id: int
    alternative: str
    """The fields that agreed, as people read them."""
    deleted: bool


def keys_of(entity: Entity, values: Mapping[str, Any], source: str | None, external_id: str | None) -> list[Key]:
    """Return the keys under which a record can be found, strongest first; none when it has no key at all.

    Args:
        entity: the record's entity.
        values: its values in Python form.
        source: name of the system that its external id belongs to.
        external_id: its id there.
    """
    keys: list[Key] = [(0, (source, external_id))] if source and external_id else []
    for number, rule in enumerate(entity.match, start=1):
        if any(values.get(name) != wanted for name, wanted in rule.when.items()):
            continue
        compared = tuple(_compared(entity, name, values.get(name)) for name in rule.fields)
        if None not in compared:
            keys.append((number, compared))
    return keys


def draft_keys(entity: Entity, draft: Draft) -> list[Key]:
    """Return the keys of a row that is being saved."""
    return draft.keys if draft.keys is not None else know_keys(entity, [draft])[0]


def know_keys(entity: Entity, drafts: Sequence[Draft]) -> list[list[Key]]:
    """Work out the keys of many rows, field by field."""
    found: list[list[Key]] = []
    for draft in drafts:
        external = (draft.source, draft.external_id)
        draft.keys = [(0, external)] if all(external) else []
        found.append(draft.keys)
    given = {name: [draft.values.get(name) for draft in drafts] for name in entity.match_fields}
    compared = {name: _all_compared(entity.fields[name], values) for name, values in given.items()}
    for number, rule in enumerate(entity.match, start=1):
        columns = [compared[name] for name in rule.fields]
        if any(column.count(None) == len(column) for column in columns):
            continue
        applies = [[value == wanted for value in given[name]] for name, wanted in rule.when.items()]
        for keys, values, *whens in zip(found, zip(*columns, strict=True), *applies, strict=True):
            if None not in values and all(whens):
                keys.append((number, values))
    return found


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


def lock_keys(connection: Connection, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Let nobody else look for the same keys before this transaction has ended, so that two do not both find nothing.

    SQLite has one writer at a time anyway. On PostgreSQL a few keys are locked each, many by the whole entity.
    """
    if connection.dialect.name != "postgresql":
        return
    keys = sorted({_lock_number(entity.name, key) for draft in drafts for key in draft_keys(entity, draft)})
    whole = _lock_number(entity.name, "all")
    if len(keys) > _MOST_LOCKS:
        connection.execute(select(func.pg_advisory_xact_lock(whole)))
    elif keys:
        connection.execute(select(func.pg_advisory_xact_lock_shared(whole)))
        for key in keys:  # in one order, so that two who want the same keys wait and do not deadlock
            connection.execute(select(func.pg_advisory_xact_lock(key)))


def _lock_number(*what: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], signed=True)


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
    compared = _columns(entity, table, number)
    system = (table.c.id, table.c.deleted_at, table.c.merged_into, table.c.source, table.c.external_id)
    fields = sorted(entity.match_fields)
    statement = select(*system, *(table.c[name] for name in fields))
    rule = entity.match[number - 1] if number else MatchRule(fields=())
    for name, value in rule.when.items():
        statement = statement.where(table.c[name] == value)
    values = list(wanted)
    for start in range(0, len(values), _KEYS_PER_STATEMENT):
        chosen = values[start : start + _KEYS_PER_STATEMENT]
        for row in connection.execute(statement.where(_among(connection.dialect.name, compared, chosen))).mappings():
            keys = tuple(keys_of(entity, {f: row[f] for f in fields}, row["source"], row["external_id"]))
            id, deleted = _survivor(connection, table, row)
            yield _Stored(id, deleted, dict(keys)[number], keys)


def _survivor(connection: Connection, table: Table, row: RowMapping) -> tuple[int, bool]:
    """Follow merges to the record that stands for a row now, and tell whether that one is deleted."""
    seen: set[int] = set()
    while row["merged_into"] is not None and row["id"] not in seen:
        seen.add(row["id"])
        columns = (table.c.id, table.c.merged_into, table.c.deleted_at)
        row = connection.execute(select(*columns).where(table.c.id == row["merged_into"])).mappings().one()
    return row["id"], row["deleted_at"] is not None


def _among(
    dialect: str, columns: Sequence[ColumnElement[Any]], values: Sequence[tuple[Any, ...]]
) -> ColumnElement[bool]:
    if len(columns) > 1:
        return tuple_(*columns).in_(values)
    alone = [value for (value,) in values]
    if {type(value) for value in alone} != {str}:
        return columns[0].in_(alone)
    # One parameter for all: hundreds of them take longer to be bound than the rows to be found.
    if dialect == "postgresql":
        return columns[0] == any_(literal(alone, ARRAY(Text())))
    return columns[0].in_(select(func.json_each(json.dumps(alone)).table_valued("value").c.value))


def _columns(entity: Entity, table: Table, number: int) -> tuple[ColumnElement[Any], ...]:
    if number == 0:
        return (table.c.source, table.c.external_id)
    names = entity.match[number - 1].fields
    return tuple(table.c[compared_column(entity.fields[name])] for name in names)


def _all_compared(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.folded:
        return fold_all(values)
    return values if field.kind is Kind.TEXT else [from_json(field, value) for value in values]


def _compared(entity: Entity, name: str, value: Any) -> Any:
    return fold(value) if value is not None and entity.fields[name].folded else value


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
