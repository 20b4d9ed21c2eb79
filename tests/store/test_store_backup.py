"""Backup and restore: everything comes back, on either database, and a damaged archive changes nothing."""

from __future__ import annotations

import json
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import inspect, text
from store_entities import (
    CUSTOMER,
    NOW,
    Database,
    conditions,
    create_database,
    entity,
    everything,
    fill,
    of,
    with_fields,
)
from store_entities import text as text_field

from crmcore.errors import DatabaseError
from crmcore.schema.model import Kind
from crmcore.store.backup import backup, restore
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.installed import read_installed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Engine


def test_an_archive_restores_into_either_database(database: Database, target: Engine, tmp_path: Path) -> None:
    fill(database)

    written = backup(database.engine, tmp_path / "crm.zip", now=NOW)
    read = restore(target, tmp_path / "crm.zip")

    restored = Database(target)
    assert everything(restored) == everything(database)
    assert (read, read.created_at) == (written, NOW)
    assert read.rows["crm_customer"] == 4
    assert restored.upgrade().statements == ()
    assert restored.insert("customer", {}) == [6]
    with pytest.raises(DatabaseError):
        restored.insert("order", {"customer": 99})
    with pytest.raises(DatabaseError):
        restored.insert("customer", {"code": "a-1"})
    with pytest.raises(DatabaseError):
        restored.insert("customer", {"source": "erp", "external_id": "1"})


def test_the_structure_comes_back_whole(database: Database, target: Engine, tmp_path: Path) -> None:
    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    restored = Database(target)
    with writing(target) as connection:
        for table in restored.tables.metadata.tables.values():
            expected = {
                (
                    index.name,
                    tuple(index.columns.keys()),
                    bool(index.unique),
                )
                for index in table.indexes
            }
            found = {
                (
                    index["name"],
                    tuple(index["column_names"]),
                    bool(index["unique"]),
                )
                for index in inspect(connection).get_indexes(table.name)
            }
            assert found == expected
    assert conditions(target) == conditions(database.engine)


def test_every_index_covers_the_rows_that_it_covered(database: Database, target: Engine, tmp_path: Path) -> None:
    needed = with_fields(CUSTOMER, text_field("name", index=True, required=True))
    database = database.changed_to(needed, core="1.1")
    database.upgrade()

    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    found = conditions(target)
    assert found == conditions(database.engine)
    assert {name: found[name] for name in found if "crm_customer" in name or "history" in name} == {
        "uq_crm_customer_source_external_id": "source is not null and external_id is not null",
        "uq_crm_customer_code__folded": "deleted_at is null",
        "ix_crm_customer_code__folded": "code__folded is not null",
        "ix_crm_customer_name__folded": "",
        "ix_crm_customer_name__folded_since": "since is not null",
        "ix_crm_customer_owner": "owner is not null",
        "ix_crm_customer_parent": "parent is not null",
        "ix_crm_customer_subject__entity_subject__id": "subject__entity is not null and subject__id is not null",
        "ix_crmcore_history_because": "",
        "ix_crmcore_history_entity_record_id_id": "",
    }


def test_an_archive_that_says_of_indexes_only_whether_they_cover_all_rows_restores_them_too(
    database: Database, target: Engine, tmp_path: Path
) -> None:
    def as_before(manifest: Any) -> None:
        manifest["format"] = 1
        for table in manifest["tables"].values():
            for index in table["indexes"]:
                index["live"] = bool(index.pop("where"))

    fill(database)
    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    _rewrite(tmp_path / "crm.zip", _manifest(as_before))

    restore(target, tmp_path / "crm.zip")

    assert conditions(target) == conditions(database.engine)
    assert everything(Database(target)) == everything(database)


def test_an_index_that_somebody_has_made_for_a_part_of_the_rows_stays_theirs(tmp_path: Path, database_url: str) -> None:
    database = create_database(database_url)
    with writing(database.engine) as connection:
        connection.execute(text("CREATE UNIQUE INDEX mine ON crm_customer (region) WHERE staff > 5 OR vip IS NULL"))
    target = create_store_engine(f"sqlite:///{tmp_path / 'target.db'}")

    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    assert {*conditions(database.engine)} - {*conditions(target)} == {"mine"}
    for engine in (database.engine, target):
        engine.dispose()


