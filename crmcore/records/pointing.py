"""Which fields point to the records of an entity, and which rows point to given ones; any-references included."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_

from crmcore.schema.model import ANY_ENTITY
from crmcore.store.tables import REF_ENTITY, REF_ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Table

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["points_to", "referrers"]


def referrers(session: Session, target: str) -> Iterator[tuple[Entity, Field]]:
    """Yield every field, of any entity, that can point to records of an entity."""
    for child in session.runtime.registry.entities.values():
        for reference in child.fields.values():
            if reference.ref in (target, ANY_ENTITY):
                yield child, reference


def points_to(table: Table, reference: Field, target: str, ids: Sequence[int]) -> ColumnElement[bool]:
    """Return the predicate of rows whose reference is to one of some records."""
    if reference.ref == ANY_ENTITY:
        return and_(table.c[reference.name + REF_ENTITY] == target, table.c[reference.name + REF_ID].in_(ids))
    return table.c[reference.name].in_(ids)
