"""A purge takes away what a disabled plugin has stored, into an archive, and nothing else; and can be taken back."""

from __future__ import annotations

import json
import os
import resource
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, inspect, text

from crmcore import CRM
from crmcore.erase import erase
from crmcore.errors import DatabaseError, SchemaError, UsageError
from crmcore.store import imports
from crmcore.store.engine import reading
from crmcore.types import Plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from crmcore import Session

ENTITY, EXTENSION = "urn:crmcore:entity:1", "urn:crmcore:extension:1"
TEXT: dict[str, Any] = {"type": "string", "maxLength": 200}


def plugin(name: str, **schemas: Any) -> Plugin:
    documents = {
        f"{entity}.{'schema' if 'x-crm' in said else 'extend'}.json": {
            "$schema": ENTITY if "x-crm" in said else EXTENSION, "type": "object", **said,
        }
        for entity, said in schemas.items()
    }  # fmt: skip
    manifest = {"name": name, "version": "1.0", "summary": "Stores something."}
    return Plugin(manifest=manifest, module=SimpleNamespace(), schemas=documents)


DESK = plugin(
    "desk",
    ticket={
        "x-crm": {"plural": "tickets", "display": "title", "match": [{"fields": ["title"]}]},
        "properties": {
            "title": {**TEXT, "x-crm": {"unique": True}},
            "customer": {"type": "integer", "x-crm": {"ref": "customer", "on_delete": "delete"}},
            "price": {"type": "string", "x-crm": {"money": True}},
            "tags": {"type": "array", "items": {"type": "string", "maxLength": 9}},
            "opened_at": {"type": "string", "format": "date-time"},
            "first_note": {"type": "integer", "x-crm": {"ref": "ticket_note"}},
        },
    },
    ticket_note={
        "x-crm": {"plural": "ticket_notes", "display": "body"},
        "properties": {"body": TEXT, "ticket": {"type": "integer", "x-crm": {"ref": "ticket"}}},
    },
    customer={
        "properties": {
            "fax": {**TEXT, "x-crm": {"unique": True}},
            "desk_level": {"type": "string", "enum": ["gold", "tin"], "x-crm": {"index": True}},
            "last_ticket": {"type": "integer", "x-crm": {"ref": "ticket", "on_delete": "clear"}},
            "desk_subject": {"type": "string", "x-crm": {"ref": "*"}},
            "website": {"x-crm": {"index": True}},
        }
    },
    activity={"properties": {"kind": {"enum": ["wechat"]}}},
)  # fmt: skip
OTHER = plugin("other", customer={"properties": {"other_note": {**TEXT, "x-crm": {"index": True}}}})


@pytest.fixture
def company(tmp_path: Path, database_url: str) -> Iterator[Callable[..., CRM]]:
    """Opens the instance with the plugins that run."""
    (tmp_path / "crm.toml").write_text(f"[instance]\nname = 'Desk'\n[database]\nurl = '{database_url}'\n")
    opened: list[CRM] = []

    def open_with(*plugins: Plugin) -> CRM:
        crm = CRM.open(tmp_path / "crm.toml", plugins=plugins)
        opened.append(crm)
        return crm

    yield open_with
    for crm in opened:
        crm.close()


def fill(crm: CRM) -> None:
    crm.upgrade()
    with crm.session() as session:
        one = session.create("customer", {"name": "A", "fax": "1", "desk_level": "gold", "other_note": "x"})
        two = session.create("customer", {"name": "B"})
        ticket = session.create(
            "ticket",
            {
                "title": "Änderung",
                "customer": one.id,
                "price": "1.25",
                "tags": ["a"],
                "opened_at": "2026-01-02T03:04:05Z",
            },
        )
        note = session.create("ticket_note", {"body": "hm", "ticket": ticket.id})
        session.update("ticket", ticket.id, {"first_note": note.id})
        session.update("customer", one.id, {"last_ticket": ticket.id, "desk_subject": str(ticket.ref)})
        session.create(
            "activity",
            {"subject": str(ticket.ref), "kind": "wechat", "summary": "asked", "happened_at": "2026-01-02T03:04:05Z"},
        )
        session.create(
            "activity",
            {"subject": str(two.ref), "kind": "call", "summary": "called", "happened_at": "2026-01-02T03:04:05Z"},
        )
    with crm.session() as session:
        one, two = session.find("customer", order="name")
        session.update("customer", one.id, {"name": "AA", "fax": "2"})
        session.update("customer", one.id, {"desk_level": "tin"})
        gone = session.create("ticket", {"title": "gone"})
        session.delete("ticket", gone.id)
    with crm.session() as session:  # an event that waits for the plugin
        events = session.runtime.tables.outbox.insert().values(
            at=crm.now(), plugin="desk", entity="customer", action="update", record_id=1, actor="ada", attempts=0,
            due_at=crm.now(),
        )  # fmt: skip
        session.connection.execute(events)