def test_two_threads_write_to_one_path_one_after_the_other(tmp_path: Path, monkeypatch: Any) -> None:
    from crmcore.store import backup as module

    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    fill(database)
    real, both = module.stored_structure, threading.Barrier(2)

    def together(connection: Any) -> Any:
        both.wait()  # each has begun its archive
        return real(connection)

    monkeypatch.setattr(module, "stored_structure", together)
    with ThreadPoolExecutor(2) as threads:
        done = [threads.submit(backup, database.engine, tmp_path / "crm.zip", now=NOW) for _ in range(2)]
    assert done[0].result() == done[1].result()

    target = create_store_engine(f"sqlite:///{tmp_path / 'target.db'}")
    restore(target, tmp_path / "crm.zip")
    assert everything(Database(target)) == everything(database)
    assert sorted(path.name for path in tmp_path.iterdir() if "crm.zip" in path.name) == ["crm.zip"]
    for engine in (database.engine, target):
        engine.dispose()


def test_what_a_disabled_plugin_stored_is_in_the_archive(database: Database, target: Engine, tmp_path: Path) -> None:
    customer = with_fields(CUSTOMER, text_field("fax", origin="abc"))
    survey = entity("survey", of(Kind.MONEY, "price", origin="abc"), origin="abc")
    enabled = database.changed_to(customer, survey, abc="1.0")
    enabled.upgrade()
    enabled.insert("customer", {"fax": "1"})
    enabled.insert("survey", {"price": "1.25"})

    # The backup knows nothing of the running program's schemas.
    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    restored = Database(target, enabled.entities, enabled.versions)
    assert everything(restored) == everything(enabled)
    with reading(target) as connection:
        assert set(read_installed(connection, restored.tables)) == {"core", "abc"}


def test_many_rows_are_written_and_read_in_batches(database: Database, target: Engine, tmp_path: Path) -> None:
    database.insert("customer", *({"code": str(n), "staff": n} for n in range(5_100)))

    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    assert everything(Database(target)) == everything(database)


def test_tables_of_others_are_neither_saved_nor_in_the_way(database: Database, target: Engine, tmp_path: Path) -> None:
    for engine in (database.engine, target):
        with writing(engine) as connection:
            connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY)"))

    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    restore(target, tmp_path / "crm.zip")

    with zipfile.ZipFile(tmp_path / "crm.zip") as archive:
        assert "invoices.jsonl" not in archive.namelist()


def test_changes_made_during_a_backup_are_not_in_it(database: Database, tmp_path: Path, monkeypatch: Any) -> None:
    from crmcore.store import backup as module

    database.insert("customer", {"name": "A"})
    real = module.stored_structure

    def read_then_change(connection: Any) -> Any:
        found = real(connection)
        database.insert("customer", {"name": "B"})
        return found

    monkeypatch.setattr(module, "stored_structure", read_then_change)

    written = backup(database.engine, tmp_path / "crm.zip", now=NOW)

    assert written.rows["crm_customer"] == 1


# -- bad input -----------------------------------------------------------------------------------------------------


def test_a_database_that_holds_a_crm_is_not_overwritten(database: Database, tmp_path: Path) -> None:
    database.insert("customer", {"name": "A"})
    backup(database.engine, tmp_path / "crm.zip", now=NOW)
    before = everything(database)

    with pytest.raises(DatabaseError, match="holds a CRM already"):
        restore(database.engine, tmp_path / "crm.zip")

    assert everything(database) == before


def test_a_database_without_a_crm_is_not_backed_up(database_url: str, tmp_path: Path) -> None:
    engine = create_store_engine(database_url)

    with pytest.raises(DatabaseError, match="no CRM in this database"):
        backup(engine, tmp_path / "crm.zip", now=NOW)

    assert [path.name for path in tmp_path.glob("*crm.zip*")] == []
    engine.dispose()


def test_a_folder_that_is_not_there_is_told(database: Database, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be written"):
        backup(database.engine, tmp_path / "nowhere" / "crm.zip", now=NOW)


def test_a_failing_backup_leaves_the_old_archive_and_no_rubbish(
    database: Database, tmp_path: Path, monkeypatch: Any
) -> None:
    from crmcore.store import backup as module

    path = tmp_path / "crm.zip"
    path.write_bytes(b"the old one")
    monkeypatch.setattr(module, "last_id", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        backup(database.engine, path, now=NOW)

    assert path.read_bytes() == b"the old one"
    assert [found.name for found in tmp_path.iterdir() if "crm.zip" in found.name] == ["crm.zip"]


@pytest.mark.parametrize(("value", "column"), [("'[\"\\ud800\"]'", "tags"), ("x'00ff'", "code")])
def test_a_value_that_no_archive_can_hold_is_named(tmp_path: Path, value: str, column: str) -> None:
    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    database.insert("customer", {"name": "A"}, {"name": "B"})
    with writing(database.engine) as connection:
        connection.exec_driver_sql(f"UPDATE crm_customer SET {column} = {value} WHERE id = 2")

    with pytest.raises(DatabaseError, match=f"^crm_customer, row 2: the value of {column} does not fit into an arch"):
        backup(database.engine, tmp_path / "crm.zip", now=NOW)

    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []
    database.engine.dispose()


def test_an_archive_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source)
    backup(source.engine, tmp_path / "crm.zip", now=NOW)
    _rewrite(tmp_path / "crm.zip", _member(CUSTOMERS, lambda content: content[:-5]))
    engine = create_store_engine(f"sqlite:///{tmp_path / 'target.db'}")

    with pytest.raises(DatabaseError, match="damaged"):
        restore(engine, tmp_path / "crm.zip")

    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("target")] == []
    for each in (source.engine, engine):
        each.dispose()


