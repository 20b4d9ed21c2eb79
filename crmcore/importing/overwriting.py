"""Rows that say something else of a record than an earlier row of the same import: the later one wins, and it is told.

What rows have written is asked of the records and their history, so that it is known after an interruption too; nothing
is asked where no saved record has been changed since the import began.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmcore.store.chunks import chunks

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from crmcore.importing.linking import Row
    from crmcore.records.drafts import RowResult
    from crmcore.records.session import Session

__all__ = ["count_overwriting", "find_overwriting", "overwriting", "overwriting_lines"]

_ROWS = "overwriting"
_LINE = "overwriting:"
"""Beginning of the figures, among the outcomes of an import, that say in which lines such rows begin."""
_LINES_KEPT = 5


def find_overwriting(
    session: Session, entity: str, import_id: int, since: dt.datetime, saved: Iterable[tuple[Row, RowResult]]
) -> list[Row]:
    """Return the rows that have replaced a value which another row of the import had written.

    Args:
        session: in which they were saved.
        entity: of their records.
        import_id: the import.
        since: when it began.
        saved: rows with what became of them.
    """
    again = [
        (row, result)
        for row, result in saved
        if result.outcome == "updated" and result.changed_at is not None and result.changed_at >= since
    ]
    if not again:
        return []
    ids = {result.id for _row, result in again}
    created, changes = _created(session, entity, import_id, ids), _changes(session, entity, import_id, ids)
    found = []
    for row, result in again:
        own = changes[result.id].get(result.version + 1, {})
        replaced = {name for name, before in own.items() if before is not None}
        earlier = (old.keys() for version, old in changes[result.id].items() if version <= result.version)
        if replaced and (result.id in created or not replaced.isdisjoint(name for names in earlier for name in names)):
            found.append(row)
    return found


def count_overwriting(rows: Iterable[Row], counted: Mapping[str, int]) -> Counter[str]:
    """Return the figures of such rows for the register, beside those that it has."""
    lines = [row.line for row in rows if row.overwrites]
    left = _LINES_KEPT - len(overwriting_lines(counted))
    return Counter({_ROWS: len(lines)}) + Counter(f"{_LINE}{line}" for line in lines[: max(left, 0)])


def overwriting(counted: Mapping[str, int]) -> int:
    """Return how many such rows there were, of the figures in the register."""
    return counted.get(_ROWS, 0)


def overwriting_lines(counted: Mapping[str, int]) -> tuple[int, ...]:
    """Return the lines of the first such rows, of the figures in the register."""
    return tuple(sorted(int(name.removeprefix(_LINE)) for name in counted if name.startswith(_LINE)))


def _created(session: Session, entity: str, import_id: int, ids: Iterable[int | None]) -> set[int]:
    table = session.runtime.tables.entity[entity]
    own = select(table.c.id).where(table.c.import_id == import_id)
    return {id for some in chunks(ids) for id in session.connection.execute(own.where(table.c.id.in_(some))).scalars()}


def _changes(
    session: Session, entity: str, import_id: int, ids: Iterable[int | None]
) -> Mapping[int | None, dict[int, Mapping[str, Any]]]:
    """Return what the import has changed: id -> version after a change -> the values before it."""
    history = session.runtime.tables.history
    own = select(history.c.record_id, history.c.version, history.c.old).where(
        history.c.entity == entity, history.c.import_id == import_id
    )
    found: dict[int | None, dict[int, Mapping[str, Any]]] = defaultdict(dict)
    for some in chunks(ids):
        for change in session.connection.execute(own.where(history.c.record_id.in_(some))):
            found[change.record_id][change.version] = change.old
    return found
