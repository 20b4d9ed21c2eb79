"""Conditions and orders of any text: each selects records, or is a mistake with its place in the text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fuzzing import changed_text, fuzz, in_time
from hypothesis import strategies as st

from crmcore.errors import ConditionError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore import CRM
    from crmcore.records.session import Session
    from crmcore.testing import MakeCRM

CONDITIONS = (
    "kind = 'organisation' and name contains '电子'",
    "not (employees >= 100 or annual_revenue < 1.5e3) and tags contains 'vip'",
    "created_at >= today() - 90 days and created_at < now()",
    "any orders (amount > 1000 and order_date between '2026-01-01' and today())",
    "owner = me or owner.team = my_team or parent.parent.owner.name is not empty",
    "industry in ('retail', 'food') and code not in ('a', 'b')",
    "-employees + 2 * (employees - 1) / 3 > 0.5",
    "birthday is empty and email starts with 'a%_\\'",
)
ORDERS = ("name", "-created_at, name", "-owner.name, id", "employees")
WORDS = (
    " and ", " or ", " not ", " any ", " in (", " is empty", " contains ", " starts with ", " between ", "today()",
    "now()", "me", "my_team", "orders", "order_lines", "owner.", "parent.", "deleted_at", "id", "version", "90 days",
    "1 month", "'%'", "''", "（", "，", "‘", "customer:1", "'customer:1'", "100000 years", "999999999999999999", "≥",
    "＝", "true",
)  # fmt: skip


@pytest.fixture
def session(make_crm: MakeCRM) -> Iterator[Session]:
    crm: CRM = make_crm()
    with crm.session() as writing:
        writing.create("customer", {"name": "Acme", "employees": 3, "tags": ["vip"], "birthday": "2020-02-29"})
    with crm.session(read_only=True) as reading:
        yield reading


@fuzz(150, text=changed_text(*CONDITIONS, words=WORDS) | st.lists(st.sampled_from(WORDS), max_size=12).map("".join))
def test_conditions(session: Session, text: str) -> None:
    with in_time():
        try:
            session.find("customer", text, limit=3)
        except ConditionError as error:
            _judge(error, text)


@fuzz(80, text=changed_text(*ORDERS, words=WORDS))
def test_orders(session: Session, text: str) -> None:
    with in_time():
        try:
            session.find("customer", order=text, limit=3)
        except ConditionError as error:
            _judge(error, text)


def _judge(error: ConditionError, text: str) -> None:
    assert error.text == text
    assert 0 <= error.start <= error.end <= max(len(text), error.end) or not text
    assert error.reason
    assert len(str(error)) < 2_000
    str(error).encode(errors="backslashreplace")
