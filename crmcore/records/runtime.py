"""What a registry looks like on one kind of database: everything that does not change between sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.access import Access
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.store.rows import RowCodec
from crmcore.store.selection import Selection
from crmcore.store.tables import build_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Dialect

    from crmcore.registry import Registry
    from crmcore.schema.model import Entity
    from crmcore.store.tables import Tables

__all__ = ["Runtime", "build_runtime"]


@frozen(eq=False)
class Runtime:
    """Tables, row codecs, selections and access rules of one registry on one dialect; shared by threads and tenants."""

    registry: Registry
    dialect: Dialect
    tables: Tables
    codecs: Mapping[str, RowCodec]
    selections: Mapping[str, Selection]
    access: Access

    def entity(self, name: str) -> Entity:
        """Return an entity by its name.

        Raises:
            UsageError: there is no such entity.
        """
        try:
            return self.registry.entities[name]
        except KeyError:
            known = ", ".join(sorted(n for n, e in self.registry.entities.items() if not e.internal))
            raise UsageError(
                _("there is no entity {name!r}").format(name=name), hint=_("Known: {known}").format(known=known)
            ) from None


def build_runtime(registry: Registry, dialect: Dialect) -> Runtime:
    """Build the tables, codecs, selections and access rules of a registry for a SQLAlchemy dialect."""
    composition = registry.composition
    tables, codecs, selections = composition.once.get(
        ("storage", dialect.name), lambda: _storage(composition.entities, dialect)
    )
    return Runtime(registry, dialect, tables, codecs, selections, Access(registry, tables))


def _storage(
    entities: Mapping[str, Entity], dialect: Dialect
) -> tuple[Tables, Mapping[str, RowCodec], Mapping[str, Selection]]:
    tables = build_tables(entities)
    codecs = {name: RowCodec(entity, tables.entity[name], dialect) for name, entity in entities.items()}
    selections = {name: Selection(entity, tables.entity[name]) for name, entity in entities.items()}
    return tables, codecs, selections
