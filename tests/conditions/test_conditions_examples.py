"""What conditions mean, by example: the same few records, chosen by SQLite, PostgreSQL and Python."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve
from conditions_world import NOW, TABLES, World, compiled
from sqlalchemy import Connection, literal, select, update

from crmcore.types import Ref

UTC = dt.UTC

# Today is 2026-11-30 in Shanghai; the user who asks is 1, of team 1.
WORLD = World(
    {
        "team": [{"id": 1, "name": "North"}, {"id": 2, "name": "South"}],
        "user": [
            {"id": 1, "login": "Wang", "team": 1}, {"id": 2, "login": "li", "team": 2}, {"id": 3, "login": "zhao"},
        ],
        "customer": [
            {
                "id": 1, "name": "ABC Ltd", "alias": "abc ltd", "region": "East", "billing_region": "East",
                "staff": 10, "branches": 3, "score": 0.5, "vip": True, "credit": Decimal("1000"),
                "revenue": Decimal("100000.00"),
                "since": dt.date(2026, 1, 31), "until": dt.date(2026, 11, 30),
                "met_at": dt.datetime(2026, 11, 29, 16, 0, tzinfo=UTC), "tags": ["vip", "电子"], "owner": 1,
            },
            {
                "id": 2, "name": "北京电子厂", "region": "华东", "staff": 0, "branches": 2, "score": -1.5,
                "vip": False, "credit": Decimal("-0.0001"), "since": dt.date(2026, 8, 31), "tags": ["VIP"],
                "owner": 2, "parent": 1,
                "met_at": dt.datetime(2026, 11, 29, 15, 59, 59, 999999, tzinfo=UTC),
            },
            {
                "id": 3, "name": "Straße 100%", "alias": "o'neil", "region": "West", "address": {"city": "上海"},
                "owner": 3, "parent": 2,
            },
            {"id": 4, "name": "nobody's"},
            {"id": 5, "name": "ABC deleted", "owner": 1, "deleted_at": NOW},
            {"id": 6, "name": "child of a deleted one", "parent": 5},
        ],
        "order": [
            {
                "id": 1, "number": "A-1", "customer": 1, "amount": Decimal("1500"), "status": "open",
                "order_date": dt.date(2026, 11, 1),
            },
            {"id": 2, "number": "a-1", "customer": 1, "amount": Decimal("20"), "status": "paid", "buyer": 2},
            {"id": 3, "number": "B-9", "customer": 2, "status": "open"},
            {"id": 4, "number": "B-9", "customer": 3, "amount": Decimal("9999"), "deleted_at": NOW},
        ],
        "activity": [
            {"id": 1, "subject": Ref("customer", 1), "about": "visit", "done": True},
            {"id": 2, "subject": Ref("order", 1), "about": "call"},
            {"id": 3},
        ],
    }
)  # fmt: skip

EXAMPLES = {
    "customer": {
        # Text is compared case-folded, in all its parts.
        "name = 'abc ltd'": [1],
        "name = ' ＡＢＣ　LTD '": [1],
        "name != 'abc ltd'": [2, 3, 4, 6],
        "name = alias": [1],
        "name contains '电子'": [2],
        "name contains 'STRASSE'": [3],
        "name contains '0%'": [3],
        "name contains '%'": [3],
        "name contains '_'": [],
        "name starts with 'ab'": [1],
        "name not starts with 'ab'": [2, 3, 4, 6],
        "alias contains \"O'N\"": [3],
        "alias = 'o''neil'": [3],
        "name < 'b'": [1],
        "name between 'a' and 'c'": [1],
        # Fixed values and codes are compared as they are written.
        "region = '华东'": [2],
        "region in ('East', 'West')": [1, 3],
        "region = billing_region": [1],
        # An empty field compares with nothing; what is negated holds for it.
        "staff > 0": [1],
        "staff <= 0": [2],
        "not staff > 0": [2, 3, 4, 6],
        "staff != 10": [2, 3, 4, 6],
        "staff not in (10, 11)": [2, 3, 4, 6],
        "staff != 10 and staff is not empty": [2],
        "staff is empty": [3, 4, 6],
        "not (staff is empty or staff = 0)": [1],
        "staff not between 5 and 15": [2, 3, 4, 6],
        # Numbers. A whole number is never cut off, x/0 is empty.
        "staff > 2.5": [1],
        "branches / 2 = 1.5": [1],
        "staff / branches > 3.3": [1],
        "branches / staff > 0": [1],
        "branches / staff is empty": [2, 3, 4, 6],
        "score * -2 = 3": [2],
        "-score >= 1.5": [2],
        "staff - branches * 2 = 4": [1],
        "staff - (branches - 2) = 9": [1],
        "staff > 999999999999999999": [],
        "staff < 999999999999999999": [1, 2],
        # Money is exact.
        "revenue >= 100000": [1],
        "credit < 0": [2],
        "credit = -0.0001": [2],
        "credit > 999.99999": [1],
        "credit = 1000.00001": [],
        "revenue >= credit * 100": [1],
        "credit between -1 and 1": [2],
        # Booleans stand for themselves; an empty one is false.
        "vip": [1],
        "not vip": [2, 3, 4, 6],
        "vip = false": [2],
        "vip and active": [],
        "true": [1, 2, 3, 4, 6],
        # Dates and durations.
        "since = '2026-01-31'": [1],
        "since < today() - 90 days": [1, 2],
        "since < today() - 92 days": [1],
        "until = today()": [1],
        "since >= today() - 3 months": [2],
        "since = '2026-11-30' - 3 months + 1 day": [2],
        "since + 303 days = until": [1],
        "until - since = 303": [1],
        "until - since > 300 and until - since < 2 * 152": [1],
        "today() - since between 90 and 92": [2],
        "since in ('2026-08-31', today())": [2],
        "since < '9999-12-31' + 100000 days": [1, 2],
        # Instants against a date: the day in Shanghai, which began at 16:00 UTC.
        "met_at >= '2026-11-30'": [1],
        "met_at = '2026-11-29'": [2],
        "met_at < today()": [2],
        "met_at = '2026-11-30 00:00'": [1],
        "met_at = '2026-11-29T16:00:00Z'": [1],
        "met_at > now() - 1 day": [1, 2],
        "met_at between '2026-11-30' and today()": [1],
        # Lists and objects.
        "tags contains 'vip'": [1],
        "tags not contains 'vip'": [2, 3, 4, 6],
        "address is not empty": [3],
        # Records.
        "owner = me": [1],
        "owner = 1": [1],
        "owner = 'user:1'": [1],
        "owner in (me, 2)": [1, 2],
        "owner.team = my_team": [1],
        "id = 'customer:2'": [2],
        "id in (1, 2, 99999999999999999)": [1, 2],
        "parent = id": [],
        # Through links; what is deleted is not there.
        "owner.login = 'WANG'": [1],
        "owner.team.name = 'south'": [2],
        "parent.parent.name starts with 'abc'": [3],
        "parent.name starts with 'abc'": [2],
        "parent.name is empty": [1, 4, 6],
        "parent is not empty": [2, 3, 6],
        "parent.owner = me": [2],
        # Related records.
        "any orders": [1, 2],
        "not any orders": [3, 4, 6],
        "any orders (amount > 1000)": [1],
        "any orders (amount > 1000 and status = 'paid')": [],
        "any orders (amount > 1000) and any orders (status = 'paid')": [1],
        "any orders (customer.region = 'East')": [1],
        "any customers (any customers (region = 'West'))": [1],
        "any activities (done)": [1],
        # Metrics.
        "orders_count >= 2": [1],
        "abc.revenue > 1519.9999": [1],
        "abc.revenue / orders_count = 760": [1],
        "last_order < today() - 4 weeks": [1],
        # Keywords may be written in any case, and space be of any kind.
        "vip = TRUE AND Not region IN ('West')": [1],
        "(((staff)) = ((10)))": [1],
        "staff = 10\n  or\tstaff　= 0": [1, 2],
    },
    "order": {
        "number = 'A-1'": [1],
        "number in ('A-1', 'a-1')": [1, 2],
        "number starts with 'B'": [3],
        "number < 'a'": [1, 3],
        "customer = 'customer:1'": [1, 2],
        "customer.owner = me": [1, 2],
        "any activities (about = 'call')": [1],
        "buyer.team = customer.owner.team": [],
    },
    "activity": {
        "subject = 'customer:1'": [1],
        "subject != 'customer:1'": [2, 3],
        "subject in ('customer:1', 'order:1', 'order:99999999999999999999')": [1, 2],
        "subject is empty": [3],
        "done = false or done is empty": [2, 3],
    },
    "user": {"id = me": [1], "team = my_team": [1], "any customers (parent is empty)": [1], "any orders": [2]},
}  # fmt: skip


@pytest.mark.parametrize("entity", EXAMPLES)
def test_examples_choose_the_expected_records(connection: Connection, entity: str) -> None:
    WORLD.store(connection)
    for text, expected in EXAMPLES[entity].items():
        condition = compiled(text, entity)

        assert (text, WORLD.chosen_in_sql(connection, condition)) == (text, expected)
        assert (text, WORLD.chosen_in_python(condition)) == (text, expected)


def test_nobody_in_particular_is_the_owner_of_nothing(connection: Connection) -> None:
    world = evolve(WORLD, view={**WORLD.view, "me": None, "my_team": None})
    world.store(connection)

    for text in ("owner = me", "owner in (me)", "owner.team = my_team", "me is not empty"):
        condition = compiled(text)
        assert world.chosen_in_sql(connection, condition) == world.chosen_in_python(condition) == []


def test_a_day_of_another_time_zone_has_other_instants(connection: Connection) -> None:
    world = evolve(WORLD, view={**WORLD.view, "timezone": dt.UTC})
    world.store(connection)
    condition = compiled("met_at = '2026-11-29'")

    assert world.chosen_in_sql(connection, condition) == world.chosen_in_python(condition) == [1, 2]


def test_conditions_stand_in_update_and_delete_statements(connection: Connection) -> None:
    WORLD.store(connection)
    customers, orders = TABLES["customer"], TABLES["order"]
    condition = compiled("any orders (customer.owner.login = 'wang')").sql(customers, WORLD.sql())
    connection.execute(update(customers).where(condition).values(staff=77))
    paid = compiled("status = 'paid' or customer.region = '华东'", "order").sql(orders, WORLD.sql())
    connection.execute(orders.delete().where(paid))

    assert connection.execute(select(customers.c.id).where(customers.c.staff == 77)).scalars().all() == [1]
    assert sorted(connection.execute(select(orders.c.id)).scalars()) == [1, 4]


def test_conditions_stand_over_an_alias_and_a_subquery(connection: Connection) -> None:
    WORLD.store(connection)
    condition = compiled("owner.team = my_team and any orders (amount > 1000)")
    for rows in (TABLES["customer"].alias(), select(TABLES["customer"], literal(1).label("more")).subquery()):
        chosen = select(rows.c.id).where(rows.c.deleted_at.is_(None), condition.sql(rows, WORLD.sql()))

        assert connection.execute(chosen).scalars().all() == [1]


def test_a_record_that_is_not_saved_yet_has_no_related_records() -> None:
    condition = compiled("not any orders and owner = me")

    assert condition.evaluate({"name": "new", "owner": 1}, WORLD.python())