def add_import(session: Session, entity: str, *, rejected: int) -> None:
    """Write an import with rejected rows into the register."""
    into = (session.connection, session.runtime.tables)
    id = imports.begin(
        *into, entity=entity, file="x.csv", digest="", size=1, fingerprint="", actor=session.actor, now=session.now
    )
    imports.add_rejects(*into, id, [imports.RejectedRow(n, "bad", "bad", {}) for n in range(rejected)])


def stored(crm: CRM) -> dict[str, list[Any]]:
    """Everything that is in the database, by table, with its indexes."""
    with reading(crm.engine) as connection:
        inspector = inspect(connection)
        found: dict[str, list[Any]] = {}
        for name in inspector.get_table_names():
            if name in ("crmcore_installed", "sqlite_sequence"):
                continue
            rows = connection.execute(text(f"SELECT * FROM {name} ORDER BY id")).mappings()
            found[name] = [{column: _plain(row[column]) for column in sorted(row)} for row in rows]
            found[f"{name} indexes"] = sorted(map(_index, inspector.get_indexes(name)))
        return found


def _index(index: Any) -> str:
    """Return the name of an index, with its condition where it has one."""
    options = index.get("dialect_options", {})
    return " WHERE ".join([str(index["name"]), *(str(options[name]) for name in options if name.endswith("_where"))])


def _plain(value: Any) -> Any:
    """Return a value as it is, an object without the order of its keys, which SQLite keeps as text."""
    return json.loads(value) if isinstance(value, str) and value.startswith("{") else value


def parts(archive: Path) -> dict[str, list[Any]]:
    with zipfile.ZipFile(archive) as file:
        names = [name for name in file.namelist() if name.endswith(".jsonl")]
        return {
            name.removesuffix(".jsonl"): [json.loads(line) for line in file.read(name).splitlines()] for name in names
        }


def test_what_a_plugin_stored_goes_and_nothing_else(company: Callable[..., CRM], tmp_path: Path) -> None:
    fill(company(DESK, OTHER))
    crm = company()
    with crm.session() as session:
        add_import(session, "ticket", rejected=2)
        add_import(session, "customer", rejected=1)
    before = stored(crm)

    planned = crm.plan_purge("desk")
    crm.purge("desk", tmp_path / "desk.zip")

    assert planned.besides == {
        "history": 2,  # a ticket got its first note, another was deleted
        "old_values": 3,  # last_ticket with desk_subject, fax, desk_level
        "events": 1, "imports": 1, "rejected": 2,
    }  # fmt: skip
    assert planned.entities == {"ticket": 2, "ticket_note": 1}
    assert planned.fields == {
        "customer.fax": 1, "customer.desk_level": 1, "customer.last_ticket": 1, "customer.desk_subject": 1,
    }  # fmt: skip
    assert planned.references == {"activity.subject": 1}
    assert planned.values == {"activity.kind = wechat": 1}
    after = stored(crm)
    assert before.keys() - after.keys() == {
        name + ending for name in ("crm_ticket", "crm_ticket_note") for ending in ("", " indexes")
    }
    columns = set(before["crm_customer"][0]) - set(after["crm_customer"][0])
    assert columns == {"fax", "fax__folded", "desk_level", "last_ticket", "desk_subject__entity", "desk_subject__id"}
    assert [row["other_note"] for row in after["crm_customer"]] == ["x", None]
    assert [(row["subject__entity"], row["subject__id"]) for row in after["crm_activity"]] == [
        (None, None),
        ("customer", 2),
    ]
    gone = {*before["crm_customer indexes"]} - {*after["crm_customer indexes"]}
    assert {index.partition(" WHERE ")[0] for index in gone} == {
        "ix_crm_customer_desk_level", "ix_crm_customer_desk_subject__entity_desk_subject__id",
        "ix_crm_customer_last_ticket", "ix_crm_customer_website__folded", "uq_crm_customer_fax__folded",
    }  # fmt: skip
    assert after["crmcore_outbox"] == []
    assert [row["entity"] for row in after["crmcore_import"]] == ["customer"]
    assert len(after["crmcore_reject"]) == 1
    with crm.session() as session:
        history = session.runtime.tables.history
        rows = session.connection.execute(history.select().order_by(history.c.id)).all()
        assert [(row.entity, row.action, row.old) for row in rows] == [("customer", "update", {"name": "A"})]
    assert [origin.name for origin in crm.status()] == ["core", "other"]
    assert crm.upgrade(dry_run=True).statements == ()
    if crm.engine.dialect.name == "sqlite":
        with reading(crm.engine) as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    with crm.session() as session:  # the CRM works on, and a person is erased with all that is left
        assert session.create("customer", {"name": "C"}).id == 3
        erase(session, "customer", 1)


