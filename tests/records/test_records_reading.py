"""Lists by condition and order, in pages that miss nothing and show nothing twice."""

from __future__ import annotations

import pytest

from crmcore.errors import ConditionError, UsageError


@pytest.fixture
def regions(crm):
    rows = [("Acme", "East"), ("betasoloin", None), ("Cancity", "west"), ("佛山企业电子", "East"), ("Dontechi", None)]
    with crm.session() as session:
        session.save_many("customer", [{"name": name, "region": region} for name, region in rows])
    return crm


def listed(crm, *arguments, **options):
    with crm.session(read_only=True) as session:
        return [record.name for record in session.find("customer", *arguments, **options)]


def test_a_condition_selects_and_an_order_sorts_case_folded(regions):
    assert listed(regions, "region is not empty", order="-name") == ["佛山企业电子", "Cancity", "Acme"]
    assert listed(regions, order="name") == ["Acme", "betasoloin", "Cancity", "Dontechi", "佛山企业电子"]


def test_empty_values_come_last_in_either_direction(regions):
    assert listed(regions, order="region, name") == ["Acme", "佛山企业电子", "Cancity", "betasoloin", "Dontechi"]
    assert listed(regions, order="-region, name") == ["Cancity", "Acme", "佛山企业电子", "betasoloin", "Dontechi"]


@pytest.mark.parametrize("order", ["name", "-name", "region", "-region, name", "", "annual_revenue", "-created_at"])
def test_pages_put_together_are_the_whole_list(regions, order):
    with regions.session(read_only=True) as session:
        whole = [record.id for record in session.find("customer", order=order)]
        paged, after = [], None
        while True:
            page = session.find("customer", order=order, limit=2, after=after)
            paged += [record.id for record in page]
            after = page.next
            if after is None:
                break
        assert [record.id for record in session.iterate("customer", order=order)] == whole
    assert paged == whole
    assert len(whole) == 5


def test_a_cursor_of_another_list_is_refused(regions):
    with regions.session(read_only=True) as session:
        page = session.find("customer", order="name", limit=2)
        for wrong in (page.next[:-3], "x", ""):
            with pytest.raises(UsageError, match="not where a page of that list ended"):
                session.find("customer", order="name", after=wrong)
        with pytest.raises(UsageError, match="not where a page of that list ended"):
            session.find("customer", order="region", after=page.next)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_page_has_bounds(regions, limit):
    with regions.session(read_only=True) as session, pytest.raises(UsageError, match="between 1 and 10000"):
        session.find("customer", limit=limit)


def test_a_mistake_in_a_condition_is_shown_with_a_caret(regions):
    with regions.session(read_only=True) as session, pytest.raises(ConditionError) as caught:
        session.find("customer", "regon = 'East'")
    assert "  regon = 'East'\n  ^^^^^\n" in str(caught.value)
    assert "Did you mean region?" in str(caught.value)


def test_related_records_and_links_can_be_asked_for(regions):
    with regions.session() as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-10", "amount": "5000"})
        session.create("order", {"customer": 3, "order_date": "2026-01-10", "amount": "100"})
    assert listed(regions, "any orders (amount > 1000)") == ["Acme"]
    with regions.session(read_only=True) as session:
        assert [order.id for order in session.find("order", "customer.region = 'West'")] == [2]


def test_a_select_over_tables_gives_money_as_decimals(regions):
    from decimal import Decimal

    from sqlalchemy import func, insert, select

    with regions.session() as session:
        for amount in ("0.10", "0.20"):
            session.create("order", {"customer": 1, "order_date": "2026-01-10", "amount": amount})
        order = session.table("order")
        assert session.execute(select(func.sum(order.c.amount))).scalar() == Decimal("0.30")
        with pytest.raises(UsageError, match="only SELECT"):
            session.execute(insert(regions.runtime.tables.entity["order"]))
        with pytest.raises(UsageError, match="SELECT") as caught:
            session.execute(session.table("order"))
        assert caught.value.hint == "Select from it: select(...)."


def test_a_session_for_reading_refuses_to_write(regions):
    from crmcore.errors import AccessDenied

    with regions.session(read_only=True) as session, pytest.raises(AccessDenied):
        session.create("customer", {"name": "Zumgoity"})


def test_a_session_belongs_to_its_thread(regions):
    from concurrent.futures import ThreadPoolExecutor

    with regions.session(read_only=True) as session, ThreadPoolExecutor(1) as pool:
        with pytest.raises(UsageError, match="one thread"):
            pool.submit(session.get, "customer", 1).result()
