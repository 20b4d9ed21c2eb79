"""Rules that write the result of a calculation, on both databases."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from scoring_plugin import REVENUE, customers, demo, explain, run

from crmcore.types import ScoringRule


@pytest.fixture
def make(make_crm, database_url):
    def made(field, expression, **values):
        rule = ScoringRule(name=f"demo.{field}", entity="customer", field=field, expression=expression)
        crm = make_crm(plugins=[demo([rule], [REVENUE])], database_url=database_url)
        customers(crm, **values)
        return crm

    return made


def test_an_amount_is_rounded_to_four_decimals_half_to_even(make):
    crm = make("margin", "size / 2", size=["10", "0.0001", "0.0007", "-0.0005", None])

    done, found = run(crm)

    assert found == [Decimal("5"), Decimal("0"), Decimal("0.0004"), Decimal("-0.0002"), None]
    assert (done.changed, done.labels) == (4, ())
    assert (done.summary.filled, done.summary.empty) == (4, 1)
    assert (done.summary.least, done.summary.most) == (Decimal("-0.0002"), Decimal(5))
    assert run(crm)[0].changed == 0


def test_numbers_whole_numbers_and_days_are_written(make):
    assert run(make("ratio", "size / hits", hits=[3]))[1] == [None]


@pytest.mark.parametrize(
    ("field", "expression", "values", "written"),
    [
        ("points", "weight", {"weight": [2.5, 3.5, -2.5, None]}, [2, 4, -2, None]),
        ("points", "today() - since", {"since": ["2026-01-14", "2026-01-16", None]}, [1, -1, None]),
        ("ratio", "hits / 8", {"hits": [1, 0]}, [0.125, 0.0]),
        ("ratio", "1 / hits", {"hits": [4, 0]}, [0.25, None]),
        ("due", "since + 30 days", {"since": ["2026-01-15", None]}, [dt.date(2026, 2, 14), None]),
        ("due", "today() + 1 month", {"hits": [1]}, [dt.date(2026, 2, 15)]),
        ("margin", "hits", {"hits": [7]}, [Decimal(7)]),
        ("margin", "hits * 60000000000000", {"hits": [1, 2]}, [Decimal(60000000000000), None]),
    ],
)
def test_every_kind_is_written(make, field, expression, values, written):
    crm = make(field, expression, **values)

    done, found = run(crm)

    assert found == written
    assert [explain(crm, id).label for id in range(1, len(written) + 1)] == written
    assert done.summary.empty == written.count(None)
    assert done.summary.most == max((value for value in written if value is not None), default=None)


def test_metrics_are_taken_as_of_a_day(make):
    crm = make("margin", "revenue - size", size=["100"])
    with crm.session() as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-01", "amount": "30"})
        session.create("order", {"customer": 1, "order_date": "2026-01-10", "amount": "0.5"})

    assert run(crm)[1] == [Decimal("-69.5")]
    found = explain(crm, 1, dt.date(2026, 1, 9))
    assert (found.label, found.stored) == (Decimal(-70), Decimal("-69.5"))
    assert found.inputs == (("revenue", Decimal(30)), ("size", Decimal(100)))
    assert run(crm, dt.date(2026, 1, 9))[1] == [Decimal(-70)]
