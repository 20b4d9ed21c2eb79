"""Files whose rows are lines of records: put together, totalled, and never twice."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from imported import listed, named, rejected, versions

if TYPE_CHECKING:
    from imported import Bring

    from crmcore import CRM

HEADER = "Order ID,Order Date,Customer,Product ID,Product Name,Sales,Quantity\n"
ROWS = [
    "S1,2026-01-10,Acme,P1,Chair,100.10,2",
    "S2,2026-01-11,Acme,P1,Chair,50.05,1",
    "S1,2026-01-10,Acme,P2,Table,-20.00,1",
    "S1,2026-01-10,Acme,P1,Chair,100.10,2",
    "S2,2026-01-11,Acme,P2,Table,0.95,1",
]
LINES = HEADER + "\n".join(ROWS) + "\n"
ORDERS = [("S1", Decimal("180.2000")), ("S2", Decimal("51.0000"))]


@pytest.fixture(params=[(2, 1), (2, 5), (1000, 5)], ids=["chunks", "pages", "page"], autouse=True)
def chunk(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Chunks and pages that part the rows of a record, and one page that does not: it must make no difference."""
    rows, pages = request.param
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", rows)
    monkeypatch.setattr("crmcore.importing.rounds._PAGES_PER_CHUNK", pages)
    return rows * pages


def test_rows_of_one_order_become_its_lines_wherever_they_stand(crm: CRM, bring: Bring) -> None:
    result = bring("order", LINES, create_missing=True)
    assert result.outcomes == {"created": 5}
    assert result.created == {"customer": 1, "order": 2, "order_line": 5, "product": 2}
    assert listed(crm, "order", "number", "amount") == ORDERS
    lines = named(crm, "order_line", "order", "order", "number")
    assert sorted(number for _line, number in lines) == ["S1", "S1", "S1", "S2", "S2"]
    assert listed(crm, "product", "code", "name") == [("P1", "Chair"), ("P2", "Table")]


def test_a_repeat_changes_nothing(crm: CRM, bring: Bring) -> None:
    bring("order", LINES, create_missing=True)
    before = (versions(crm, "order"), versions(crm, "order_line"))
    again = bring("order", LINES, create_missing=True)
    assert (again.outcomes, again.created) == ({"unchanged": 5}, {})
    assert (versions(crm, "order"), versions(crm, "order_line")) == before
    assert listed(crm, "order", "number", "amount") == ORDERS


def test_rows_that_disagree_on_their_order_are_rejected_with_both_values(crm: CRM, bring: Bring) -> None:
    bad = ROWS[2].replace("2026-01-10", "2026-01-12")
    result = bring("order", HEADER + "\n".join([*ROWS[:2], bad, *ROWS[3:]]), create_missing=True)
    assert result.outcomes == {"created": 4, "rejected": 1}
    ((line, reason, *cells),) = rejected(result)[1:]
    assert line == "4"
    assert reason == 'Order Date: line 2 of the same order has "2026-01-10" here'
    assert cells == bad.split(",")
    assert listed(crm, "order", "number", "amount") == [("S1", Decimal("200.2000")), ORDERS[1]]


def test_a_value_that_some_rows_leave_out_is_no_disagreement(crm: CRM, bring: Bring) -> None:
    rows = [*ROWS[:2], ROWS[2].replace("2026-01-10", ""), *ROWS[3:]]
    assert bring("order", HEADER + "\n".join(rows), create_missing=True).outcomes["created"] >= 4
    assert {str(day) for (day,) in listed(crm, "order", "order_date")} == {"2026-01-10", "2026-01-11"}


def test_a_customer_written_in_two_ways_is_no_disagreement(bring: Bring) -> None:
    rows = [*ROWS[:2], ROWS[2].replace("Acme", "ACME"), *ROWS[3:]]
    assert bring("order", HEADER + "\n".join(rows), create_missing=True).outcomes == {"created": 5}


def test_a_bad_line_stays_out_and_its_order_and_other_lines_stay(crm: CRM, bring: Bring) -> None:
    result = bring("order", LINES.replace("-20.00", "much"), create_missing=True)
    assert result.outcomes == {"created": 4, "rejected": 1}
    assert listed(crm, "order", "number", "amount") == [("S1", Decimal("200.2000")), ORDERS[1]]
    assert result.rejects is not None
    mended = result.rejects.read_text("utf-8-sig").replace(",much,", ",-20.00,")
    again = bring("order", mended, name="mended.csv", create_missing=True)
    assert again.outcomes == {"created": 1}
    assert again.created == {"order_line": 1}
    assert listed(crm, "order", "number", "amount") == ORDERS


