"""Numbers as people write them: separators, signs, units, percent, and the noise of binary fractions."""

from __future__ import annotations

import contextlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.importing.numbers import significant, without_noise, written_number
from crmcore.importing.unreadable import Unreadable

NUMBERS = {
    "0": "0",
    "-5": "-5",
    "+5": "5",
    ".5": "0.5",
    "1234.50": "1234.50",
    "1,234.50": "1234.50",
    "1,234,567": "1234567",
    "1'234.50": "1234.50",
    "1’234.50": "1234.50",
    "1 234.50": "1234.50",
    "1\u00a0234.50": "1234.50",
    "1\u202f234.50": "1234.50",
    "１２３": "123",
    "１，２３４．５": "1234.5",
    "(1,234.50)": "-1234.50",
    "（１２）": "-12",
    "12-": "-12",
    "- 12": "-12",
    "\u221212": "-12",
    "1.5E+3": "1500",
    "1e-3": "0.001",
    "4.565221503757747e-52": "4.565221503757747e-52",
    "1.7976931348623157e+308": "1.7976931348623157e308",
    "1.2万": "12000",
    "3亿": "300000000",
    "5千": "5000",
    "2百万": "2000000",
    "1.5万亿": "1500000000000",
    "(1.2万)": "-12000",
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_a_number_is_read_in_the_ways_people_write_it(text, number):
    written = written_number(text)
    assert (written.number, written.currencies, written.percent) == (Decimal(number), frozenset(), False)


@pytest.mark.parametrize(
    ("text", "number"),
    {"1.234,50": "1234.50", "1 234,50": "1234.50", "1234,5": "1234.5", ",5": "0.5", "1.234.567": "1234567"}.items(),
)
def test_a_comma_is_the_decimal_point_where_it_is_declared(text, number):
    assert written_number(text, ",").number == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        *("", "abc", "1,2", "1,23,456", "1,2345", "1.2.3", "1 2", "--5", "-5-", "(-5)", "(5", "5)", "5²", "½", "①"),
        *("5kg", "5千克", "12.5%万", "1e", "0x10", "NaN", "Infinity", "1_000", "٣", "5 PCS", "9" * 61, "1,234;5", "-"),
    ],
)
def test_what_is_no_number_or_could_be_two_is_refused(text):
    with pytest.raises(Unreadable, match=r"expected a number such as 1,234\.50"):
        written_number(text)


def test_a_number_with_the_other_decimal_point_is_refused_with_what_to_declare():
    with pytest.raises(Unreadable) as caught:
        written_number("1234,50")
    assert caught.value.hint == 'If that is its decimal point: `decimal = ","` of the column in a mapping file.'
    with pytest.raises(Unreadable, match=r"expected a number such as 1\.234,50") as caught:
        written_number("1.234.5", ",")
    assert caught.value.hint is None
    with pytest.raises(Unreadable) as caught:
        written_number("约300万")
    assert caught.value.hint is None


@pytest.mark.parametrize(("text", "share"), {"12.5%": "0.125", "12.5 %": "0.125", "-3％": "-0.03", "100%": "1"}.items())
def test_a_percentage_is_a_share(text, share):
    written = written_number(text)
    assert (written.number, written.percent) == (Decimal(share), True)


@pytest.mark.parametrize(
    ("text", "number", "currencies"),
    [
        ("¥1,234.50", "1234.50", {"CNY", "JPY"}),
        ("￥5", "5", {"CNY", "JPY"}),
        ("5元", "5", {"CNY"}),
        ("1.2万元", "12000", {"CNY"}),
        ("RMB 5", "5", {"CNY"}),
        ("人民币 5万", "50000", {"CNY"}),
        ("5 CNY", "5", {"CNY"}),
        ("¥5元", "5", {"CNY"}),
        ("-¥5", "-5", {"CNY", "JPY"}),
        ("¥-5", "-5", {"CNY", "JPY"}),
        ("¥(5)", "-5", {"CNY", "JPY"}),
        ("(¥5)", "-5", {"CNY", "JPY"}),
        ("5円", "5", {"JPY"}),
        ("US$5", "5", {"USD"}),
        ("usd 5", "5", {"USD"}),
        ("€ 5", "5", {"EUR"}),
        ("5 €", "5", {"EUR"}),
        ("HK$5", "5", {"HKD"}),
    ],
)
def test_signs_codes_and_words_of_currencies_are_told(text, number, currencies):
    written = written_number(text)
    assert (written.number, written.currencies) == (Decimal(number), currencies)


def test_two_currencies_beside_one_number_are_refused():
    with pytest.raises(Unreadable):
        written_number("¥5 USD")
    assert written_number("$5 USD").currencies == {"USD"}
    assert {"USD", "AUD", "CAD"} <= written_number("$5").currencies


@pytest.mark.parametrize(
    ("text", "number"),
    {
        "22.200000000000003": "22.2",
        "0.30000000000000004": "0.3",
        "41.913599999999995": "41.9136",
        "1234567.8900000001": "1234567.89",
        "22.2000000003": "22.2000000003",
        "0.00001": "0.00001",
        "3.14159265358979": "3.14159265358979",
        "1.1102230246251565E-16": "1.1102230246251565E-16",
    }.items(),
)
def test_noise_of_binary_fractions_is_taken_off_and_nothing_else(text, number):
    written = Decimal(text)
    assert without_noise(written, significant(written)) == Decimal(number)


@given(st.integers(-(10**14), 10**14))
def test_sums_of_binary_fractions_come_back_as_the_amount_that_was_meant(ten_thousandths):
    meant = Decimal(ten_thousandths).scaleb(-4)
    noisy = Decimal(repr(float(meant) * 3 / 3))
    assert without_noise(noisy, significant(noisy)) == meant


amounts = st.decimals(-(10**13), 10**13, places=2, allow_nan=False, allow_infinity=False)


@st.composite
def printed(draw):
    """A number, the decimal point it is printed with, and the text."""
    number, decimal = draw(amounts), draw(st.sampled_from(".,"))
    separator = draw(st.sampled_from(["", " ", "'", "\u00a0", "\u202f", "." if decimal == "," else ","]))
    text = f"{abs(number):,.2f}".replace(".", "@").replace(",", separator).replace("@", decimal)
    if draw(st.booleans()):
        text = text.translate({ord(digit): ord("０") + int(digit) for digit in "0123456789"})
    sign = draw(st.sampled_from(["", "¥", "CNY ", "￥"]))
    if number >= 0:
        return number, decimal, draw(st.sampled_from(["", "+"])) + sign + text
    style = draw(st.sampled_from(["-{}", "({})", "{}-", "\u2212{}", "（{}）"]))
    return number, decimal, style.format(sign + text)


@given(printed())
def test_a_number_printed_in_any_style_is_read_back(example):
    number, decimal, text = example
    assert written_number(text, decimal).number == number


@given(st.text(alphabet="0123456789.,'- ()+%¥元万亿eE$ＵＳ１", max_size=20), st.sampled_from(".,"))
def test_any_text_is_a_finite_number_or_refused(text, decimal):
    with contextlib.suppress(Unreadable):
        assert written_number(text, decimal).number.is_finite()
