"""Reading records: one by id, lists by condition and order in pages, counts. Nothing here writes.

Every statement carries the predicate of :mod:`crmcore.access`, so a list shows just what single reads allow.
"""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any, overload

from attrs import frozen
from sqlalchemy import Text, cast, func, null, select, true

from crmcore.access import live
from crmcore.conditions import Scope, Use, compile_condition, compile_order
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.store.chunks import chunks
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Row

    from crmcore.conditions import Order
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity
    from crmcore.schema.records import Record

__all__ = ["Page", "count", "find", "get", "iterate", "matching", "names", "visible_ids"]

_PAGE = 1000
_MOST = 10_000
_MERGES_FOLLOWED = 50


@frozen
class Page:
    """Some records of a list, and where the next ones start."""

    records: tuple[Record, ...]
    next: str | None
    """Give it to `find` as `after`, with the same condition and order; None on the last page."""

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Record, ...]: ...
    def __getitem__(self, index: int | slice) -> Record | tuple[Record, ...]:
        return self.records[index]


def get(session: Session, entity: Entity, id: int, *, deleted: bool = False) -> Record | None:
    """Return one record, the survivor of a merged one, or None where there is none that the actor may see.

    Args:
        session: the transaction.
        entity: the record's entity.
        id: its id, or that of a record merged into it.
        deleted: return it even if it is deleted.
    """
    selection = session.runtime.selections[entity.name]
    table = selection.table
    readable = session.may("read", entity.name, table)
    for _step in range(_MERGES_FOLLOWED):
        row = session.connection.execute(selection.statement.where(table.c.id == id, readable)).first()
        if row is None:
            return None
        if row.merged_into is None:
            return None if row.deleted_at is not None and not deleted else _records(session, entity, [row])[0]
        id = row.merged_into
    return None


def read_written(session: Session, entity: Entity, id: int) -> Record:
    """Return a record that the session has just written, whether the actor may read its kind or not."""
    row = session.connection.execute(session.runtime.selections[entity.name].one, {"id": id}).one()
    return _records(session, entity, [row])[0]


def visible_ids(session: Session, entity: Entity, ids: Iterable[int], *, deleted: bool = False) -> set[int]:
    """Return those of the ids that belong to live records, or also deleted ones, which the actor may see."""
    found: set[int] = set()
    wanted = [*ids]
    if not wanted:  # every new record asks for the records that it matches
        return found
    table = session.runtime.tables.entity[entity.name]
    alive = true() if deleted else live(table)
    statement = select(table.c.id).where(alive, session.may("read", entity.name, table))
    for some in chunks(wanted):
        found.update(session.connection.execute(statement.where(table.c.id.in_(some))).scalars())
    return found


def find(session: Session, entity: Entity, where: str | None, order: str | None, limit: int, after: str | None) -> Page:
    """Return a page of the live records that a condition selects, in an order.

    Raises:
        ConditionError: the condition or the order cannot be understood, or names a field the actor may not read.
        UsageError: `limit` is not between 1 and 10,000, or `after` is of another list.
    """
    if not 1 <= limit <= _MOST:
        raise UsageError(_("limit is between 1 and {most}, not {limit}").format(most=_MOST, limit=limit))
    selection = session.runtime.selections[entity.name]
    table = selection.table
    sorting = compile_order(order or "", _scope(session, entity))
    selected = selection.statement.where(*matching(session, entity, where))
    statement = selected.order_by(*sorting.sql(table)).limit(limit + 1)
    if after is not None:
        statement = statement.where(sorting.after(table, _read_cursor(entity, sorting, after)))
    rows = session.connection.execute(statement).all()
    records = _records(session, entity, rows[:limit])
    if len(rows) <= limit:
        return Page(records, None)
    return Page(records, _cursor(entity, sorting, records[-1]))


def iterate(session: Session, entity: Entity, where: str | None, order: str | None) -> Iterator[Record]:
    """Yield all records that a condition selects, page by page."""
    after = None
    while True:
        page = find(session, entity, where, order, _PAGE, after)
        yield from page
        after = page.next
        if after is None:
            return


def count(session: Session, entity: Entity, where: str | None) -> int:
    """Return how many live records a condition selects."""
    table = session.runtime.tables.entity[entity.name]
    statement = select(func.count()).select_from(table).where(*matching(session, entity, where))
    return session.connection.execute(statement).scalar_one()


def matching(session: Session, entity: Entity, where: str | None) -> Sequence[ColumnElement[bool]]:
    """Return the predicates of the live rows that the actor may see and the condition selects."""
    table = session.runtime.tables.entity[entity.name]
    predicates = [live(table), session.may("read", entity.name, table)]
    if where is not None and where.strip():
        condition = compile_condition(where, _scope(session, entity), Use.FILTER)
        predicates.append(condition.sql(table, session.filter_context()))
    return predicates


def names(session: Session, refs: Iterable[Ref]) -> dict[Ref, str]:
    """Return what people call records: by their display field, else by a key; only what the actor may read."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for ref in refs:
        if ref.entity in session.runtime.registry.entities:  # its plugin may be disabled
            wanted[ref.entity].add(ref.id)
    return {ref: name for entity, ids in wanted.items() for ref, name in _names(session, entity, ids)}


def _names(session: Session, name: str, ids: Iterable[int]) -> Iterator[tuple[Ref, str]]:
    entity, table = session.runtime.entity(name), session.table(name)
    keys = [rule.fields[0] for rule in entity.match if len(rule.fields) == 1]
    columns = [cast(table.c[field], Text) for field in dict.fromkeys([entity.display, *keys]) if field in table.c]
    if not columns:
        return
    called = func.coalesce(*columns, null())
    for some in chunks(ids):
        for row in session.execute(select(table.c.id, called.label("name")).where(table.c.id.in_(some))):
            if row.name is not None:
                yield Ref(name, row.id), row.name


def _scope(session: Session, entity: Entity) -> Scope:
    return Scope(entity, session.runtime.registry.entities, hidden=session.hidden)


def _records(session: Session, entity: Entity, rows: Iterable[Row[Any]]) -> tuple[Record, ...]:
    selection, made = session.runtime.selections[entity.name], session.runtime.registry.record_class(entity.name)
    hidden = session.access.fields(session.actor, entity.name).hidden
    read = map(selection.values, rows)
    if not hidden:
        return tuple(made(*values) for values in read)
    places = [place for place, name in enumerate(selection.names) if name in hidden]
    records = []
    for values in map(list, read):
        for place in places:
            values[place] = HIDDEN
        records.append(made(*values))
    return tuple(records)


def _cursor(entity: Entity, order: Order, last: Record) -> str:
    held = json.dumps([entity.name, order.text, order.key(last)], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(held.encode()).decode().rstrip("=")


def _read_cursor(entity: Entity, order: Order, cursor: str) -> list[Any]:
    try:
        name, text, key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError):
        name = text = key = None
    if (name, text) != (entity.name, order.text) or not isinstance(key, list):
        raise UsageError(
            _("this is not where a page of that list ended: {cursor!r}").format(cursor=cursor),
            hint=_("Give `next` of the page before, with the same condition and order."),
        )
    return key
