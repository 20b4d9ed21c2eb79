"""A company's database, the same on every machine: customers, ten orders each on average, visits and complaints.

Orders are skewed as they are in life: nearly half of the customers ordered once or never, some hundreds of times, each
in a rhythm of its own out of which many have fallen. The rhythms are drawn in Python; the orders are made from them by
one INSERT ... SELECT that calculates with whole numbers only, so that SQLite and PostgreSQL hold the same ones. They
lie in the order of their days, as orders that came in one after the other.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Protocol

from benchmarks.customers import COLUMNS, rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = ["AS_OF", "Database", "fill"]

AS_OF = "2026-11-21"
"""The day on which everything is looked at."""
USERS = 40
MOST_ORDERS = 700
LONGEST = 2500
"""Days that the orders of a customer spread over, at most."""
SEED = 4
NOW = "2026-11-20 08:00:00.000000"
FOLDED = ("code", "name", "phone", "email", "region", "city", "industry")
TABLES = ("crm_customer", "crm_order", "crm_activity")


class Database(Protocol):
    """What filling needs of SQLite or PostgreSQL."""

    day_before: str
    """SQL: the day so many ``{days}`` before `AS_OF`."""
    instant_before: str
    """SQL: eight o'clock in the morning of that day, UTC."""

    def execute(self, sql: str) -> None:
        """Run statements."""

    def insert(self, table: str, columns: Sequence[str], values: Iterable[Sequence[object]]) -> None:
        """Insert many rows."""

    def indexes(self, table: str) -> Sequence[tuple[str, str]]:
        """Return the indexes of a table besides its primary key: name and statement."""


def fill(database: Database, customers: int) -> None:
    """Fill the tables of a fresh instance; their indexes are built afterwards."""
    indexes = [index for table in TABLES for index in database.indexes(table)]
    for name, _statement in indexes:
        database.execute(f"DROP INDEX {name}")
    _insert_users(database)
    _insert_customers(database, customers)
    _insert_orders(database, customers)
    _insert_activities(database, customers)
    for _name, statement in indexes:
        database.execute(statement)
    database.execute("ANALYZE")


def rhythms(count: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield of each customer: id, number of orders, days from one to the next, days since the last, usual amount."""
    draw = random.Random(SEED)
    for customer in range(1, count + 1):
        orders = min(MOST_ORDERS, int(1.6 * draw.paretovariate(1.0)) - 1)
        gap = max(1, min(180, round(draw.lognormvariate(3.2, 0.8)), LONGEST // max(1, orders)))
        steady = draw.random() < 0.7
        last = draw.randrange(gap) if steady else int(gap * draw.paretovariate(1.0)) % 900
        yield customer, orders, gap, last, max(1, round(draw.lognormvariate(7, 1.4)))


def _insert_users(database: Database) -> None:
    columns = (
        "id",
        "version",
        "created_at",
        "updated_at",
        "login",
        "login__folded",
        "name",
        "name__folded",
        "active",
        "roles",
    )
    names = [f"user{number}" for number in range(2, USERS + 1)]
    database.insert(
        "crm_user",
        columns,
        ((number, 1, NOW, NOW, name, name, name, name, True, '["sales"]') for number, name in enumerate(names, 2)),
    )


def _insert_customers(database: Database, count: int) -> None:
    folded = [[*COLUMNS].index(name) for name in FOLDED]
    revenue = [*COLUMNS].index("annual_revenue")

    def values() -> Iterator[tuple[object, ...]]:
        for number, row in enumerate(rows(count, flawless=True), 1):
            cells: list[object] = [cell or None for cell in row]
            cells[revenue] = round(float(row[revenue]) * 10_000) if row[revenue] else None
            owner = 1 + number * 31 % USERS
            yield number, 1, NOW, NOW, owner, "direct", *cells, *(row[place].casefold() or None for place in folded)

    system = ("id", "version", "created_at", "updated_at", "owner", "relation")
    database.insert("crm_customer", (*system, *COLUMNS, *(f"{name}__folded" for name in FOLDED)), values())


def _insert_orders(database: Database, count: int) -> None:
    database.execute(
        "CREATE TABLE drawn_rhythm (customer BIGINT, orders BIGINT, gap BIGINT, last BIGINT, usual BIGINT)"
    )
    database.execute("CREATE TABLE drawn_number (n BIGINT)")
    database.insert("drawn_rhythm", ("customer", "orders", "gap", "last", "usual"), rhythms(count))
    database.insert("drawn_number", ("n",), ((n,) for n in range(MOST_ORDERS)))
    database.execute(ORDERS.format(day=database.day_before.format(days="days"), now=NOW))
    database.execute("DROP TABLE drawn_rhythm")
    database.execute("DROP TABLE drawn_number")


ORDERS = """
INSERT INTO crm_order (version, created_at, updated_at, number, number__folded, customer, order_date, status,
  payment_status, amount, profit)
SELECT 1, '{now}', '{now}', number, lower(number), customer, {day},
  CASE chance % 25 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'confirmed' ELSE 'completed' END, 'paid',
  amount, amount / 100 * (chance % 40 - 5)
FROM (
  SELECT customer, chance, last + n * gap + chance % (gap / 2 + 1) AS days,
    'S' || customer || '-' || n AS number,
    CASE WHEN chance % 50 = 7 THEN -1 ELSE 1 END * usual * 100 * (50 + chance % 101) AS amount
  FROM (
    SELECT r.*, n, (customer * 7919 + n * 104729 + customer % 911 * n * 31) % 1000003 AS chance
    FROM drawn_rhythm r JOIN drawn_number ON n < r.orders
  ) AS drawn
) AS made
ORDER BY days DESC, customer
"""


def _insert_activities(database: Database, count: int) -> None:
    """Insert three activities for ten customers, one in fifteen a complaint, over the last two years."""
    database.execute("CREATE TABLE drawn_activity (n BIGINT)")
    database.insert("drawn_activity", ("n",), ((n,) for n in range(count * 3 // 10)))
    happened = database.instant_before.format(days="(n * 104729 % 730)")
    database.execute(ACTIVITIES.format(now=NOW, count=count, happened=happened))
    database.execute("DROP TABLE drawn_activity")


ACTIVITIES = """
INSERT INTO crm_activity (version, created_at, updated_at, subject__entity, subject__id, kind, phase, summary,
  summary__folded, happened_at)
SELECT 1, '{now}', '{now}', 'customer', 1 + n * 7919 % {count}, CASE n % 15 WHEN 0 THEN 'complaint' ELSE 'visit' END,
  'in_sale', 'Talked', 'talked', {happened}
FROM drawn_activity
"""
