"""How values of fields look to people: titles in place of codes, names beside references, local time.

Amounts and other plain values look as :mod:`crmcore.reporting.values` says; for machines there is JSON, made by
:mod:`crmcore.schema.values`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmcore.i18n import title_in
from crmcore.reporting.values import plain_text
from crmcore.schema.model import ANY_ENTITY, SYSTEM_FIELDS, Kind
from crmcore.store.chunks import chunks
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field
    from crmcore.schema.records import Record

__all__ = ["NUMBERS", "field_cell", "field_of", "names_of", "names_of_refs"]

NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY})
"""Kinds whose cells are aligned at the right."""


def field_of(entity: Entity, name: str) -> Field:
    """Return a field of an entity, or one of those that every entity has."""
    return entity.fields.get(name) or SYSTEM_FIELDS[name]


def field_cell(field: Field, value: Any, timezone: ZoneInfo, *, names: Mapping[Ref, str]) -> str:
    """Return the value of a field as people read it.

    Args:
        field: the field.
        value: in its Python form.
        timezone: of the instance.
        names: of the records that references lead to, as `names_of` found them; others are shown as references.
    """
    if value is None or value is HIDDEN:
        return "" if value is None else str(value)
    if field.enum:
        return title_in(field.enum_titles.get(value, {}), str(value))
    if field.kind is Kind.REF and field.ref is not None:
        value = Ref(field.ref, value)
    if isinstance(value, Ref):
        return names.get(value, str(value))
    if isinstance(value, dt.datetime):
        return value.astimezone(timezone).strftime("%Y-%m-%d %H:%M")
    return plain_text(value)


def names_of(session: Session, entity: Entity, fields: Iterable[str], records: Sequence[Record]) -> dict[Ref, str]:
    """Return the names of the records that some fields refer to, as far as the session's actor may read them."""
    found = (_ref(field_of(entity, name), record[name]) for name in fields for record in records)
    return names_of_refs(session, (ref for ref in found if ref is not None))


def names_of_refs(session: Session, refs: Iterable[Ref]) -> dict[Ref, str]:
    """Return the names of records, as far as the session's actor may read them."""
    wanted: dict[str, set[int]] = {}
    for ref in refs:
        if ref.entity in session.runtime.registry.entities:  # its plugin may be disabled
            wanted.setdefault(ref.entity, set()).add(ref.id)
    return {ref: name for target, ids in wanted.items() for ref, name in _names(session, target, sorted(ids))}


def _ref(field: Field, value: Any) -> Ref | None:
    if isinstance(value, Ref):
        return value
    known = field.kind is Kind.REF and field.ref not in (None, ANY_ENTITY) and isinstance(value, int)
    return Ref(str(field.ref), value) if known else None


def _names(session: Session, target: str, ids: Sequence[int]) -> Iterable[tuple[Ref, str]]:
    table, display = session.table(target), session.runtime.entity(target).display
    if display not in table.c:  # the actor may not read it
        return
    for some in chunks(ids):
        found = session.execute(select(table.c.id, table.c[display]).where(table.c.id.in_(some)))
        for row in found.mappings():
            if row[display] is not None:
                yield Ref(target, row["id"]), str(row[display])