def test_a_line_whose_product_is_missing_is_rejected_alone(crm: CRM, bring: Bring) -> None:
    bring("customer", "name\nAcme\n")
    bring("product", "code,name\nP1,Chair\n")
    result = bring("order", LINES)
    assert result.outcomes == {"created": 3, "rejected": 2}
    assert {(p.field, p.message) for p in result.problems} == {("Product ID", 'there is no product "P2, Table"')}
    assert listed(crm, "order", "number", "amount") == [("S1", Decimal("200.2000")), ("S2", Decimal("50.0500"))]


def test_a_bad_order_rejects_its_lines_with_the_reason(crm: CRM, bring: Bring) -> None:
    bring("customer", "name\nAcme\n")
    bring("product", "code,name\nP1,Chair\nP2,Table\n")
    result = bring("order", LINES.replace("S2,2026-01-11,Acme", "S2,2026-01-11,Nobody"))
    assert result.outcomes == {"created": 3, "rejected": 2}
    assert [row[:2] for row in rejected(result)[1:]] == [
        [line, 'Customer: there is no customer "Nobody" (--create-missing creates what is not there.)']
        for line in ("3", "6")
    ]
    assert listed(crm, "order", "number") == [("S1",)]


def test_a_row_without_an_order_number_belongs_nowhere(bring: Bring) -> None:
    result = bring("order", LINES.replace("S2,", ","), create_missing=True)
    assert result.outcomes == {"created": 3, "rejected": 2}
    assert result.problems[0].message == "the row does not say which order it belongs to"


@pytest.mark.parametrize("on_match", ["skip", "error"])
def test_orders_that_were_there_are_left_alone_and_new_ones_get_all_their_lines(
    crm: CRM, bring: Bring, on_match: str
) -> None:
    bring("order", HEADER + ROWS[1] + "\n", create_missing=True)
    result = bring("order", LINES, create_missing=True, on_match=on_match)
    assert result.outcomes == {"created": 3, "skipped" if on_match == "skip" else "rejected": 2}
    assert listed(crm, "order", "number", "amount") == [("S2", Decimal("50.0500")), ORDERS[0]]


def test_lines_with_numbers_are_changed_in_place(crm: CRM, bring: Bring) -> None:
    rows = "S1,2026-01-10,Acme,1,2,10\nS1,2026-01-10,Acme,2,3,20\n"
    text = "Order ID,Order Date,Customer,Line No,Quantity,Line Amount\n" + rows
    assert bring("order", text, create_missing=True).outcomes == {"created": 2}
    assert bring("order", text.replace("2,3,20", "2,3,25")).outcomes == {"updated": 1, "unchanged": 1}
    assert listed(crm, "order_line", "line_number", "amount") == [(1, Decimal("10.0000")), (2, Decimal("25.0000"))]
    assert listed(crm, "order", "amount") == [(Decimal("35.0000"),)]


def test_a_line_that_comes_twice_with_other_values_is_told(crm: CRM, bring: Bring) -> None:
    rows = "S1,2026-01-10,Acme,1,2,10\nS1,2026-01-10,Acme,2,3,20\nS1,2026-01-10,Acme,1,2,12\n"
    result = bring("order", "Order ID,Order Date,Customer,Line No,Quantity,Line Amount\n" + rows, create_missing=True)
    assert (result.outcomes, result.overwriting) == ({"created": 2, "updated": 1}, 1)
    assert result.overwriting_lines == (4,)
    assert listed(crm, "order", "amount") == [(Decimal("32.0000"),)]


def test_a_changed_order_is_counted_with_its_first_row(crm: CRM, bring: Bring) -> None:
    text = (
        "Order ID,Order Date,Customer,Status,Line No,Quantity\nS1,2026-01-10,Acme,{s},1,2\nS1,2026-01-10,Acme,{s},2,3\n"
    )
    bring("order", text.format(s="confirmed"), create_missing=True)
    assert bring("order", text.format(s="shipped")).outcomes == {"updated": 1, "unchanged": 1}
    assert listed(crm, "order", "status") == [("shipped",)]
