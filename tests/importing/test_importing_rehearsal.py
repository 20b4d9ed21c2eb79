"""A rehearsal: everything can be tried, nothing stays, and nobody is kept waiting."""

from __future__ import annotations

import tempfile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from crmcore import hookimpl
from crmcore.errors import DatabaseError
from crmcore.importing.rehearsal import rehearsal
from crmcore.types import Plugin

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.testing import MakeCRM

delivered: list[Any] = []


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    @hookimpl
    def crm_committed(crm, events):
        delivered.extend(events)

    manifest = {
        "name": "mail", "version": "1.0", "summary": "A plugin of a test.", "listens": {"crm_committed": ["customer"]},
    }  # fmt: skip
    module = SimpleNamespace(crm_committed=crm_committed)
    made = make_crm(plugins=[Plugin(manifest=manifest, module=module)], database_url=database_url)
    with made.session() as session:
        session.save_many("customer", [{"name": f"Customer {n}", "tags": ["a"]} for n in range(50)])
        session.update("customer", 1, {"region": "East"})
    delivered.clear()
    return made


def everything(crm: CRM) -> dict[str, list[Any]]:
    with crm.session(read_only=True) as session:
        return {
            name: [tuple(row) for row in session.connection.execute(select(table).order_by(*table.primary_key.columns))]
            for name, table in crm.runtime.tables.metadata.tables.items()
        }


def test_nothing_of_a_rehearsal_stays_and_nobody_is_told(crm: CRM) -> None:
    before = everything(crm)

    with rehearsal(crm) as connection:
        with crm.session(connection=connection) as session:
            assert session.count("customer") == 50
            session.create("customer", {"name": "Rehearsed"})
            session.update("customer", 2, {"name": "Changed"})
            session.delete("customer", 3)
        with crm.session(connection=connection, source="import") as session:
            assert session.count("customer") == 50
            assert session.get("customer", 2).name == "Changed"

    assert everything(crm) == before
    assert delivered == []
    crm.deliver()
    assert delivered == []


def test_an_error_inside_leaves_nothing_either(crm: CRM) -> None:
    before = everything(crm)
    with pytest.raises(RuntimeError), rehearsal(crm) as connection, crm.session(connection=connection) as session:
        session.create("customer", {"name": "Rehearsed"})
        raise RuntimeError
    assert everything(crm) == before


def test_others_write_meanwhile(crm: CRM) -> None:
    with rehearsal(crm) as connection:
        with crm.session(connection=connection) as session:
            session.create("customer", {"name": "Rehearsed"})
        with crm.session() as session:
            real = session.create("customer", {"name": "Real"})
        with crm.session(connection=connection) as session:
            assert session.count("customer", "name = 'Rehearsed'") == 1
    with crm.session(read_only=True) as session:
        assert session.get("customer", real.id).name == "Real"
        assert session.count("customer") == 51


def test_it_begins_while_somebody_writes_and_sees_what_was_committed(crm: CRM) -> None:
    with crm.session() as writer:
        writer.create("customer", {"name": "Not committed"})
        with rehearsal(crm) as connection, crm.session(connection=connection) as session:
            assert session.count("customer") == 50


def test_no_copy_is_left_in_the_temporary_folder(crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with rehearsal(crm) as connection:
        copies = len(list(folder.iterdir()))
        assert connection.in_transaction()
    assert copies == (1 if crm.engine.dialect.name == "sqlite" else 0)
    assert list(folder.iterdir()) == []


def test_a_database_that_is_not_there_is_named(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm = make_crm()
    with (
        pytest.raises(DatabaseError),
        rehearsal(crm.tenant(f"sqlite:///{tmp_path / 'missing' / 'crm.db'}")),
    ):
        pass
