"""Cells of every kind of field: what is read, what is refused, and what declared styles change."""

from __future__ import annotations

import contextlib
import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.importing.coercion import cell_reader, cell_text, coerce, in_writing
from crmcore.importing.columns import Style
from crmcore.importing.unreadable import ForeignAmount, Unreadable
from crmcore.schema.model import Field, Kind

SHANGHAI = ZoneInfo("Asia/Shanghai")
TEXT, WHOLE, NUMBER = (Field(name="it", kind=kind) for kind in (Kind.TEXT, Kind.INTEGER, Kind.NUMBER))
MONEY, LIST, YES, REF = (Field(name="it", kind=kind) for kind in (Kind.MONEY, Kind.JSON, Kind.BOOLEAN, Kind.REF))
STAGE = Field(
    name="stage",
    kind=Kind.TEXT,
    enum=("won", "lost"),
    enum_titles={"won": {"en": "Closed won", "zh-CN": "赢单"}, "lost": {"en": "Closed lost", "zh-CN": "输单"}},
)


def read(field, cell, currency="CNY", **style):
    return cell_reader(field, Style(**style), currency=currency, timezone=SHANGHAI)(cell)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("007", "007"),
        (" 0757-8888 ", "0757-8888"),
        (13800138000.0, "13800138000"),
        (42420.0, "42420"),
        (42, "42"),
        (1.5, "1.5"),
        (1e16, "10000000000000000"),
        (True, "true"),
        (Decimal("1.50"), "1.50"),
        (dt.date(2026, 11, 21), "2026-11-21"),
        (dt.datetime.fromisoformat("2026-11-21"), "2026-11-21"),
        (dt.datetime.fromisoformat("2026-11-21 14:30"), "2026-11-21 14:30:00"),
    ],
)
def test_text_keeps_leading_zeros_and_spreadsheet_cells_become_what_people_saw(cell, text):
    assert read(TEXT, cell) == text
    assert read(REF, cell) == text


@pytest.mark.parametrize("cell", [["a"], {"a": 1}, float("nan"), float("inf"), 1e300, object()])
def test_cells_that_are_no_text_are_refused(cell):
    with pytest.raises(Unreadable, match="expected text"):
        cell_text(cell)


@pytest.mark.parametrize(
    ("writing", "text", "written"),
    [
        ("lower", "A@B.Example", "a@b.example"),
        ("upper", "s-1", "S-1"),
        ("login", "Moses Frase", "moses.frase"),
        ("login", "Anne-Marie O'Neil", "anne-marie.oneil"),
        ("login", " 张三 ", "张三"),
        ("login", "a@b.example", "a@b.example"),
    ],
)
def test_texts_are_brought_into_a_declared_way_of_writing(writing, text, written):
    assert in_writing(writing, text) == written
    assert read(TEXT, text, writing=writing) == written


@pytest.mark.parametrize(
    ("cell", "number"), [("1,234", 1234), (12.0, 12), ("12.0", 12), ("1.2万", 12000), (2.9999999999999996, 3)]
)
def test_whole_numbers(cell, number):
    found = read(WHOLE, cell)
    assert (found, type(found)) == (number, int)


@pytest.mark.parametrize("cell", ["1.5", 1.5, "¥5", True, "x", float("nan"), float("inf"), ["1"], "50%"])
def test_what_is_no_whole_number_is_refused(cell):
    with pytest.raises(Unreadable, match="expected a"):
        read(WHOLE, cell)


def test_shares_are_numbers_and_no_amounts():
    assert read(NUMBER, "12.5%") == 0.125
    assert read(NUMBER, 0.1) == 0.1
    assert read(NUMBER, "20", scale=Decimal("0.01")) == 0.2
    with pytest.raises(Unreadable, match="found a share"):
        read(MONEY, "12.5%")


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("¥1,234.50", "1234.50"),
        ("￥1.2万", "12000"),
        ("100元", "100"),
        ("(5)", "-5"),
        ("22.200000000000003", "22.2"),
        (22.200000000000003, "22.2"),
        (0.1 + 0.2, "0.3"),
        (5, "5"),
        (Decimal("5.25"), "5.25"),
        ("1.23450000", "1.2345"),
    ],
)
def test_amounts_are_decimals_without_the_noise_of_binary_fractions(cell, amount):
    found = read(MONEY, cell)
    assert (found, type(found)) == (Decimal(amount), Decimal)


@pytest.mark.parametrize("cell", ["1.23456", 3.14159265358979, "1.11E-16"])
def test_more_than_four_places_need_a_declared_rounding(cell):
    with pytest.raises(Unreadable, match="at most 4 places") as caught:
        read(MONEY, cell)
    assert caught.value.code == "places"
    assert "round = 2" in caught.value.hint
    assert read(MONEY, "1.23456", round=2) == Decimal("1.23")


def test_rounding_takes_halves_away_from_zero():
    assert [read(MONEY, text, round=2) for text in ("0.125", "0.135", "-0.125", "2.5")] == [
        Decimal("0.13"),
        Decimal("0.14"),
        Decimal("-0.13"),
        Decimal("2.50"),
    ]
    assert read(WHOLE, "2.5", round=0) == 3


