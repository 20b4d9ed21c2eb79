"""What the tests of imports share besides fixtures: what is stored afterwards, and what was rejected."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from crmcore import CRM
    from crmcore.importing import ImportResult


class Bring(Protocol):
    """Writes a file and imports it."""

    def __call__(
        self, entity: str, text: str, name: str = "file.csv", mapping: str | None = None, **options: Any
    ) -> ImportResult: ...


def listed(crm: CRM, entity: str, *fields: str) -> list[tuple[Any, ...]]:
    """Return fields of all records of an entity, in the order of their ids."""
    with crm.session(read_only=True) as session:
        return [tuple(record[field] for field in fields) for record in session.iterate(entity)]


def named(crm: CRM, entity: str, reference: str, target: str, shown: str = "name") -> list[tuple[Any, Any]]:
    """Return the name of each record of an entity with the name of the record that it refers to."""
    with crm.session(read_only=True) as session:
        names = {record.id: record[shown] for record in session.iterate(target)}
        display = session.runtime.entity(entity).display
        return [(record[display], names.get(record[reference])) for record in session.iterate(entity)]


def rejected(result: ImportResult) -> list[list[str]]:
    """Return the rows of the rejects file, its header first."""
    assert result.rejects is not None
    with result.rejects.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def versions(crm: CRM, entity: str) -> set[int]:
    """Return the versions that the records of an entity have."""
    return {version for (version,) in listed(crm, entity, "version")}
