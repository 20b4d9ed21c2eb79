"""How values look to people: amounts grouped, titles in place of codes, names beside references, local time.

For machines there is JSON, made by :mod:`crmcore.schema.values`.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.schema.model import ANY_ENTITY, SYSTEM_FIELDS, Kind
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field
    from crmcore.schema.records import Record
    from crmcore.types import Column

__all__ = ["NUMBERS", "column_cell", "field_cell", "field_of", "names_of", "plain_cell"]

NUMBERS = frozenset({Kind.INTEGER, Kind.NUMBER, Kind.MONEY})
"""Kinds whose cells are aligned at the right."""
_IDS_PER_STATEMENT = 500


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
    return plain_cell(value)


def plain_cell(value: Any) -> str:
    """Return a value without a field, a metric for instance, as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Decimal):
        return _amount(value)
    if isinstance(value, list | tuple):
        return ", ".join(map(plain_cell, value))
    return str(value)


def column_cell(column: Column, value: Any) -> str:
    """Return the value in a column of a report as people read it."""
    if value is None:
        return "–"
    if column.kind == "share":
        return f"{value:.1%}"
    if column.kind == "integer":
        return f"{value:,}"
    return _amount(Decimal(value)) if column.kind == "money" else plain_cell(value)


def names_of(session: Session, entity: Entity, fields: Iterable[str], records: Sequence[Record]) -> dict[Ref, str]:
    """Return the names of the records that some fields refer to, as far as the session's actor may read them."""
    wanted: dict[str, set[int]] = {}
    for name in fields:
        field = field_of(entity, name)
        for record in records:
            ref = _ref(field, record[name])
            if ref is not None:
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
    for start in range(0, len(ids), _IDS_PER_STATEMENT):
        some = ids[start : start + _IDS_PER_STATEMENT]
        found = session.execute(select(table.c.id, table.c[display]).where(table.c.id.in_(some)))
        for row in found.mappings():
            if row[display] is not None:
                yield Ref(target, row["id"]), str(row[display])


def _amount(value: Decimal) -> str:
    text = f"{value:,.4f}"
    return text[:-2] if text.endswith("00") else text.rstrip("0")