def test_an_archive_that_is_not_there_is_told(target: Engine, tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="cannot be read"):
        restore(target, tmp_path / "crm.zip")


def _rewrite(path: Path, change: Any) -> None:
    """Replace the members of an archive by what `change` makes of them; None leaves one out."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            changed = change(name, content)
            if changed is not None:
                archive.writestr(name, changed)


def _manifest(edit: Any) -> Any:
    def change(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            return content
        manifest = json.loads(content)
        edit(manifest)
        return json.dumps(manifest).encode()

    return change


def _member(wanted: str, edit: Any) -> Any:
    return lambda name, content: edit(content) if name == wanted else content


CUSTOMERS = "crm_customer.jsonl"


@pytest.mark.parametrize(
    "change",
    [
        _member(CUSTOMERS, lambda _content: None),
        _member("manifest.json", lambda _content: None),
        _member("manifest.json", lambda _content: b"[]"),
        _member("manifest.json", lambda content: content[:-20]),
        _member(CUSTOMERS, lambda content: content.replace(b"East", b"West")),
        _member(CUSTOMERS, lambda content: content[: content.index(b"\n") + 1]),
        _member(CUSTOMERS, lambda content: content[:-5]),
        _member(CUSTOMERS, lambda content: content + content.splitlines(keepends=True)[-1]),
        _member(CUSTOMERS, lambda _content: b"[1]\n"),
        _member(CUSTOMERS, lambda _content: b"\xff\xfe\n"),
        _manifest(lambda m: m["tables"]["crm_customer"].update(rows=99)),
        _manifest(lambda m: m["tables"]["crm_customer"].update(sha256="0" * 64)),
        _manifest(lambda m: m["tables"]["crm_customer"]["columns"][3].update(type="blob")),
        _manifest(lambda m: m["tables"]["crm_customer"]["columns"][3].update(name='x"; DROP TABLE y; --')),
        _manifest(lambda m: m["tables"].update({"invoices": m["tables"].pop("crm_order")})),
        _manifest(lambda m: m["tables"].pop("crm_user")),
        _manifest(lambda m: m.pop("format")),
        _manifest(lambda m: m.update(format=3)),
        _manifest(lambda m: m["tables"]["crm_customer"]["indexes"][0].pop("where")),
        _manifest(lambda m: m["tables"]["crm_customer"]["indexes"][0].update(where={"nowhere": "empty"})),
        _manifest(lambda m: m["tables"]["crm_customer"]["indexes"][0].update(where={"name": "or 1=1"})),
        _manifest(lambda m: m.update(created_at="yesterday")),
    ],
)
def test_an_archive_that_was_tampered_with_is_refused_and_nothing_written(
    database_url: str, tmp_path: Path, change: Any
) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source)
    path = tmp_path / "crm.zip"
    backup(source.engine, path, now=NOW)
    source.engine.dispose()
    _rewrite(path, change)
    engine = create_store_engine(database_url)

    with pytest.raises(DatabaseError):
        restore(engine, path)

    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_archive_is_refused_and_nothing_written(database_url: str, tmp_path: Path, share: float) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source)
    path = tmp_path / "crm.zip"
    backup(source.engine, path, now=NOW)
    source.engine.dispose()
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    engine = create_store_engine(database_url)

    with pytest.raises(DatabaseError):
        restore(engine, path)

    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    source = create_database(f"sqlite:///{tmp_path / 'source.db'}")
    fill(source)
    path = tmp_path / "crm.zip"
    backup(source.engine, path, now=NOW)
    source.engine.dispose()
    whole = path.read_bytes()
    engine = create_store_engine(f"sqlite:///{tmp_path / 'target.db'}")
    middle = whole.index(b"crm_customer.jsonl") + 60
    path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 0x55]) + whole[middle + 1 :])

    with pytest.raises(DatabaseError):
        restore(engine, path)

    with reading(engine) as connection:
        assert inspect(connection).get_table_names() == []
    engine.dispose()
