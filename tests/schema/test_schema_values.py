"""The forms of a value, and the folded text."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import sys
import unicodedata
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmcore.schema.model import Field, Kind
from crmcore.schema.values import MAX_INTEGER, WRITTEN, all_to_json, fold, fold_all, from_json, to_json
from crmcore.types import Ref

UTC = dt.UTC
SHANGHAI = dt.timezone(dt.timedelta(hours=8))


class Colour(str, enum.Enum):  # noqa: UP042 - the kind whose str() is not its text
    RED = "red"


def field(kind: Kind, ref: str | None = None) -> Field:
    return Field(name="x", kind=kind, ref=ref)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (Kind.TEXT, "  企业电子\u3000", "企业电子"),
        (Kind.TEXT, "a\nb", "a\nb"),
        (Kind.TEXT, Colour.RED, "red"),
        (Kind.TEXT, "   ", None),
        (Kind.INTEGER, 42, 42),
        (Kind.INTEGER, 42.0, 42),
        (Kind.INTEGER, -MAX_INTEGER, -MAX_INTEGER),
        (Kind.INTEGER, 0, 0),
        (Kind.INTEGER, " ", None),
        (Kind.NUMBER, 2, 2.0),
        (Kind.NUMBER, -0.0, 0.0),
        (Kind.BOOLEAN, False, False),
        (Kind.BOOLEAN, "", None),
        (Kind.MONEY, "1234.5", "1234.50"),
        (Kind.MONEY, "0.1234", "0.1234"),
        (Kind.MONEY, "0.1230", "0.123"),
        (Kind.MONEY, " 5 ", "5.00"),
        (Kind.MONEY, 5, "5.00"),
        (Kind.MONEY, Decimal("1E+3"), "1000.00"),
        (Kind.MONEY, Decimal("-0.00"), "0.00"),
        (Kind.MONEY, Decimal("2.50000000"), "2.50"),
        (Kind.MONEY, "-99999999999999.9999", "-99999999999999.9999"),
        (Kind.MONEY, "", None),
        (Kind.DATE, dt.date(2026, 11, 21), "2026-11-21"),
        (Kind.DATE, "2026-11-21", "2026-11-21"),
        (Kind.DATE, "", None),
        (Kind.INSTANT, dt.datetime(2026, 11, 22, 2, 55, tzinfo=SHANGHAI), "2026-11-21T18:55:00Z"),
        (Kind.INSTANT, "2026-11-22t02:55:00.5+08:00", "2026-11-21T18:55:00.500000Z"),
        (Kind.INSTANT, "0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
        (Kind.JSON, (" a ", {"b": -0.0}), ["a", {"b": 0.0}]),
        (Kind.JSON, {}, None),
        (Kind.JSON, [], None),
        (Kind.JSON, "", None),
        (Kind.ANY_REF, "customer:42", "customer:42"),
        (Kind.ANY_REF, Ref("customer", 42), "customer:42"),
        (Kind.ANY_REF, SimpleNamespace(ref=Ref("customer", 42)), "customer:42"),
        (Kind.ANY_REF, "", None),
    ],
)
def test_a_value_is_brought_into_its_canonical_form(kind: Kind, value: Any, expected: Any) -> None:
    found = to_json(field(kind), value)

    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("kind", list(Kind))
def test_none_is_empty_in_every_kind(kind: Kind) -> None:
    assert to_json(field(kind, ref="customer"), None) is None
    assert from_json(field(kind, ref="customer"), None) is None


@pytest.mark.parametrize(
    "value", [42, "customer:42", " customer:42 ", Ref("customer", 42), SimpleNamespace(ref=Ref("customer", 42))]
)
def test_a_reference_is_an_id_a_text_or_a_record(value: Any) -> None:
    assert to_json(field(Kind.REF, ref="customer"), value) == 42


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (Kind.TEXT, 13800138000, "expected text, found 13800138000"),
        (Kind.TEXT, "a\0b", "NUL"),
        (Kind.TEXT, "a\ud800b", "surrogate"),
        (Kind.TEXT, b"a", "expected text, found bytes"),
        (Kind.INTEGER, True, "expected an integer, found true"),
        (Kind.INTEGER, 1.5, "expected an integer, found 1.5"),
        (Kind.INTEGER, float("inf"), "expected an integer, found Infinity"),
        (Kind.INTEGER, "42", 'expected an integer, found "42"'),
        (Kind.INTEGER, MAX_INTEGER + 1, "exactly up to 9007199254740991"),
        (Kind.INTEGER, 10**400, "exactly up to 9007199254740991"),
        (Kind.NUMBER, True, "expected a number, found true"),
        (Kind.NUMBER, float("nan"), "expected a finite number, found NaN"),
        (Kind.NUMBER, float("-inf"), "expected a finite number"),
        (Kind.NUMBER, 10**400, "expected a number"),
        (Kind.NUMBER, Decimal(1), "expected a number, found Decimal"),
        (Kind.BOOLEAN, 1, "expected true or false, found 1"),
        (Kind.BOOLEAN, "yes", "expected true or false"),
        (Kind.MONEY, 12.5, "not a binary fraction, found 12.5"),
        (Kind.MONEY, True, "expected an amount"),
        (Kind.MONEY, "1,234.50", 'expected an amount such as "1234.50"'),
        (Kind.MONEY, "1e3", "expected an amount"),
        (Kind.MONEY, "１２", "expected an amount"),
        (Kind.MONEY, "007", "expected an amount"),
        (Kind.MONEY, "1.\n", "expected an amount"),
        (Kind.MONEY, Decimal("NaN"), "finite"),
        (Kind.MONEY, Decimal("sNaN"), "finite"),
        (Kind.MONEY, Decimal("1.00001"), "at most 4 places"),
        (Kind.MONEY, Decimal("1E-999999"), "at most 4 places"),
        (Kind.MONEY, 10**14, "at most 14 digits"),
        (Kind.MONEY, Decimal("1E+999999"), "at most 14 digits"),
        (Kind.DATE, dt.datetime(2026, 11, 21, tzinfo=UTC), "expected a date"),
        (Kind.DATE, "20261121", "expected a date such as 2026-11-21"),
        (Kind.DATE, "2026-W47-6", "expected a date"),
        (Kind.DATE, "2026-02-29", "expected a date"),
        (Kind.DATE, "0000-01-01", "expected a date"),
        (Kind.DATE, 20261121, "expected a date"),
        (Kind.INSTANT, dt.datetime(2026, 11, 21), "time zone"),  # noqa: DTZ001 - that is the case
        (Kind.INSTANT, "2026-11-21T18:55:00", "expected an instant"),
        (Kind.INSTANT, "2026-11-21 18:55:00Z", "expected an instant"),
        (Kind.INSTANT, "2016-12-31T23:59:60Z", "expected an instant"),
        (Kind.INSTANT, "0001-01-01T00:00:00+08:00", "years 1 to 9999"),
        (Kind.INSTANT, dt.date(2026, 11, 21), "expected an instant"),
        (Kind.JSON, "a", "expected a list or an object"),
        (Kind.JSON, [float("inf")], "hold exactly"),
        (Kind.JSON, [2**60], "hold exactly"),
        (Kind.JSON, [{1: 2}], "expected a text as name"),
        (Kind.JSON, [["\0"]], "NUL"),
        (Kind.JSON, {"\ud800": 1}, "surrogate"),
        (Kind.JSON, [{1, 2}], "hold exactly"),
        (Kind.ANY_REF, "42", "expected a reference such as customer:42"),
        (Kind.ANY_REF, "客户:42", "expected a reference"),
        (Kind.ANY_REF, "customer:0", "expected a reference"),
        (Kind.ANY_REF, "customer:042", None),
        (Kind.ANY_REF, f"customer:{MAX_INTEGER + 1}", "expected a reference"),
        (Kind.ANY_REF, f"customer:{'9' * 5000}", "expected a reference"),
    ],
)
def test_another_value_is_refused_with_the_reason(kind: Kind, value: Any, reason: str | None) -> None:
    if reason is None:
        assert to_json(field(kind), value) == "customer:42"
        return
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")) as caught:
        to_json(field(kind), value)
    assert type(caught.value) is ValueError


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("contact:42", 'expected a reference to customer, found "contact:42"'),
        (Ref("contact", 42), "expected a reference to customer"),
        (0, "expected the id of a record, found 0"),
        (-1, "expected the id of a record"),
        (True, "expected a reference such as customer:42, found true"),
        (4.0, "expected a reference"),
        ("42", "expected a reference such as customer:42"),
        (MAX_INTEGER + 1, "expected the id of a record"),
    ],
)
def test_a_reference_to_something_else_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        to_json(field(Kind.REF, ref="customer"), value)


def test_a_list_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)

    with pytest.raises(ValueError, match="nested too deeply"):
        to_json(field(Kind.JSON), endless)


def test_a_json_value_is_copied_so_that_nobody_changes_it_afterwards() -> None:
    tags = ["a"]

    kept = to_json(field(Kind.JSON), tags)
    tags.append("b")

    assert kept == ["a"]


def test_money_is_exact_whatever_precision_the_application_has_set() -> None:
    with decimal.localcontext(prec=3):
        assert to_json(field(Kind.MONEY), "12345678901234.5678") == "12345678901234.5678"
        assert to_json(field(Kind.MONEY), Decimal("12345678901234.5678")) == "12345678901234.5678"


PYTHON_FORMS = st.one_of(
    st.tuples(st.just(Kind.TEXT), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
    st.tuples(st.just(Kind.INTEGER), st.integers(-MAX_INTEGER, MAX_INTEGER)),
    st.tuples(st.just(Kind.NUMBER), st.floats(allow_nan=False, allow_infinity=False)),
    st.tuples(st.just(Kind.BOOLEAN), st.booleans()),
    st.tuples(
        st.just(Kind.MONEY), st.integers(-(10**18) + 1, 10**18 - 1).map(lambda scaled: Decimal(scaled).scaleb(-4))
    ),
    st.tuples(st.just(Kind.DATE), st.dates()),
    st.tuples(
        st.just(Kind.INSTANT),
        st.datetimes(dt.datetime(1, 1, 2), dt.datetime(9999, 12, 30), timezones=st.timezones()),  # noqa: DTZ001
    ),
    st.tuples(st.just(Kind.REF), st.integers(1, MAX_INTEGER)),
    st.tuples(
        st.just(Kind.ANY_REF),
        st.builds(Ref, st.from_regex(r"\A[a-z][a-z0-9]*(_[a-z0-9]+)*\Z"), st.integers(1, MAX_INTEGER)),
    ),
    st.tuples(
        st.just(Kind.JSON),
        st.lists(
            st.integers(-5, 5) | st.booleans() | st.text("ab ", max_size=3) | st.dictionaries(st.text("k"), st.none())
        ),
    ),
)


@given(PYTHON_FORMS)
def test_a_value_goes_into_json_and_back_and_its_json_form_stays(kind_and_value: tuple[Kind, Any]) -> None:
    kind, value = kind_and_value
    written = to_json(field(kind, ref="customer"), value)

    read = from_json(field(kind, ref="customer"), written)

    assert to_json(field(kind, ref="customer"), written) == written
    assert to_json(field(kind, ref="customer"), read) == written
    if written is not None:
        assert WRITTEN[kind](read) == written
    if kind is Kind.TEXT:
        assert (read or "") == value.strip()
    elif kind is not Kind.JSON:
        assert read == value


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("ABC", "abc"),
        ("ＡＢＣ１２３", "abc123"),
        ("Straße", "strasse"),
        ("ﬁrma", "firma"),
        ("企业电子", "企业电子"),
        ("İ", "i̇"),
        ("ΣΑΣ", "σασ"),
    ],
)
def test_folding_unites_case_and_width(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_folding_any_character_twice_changes_nothing() -> None:
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)

    assert [hex(ord(letter)) for letter in letters if fold(fold(letter)) != fold(letter)] == []


@given(st.lists(st.none() | st.text(st.characters(exclude_characters="\0"))))
def test_folding_texts_together_is_folding_each(texts: list[str | None]) -> None:
    assert fold_all(texts) == [None if text is None else fold(text) for text in texts]


@given(st.lists(st.none() | st.text() | st.integers() | st.dates()))
def test_values_read_together_are_what_they_are_alone(values: list[Any]) -> None:
    for kind in (Kind.TEXT, Kind.INTEGER, Kind.DATE, Kind.MONEY):
        field = Field(name="field", kind=kind, origin="tests")
        try:
            alone = [to_json(field, value) for value in values]
        except ValueError:
            alone = None
        assert all_to_json(field, values) == alone


@given(st.text())
def test_folding_a_text_twice_changes_nothing_and_case_does_not_matter(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
