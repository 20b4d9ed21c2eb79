"""What sales tells the timeline and reminds of, with days counted by hand."""

from __future__ import annotations

import datetime as dt

import pytest

from crmcore.i18n import speaking
from crmcore.reminders import reminders
from crmcore.timeline import timeline
from crmcore.types import Ref

TODAY = dt.date(2026, 1, 15)


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(enabled=["sales"], database_url=database_url)


def save(crm, *rows):
    with crm.session() as session:
        session.save_many("opportunity", [{"name": f"D{n}", **row} for n, row in enumerate(rows)])


def told(crm, entity, id, actor=None):
    with crm.session(*([actor] if actor else [])) as session:
        found = timeline(session, entity, [id])
        assert found.failures == ()
        return [
            (entry.kind, entry.title, entry.detail, entry.ref) for entry in found.entries if entry.kind != "created"
        ]


def test_a_deal_tells_of_its_moves_and_its_orders(crm, crm_clock):
    save(crm, {"amount": "5"})
    crm_clock.advance(days=4)
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "proposal"})
        customer = session.create("customer", {"name": "Acme"}).id
        order = {"customer": customer, "order_date": "2026-01-01", "amount": "1234.5", "opportunity": 1, "number": "A7"}
        session.create("order", order)
    assert told(crm, "opportunity", 1) == [
        ("stage", "Prospecting → Proposal", "after 4 days", None),
        ("order", "Order A7", "1,234.50", Ref("order", 1)),
    ]


def test_a_customer_tells_of_deals_their_moves_and_orders(crm):
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})
        session.create("customer", {"name": "Other"})
        session.create("order", {"customer": 1, "order_date": "2025-01-01"})
    save(crm, {"customer": 1, "start_date": "2025-06-01", "amount": "5"}, {"customer": 2})
    with crm.session() as session, speaking("zh-CN"):
        session.update("opportunity", 1, {"stage": "won"})
    assert told(crm, "customer", 1) == [
        ("stage", "D0: Prospecting → Won", "after 228 days", Ref("opportunity", 1)),
        ("opportunity", "Opportunity D0", "5.00", Ref("opportunity", 1)),
        ("order", "Order order:1", "", Ref("order", 1)),
    ]
    assert told(crm, "user", 1) == []


def test_what_the_reader_may_not_see_is_not_told(make_crm, database_url):
    roles = {
        "rep": {"customer": {"read": True}, "opportunity": {"read": "owner = me"}},
        "clerk": {"*": {"read": True}, "opportunity": {"read": True, "hide": ["stage", "amount"]}},
        "shy": {"*": {"read": True, "hide": ["customer"]}},
    }
    crm = make_crm(enabled=["sales"], database_url=database_url, roles=roles)
    with crm.session() as session:
        for login, role in (("anna", "rep"), ("carl", "clerk"), ("sue", "shy")):
            session.create("user", {"login": login, "roles": [role]})
        session.create("customer", {"name": "Acme"})
        session.create("order", {"customer": 1, "order_date": "2025-01-01"})
    save(crm, {"customer": 1, "amount": "5", "next_step_date": "2026-01-15"})
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "proposal"})
    assert told(crm, "customer", 1, "anna") == []
    assert [(kind, detail) for kind, _title, detail, _ref in told(crm, "customer", 1, "carl")] == [
        ("opportunity", ""),
        ("order", ""),
    ]
    assert told(crm, "customer", 1, "sue") == []
    for login in ("anna", "carl"):
        with crm.session(login) as session:
            assert reminders(session) == reminders(session, days=1)
            assert reminders(session).entries == ()
            assert reminders(session).failures == ()


def due(crm, **options):
    with crm.session() as session:
        found = reminders(session, **options)
        assert found.failures == ()
        return [(each.kind, each.due, each.ref.id, each.reason) for each in found.entries]


def test_a_deal_that_stands_still_is_due_the_day_after_its_limit(crm):
    save(
        crm,
        {"start_date": "2025-12-16", "amount": "1500"},  # 30 days ago: the last day that is allowed
        {"start_date": "2025-12-15"},
        {"start_date": "2025-01-15"},
        {"stage": "contract", "start_date": "2026-01-14"},  # 14 days are allowed
        {"stage": "lost", "start_date": "2020-01-01"},
    )
    assert due(crm, days=1) == [
        ("sales.stale", TODAY, 2, "31 days in Prospecting, 30 at most"),
        ("sales.stale", TODAY, 3, "365 days in Prospecting, 30 at most"),
    ]
    assert due(crm, days=2)[2:] == [
        ("sales.stale", dt.date(2026, 1, 16), 1, "30 days in Prospecting, 30 at most; 1,500.00")
    ]
    assert due(crm, days=15)[3:] == [("sales.stale", dt.date(2026, 1, 29), 4, "1 days in Contract, 14 at most")]
    assert len(due(crm, days=14)) == 3


def test_a_deal_that_should_have_closed_is_late_from_the_day_after(crm):
    save(
        crm,
        {"expected_close_date": "2026-01-15"},
        {"expected_close_date": "2026-01-05", "stage": "proposal", "amount": "9"},
        {"expected_close_date": "2025-01-05", "stage": "lost"},
    )
    reason = "expected to close on 2026-01-05, 10 days ago, and in Proposal; 9.00"
    assert due(crm, days=1) == [("sales.late", TODAY, 2, reason)]
    assert due(crm, days=2)[1][:3] == ("sales.late", dt.date(2026, 1, 16), 1)


def test_a_next_step_is_due_on_its_day(crm):
    save(
        crm,
        {"next_step_date": "2026-01-15", "next_step": "Call Mr Li"},
        {"next_step_date": "2026-01-17"},
        {"next_step_date": "2026-01-01"},
        {"next_step_date": "2026-01-01", "stage": "won", "amount": "1"},
    )
    assert [row[:3] for row in due(crm, days=2)] == [("sales.next_step", TODAY, 1), ("sales.next_step", TODAY, 3)]
    assert due(crm, days=3)[2] == (
        "sales.next_step",
        dt.date(2026, 1, 17),
        2,
        "planned for 2026-01-17, in Prospecting",
    )
    with crm.session() as session:
        assert [each.title for each in reminders(session, days=1).entries] == ["Call Mr Li", "Take the next step"]


def test_a_reminder_is_its_owners(crm):
    with crm.session() as session:
        anna = session.create("user", {"login": "anna"}).id
    save(crm, {"next_step_date": "2026-01-15", "owner": anna}, {"next_step_date": "2026-01-15"})
    with crm.session() as session:
        assert [each.owner for each in reminders(session).entries] == [anna, None]
