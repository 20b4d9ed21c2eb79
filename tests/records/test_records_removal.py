"""Deleting softly, what stands in the way, what goes along, and taking it all back."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crmcore.errors import Conflict, NotFound, ReferencedRecord, UsageError, ValidationError
from crmcore.types import Plugin


def order_with_lines(session):
    acme = session.create("customer", {"name": "Acme"})
    order = session.create("order", {"number": "SO-1", "customer": acme.id, "order_date": "2026-01-10"})
    for number in (1, 2):
        session.create("order_line", {"order": order.id, "line_number": number, "amount": "10"})
    return acme, order


def test_a_deleted_record_is_gone_from_lists_and_can_be_restored(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme", "phone": "1"})
        session.delete("customer", acme.id)
        assert session.count("customer") == 0
        with pytest.raises(NotFound):
            session.get("customer", acme.id)
        assert session.get("customer", acme.id, deleted=True).phone == "1"
        restored = session.restore("customer", acme.id)
        assert (restored.phone, restored.deleted_at, restored.version) == ("1", None, 3)
        assert [entry.action for entry in session.history("customer", acme.id)] == ["restore", "delete"]


def test_a_record_that_others_refer_to_cannot_be_deleted(crm):
    with crm.session() as session:
        acme, _order = order_with_lines(session)
        with pytest.raises(ReferencedRecord, match=r"1 order refers to this customer by customer \(order:1\)"):
            session.delete("customer", acme.id)
        assert session.get("customer", acme.id).name == "Acme"


def test_lines_are_deleted_and_restored_with_their_order(crm):
    with crm.session() as session:
        _acme, order = order_with_lines(session)
        session.delete("order_line", 2)
    with crm.session() as session:
        session.delete("order", order.id)
        assert session.count("order_line") == 0


def test_folders_are_deleted_and_restored_with_the_one_that_they_are_in(make_crm, database_url):
    titles = {"titles": {"en": "x", "zh-CN": "x"}}
    parent = {"type": "integer", "x-crm": {"ref": "folder", "on_delete": "delete", **titles}}
    folder = {
        "$schema": "urn:crmcore:entity:1",
        "title": "folder",
        "type": "object",
        "x-crm": {"plural": "folders", "display": "name", **titles},
        "properties": {"name": {"type": "string", "x-crm": {"unique": True, **titles}}, "parent": parent},
    }
    manifest = {"name": "files", "version": "1", "summary": "x"}
    plugin = Plugin(manifest=manifest, module=SimpleNamespace(), schemas={"folder.schema.json": folder})
    crm = make_crm(plugins=[plugin], database_url=database_url)
    with crm.session() as session:
        for name, inside in (("a", None), ("b", 1), ("c", 2)):
            session.create("folder", {"name": name, "parent": inside})
        session.update("folder", 1, {"parent": 3})  # in a circle, whoever made it
        session.delete("folder", 2)
        assert session.count("folder") == 0
        session.restore("folder", 2)
        assert [(record.name, record.parent) for record in session.find("folder")] == [("a", 3), ("b", 1), ("c", 2)]


def test_restoring_brings_back_what_went_along_and_not_what_was_deleted_before(crm, crm_clock):
    with crm.session() as session:
        _acme, order = order_with_lines(session)
        session.delete("order_line", 2)
    crm_clock.advance(minutes=1)
    with crm.session() as session:
        session.delete("order", order.id)
        session.restore("order", order.id)
        assert [line.line_number for line in session.find("order_line")] == [1]


def test_a_visit_goes_with_the_customer_that_it_was_paid_to(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        visit = {"subject": acme.ref, "kind": "visit", "summary": "Demo", "happened_at": "2026-01-10T09:00:00Z"}
        session.create("activity", visit)
        session.delete("customer", acme.id)
        assert session.count("activity") == 0
        session.restore("customer", acme.id)
        assert session.find("activity")[0].subject == acme.ref


def test_a_reference_that_may_be_cleared_is_cleared_and_filled_in_again_by_restoring(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        session.create("customer", {"name": "Cancity", "referred_by": acme.id})
        session.delete("customer", acme.id)
        assert session.get("customer", 2).referred_by is None
        session.restore("customer", acme.id)
        assert session.get("customer", 2).referred_by == acme.id


def test_restoring_does_not_overwrite_what_somebody_filled_in_meanwhile(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        other = session.create("customer", {"name": "Zumgoity"})
        session.create("customer", {"name": "Cancity", "referred_by": acme.id})
        session.delete("customer", acme.id)
        session.update("customer", 3, {"referred_by": other.id})
        session.restore("customer", acme.id)
        assert session.get("customer", 3).referred_by == other.id


def test_restoring_is_refused_while_the_unique_value_has_a_new_holder(crm):
    with crm.session() as session:
        session.delete("team", session.create("team", {"name": "East"}).id)
        session.create("team", {"name": "East"}, on_match="create")
        with pytest.raises(ValidationError, match="team:2 has this Team name already"):
            session.restore("team", 1)


def test_restoring_is_refused_while_the_record_it_refers_to_is_deleted(crm):
    with crm.session() as session:
        acme, order = order_with_lines(session)
        session.delete("order", order.id)
        session.delete("customer", acme.id)
        with pytest.raises(ValidationError, match="there is no customer:1"):
            session.restore("order", order.id)


def test_a_stale_version_cannot_be_deleted(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        session.update("customer", acme.id, {"region": "East"})
        with pytest.raises(Conflict):
            session.delete("customer", acme.id, version=1)


def test_only_a_deleted_record_can_be_restored(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        with pytest.raises(UsageError, match="customer:1 is not deleted"):
            session.restore("customer", 1)
        with pytest.raises(NotFound):
            session.restore("customer", 2)


def test_a_reference_to_a_deleted_record_is_refused(crm):
    with crm.session() as session:
        acme = session.create("customer", {"name": "Acme"})
        session.delete("customer", acme.id)
        with pytest.raises(ValidationError, match="there is no customer:1"):
            session.create("order", {"customer": acme.id, "order_date": "2026-01-10"})


def test_a_line_deleted_before_its_order_in_the_same_session_stays_deleted(crm):
    with crm.session() as session:
        _acme, order = order_with_lines(session)
        session.delete("order_line", 2)
        session.delete("order", order.id)
        session.restore("order", order.id)
        assert [line.line_number for line in session.find("order_line")] == [1]


def test_a_record_whose_cleared_referrer_is_deleted_can_be_restored(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.create("customer", {"name": "Cancity", "referred_by": 1})
        session.delete("customer", 1)
        session.delete("customer", 2)
        assert session.restore("customer", 1).name == "Acme"


def test_an_erased_record_cannot_be_restored(crm):
    from crmcore.erase import erase

    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        erase(session, "customer", 1)
        with pytest.raises(NotFound):
            session.restore("customer", 1)
