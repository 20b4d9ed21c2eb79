"""What both doors and deletion write besides values: system columns, history, events; and reading drafts back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from crmcore.records.drafts import Draft
from crmcore.store import outbox
from crmcore.store.chunks import chunks
from crmcore.store.history import HistoryRow, append

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity
    from crmcore.types import Ref

__all__ = ["load_drafts", "record_events", "touch", "write_history"]


def load_drafts(session: Session, entity: Entity, ids: Iterable[int]) -> list[Draft]:
    """Return drafts of stored records, deleted ones included, with nothing changed yet."""
    table, codec = session.runtime.tables.entity[entity.name], session.runtime.codecs[entity.name]
    drafts: list[Draft] = []
    for some in chunks(ids):
        for row in session.connection.execute(select(table).where(table.c.id.in_(some)).order_by(table.c.id)):
            values = codec.decode_json(row)
            number = len(drafts)
            drafts.append(
                Draft(row=number, incoming={}, id=row.id, before=values, values=dict(values), version=row.version)
            )
    return drafts


def touch(session: Session, entity: Entity, ids: Iterable[int], columns: Mapping[str, Any]) -> None:
    """Set columns of records to the same values, as one more version of each."""
    table = session.runtime.tables.entity[entity.name]
    stamp = {"version": table.c.version + 1, "updated_at": session.now, "updated_by": session.actor.id}
    for some in chunks(sorted(ids)):
        session.connection.execute(update(table).where(table.c.id.in_(some)).values({**stamp, **columns}))


def write_history(
    session: Session, entity: Entity, action: str, drafts: Iterable[Draft], *, because: Ref | None = None
) -> None:
    """Keep what changed in drafts that are being written; internal entities have no history."""
    if entity.internal:
        return
    rows = [
        HistoryRow(
            at=session.now,
            actor=session.actor.login,
            actor_id=session.actor.id,
            entity=entity.name,
            record_id=draft.id,
            action=action,
            version=draft.version + 1,
            source=session.source,
            because=str(because) if because else None,
            old={name: (draft.before or {}).get(name) for name in sorted(draft.changed)},
            import_id=session.import_id,
        )
        for draft in drafts
        if draft.id is not None
    ]
    append(session.connection, session.runtime.tables, rows)


def record_events(session: Session, entity: Entity, action: str, drafts: Iterable[Draft]) -> None:
    """Write an event for each record and each plugin that listens to what is committed."""
    plugins = session.runtime.registry.listeners("crm_committed", entity.name)
    ids = [draft.id for draft in drafts if draft.id is not None] if plugins else []
    if not ids:
        return
    outbox.append(
        session.connection,
        session.runtime.tables,
        plugins=plugins,
        entity=entity.name,
        action=action,
        record_ids=ids,
        actor=session.actor.login,
        at=session.now,
    )
    session.caused_events()
