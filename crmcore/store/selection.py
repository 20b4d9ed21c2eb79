"""Reading the records of an entity: the SELECT of just the columns that make a record, and what its rows hold.

The second columns of folded texts are compared and sorted by, and never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from sqlalchemy import Select, Table, bindparam, select

from crmcore.schema.model import SYSTEM_FIELDS, Entity, Field, Kind
from crmcore.store.tables import column_names
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row

__all__ = ["Selection"]


@frozen(eq=False)
class Selection:
    """How the records of one entity are read from its table."""

    entity: Entity
    table: Table
    statement: Select[Any] = field(init=False)
    """Of all rows, to be narrowed; made once, because SQLAlchemy looks at every column when it is."""
    one: Select[Any] = field(init=False)
    """Of the row whose ``id`` is the parameter of that name; the very same object each time, which SQLAlchemy knows."""
    names: tuple[str, ...] = field(init=False)
    """System fields, then the fields in the entity's order: what a row holds first."""
    _references: tuple[int, ...] = field(init=False)
    """Places of references to any record, whose ids stand behind all fields, in this order."""

    @names.default
    def _all_names(self) -> tuple[str, ...]:
        return tuple(each.name for each in self._fields())

    @_references.default
    def _any_references(self) -> tuple[int, ...]:
        return tuple(place for place, each in enumerate(self._fields()) if each.kind is Kind.ANY_REF)

    @statement.default
    def _select(self) -> Select[Any]:
        own = [column_names(each) for each in self._fields()]
        ids = [names[1] for names, each in zip(own, self._fields(), strict=True) if each.kind is Kind.ANY_REF]
        return select(*(self.table.c[name] for name in (*(names[0] for names in own), *ids)))

    @one.default
    def _select_one(self) -> Select[Any]:
        return self.statement.where(self.table.c.id == bindparam("id"))

    def _fields(self) -> tuple[Field, ...]:
        return (*SYSTEM_FIELDS.values(), *self.entity.fields.values())

    def values(self, row: Row[Any]) -> Sequence[Any]:
        """Return the values of a row of `statement` in Python form, in the order of `names`; empty ones are None."""
        if not self._references:
            return row
        n = len(self.names)
        values = list(row[:n])
        for place, id in zip(self._references, row[n:], strict=False):
            values[place] = None if id is None else Ref(values[place], id)
        return values

    def named(self, row: Row[Any]) -> dict[str, Any]:
        """Return the values of a row by name; the row may have more columns behind those of `statement`."""
        return dict(zip(self.names, self.values(row), strict=False))
