"""Listing 50 of all customers through `Session.find` with access rules, against raw SQL through the `sqlite3` module.

A salesperson may read its own customers and those of one region, and not one of the fields. The raw SQL says the same
by hand, reads the same columns (those of the fields, without the folded twins of texts), and leaves the rows as tuples.
Each side keeps one connection and transaction open, with the same pragmas; every call asks something else than the one
before, and both sides give the same ids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from benchmarks.customers import INDUSTRIES
from benchmarks.figures import Figure
from benchmarks.measuring import in_turns, timed
from benchmarks.sqlite import company, connect
from crmcore import CRM

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from benchmarks.figures import Options
    from crmcore import Session

ROUNDS = 9
CALLS = 40
LIMIT = 50
LOGIN, USER = "user2", 2
MAY = f"deleted_at IS NULL AND (owner = {USER} OR region__folded = '华东')"


@frozen
class Question:
    """One way of asking, on both sides."""

    name: str
    find: Callable[[Session, int], list[int]]
    sql: str
    parameters: Callable[[int], tuple[Any, ...]]


def measure(options: Options) -> list[Figure]:
    """Return a figure for each way of asking."""
    folder, count = company(options), options.customers
    crm = CRM.open(folder / "crm.toml")
    raw = connect(folder / "crm.db")
    raw.execute("BEGIN")
    with crm, crm.session(LOGIN, read_only=True) as session:
        return [_figure(session, raw, question, options) for question in _questions(session, count)]


def _questions(session: Session, count: int) -> list[Question]:
    pages = _cursors(session)
    return [
        Question(
            "by a filter on two fields",
            lambda tx, n: _ids(tx.find("customer", f"status = 'current' and industry = '{_industry(n)}'")),
            "status = 'current' AND industry__folded = ? ORDER BY id LIMIT 50",
            lambda n: (_industry(n).casefold(),),
        ),
        Question(
            "by a filter, sorted by name",
            lambda tx, n: _ids(tx.find("customer", f"employees >= {n % 100}", order="name")),
            "employees >= ? ORDER BY name__folded, id LIMIT 50",  # a name is never empty
            lambda n: (n % 100,),
        ),
        Question(
            "by its key",
            lambda tx, n: _ids(tx.find("customer", f"code = 'C{_number(n, count):07d}'")),
            "code__folded = ? ORDER BY id LIMIT 50",
            lambda n: (f"c{_number(n, count):07d}",),
        ),
        Question(
            "after the last key of the page before",
            lambda tx, n: _ids(tx.find("customer", "status = 'target'", after=pages[n % len(pages)][1])),
            "status = 'target' AND id > ? ORDER BY id LIMIT 50",
            lambda n: (pages[n % len(pages)][0],),
        ),
    ]


def _cursors(session: Session) -> list[tuple[int, str]]:
    """Return where some pages end: the last id, and what `find` says of it."""
    pages: list[tuple[int, str]] = []
    after = None
    for _page in range(20):
        page = session.find("customer", "status = 'target'", after=after, limit=LIMIT)
        if page.next is None:
            break
        pages.append((_ids(page)[-1], page.next))
        after = page.next
    return pages


def _figure(session: Session, raw: sqlite3.Connection, question: Question, options: Options) -> Figure:
    columns = _columns(session)
    statement = f"SELECT {', '.join(columns)} FROM crm_customer WHERE {MAY} AND {question.sql}"
    found, expected = question.find(session, 7), [row[0] for row in raw.execute(statement, question.parameters(7))]
    if found != expected:
        raise AssertionError(f"{question.name}: {found} and {expected}")
    turns = iter(range(10**9))

    def ours() -> float:
        start = next(turns) * CALLS
        return timed(lambda: [question.find(session, start + n) for n in range(CALLS)]) / CALLS

    def theirs() -> float:
        start = next(turns) * CALLS
        return (
            timed(lambda: [raw.execute(statement, question.parameters(start + n)).fetchall() for n in range(CALLS)])
            / CALLS
        )

    in_turns(1, {"crmcore": ours, "raw": theirs})
    taken = in_turns(options.or_rounds(ROUNDS), {"crmcore": ours, "raw": theirs})
    return Figure(
        work=f"list {LIMIT} of {options.customers:,} customers {question.name}, with access rules",
        against="raw SQL",
        ours=taken["crmcore"],
        theirs=taken["raw"],
        bar=2,
        slack=0.001,
        aim=1.3,
    )


def _columns(session: Session) -> list[str]:
    table = session.runtime.tables.entity["customer"]
    return [
        column.name for column in table.c if not column.name.endswith("__folded") and column.name != "annual_income"
    ]


def _ids(page: Any) -> list[int]:
    return [record.id for record in page]


def _industry(n: int) -> str:
    return INDUSTRIES[n % len(INDUSTRIES)]


def _number(n: int, count: int) -> int:
    return n * 7919 % count
