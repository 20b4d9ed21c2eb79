"""Undoing an import: what nobody changed since goes, everything else stays with its reason."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select

from crmcore import hookimpl
from crmcore.errors import AccessDenied, NotFound, UsageError
from crmcore.importing.register import advance, imports, open_job, source_file
from crmcore.importing.undo import undo_import
from crmcore.types import Actor, Plugin, Ref

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore import CRM
    from crmcore.importing.register import ImportJob
    from crmcore.testing import MakeCRM

VISIT = {"kind": "visit", "summary": "Visit", "happened_at": "2026-01-10T09:00:00Z"}


@pytest.fixture
def crm(make_crm: MakeCRM, database_url: str) -> CRM:
    return make_crm(database_url=database_url)


def begun(crm: CRM, tmp_path: Path, entity: str = "customer") -> ImportJob:
    path = tmp_path / "rows.csv"
    path.write_text("name\nAcme\n")
    return open_job(crm, source_file(path), entity, "same", actor=Actor(login="ann"))


def saved(crm: CRM, job: ImportJob, entity: str, *rows: dict[str, Any], on_match: str = "update") -> list[int | None]:
    with crm.session(source="import") as session:
        return list(session.save_many(entity, rows, on_match=on_match, import_id=job.id).ids)


def counted(crm: CRM) -> dict[str, int]:
    with crm.session(read_only=True) as session:
        found = {
            name: session.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in crm.runtime.tables.metadata.tables.items()
        }
    return {name: n for name, n in found.items() if n and name not in ("crmcore_installed", "crmcore_import")}


def test_created_records_are_gone_with_their_history(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Here before"})
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme"}, {"name": "Cancity"})
    saved(crm, job, "customer", {"name": "acme", "region": "East"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reverted, result.left, result.reasons) == ({"customer": 2}, {}, (), {})
    assert counted(crm) == {"crm_customer": 1}
    assert saved(crm, begun(crm, tmp_path), "customer", {"name": "Acme"}) == [4]


def test_changed_records_have_their_old_values_back(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "region": "East", "annual_revenue": "12.5", "tags": ["a"]})
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "ACME", "region": "West", "annual_revenue": None, "industry": "Retail"})
    saved(crm, job, "customer", {"name": "acme", "region": "North", "tags": []})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reverted, result.reasons) == ({}, {"customer": 1}, {})
    with crm.session() as session:
        found = session.get("customer", 1)
        history = session.history("customer", 1)
    assert (found.name, found.region, found.annual_revenue, found.industry) == (
        "Acme", "East", Decimal("12.5"), None,
    )  # fmt: skip
    assert (found.tags, found.version) == (["a"], 4)
    assert [(entry.source, entry.import_id) for entry in history] == [("undo", None), ("import", 1), ("import", 1)]


def test_what_was_changed_since_stays(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "region": "East"})
        session.create("customer", {"name": "Between", "region": "East"})
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme", "region": "West"}, {"name": "Between", "region": "West"})
    saved(crm, job, "customer", {"name": "New"}, {"name": "Deleted"})
    with crm.session() as session:
        session.update("customer", 1, {"industry": "Retail"})
        session.update("customer", 2, {"region": "South"})
        session.update("customer", 3, {"industry": "Retail"})
        session.delete("customer", 4)
    saved(crm, job, "customer", {"name": "Between", "region": "North"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reverted) == ({}, {})
    assert result.reasons == {"it was changed since": 3, "it was deleted since": 1}
    assert sorted(result.left) == [
        (Ref("customer", 1), "it was changed since"),
        (Ref("customer", 2), "it was changed since"),
        (Ref("customer", 3), "it was changed since"),
        (Ref("customer", 4), "it was deleted since"),
    ]
    with crm.session() as session:
        assert [session.get("customer", n).region for n in (1, 2)] == ["West", "North"]


def test_labels_are_no_change(crm: CRM, tmp_path: Path, make_crm: MakeCRM) -> None:
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme"})
    with crm.session() as session:
        history = crm.runtime.tables.history
        values = {"at": crm.now(), "actor": "ann", "entity": "customer", "record_id": 1, "action": "computed"}
        session.connection.execute(
            history.insert().values(**values, version=1, source="score", old={}),
        )

    assert undo_import(crm, job.id, actor=Actor(login="ann", system=True)).removed == {"customer": 1}
    assert counted(crm) == {}


def test_what_others_refer_to_stays_and_lines_stay_with_their_order(crm: CRM, tmp_path: Path) -> None:
    job = begun(crm, tmp_path)
    order = {"order_date": "2026-01-02", "status": "completed"}
    saved(crm, job, "customer", {"name": "Referred"}, {"name": "With an order"}, {"name": "Alone"})
    saved(crm, job, "order", {"number": "1", "customer": 2, **order}, {"number": "2", "customer": 3, **order})
    saved(crm, job, "order_line", *({"order": n, "line_number": line} for n in (1, 2) for line in (1, 2)))
    with crm.session() as session:
        session.create("contact", {"name": "Li Wei", "customer": 1})
        session.update("order_line", 2, {"quantity": 3})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert result.removed == {"customer": 1, "order": 1, "order_line": 2}
    assert result.reasons == {
        "contact.customer refers to it": 1,
        "order.customer refers to it": 1,
        "order_line.order refers to it": 1,
        "it belongs to a order that stays": 1,
        "it was changed since": 1,
    }
    with crm.session() as session:
        assert [record.id for record in session.iterate("customer")] == [1, 2]
        assert [record.id for record in session.iterate("order_line")] == [1, 2]


def test_references_in_circles_are_no_hindrance(crm: CRM, tmp_path: Path) -> None:
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Parent"}, {"name": "Child"})
    saved(crm, job, "customer", {"id": 2, "parent": 1})
    saved(crm, job, "customer", {"id": 1, "parent": 2})
    saved(crm, job, "team", {"name": "East"})
    saved(crm, job, "user", {"login": "li", "name": "Li", "team": 1})
    with crm.session("li") as session:
        assert session.actor.id == 1
    saved(crm, job, "activity", {**VISIT, "subject": "customer:1"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert result.removed == {"customer": 2, "team": 1, "user": 1, "activity": 1}
    assert counted(crm) == {}


def test_a_reference_to_any_record_counts(crm: CRM, tmp_path: Path) -> None:
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Visited"}, {"name": "Not visited"})
    with crm.session() as session:
        session.create("activity", {**VISIT, "subject": "customer:1"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.left) == (
        {"customer": 1},
        ((Ref("customer", 1), "activity.subject refers to it"),),
    )


def test_an_old_record_gives_up_its_reference_and_gets_back_a_login_that_a_new_one_had(
    crm: CRM, tmp_path: Path
) -> None:
    with crm.session() as session:
        session.create("user", {"login": "li", "name": "Old"})
    job = begun(crm, tmp_path, "user")
    saved(crm, job, "user", {"id": 1, "login": "li.wei"})
    saved(crm, job, "user", {"login": "li", "name": "New"})
    saved(crm, job, "team", {"name": "East"})
    saved(crm, job, "user", {"id": 1, "team": 1})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reverted, result.reasons) == ({"team": 1, "user": 1}, {"user": 1}, {})
    with crm.session() as session:
        assert (session.get("user", 1).login, session.get("user", 1).team) == ("li", None)


def test_an_old_value_that_cannot_come_back_is_said(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.create("user", {"login": "li"})
    job = begun(crm, tmp_path, "user")
    saved(crm, job, "user", {"id": 1, "login": "li.wei"})
    with crm.session() as session:
        session.create("user", {"login": "li"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert result.reverted == {}
    ((ref, reason),) = result.left
    assert ref == Ref("user", 1)
    assert "user:2" in reason


def test_plugins_are_asked_and_told_as_for_a_deletion(make_crm: MakeCRM, database_url: str, tmp_path: Path) -> None:
    told: list[Any] = []

    @hookimpl
    def crm_validate(tx, batch):
        if batch.action == "delete":
            return [change.problem("it is invoiced") for change in batch if change.after["name"] == "Invoiced"]
        return []

    @hookimpl
    def crm_after_save(tx, batch):
        told.append((batch.action, batch.source, [change.after["name"] for change in batch]))

    @hookimpl
    def crm_committed(crm, events):
        told.extend((event.action, event.record_id) for event in events)

    module = SimpleNamespace(crm_validate=crm_validate, crm_after_save=crm_after_save, crm_committed=crm_committed)
    hooks = ["crm_validate", "crm_after_save", "crm_committed"]
    manifest = {"name": "watch", "version": "1.0", "summary": "A plugin of a test."}
    listening = {**manifest, "listens": {hook: ["customer"] for hook in hooks}}
    crm = make_crm(plugins=[Plugin(manifest=listening, module=module)], database_url=database_url)
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme"}, {"name": "Invoiced"}, {"name": "Parent"})
    saved(crm, job, "customer", {"id": 2, "parent": 3})
    told.clear()

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reasons) == (
        {"customer": 1},
        {"it is invoiced": 1, "customer.parent refers to it": 1},
    )
    assert told == [("delete", "undo", ["Acme"]), ("delete", 1)]


def test_what_plugins_write_because_of_an_import_belongs_to_it(
    make_crm: MakeCRM, database_url: str, tmp_path: Path
) -> None:
    @hookimpl
    def crm_after_save(tx, batch):
        for change in batch:
            if batch.action == "create":
                tx.create("activity", {**VISIT, "subject": f"customer:{change.id}"})
                tx.update("customer", change.id, {"region": "East"})

    manifest = {
        "name": "welcome", "version": "1.0", "summary": "A plugin of a test.",
        "listens": {"crm_after_save": ["customer"]},
    }  # fmt: skip
    module = SimpleNamespace(crm_after_save=crm_after_save)
    crm = make_crm(plugins=[Plugin(manifest=manifest, module=module)], database_url=database_url)
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme"})

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, counted(crm)) == ({"customer": 1, "activity": 1}, {})


def test_rights_of_whoever_undoes_it_decide(make_crm: MakeCRM, database_url: str, tmp_path: Path) -> None:
    sales = {"*": {"create": True, "read": True, "update": "region = 'East'", "delete": "region = 'East'"}}
    crm = make_crm(roles={"sales": sales_rights(sales), "guest": {"*": {"read": True}}}, database_url=database_url)
    with crm.session() as session:
        session.create("customer", {"name": "Old East", "region": "East", "industry": "Retail"})
        session.create("customer", {"name": "Old West", "region": "West", "industry": "Retail"})
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "New East", "region": "East"}, {"name": "New West", "region": "West"})
    saved(crm, job, "customer", {"id": 1, "industry": "Food"}, {"id": 2, "industry": "Food"})

    with pytest.raises(AccessDenied):
        undo_import(crm, job.id, actor=Actor(login="guest", roles=("guest",)))
    result = undo_import(crm, job.id, actor=Actor(login="ann", roles=("sales",)))

    assert (result.removed, result.reverted) == ({"customer": 1}, {"customer": 1})
    assert [str(ref) for ref, _reason in result.left] == ["customer:4", "customer:2"]
    assert result.reasons["you may not delete it"] == 1


def sales_rights(others: dict[str, Any]) -> dict[str, Any]:
    rights = others["*"]
    return {"customer": rights, "*": {"create": True, "read": True, "update": True, "delete": True}}


def test_an_import_is_undone_once(crm: CRM, tmp_path: Path) -> None:
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme"})
    undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    with pytest.raises(UsageError, match="import 1 was undone already"):
        undo_import(crm, job.id, actor=Actor(login="ann", system=True))
    with pytest.raises(NotFound):
        undo_import(crm, 7, actor=Actor(login="ann", system=True))
    with crm.session() as session:
        assert [(one.id, one.state) for one in imports(session)] == [(1, "undone")]


def test_a_rehearsed_undo_tells_and_changes_nothing(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "region": "East"})
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", {"name": "Acme", "region": "West"}, {"name": "New"})
    before = counted(crm)

    rehearsed = undo_import(crm, job.id, actor=Actor(login="ann", system=True), dry_run=True)

    assert counted(crm) == before
    assert rehearsed == undo_import(crm, job.id, actor=Actor(login="ann", system=True))
    assert (rehearsed.removed, rehearsed.reverted) == ({"customer": 1}, {"customer": 1})


def test_nobody_continues_an_import_that_was_undone(crm: CRM, tmp_path: Path) -> None:
    job = begun(crm, tmp_path)
    with crm.session() as session:
        job = advance(session, job, position=1, outcomes={"created": 1}, rejected=[])
    undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert begun(crm, tmp_path).id == 2


def test_many_records_are_taken_back_in_batches(crm: CRM, tmp_path: Path) -> None:
    with crm.session() as session:
        session.save_many("customer", [{"code": str(n), "name": f"Old {n}"} for n in range(2_100)])
    job = begun(crm, tmp_path)
    saved(crm, job, "customer", *({"code": str(n), "region": "East"} for n in range(2_100)))
    saved(crm, job, "customer", *({"code": f"new {n}", "name": f"New {n}"} for n in range(2_100)))

    result = undo_import(crm, job.id, actor=Actor(login="ann", system=True))

    assert (result.removed, result.reverted) == ({"customer": 2_100}, {"customer": 2_100})
    with crm.session() as session:
        assert session.count("customer", "region is not empty") == 0