def test_the_archive_holds_all_that_went(company: Callable[..., CRM], tmp_path: Path) -> None:
    fill(company(DESK, OTHER))

    company().purge("desk", tmp_path / "desk.zip")

    found = parts(tmp_path / "desk.zip")
    assert {name: len(rows) for name, rows in found.items() if rows} == {
        "crm_ticket": 2, "crm_ticket_note": 1, "crm_customer.columns": 1, "crm_activity.subject": 1,
        "crmcore_history.customer": 3, "crmcore_history": 2, "crmcore_outbox": 1,
    }  # fmt: skip
    assert found["crm_activity.subject"] == [[1, "ticket", 1]]
    assert found["crm_customer.columns"] == [[1, "2", "2", "tin", 1, "ticket", 1]]
    olds = [row[10] for row in found["crmcore_history.customer"]]
    assert olds == [{"last_ticket": None, "desk_subject": None}, {"fax": "1"}, {"desk_level": "gold"}]
    with zipfile.ZipFile(tmp_path / "desk.zip") as file:
        manifest = json.loads(file.read("manifest.json"))
    assert (manifest["kind"], manifest["plugin"], manifest["version"]) == ("purge", "desk", "1.0")
    assert manifest["parts"]["crm_ticket"]["last_id"] == 2


def test_a_purge_is_taken_back_to_the_last_value(company: Callable[..., CRM], tmp_path: Path) -> None:
    enabled = company(DESK, OTHER)
    fill(enabled)
    before = stored(enabled)
    company().purge("desk", tmp_path / "desk.zip")

    again = company(DESK, OTHER)
    again.upgrade()
    undone = again.undo_purge("desk", tmp_path / "desk.zip")

    assert stored(again) == before
    assert (undone.restored, undone.left) == (11, 0)
    with again.session() as session:
        assert session.create("ticket", {"title": "next"}).id == 3
    with pytest.raises(DatabaseError, match="there are records by now in: ticket, ticket_note"):
        again.undo_purge("desk", tmp_path / "desk.zip")