def test_a_scale_is_multiplied_exactly():
    assert read(MONEY, "1100.04", scale=Decimal(1000000)) == Decimal("1100040000")
    assert read(MONEY, "1,5", scale=Decimal(1000), decimal=",") == Decimal(1500)


@pytest.mark.parametrize(
    ("cell", "currency"), [("¥5", "CNY"), ("¥5", "JPY"), ("$5", "USD"), ("$5", "HKD"), ("5 chf", "CHF"), ("5", "EUR")]
)
def test_a_sign_that_can_be_the_currency_of_the_instance_is_taken(cell, currency):
    assert read(MONEY, cell, currency) == 5


@pytest.mark.parametrize(
    ("cell", "currency", "hinted"), [("$5", "CNY", "USD"), ("¥5", "USD", "CNY"), ("5 €", "CNY", "EUR")]
)
def test_a_foreign_currency_is_not_silently_ours(cell, currency, hinted):
    with pytest.raises(ForeignAmount, match=f"is not in {currency}") as caught:
        read(MONEY, cell, currency)
    assert (caught.value.amount, caught.value.code) == (Decimal(5), "currency")
    assert f'currency = "{hinted}" with its rate, or currency = "{currency}"' in caught.value.hint


def test_a_declared_currency_takes_any_sign_as_its_own_and_a_rate_converts():
    assert cell_reader(MONEY, Style(currency="CNY"), currency="CNY", timezone=SHANGHAI)("$5") == 5
    dollars = cell_reader(MONEY, Style(currency="USD", rate=Decimal("7.1")), currency="CNY", timezone=SHANGHAI)
    assert [dollars("$10"), dollars("10"), dollars("12.34567")] == [Decimal(71), Decimal(71), Decimal("87.6543")]
    with pytest.raises(ForeignAmount, match="is not in USD"):
        dollars("€10")


def test_a_rate_without_a_currency_takes_no_signs():
    converted = cell_reader(MONEY, Style(rate=Decimal(7)), currency="CNY", timezone=SHANGHAI)
    assert converted("10") == 70
    for cell in ("$10", "¥10"):
        with pytest.raises(ForeignAmount):
            converted(cell)


@pytest.mark.parametrize(
    ("cells", "value"),
    [
        (["yes", "Y", "TRUE", "1", "是", "有", "对", "√", "on", True, 1, 1.0], True),
        (["no", "n", "False", "0", "否", "无", "错", "×", "OFF", False, 0, 0.0], False),
    ],
)
def test_booleans_are_read_in_both_languages(cells, value):
    assert [read(YES, cell) for cell in cells] == [value] * len(cells)


@pytest.mark.parametrize("cell", ["maybe", 2, "", "ja", ["yes"]])
def test_what_is_no_boolean_is_refused(cell):
    with pytest.raises(Unreadable, match="expected"):
        read(YES, cell)


@pytest.mark.parametrize("cell", ["won", "WON", "closed  won".replace("  ", " "), "赢单", "ｗｏｎ", " won "])
def test_enums_are_read_by_code_and_by_title_in_any_language(cell):
    assert read(STAGE, cell) == "won"


def test_an_unknown_choice_names_the_known_ones_and_what_was_meant():
    with pytest.raises(Unreadable, match='must be one of: won, lost; found "Wonn"') as caught:
        read(STAGE, "Wonn")
    assert caught.value.code == "enum"
    assert caught.value.hint == 'Did you mean won? A mapping file may say so: values = { "Wonn" = "won" }.'
    with pytest.raises(Unreadable) as caught:
        read(STAGE, "###")
    assert caught.value.hint is None


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("a, b;c", ["a", "b", "c"]),
        ("甲，乙；丙、丁", ["甲", "乙", "丙", "丁"]),
        ('["a, b", "c"]', ["a, b", "c"]),
        ("[a", ["[a"]),
        (["a"], ["a"]),
        (5.0, ["5"]),
        ('{"a": 1}', {"a": 1}),
    ],
)
def test_lists_are_split_at_the_marks_of_both_widths(cell, items):
    assert read(LIST, cell) == items


def test_any_references_are_references():
    anything = Field(name="it", kind=Kind.ANY_REF, ref="*")
    assert read(anything, " customer:42 ") == "customer:42"
    for cell in ("customer", "42", "customer:0", 42):
        with pytest.raises(Unreadable, match="such as customer:42"):
            read(anything, cell)


def test_one_cell_alone_is_read_as_well_and_an_empty_one_is_none():
    assert coerce(MONEY, "¥1.2万", currency="CNY", timezone=SHANGHAI) == 12000
    assert [coerce(MONEY, cell, currency="CNY", timezone=SHANGHAI) for cell in (None, "", "  ")] == [None, None, None]


json_cells = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=4,
)


@given(st.sampled_from(Kind), json_cells.filter(lambda cell: cell is not None and str(cell).strip()))
def test_any_cell_is_read_or_refused_in_words(kind, cell):
    with contextlib.suppress(Unreadable):
        assert read(Field(name="it", kind=kind), cell) is not None
