"""What an export calls the records that others refer to: so that importing finds the same ones, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from crmcore.importing.references import find_named
from crmcore.schema.model import Kind
from crmcore.store.chunks import chunks
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["names_for"]


def names_for(session: Session, entity: Entity, ids: Iterable[int], *, by_name: bool) -> Mapping[int, str]:
    """Return for each record the text that importing finds it by, as the session's actor sees it.

    That is a key where it has one (a code, a number, a login), else its display name, else a key that only some
    records have, else the reference (``customer:42``). A text that would find another record, or several, is not used.

    Args:
        session: the transaction.
        entity: of the records.
        ids: of the records.
        by_name: whether display names are taken before keys.
    """
    wanted = sorted(set(ids))
    table = session.table(entity.name)
    names = [name for name in _ways(entity, by_name=by_name) if name in table.c]  # hidden fields are not
    columns = [table.c.id, *(table.c[name] for name in names)]
    rows = [
        row
        for some in chunks(wanted)
        for row in session.execute(select(*columns).where(table.c.id.in_(some))).mappings()
    ]
    found: dict[int, str] = {}
    for name in names:
        texts = {row["id"]: row[name] for row in rows if row["id"] not in found and row[name] is not None}
        meant = find_named(session, entity, texts.values()) if texts else {}
        found |= {id: text for id, text in texts.items() if meant[text].id == id}
    return {id: found.get(id) or str(Ref(entity.name, id)) for id in wanted}


def _ways(entity: Entity, *, by_name: bool) -> Sequence[str]:
    """Return the fields that records may be called by, the best first."""
    alone = [rule for rule in entity.match if len(rule.fields) == 1]
    keys = [rule.fields[0] for rule in alone if not rule.when]
    of_some = [rule.fields[0] for rule in alone if rule.when]
    best = [entity.display, *keys] if by_name else [*keys, entity.display]
    return [name for name in dict.fromkeys([*best, *of_some]) if entity.fields[name].kind is Kind.TEXT]