def test_what_was_written_or_erased_since_stays(company: Callable[..., CRM], tmp_path: Path) -> None:
    with_fields = plugin("desk", customer={"properties": {"fax": TEXT, "pager": {"type": "integer"}}})
    crm = company(with_fields)
    crm.upgrade()
    with crm.session() as session:
        for number, name in enumerate(("A", "B", "C"), start=1):
            made = session.create("customer", {"name": name, "fax": "0", "pager": number})
            session.update("customer", made.id, {"fax": name})
    company().purge("desk", tmp_path / "desk.zip")
    again = company(with_fields)
    again.upgrade()
    with again.session() as session:
        session.update("customer", 2, {"fax": "new"})
        erase(session, "customer", 3)

    undone = again.undo_purge("desk", tmp_path / "desk.zip")

    rows = [(row["fax"], row["fax__folded"], row["pager"]) for row in stored(again)["crm_customer"]]
    assert rows == [("A", "a", 1), ("new", "new", 2), (None, None, None)]
    assert (undone.restored, undone.left) == (2 + 2, 2 + 1)  # records, and rows of the history
    repeated = again.undo_purge("desk", tmp_path / "desk.zip")
    assert repeated.restored == 0
    assert [(row["fax"], row["pager"]) for row in stored(again)["crm_customer"]] == [("A", 1), ("new", 2), (None, None)]


def test_a_value_that_is_unique_and_somebody_elses_by_now_stays_alone_in_the_archive(
    company: Callable[..., CRM], tmp_path: Path
) -> None:
    unique = plugin("desk", customer={"properties": {"fax": {**TEXT, "x-crm": {"unique": True}}, "pager": TEXT}})
    crm = company(unique)
    crm.upgrade()
    with crm.session() as session:
        session.save_many("customer", [{"name": f"N{n}", "fax": f"F{n}", "pager": "p"} for n in range(1, 5)])
        session.delete("customer", 4)
    company().purge("desk", tmp_path / "desk.zip")
    again = company(unique)
    again.upgrade()
    with again.session() as session:
        session.create("customer", {"name": "new", "fax": "f2"})
        session.create("customer", {"name": "newer", "fax": "f4"})

    undone = again.undo_purge("desk", tmp_path / "desk.zip")

    rows = [(row["fax"], row["pager"]) for row in stored(again)["crm_customer"]]
    # The fourth is deleted, and may have a value that somebody else has.
    assert rows == [("F1", "p"), (None, "p"), ("F3", "p"), ("F4", "p"), ("f2", None), ("f4", None)]
    assert (undone.restored, undone.left) == (4, 1)


def test_a_value_that_no_archive_can_hold_is_named_and_nothing_removed(tmp_path: Path) -> None:
    with _world(tmp_path) as crm:
        half = """UPDATE crmcore_history SET old = '{"fax":"\\ud800"}' WHERE old LIKE '%fax%'"""
        with crm.engine.begin() as connection:
            connection.exec_driver_sql(half)
        before = stored(crm)
        with pytest.raises(
            DatabaseError, match=r"crmcore_history, row \d+: the value of old does not fit into an arch"
        ):
            crm.purge("desk", tmp_path / "desk.zip")
        assert stored(crm) == before
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []


