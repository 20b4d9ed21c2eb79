"""Values as people and as programs read them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal

import pytest

from crmcore.i18n import speaking
from crmcore.reporting.values import json_value, plain_text, value_text
from crmcore.types import HIDDEN, Ref


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("money", Decimal("1272680"), "1,272,680.00"),
        ("money", Decimal("46330.5000"), "46,330.50"),
        ("money", Decimal("0.125"), "0.125"),
        ("money", Decimal("0.1250"), "0.125"),
        ("money", Decimal("-1234.5678"), "-1,234.5678"),
        ("money", Decimal(1000) / 3, "333.33"),
        ("money", Decimal("-0.00001"), "0.00"),
        ("money", Decimal("99999999999999.9999"), "99,999,999,999,999.9999"),
        ("share", 0.70345, "70.3%"),
        ("share", -0.0001, "0.0%"),
        ("share", 1.183, "118.3%"),
        ("integer", 1234567, "1,234,567"),
        ("number", 364.8, "364.8"),
        ("number", 12.0, "12"),
        ("number", 1200, "1,200"),
        ("number", 0.1 + 0.2, "0.3"),
        ("number", Decimal("1234.567"), "1,234.57"),
        ("number", 0.00123, "0.0012"),
        ("number", -0.00123, "-0.0012"),
        ("number", 0.0, "0"),
        ("date", dt.date(2026, 1, 9), "2026-01-09"),
        ("ref", Ref("customer", 42), "customer:42"),
        ("text", "客户", "客户"),
        ("text", "", ""),
        ("money", None, "–"),
        ("text", None, "–"),
        ("money", HIDDEN, "<hidden>"),
    ],
)
def test_a_value_as_people_read_it(kind, value, text):
    assert value_text(kind, value) == text


def test_values_without_a_column():
    assert [plain_text(v) for v in (None, 3, Decimal("2.5"), ["a", "b"], dt.date(2026, 1, 9))] == [
        "",
        "3",
        "2.50",
        "a, b",
        "2026-01-09",
    ]
    assert (plain_text(True), plain_text(False)) == ("yes", "no")
    with speaking("zh-CN"):
        assert plain_text(True) == "是"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (Decimal("1E+3"), '"1000"'),
        (Decimal("12.3400"), '"12.3400"'),
        (0.5, "0.5"),
        (None, "null"),
        (dt.date(2026, 1, 9), '"2026-01-09"'),
        (Ref("customer", 42), '"customer:42"'),
        (HIDDEN, '"<hidden>"'),
    ],
)
def test_a_value_as_programs_read_it(value, written):
    assert json.dumps(json_value(value)) == written
