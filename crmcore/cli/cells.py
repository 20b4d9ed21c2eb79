"""How values of fields look to people: titles in place of codes, names beside references, local time.

Amounts and other plain values look as :mod:`crmcore.reporting.values` says; for machines there is JSON, made by
:mod:`crmcore.schema.values`.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmcore.i18n import title_in
from crmcore.reporting.values import plain_text
from crmcore.schema.model import ANY_ENTITY, SYSTEM_FIELDS, Kind
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field
    from crmcore.schema.records import Record

__all__ = ["NUMBERS", "field_cell", "field_of", "names_of"]

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


def names_of(session: Session, entity: Entity, fields: Iterable[str], records: Sequence[Record]) -> Mapping[Ref, str]:
    """Return the names of the records that some fields refer to, as far as the session's actor may read them."""
    found = (_ref(field_of(entity, name), record[name]) for name in fields for record in records)
    return session.names(ref for ref in found if ref is not None)


def _ref(field: Field, value: Any) -> Ref | None:
    if isinstance(value, Ref):
        return value
    known = field.kind is Kind.REF and field.ref not in (None, ANY_ENTITY) and isinstance(value, int)
    return Ref(str(field.ref), value) if known else None