@pytest.mark.postgresql
def test_who_writes_on_in_a_transaction_is_not_stopped_by_a_purge_that_waits(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crmcore.store.purging import removal

    (tmp_path / "crm.toml").write_text(f"[instance]\nname = 'Desk'\n[database]\nurl = '{postgres_url}'\n")
    pager = plugin("desk", customer={"properties": {"pager": TEXT}})
    with CRM.open(tmp_path / "crm.toml", plugins=[pager]) as crm:
        crm.upgrade()
        with crm.session() as session:
            session.create("customer", {"name": "A", "pager": "x"})
    with CRM.open(tmp_path / "crm.toml") as crm, ThreadPoolExecutor(1) as threads:
        with crm.session() as session:
            session.create("order", {"number": "1", "customer": 1, "order_date": "2026-01-10"})
            with monkeypatch.context() as patched:
                patched.setattr(removal, "_WAITS", 1)
                with pytest.raises(DatabaseError, match="another session holds a lock"):
                    crm.purge("desk", tmp_path / "desk.zip")
            purged = threads.submit(crm.purge, "desk", tmp_path / "desk.zip")
            _wait_until_somebody_waits(crm)
            session.create("activity", {"subject": "customer:1", "summary": "x", "happened_at": "2026-01-10T00:00:00Z"})
            session.update("customer", 1, {"name": "B"})
        assert purged.result().fields == {"customer.pager": 1}
        assert [row["name"] for row in stored(crm)["crm_customer"]] == ["B"]
        assert "pager" not in stored(crm)["crm_customer"][0]


def _wait_until_somebody_waits(crm: CRM) -> None:
    here = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    until = time.monotonic() + 10
    with crm.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while not connection.execute(text(here)).first():
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_field_that_somebody_else_declares_by_now_stays(company: Callable[..., CRM], tmp_path: Path) -> None:
    fax, note = {"fax": TEXT}, {"note_of_desk": TEXT}
    crm = company(plugin("desk", customer={"properties": {**fax, **note}}))
    crm.upgrade()
    with crm.session() as session:
        session.create("customer", {"name": "A", "fax": "1", "note_of_desk": "2"})
    (tmp_path / "schemas").mkdir()
    own = {"$schema": EXTENSION, "type": "object", "properties": fax}
    (tmp_path / "schemas" / "customer.extend.json").write_text(json.dumps(own))
    crm = company()
    crm.upgrade()

    purged = crm.purge("desk", tmp_path / "desk.zip")

    assert (purged.adopted, list(purged.fields)) == (("customer.fax",), ["customer.note_of_desk"])
    assert stored(crm)["crm_customer"][0]["fax"] == "1"
    assert parts(tmp_path / "desk.zip")["crm_customer.columns"] == [[1, "2", "2"]]


# -- refused -------------------------------------------------------------------------------------------------------


def test_what_runs_or_is_no_plugin_is_not_purged(tmp_path: Path) -> None:
    (tmp_path / "crm.toml").write_text("[instance]\nname = 'Desk'\n")
    with CRM.open(tmp_path / "crm.toml", plugins=[DESK]) as crm:
        crm.upgrade()
        before = stored(crm)
        for name in ("desk", "core", "instance", "instance.grade", "dask"):
            with pytest.raises(UsageError):
                crm.purge(name, tmp_path / "desk.zip")
        assert stored(crm) == before
    assert not (tmp_path / "desk.zip").exists()


def test_entities_that_others_refer_to_are_not_purged(tmp_path: Path) -> None:
    audit = plugin(
        "audit",
        audit={
            "x-crm": {"plural": "audits", "display": "title"},
            "properties": {"title": TEXT, "ticket": {"type": "integer", "x-crm": {"ref": "ticket"}}},
        },
    )
    (tmp_path / "crm.toml").write_text("[instance]\nname = 'Desk'\n")
    with CRM.open(tmp_path / "crm.toml", plugins=[DESK, audit]) as crm:
        crm.upgrade()
    with pytest.raises(SchemaError, match="ticket"):  # enabled, it does not even start
        CRM.open(tmp_path / "crm.toml", plugins=[audit])
    with CRM.open(tmp_path / "crm.toml") as crm:
        with pytest.raises(UsageError, match=r"audit \(audit\.ticket\)"):
            crm.purge("desk", tmp_path / "desk.zip")
        crm.purge("audit", tmp_path / "audit.zip")
        crm.purge("desk", tmp_path / "desk.zip")
        assert [origin.name for origin in crm.status()] == ["core"]


def _world(tmp_path: Path) -> CRM:
    (tmp_path / "crm.toml").write_text("[instance]\nname = 'Desk'\n")
    with CRM.open(tmp_path / "crm.toml", plugins=[DESK, OTHER]) as crm:
        fill(crm)
    return CRM.open(tmp_path / "crm.toml")


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crmcore.store.purging import removal as module

    with _world(tmp_path) as crm:
        before = stored(crm)
        (tmp_path / "desk.zip").write_text("mine")
        with pytest.raises(UsageError, match="is there already"):
            crm.purge("desk", tmp_path / "desk.zip")
        (tmp_path / "desk.zip").unlink()
        real = module._remove

        def taken_meanwhile(*arguments: Any) -> None:
            real(*arguments)
            (tmp_path / "desk.zip").write_text("mine")

        monkeypatch.setattr(module, "_remove", taken_meanwhile)
        with pytest.raises(DatabaseError, match="is there already"):
            crm.purge("desk", tmp_path / "desk.zip")
        assert (tmp_path / "desk.zip").read_text() == "mine"
        assert stored(crm) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_an_archive_that_cannot_be_read_back_stops_the_purge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crmcore.store.purging import removal as module

    real = module.write_manifest
    monkeypatch.setattr(
        module, "write_manifest",
        lambda archive, manifest: real(archive, {**manifest, "parts": {
            name: {**part, "sha256": "0" * 64} for name, part in manifest["parts"].items()}}),
    )  # fmt: skip
    with _world(tmp_path) as crm:
        before = stored(crm)
        with pytest.raises(DatabaseError, match="damaged"):
            crm.purge("desk", tmp_path / "desk.zip")
        assert stored(crm) == before
    assert [path.name for path in tmp_path.iterdir() if "zip" in path.name] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_disk_that_is_full_stops_the_purge(tmp_path: Path) -> None:
    room = 100_000
    (tmp_path / "crm.toml").write_text("[instance]\nname = 'Desk'\n")
    with CRM.open(tmp_path / "crm.toml", plugins=[DESK]) as crm:
        crm.upgrade()
        with crm.session() as session:
            session.save_many("customer", [{"name": f"{n}", "fax": random_text(200)} for n in range(1_200)])
    (tmp_path / "out").mkdir()
    with CRM.open(tmp_path / "crm.toml") as crm:
        before = stored(crm)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
        try:
            CRM.open(tmp_path / "crm.toml").purge("desk", tmp_path / "out" / "desk.zip")
        except DatabaseError as error:
            os._exit(0 if "desk.zip cannot be written" in error.message else 2)
        os._exit(1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert list((tmp_path / "out").iterdir()) == []
    with CRM.open(tmp_path / "crm.toml") as crm:
        assert stored(crm) == before


def random_text(length: int) -> str:
    return os.urandom(length // 2).hex()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_killed_at_any_moment_the_values_are_in_the_database_or_in_the_archive(
    company: Callable[..., CRM], tmp_path: Path
) -> None:
    fill(company(DESK, OTHER))
    crm = company()
    before = stored(crm)
    crm.engine.dispose()
    moments = ("DROP TABLE", "COMMIT", None)

    for moment in moments:
        child = os.fork()
        if child == 0:
            _purge_and_die(tmp_path, tmp_path / f"{moment}.zip", moment)
        died = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if moment:
            assert (died, stored(crm)) == (-signal.SIGKILL, before)

    assert died == 0
    assert "crm_ticket" not in stored(crm)
    # Killed before the commit, the archive has its name and all is in both; before, there is none.
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["COMMIT.zip", "None.zip"]
    assert parts(tmp_path / "COMMIT.zip") == parts(tmp_path / "None.zip")


def _purge_and_die(folder: Path, archive: Path, moment: str | None) -> None:
    crm = CRM.open(folder / "crm.toml")

    def die(*seen: Any) -> None:
        if len(seen) == 1 or (moment and seen[2].lstrip().startswith(moment)):
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(crm.engine, "before_cursor_execute", die)
    if moment == "COMMIT":
        event.listen(crm.engine, "commit", die)
    crm.purge("desk", archive)
    os._exit(0)


def test_an_archive_that_does_not_fit_is_not_taken_back(tmp_path: Path) -> None:
    with _world(tmp_path) as crm:
        crm.purge("desk", tmp_path / "desk.zip")
        crm.backup(tmp_path / "backup.zip")
        with pytest.raises(UsageError, match="does not run"):
            crm.undo_purge("desk", tmp_path / "desk.zip")
    later = plugin("desk", customer={"properties": {"fax": {"type": "integer"}}})
    with CRM.open(tmp_path / "crm.toml", plugins=[later, OTHER]) as crm:
        crm.upgrade()
        before = stored(crm)
        with pytest.raises(UsageError, match="not the archive of a purge"):
            crm.undo_purge("desk", tmp_path / "backup.zip")
        with pytest.raises(UsageError, match="is of the plugin desk, not of other"):
            crm.undo_purge("other", tmp_path / "desk.zip")
        with pytest.raises(DatabaseError, match=r"otherwise .*crm_ticket\.id") as refused:
            crm.undo_purge("desk", tmp_path / "desk.zip")
        assert "1.0" in str(refused.value.hint)
        assert stored(crm) == before
