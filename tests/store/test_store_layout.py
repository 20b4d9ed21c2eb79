"""Databases and archives from before the register of imports: named as not up to date, upgraded, and nothing lost."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import inspect, select, text
from store_entities import ALL, CUSTOMER, NOW, Database, create_database, entity
from store_entities import text as text_field

from crmcore.store import imports
from crmcore.store.backup import backup, restore
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.history import HistoryRow, append, read
from crmcore.store.installed import check_up_to_date
from crmcore.types import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHANGE = HistoryRow(
    at=NOW, actor="ann", actor_id=None, entity="customer", record_id=1, action="update", version=2, source="api",
    old={"name": "Acme"},
)  # fmt: skip


@pytest.fixture
def old(database_url: str) -> Iterator[Database]:
    """A database as the version before made it, with a record and its history."""
    made = create_database(database_url)
    made.insert("customer", {"name": "Acme"})
    (core,) = made.origins
    digest = hashlib.sha256(json.dumps([1, core.version, core.documents], sort_keys=True).encode()).hexdigest()
    with writing(made.engine) as connection:
        append(connection, made.tables, [CHANGE])
        connection.execute(text("ALTER TABLE crmcore_history DROP COLUMN import_id"))
        connection.execute(text("DROP TABLE crmcore_import"))
        connection.execute(text("DROP TABLE crmcore_reject"))
        connection.execute(text("UPDATE crmcore_installed SET digest = :digest"), {"digest": digest})
    yield made
    made.engine.dispose()


def behind(database: Database) -> list[str]:
    with reading(database.engine) as connection:
        return check_up_to_date(connection, database.tables, database.origins)


def test_a_database_from_before_is_behind_and_an_upgrade_brings_it_to_what_a_new_one_is(old: Database) -> None:
    assert behind(old) == ["core"]

    done = old.upgrade()

    assert done.origins == ("core",)
    assert [statement.split("(")[0].split()[:3] for statement in done.statements] == [
        ["CREATE", "TABLE", "crmcore_import"],
        ["CREATE", "TABLE", "crmcore_reject"],
        ["CREATE", "INDEX", "ix_crmcore_reject_import_id_id"],
        ["ALTER", "TABLE", "crmcore_history"],
    ]
    assert behind(old) == []
    assert old.upgrade().statements == ()
    with reading(old.engine) as connection:
        (entry,) = read(connection, old.tables, "customer", 1)
        assert (entry.old, entry.import_id) == ({"name": "Acme"}, None)


def test_a_database_from_before_can_be_backed_up_and_its_archive_restored(old: Database, tmp_path: Path) -> None:
    backup(old.engine, tmp_path / "old.zip", now=NOW)
    engine = create_store_engine(f"sqlite:///{tmp_path / 'restored.db'}")
    restore(engine, tmp_path / "old.zip")

    restored = Database(engine)
    assert behind(restored) == ["core"]
    restored.upgrade()
    assert behind(restored) == []
    with reading(engine) as connection:
        assert [entry.import_id for entry in read(connection, restored.tables, "customer", 1)] == [None]
        assert connection.execute(select(restored.tables.imports)).all() == []
    engine.dispose()


def test_the_register_of_imports_is_in_an_archive(database: Database, tmp_path: Path) -> None:
    with writing(database.engine) as connection:
        id = imports.begin(
            connection, database.tables, entity="customer", file="a.csv", digest="d", size=1, fingerprint="f",
            actor=SYSTEM, now=NOW,
        )  # fmt: skip
        imports.add_rejects(connection, database.tables, id, [imports.RejectedRow(2, "bad", "type", {"name": "佛山"})])
        imports.move(connection, database.tables, id, old=0, new=1, outcomes={"rejected": 1})
        before = imports.records(connection, database.tables)
    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    engine = create_store_engine(f"sqlite:///{tmp_path / 'restored.db'}")
    restore(engine, tmp_path / "crm.zip")
    with reading(engine) as connection:
        assert imports.records(connection, database.tables) == before
        (row,) = imports.iterate_rejects(connection, database.tables)
        assert (row.line, row.cells) == (2, {"name": "佛山"})
    engine.dispose()


def test_the_register_follows_an_entity_that_is_called_otherwise(database: Database) -> None:
    with writing(database.engine) as connection:
        imports.begin(
            connection, database.tables, entity="team", file="a.csv", digest="d", size=1, fingerprint="f",
            actor=SYSTEM, now=NOW,
        )  # fmt: skip
    group = entity("group", text_field("name"), was=("team",))
    renamed = {name: one for name, one in ALL.items() if name != "team"}
    users = {"user": entity("user", text_field("login", unique=True))}
    changed = Database(database.engine, {**renamed, **users, "group": group}, {"core": "1.1"})
    changed.upgrade(drop=["user.team", "group.lead"])
    with reading(database.engine) as connection:
        assert [one.entity for one in imports.records(connection, changed.tables)] == ["group"]
        assert inspect(connection).has_table("crm_group")
    assert CUSTOMER.name in changed.entities
