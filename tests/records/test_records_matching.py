"""Matching is a rule of the entity, with all its cases: one, two, deleted and merged matches, and none."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from types import SimpleNamespace

import pytest
from sqlalchemy import event, text, update

from crmcore.errors import DuplicateRecord
from crmcore.records import locks
from crmcore.types import Plugin, Ref


def names(crm):
    with crm.session() as session:
        return [record.name for record in session.iterate("customer", order="id")]


def test_a_match_is_refused_unless_asked_otherwise_and_names_the_record(crm):
    with crm.session() as session:
        session.create("customer", {"name": "佛山企业电子"})
        with pytest.raises(DuplicateRecord, match=r"customer:1 is the same record: same name"):
            session.create("customer", {"name": "佛山企业电子"})


def test_a_match_is_updated_skipped_or_created_all_the_same_as_asked(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        updated = session.create("customer", {"name": "ACME", "region": "East"}, on_match="update")
        skipped = session.create("customer", {"name": "Acme", "region": "West"}, on_match="skip")
        another = session.create("customer", {"name": "Acme"}, on_match="create")
    assert (updated.id, updated.name, updated.region) == (1, "ACME", "East")
    assert (skipped.id, skipped.region) == (1, "East")
    assert another.id == 2


def test_two_matches_are_refused_with_both_candidates(crm):
    with crm.session() as session:
        for _twice in range(2):
            session.create("customer", {"name": "Acme"}, on_match="create")
        with pytest.raises(DuplicateRecord, match=r"2 records match by name: customer:1, customer:2"):
            session.create("customer", {"name": "acme"}, on_match="update")


def test_a_deleted_match_is_skipped_and_reported(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        session.delete("customer", acme.id)
        result = session.save_many("customer", [{"name": "acme"}], on_match="update", on_problem="reject")
    (row,) = result.rows
    assert row.outcome == "skipped"
    assert "customer:1 is the same record and was deleted" in row.problems[0].message
    assert names(crm) == []


def test_a_live_match_is_taken_before_a_deleted_one(crm):
    with crm.session() as session:
        session.delete("customer", session.create("customer", {"name": "Acme"}).id)
        session.create("customer", {"name": "Acme"}, on_match="create")
        assert session.create("customer", {"name": "acme"}, on_match="update").id == 2


def test_a_merged_match_is_its_survivor(crm):
    with crm.session() as session:
        session.create("customer", {"name": "企业环拓"})
        session.create("customer", {"name": "企业电子"})
        customer = crm.runtime.tables.entity["customer"]
        merge = update(customer).where(customer.c.id == 1).values(merged_into=2, deleted_at=crm.now())
        session.connection.execute(merge)
        assert session.create("customer", {"name": "企业环拓", "region": "East"}, on_match="update").id == 2
        assert session.get("customer", 1).id == 2


def test_the_external_id_is_the_strongest_key(crm):
    source = {"source": "odoo", "external_id": "res.partner.7"}
    with crm.session() as session:
        session.create("customer", {"name": "Acme", **source})
        found = session.create("customer", {"name": "Acme Corporation", **source}, on_match="update")
    assert (found.id, found.name, found.external_id) == (1, "Acme Corporation", "res.partner.7")


def test_a_record_without_an_external_id_takes_that_of_the_row_that_it_matches(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        linked = session.create("customer", {"name": "Acme", "source": "odoo", "external_id": "7"}, on_match="update")
    assert (linked.id, linked.source, linked.external_id) == (1, "odoo", "7")


def test_the_same_name_under_another_code_is_another_customer(crm):
    with crm.session() as session:
        session.create("customer", {"code": "K-1", "name": "Acme"})
        assert session.create("customer", {"code": "K-2", "name": "Acme"}).id == 2
        assert session.create("customer", {"name": "acme", "code": "k-1"}, on_match="update").id == 1


def test_the_same_external_id_of_another_system_says_nothing(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme", "source": "odoo", "external_id": "7"})
        found = session.create("customer", {"name": "Acme", "source": "shop", "external_id": "8"}, on_match="update")
    assert (found.id, found.source) == (1, "odoo")


def test_a_person_is_recognised_by_phone_or_mail_and_not_by_name(crm):
    wang = {"kind": "person", "name": "王伟", "phone": "138 0000 0000", "email": "wang@example.com"}
    with crm.session() as session:
        session.create("customer", wang)
        assert session.create("customer", {"kind": "person", "name": "王伟"}).id == 2
        assert session.create("customer", {**wang, "name": "Wang Wei"}, on_match="update").id == 1
        changed_phone = {"kind": "person", "name": "王伟", "phone": "139", "email": "WANG@example.com"}
        assert session.create("customer", changed_phone, on_match="update").id == 1


def test_the_second_of_two_rows_with_one_key_finds_what_the_first_has_saved(crm):
    rows = [{"name": "Acme", "region": "East"}, {"name": "Cancity"}, {"name": "ACME", "phone": "1"}]
    with crm.session() as session:
        result = session.save_many("customer", rows, on_match="update")
        acme = session.get("customer", 1)
    assert [row.outcome for row in result.rows] == ["created", "created", "updated"]
    assert result.ids[0] == result.ids[2] == 1
    assert (acme.region, acme.phone) == ("East", "1")


def test_a_hundred_rows_of_one_record_end_as_one_record(crm):
    with crm.session() as session:
        result = session.save_many(
            "customer", [{"name": "Acme", "phone": str(n)} for n in range(100)], on_match="update"
        )
        assert session.get("customer", 1).phone == "99"
    assert (result.count("created"), result.count("updated")) == (1, 99)


def test_two_rows_that_reach_one_record_by_different_keys_are_saved_one_after_the_other(crm):
    with crm.session() as session:
        session.create("customer", {"code": "K-1", "name": "Acme"})
        rows = [{"code": "K-1", "name": "Acme Inc", "region": "East"}, {"name": "acme", "phone": "1"}]
        result = session.save_many("customer", rows, on_match="update")
        acme = session.get("customer", 1)
    assert [row.outcome for row in result.rows] == ["updated", "updated"]
    assert (acme.name, acme.region, acme.phone, acme.version) == ("acme", "East", "1", 3)


def test_an_external_id_is_never_given_twice(crm):
    taken = {"name": "Acme", "source": "odoo", "external_id": "7"}
    with crm.session() as session:
        session.create("customer", taken)
        with pytest.raises(DuplicateRecord, match=r"customer:1 is the same record: same source \+ external_id"):
            session.create("customer", {**taken, "name": "Cancity"}, on_match="create")


def test_a_plugin_may_set_what_the_actor_may_not_even_on_a_record_that_its_key_finds(make_crm):
    from types import SimpleNamespace

    from crmcore import hookimpl
    from crmcore.types import Plugin

    def crm_before_validate(tx, batch):
        for change in batch:
            change.set("code", change.after["code"].removeprefix("NO."))

    manifest = {"name": "codes", "version": "1", "summary": "x", "listens": {"crm_before_validate": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_before_validate=hookimpl(crm_before_validate)))
    roles = {"sales": {"customer": {"create": True, "read": True, "update": True, "fixed": ["region"]}}}
    crm = make_crm(plugins=[plugin], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
        session.create("customer", {"code": "7", "name": "Acme"})
    with crm.session("anna") as session:
        found = session.create("customer", {"code": "NO.7", "name": "Acme Inc"}, on_match="update")
    assert (found.id, found.code, found.name) == (1, "7", "Acme Inc")


def test_two_rows_that_a_plugin_makes_the_same_record_end_as_one(make_crm):
    from types import SimpleNamespace

    from crmcore import hookimpl
    from crmcore.types import Plugin

    def crm_before_validate(tx, batch):
        for change in batch:
            if change.after["phone"]:
                change.set("phone", change.after["phone"].replace("-", ""))

    manifest = {"name": "phones", "version": "1", "summary": "x", "listens": {"crm_before_validate": ["customer"]}}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(crm_before_validate=hookimpl(crm_before_validate)))
    crm = make_crm(plugins=[plugin])
    rows = [{"kind": "person", "name": "王伟", "phone": phone} for phone in ("138-1", "1381", "13-81")]
    with crm.session() as session:
        result = session.save_many("customer", rows, on_match="update")
    assert (result.count("created"), set(result.ids)) == (1, {1})


def test_an_external_id_needs_its_source_and_is_not_changed_in_silence(crm):
    with crm.session() as session:
        with pytest.raises(Exception, match="says nothing without the source"):
            session.create("customer", {"name": "Acme", "external_id": "7"})
        session.create("customer", {"name": "Acme", "source": "erp", "external_id": "1"})
        session.create("customer", {"name": "Cancity"})
        rows = [{"id": 1, "source": "erp", "external_id": "99"}, {"id": 2, "source": "erp", "external_id": "1"}]
        result = session.save_many("customer", [*rows, {"name": "Bluth"}], on_problem="reject")
    assert [row.outcome for row in result.rows] == ["rejected", "rejected", "created"]


AWAITED = {
    "text": ({"type": "string"}, "Retail", "Retail", "retail"),
    "choice": ({"type": "string", "enum": ["a", "b"]}, "a", "a", "b"),
    "yes": ({"type": "boolean"}, True, True, False),
    "whole": ({"type": "integer"}, 5, 5, 6),
    "number": ({"type": "number"}, 1, 1.0, 1.5),
    "day": ({"type": "string", "format": "date"}, "2026-01-02", dt.date(2026, 1, 2), "2026-01-03"),
    "instant": (
        {"type": "string", "format": "date-time"}, "2026-01-02T03:04:05Z", "2026-01-02T11:04:05+08:00",
        "2026-01-02T03:04:06Z",
    ),
    "amount": ({"type": "string", "x-crm": {"money": True}}, "1.00", Decimal(1), "1.01"),
    "whose": ({"type": "integer", "x-crm": {"ref": "customer"}}, 1, Ref("customer", 1), 2),
}  # fmt: skip
"""Kind -> the field, what its rule waits for, the same as a caller gives it, and something else."""


def test_an_alternative_for_some_rows_only_holds_for_those_whatever_kind_of_value_tells_them(make_crm, database_url):
    titles = {"titles": {"en": "x", "zh-CN": "x"}}
    schemas = {
        f"thing_{kind}.schema.json": {
            "$schema": "urn:crmcore:entity:1",
            "type": "object",
            "x-crm": {"plural": f"things_{kind}", "match": [{"fields": ["code"], "when": {"told": awaited}}], **titles},
            "properties": {
                "code": {"type": "string", "x-crm": titles},
                "told": {**field, "x-crm": {**field.get("x-crm", {}), **titles}},
            },
        }
        for kind, (field, awaited, _same, _other) in AWAITED.items()
    }
    manifest = {"name": "things", "version": "1", "summary": "x"}
    things = Plugin(manifest=manifest, module=SimpleNamespace(), schemas=schemas)
    crm = make_crm(plugins=[things], database_url=database_url)
    found = {}
    with crm.session() as session:
        session.save_many("customer", [{"name": "Acme"}, {"name": "Cancity"}])
        for kind, (_field, _awaited, same, other) in AWAITED.items():
            rows = [{"code": "K", "told": same}, {"code": "K", "told": other}, {"code": "k", "told": same}]
            first = session.save_many(f"thing_{kind}", rows[:2], on_match="update")
            again = session.save_many(f"thing_{kind}", rows, on_match="update")
            found[kind] = [(one.outcome, one.id) for one in (*first.rows, *again.rows)]

    expected = [("created", 1), ("created", 2), ("unchanged", 1), ("created", 3), ("updated", 1)]
    assert found == dict.fromkeys(AWAITED, expected)


def test_rows_that_are_refused_because_of_others_cost_no_statement_each(crm):
    rows = [{"name": f"C{n}"} for n in range(40)]
    with crm.session() as session:
        ids = session.save_many("customer", rows).ids
        session.save_many("customer", rows[10:20], on_match="create")
        for id in ids[20:25]:
            session.delete("customer", id)
    statements = []
    with crm.session() as session:
        event.listen(session.connection, "before_cursor_execute", lambda c, cursor, sql, *rest: statements.append(sql))
        saved = session.save_many("customer", rows, on_problem="reject")
    reasons = " ".join(problem.message for problem in saved.problems)
    assert [reasons.count(why) for why in ("same record: same", "2 records match", "was deleted: same")] == [25, 10, 5]
    assert len(statements) < 12


def test_values_that_are_taken_cost_no_statement_each(crm):
    rows = [{"name": f"Team {n}"} for n in range(40)]
    with crm.session() as session:
        session.save_many("team", rows)
    statements = []
    with crm.session() as session:
        event.listen(session.connection, "before_cursor_execute", lambda c, cursor, sql, *rest: statements.append(sql))
        saved = session.save_many("team", rows, on_match="create", on_problem="reject")
    assert {problem.message for problem in saved.problems} == {
        f"team:{n + 1} has this Team name already" for n in range(40)
    }
    assert len(statements) < 12


def test_two_sessions_that_save_a_few_records_and_then_more_do_not_wait_for_each_other(make_crm, postgres_url):
    crm, both = make_crm(database_url=postgres_url), Barrier(2)

    def save(name):
        with crm.session() as session:
            session.create("customer", {"name": name})
            both.wait(timeout=60)
            return session.save_many("customer", [{"name": f"{name} {n}"} for n in range(100)]).count("created")

    with ThreadPoolExecutor(2) as threads:
        saved = list(threads.map(save, ["East", "West"]))
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.save_many("customer", [{"name": f"Acme {n}"} for n in range(locks._MOST)])
        count = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        held = session.connection.execute(count).scalar_one()

    assert saved == [100, 100]
    assert held == 3  # the first key, and the whole entity, shared at first
