"""What is installed in a database: per origin its version, its schema documents, and the fields it brought.

An origin is the core, a plugin, or the instance's own schemas. The record stays when a plugin is disabled, so its
columns are kept, its references still move in a merge, and enabling it again costs nothing. Changing tables is
:mod:`crmcore.store.migrate`'s.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from attrs import field, frozen
from sqlalchemy import Connection, RowMapping, delete, insert, inspect, select

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import CORE
from crmcore.schema.model import Entity, Kind
from crmcore.store.core_tables import LAYOUT
from crmcore.store.tables import FOLDED, REF_ENTITY, REF_ID

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from crmcore.schema.model import Field
    from crmcore.store.tables import Tables

__all__ = [
    "Installed",
    "Origin",
    "StoredField",
    "check_up_to_date",
    "demand_up_to_date",
    "read_installed",
    "refuse_newer",
    "stored_fields",
    "write_installed",
]

_FORMAT = 2
"""Part of every digest: counted up when all tables are made otherwise from the same documents.

2: indexes cover the rows that they should, also in databases that were restored or copied before that was compared.
"""


@frozen
class Origin:
    """A source of schemas as the running program has it: ``core``, a plugin's name, or ``instance``."""

    name: str
    version: str
    documents: Mapping[str, Any]
    """File name -> schema document."""
    digest: str = field(init=False)

    @digest.default
    def _digest(self) -> str:
        layout = [LAYOUT] if self.name == CORE else []
        text = json.dumps([_FORMAT, self.version, self.documents, *layout], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


@frozen
class StoredField:
    """How a field lies in its table: what an upgrade compares, and what is known of a disabled plugin's field."""

    kind: Kind
    ref: str | None = None
    on_delete: str = "restrict"
    owner: bool = False
    folded: bool = False

    @classmethod
    def of(cls, declared: Field) -> StoredField:
        """Return how a field of a composed entity is stored."""
        return cls(declared.kind, declared.ref, declared.on_delete, declared.owner, declared.folded)

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the columns that the field takes under a name, the one with its value first."""
        if self.kind is Kind.ANY_REF:
            return (name + REF_ENTITY, name + REF_ID)
        return (name, name + FOLDED) if self.folded else (name,)


@frozen(kw_only=True)
class Installed:
    """An origin as it was when the database was last upgraded with it."""

    name: str
    version: str
    digest: str
    installed_at: dt.datetime
    documents: Mapping[str, Any]
    fields: Mapping[str, Mapping[str, StoredField]]
    """Entity -> the fields that this origin brought; an entity that it brought is there even without any."""


def read_installed(connection: Connection, tables: Tables) -> Mapping[str, Installed]:
    """Return everything that is installed, by origin; nothing where the database is new."""
    if not inspect(connection).has_table(tables.installed.name):
        return {}
    rows = connection.execute(select(tables.installed).order_by(tables.installed.c.origin)).mappings()
    return {row["origin"]: _read(row) for row in rows}


def write_installed(connection: Connection, tables: Tables, origins: Iterable[Installed]) -> None:
    """Write what is installed, in place of what was there under the same names."""
    for origin in origins:
        connection.execute(delete(tables.installed).where(tables.installed.c.origin == origin.name))
        values = {
            "origin": origin.name,
            "version": origin.version,
            "digest": origin.digest,
            "installed_at": origin.installed_at,
            "documents": dict(origin.documents),
            "fields": {
                entity: {name: _written(stored) for name, stored in fields.items()}
                for entity, fields in origin.fields.items()
            },
        }
        connection.execute(insert(tables.installed).values(values))


def check_up_to_date(connection: Connection, tables: Tables, expected: Iterable[Origin]) -> list[str]:
    """Return the origins for which the database needs an upgrade, in their order; all of them where it is new.

    Origins that are installed and not expected are disabled plugins, and fine; so is a new plugin without schemas.

    Raises:
        DatabaseError: the database was upgraded with a newer version of an origin than this program has.
    """
    origins = list(expected)
    if not inspect(connection).has_table(tables.installed.name):
        return [origin.name for origin in origins]
    table = tables.installed
    rows = connection.execute(select(table.c.origin, table.c.version, table.c.digest)).all()
    refuse_newer({row.origin: row.version for row in rows}, origins)
    digests = {row.origin: row.digest for row in rows}
    return [
        origin.name
        for origin in origins
        if digests.get(origin.name) != origin.digest and (origin.documents or origin.name in digests)
    ]


def demand_up_to_date(connection: Connection, tables: Tables, expected: Iterable[Origin]) -> None:
    """Refuse a database that needs an upgrade.

    Raises:
        DatabaseError: names the origins; or the database is newer than the program.
    """
    behind = check_up_to_date(connection, tables, expected)
    if behind:
        raise DatabaseError(
            _("the database is not up to date for: {origins}").format(origins=", ".join(behind)),
            hint=_("Run `crmcore db upgrade` (with --dry-run to see first what it would do)."),
        )


def refuse_newer(versions: Mapping[str, str], expected: Iterable[Origin]) -> None:
    """Raise where a version in the database is newer than the one that runs.

    Raises:
        DatabaseError: names every such origin.
    """
    newer = [
        f"{origin.name} {versions[origin.name]} > {origin.version}"
        for origin in expected
        if _release(versions.get(origin.name, "")) > _release(origin.version)
    ]
    if newer:
        raise DatabaseError(
            _("the database was upgraded with newer versions than are installed here: {versions}").format(
                versions=", ".join(newer)
            ),
            hint=_("Install those versions, or restore a backup from before the upgrade."),
        )


def stored_fields(entities: Mapping[str, Entity], origin: str) -> Mapping[str, Mapping[str, StoredField]]:
    """Return the entities and fields that one origin brings to a composition."""
    found = {
        entity.name: {f.name: StoredField.of(f) for f in entity.fields.values() if f.origin == origin}
        for entity in entities.values()
    }
    return {name: fields for name, fields in found.items() if fields or entities[name].origin == origin}


def _release(version: str) -> tuple[int, ...]:
    """Return the numbers of a version before any suffix, without zeros at the end: 1.2.0rc1 -> (1, 2)."""
    numbers = re.match(r"\d+(\.\d+)*", version)
    release = [int(part) for part in numbers[0].split(".")] if numbers else []
    while release and release[-1] == 0:
        release.pop()
    return tuple(release)


def _written(stored: StoredField) -> dict[str, Any]:
    return {
        "kind": stored.kind.value,
        "ref": stored.ref,
        "on_delete": stored.on_delete,
        "owner": stored.owner,
        "folded": stored.folded,
    }


def _read(row: RowMapping) -> Installed:
    fields = {
        entity: {name: StoredField(**{**stored, "kind": Kind(stored["kind"])}) for name, stored in stored_in.items()}
        for entity, stored_in in row["fields"].items()
    }
    return Installed(
        name=row["origin"],
        version=row["version"],
        digest=row["digest"],
        installed_at=row["installed_at"],
        documents=row["documents"],
        fields=fields,
    )
