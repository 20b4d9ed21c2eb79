"""Matching: which stored record an incoming row is, by the rules that its entity declares.

Alternatives are tried in order, the external id first; the first that finds anything decides. A candidate is
passed over when a stronger, distinct alternative speaks against it: the same name under another code is another
customer.
Statements are per alternative and batch, never per row.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import ColumnElement, Connection, RowMapping, Table, func, select, tuple_

from crmcore.schema.model import Entity, MatchRule
from crmcore.schema.values import fold, from_json
from crmcore.store.tables import compared_column

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore.records.drafts import Draft

__all__ = ["Candidate", "Key", "draft_keys", "find_candidates", "keys_of", "lock_keys"]

_KEYS_PER_STATEMENT = 500
_MOST_LOCKS = 64

Key = tuple[int, tuple[Any, ...]]
"""Number of an alternative (0 is the external id) and the values it compares."""


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
    compared = {
        name: from_json(entity.fields[name], draft.values[name]) for name in entity.match_fields & draft.values.keys()
    }
    return keys_of(entity, compared, draft.source, draft.external_id)


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
    found: dict[int, tuple[Candidate, ...]] = {}
    for number in range(1 if external_only else len(entity.match) + 1):
        wanted: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for row, row_keys in keys.items():
            if row not in found:
                for alternative, values in row_keys:
                    if alternative == number:
                        wanted[values].append(row)
        for stored in _stored(connection, entity, table, number, wanted):
            for row in wanted[stored.key]:
                if not _contradicted(entity, keys[row], stored.keys, number):
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
        for row in connection.execute(statement.where(_among(compared, chosen))).mappings():
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


def _among(columns: Sequence[ColumnElement[Any]], values: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
    if len(columns) == 1:
        return columns[0].in_([value for (value,) in values])
    return tuple_(*columns).in_(values)


def _columns(entity: Entity, table: Table, number: int) -> tuple[ColumnElement[Any], ...]:
    if number == 0:
        return (table.c.source, table.c.external_id)
    names = entity.match[number - 1].fields
    return tuple(table.c[compared_column(entity.fields[name])] for name in names)


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
