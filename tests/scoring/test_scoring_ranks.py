"""Ranks on both databases: who is in which band, worked out by hand, with ties, few records, negatives and nothing."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scoring_plugin import REVENUE, customers, demo, explain, rank, run

from crmcore import scoring

PYRAMID = {"VIP": 0.01, "key": 0.2, "regular": 0.5, "small": 1.0}
"""R11: 1 %, 19 %, 30 % and 50 % of the customers."""
PARETO = {"A": 0.8, "B": 0.95, "C": 1.0}


@pytest.fixture
def make(make_crm, database_url):
    def made(rule, **values):
        crm = make_crm(plugins=[demo([rule], [REVENUE])], database_url=database_url)
        if values:
            customers(crm, **values)
        return crm

    return made


@pytest.fixture
def banded(make):
    """Give a function that returns the bands of some sizes by a rule; one CRM serves all of a test's cases."""
    crm = make(rank(A=1.0))

    def found(rule, sizes):
        with crm.session() as session:
            for record in [*session.iterate("customer")]:
                session.delete("customer", record.id)
            rows = [{"name": f"C{n}", "size": size} for n, size in enumerate(sizes)]
            session.save_many("customer", rows, on_match="create")
            scoring.run(session, rule)
            return [record.tier for record in session.iterate("customer")]

    return found


def test_a_thousand_customers_are_10_190_300_and_500(make):
    crm = make(rank(**PYRAMID), size=[n * 7919 % 1000 for n in range(1000)])

    done, found = run(crm)

    assert done.labels == (("VIP", 10), ("key", 190), ("regular", 300), ("small", 500), (None, 0))
    sizes = [n * 7919 % 1000 for n in range(1000)]
    assert sorted(size for size, label in zip(sizes, found, strict=True) if label == "VIP") == list(range(990, 1000))
    assert sorted(size for size, label in zip(sizes, found, strict=True) if label == "small") == list(range(500))


def test_a_second_run_writes_nothing(make):
    crm = make(rank(**PYRAMID), size=list(range(20)))

    assert run(crm)[0].changed == 20
    assert run(crm)[0].changed == 0
    with crm.session() as session:
        assert len(session.history("customer", 1)) == 1  # the first run


def test_a_few_records_fill_the_bands_from_the_top(banded):
    cases = {
        (5,): "VIP",
        (5, 9): "small VIP",  # one of two is before the other: half, where "regular" ends
        (1, 2, 3): "small regular VIP",  # 0, 1/3 and 2/3 are before
        (7, 6, 5, 4, 3, 2, 1): "VIP key regular regular small small small",  # 0, 1/7, 2/7, 3/7, 4/7 ...
        (3, 3, 3, 3, 3): "VIP VIP VIP VIP VIP",
    }

    assert {sizes: " ".join(banded(rank(**PYRAMID), sizes)) for sizes in cases} == cases


def test_no_records_at_all_have_no_bands(make):
    done, found = run(make(rank(**PYRAMID)))

    assert (done.changed, found, dict(done.labels)["VIP"]) == (0, [], 0)


def test_ties_at_the_ends_of_bands_share_the_better_one(banded):
    # Ten records, bands that end at 2, 5 and 10; equals lie across each end, and just beside it.
    cases = {
        (10, 9, 8, 7, 6, 5, 4, 3, 2, 1): "AABBBCCCCC",
        (10, 9, 9, 7, 6, 5, 4, 3, 2, 1): "AAABBCCCCC",  # second and third are equal
        (9, 9, 8, 7, 6, 5, 4, 3, 2, 1): "AABBBCCCCC",  # first and second
        (10, 9, 8, 8, 6, 5, 4, 3, 2, 1): "AABBBCCCCC",  # third and fourth
        (10, 9, 8, 7, 6, 6, 6, 3, 2, 1): "AABBBBBCCC",  # fifth to seventh
        (9, 9, 9, 9, 9, 9, 1, 1, 1, 1): "AAAAAACCCC",  # nobody is left for B
        (10, 9, 8, 7, 6, 1, 1, 1, 1, 1): "AABBBCCCCC",
    }

    assert {sizes: "".join(banded(rank(A=0.2, B=0.5, C=1.0), sizes)) for sizes in cases} == cases


def test_ends_are_fractions_not_doubles(make):
    # 0.07 * 100 is 7.000000000000001 in doubles and would take an eighth record.
    done, _found = run(make(rank(A=0.07, B=0.29, C=1.0), size=list(range(100))))

    assert done.labels == (("A", 7), ("B", 22), ("C", 71), (None, 0))


def test_records_without_a_value_or_outside_the_condition_are_not_ranked(make):
    crm = make(rank(A=0.5, B=1.0, where="size >= 0", otherwise="none"), size=[4, None, 3, -9, 2, 1])

    done, found = run(crm)

    assert found == ["A", "none", "A", "none", "B", "B"]
    assert done.labels == (("A", 2), ("B", 2), ("none", 2))


def test_negative_values_are_ranked_by_number_like_others(make):
    assert run(make(rank(A=0.25, B=0.5, C=1.0), size=[-1, -2, -3, -4]))[1] == ["A", "B", "C", "C"]


def test_whoever_is_beyond_the_last_band_gets_the_other_value(make):
    assert run(make(rank(A=0.5, otherwise="Z"), size=[3, 2, 1]))[1] == ["A", "A", "Z"]


def test_pareto_by_hand(banded):
    cases = {
        # 1000 in all: 0, 500, 800 and 950 come before. Who crosses an end is still inside.
        (500, 300, 150, 50): "AABC",
        (500, 299, 151, 50): "AAAC",  # 799 comes before the third, 950 before the fourth
        (800, 150, 50): "ABC",
        (799, 151, 50): "AAC",
        (1000,): "A",
        (400, 400, 100, 100): "AABB",  # 800 is before the third and the fourth, which are equal
        (250, 250, 250, 250): "AAAA",
        # The best 20 % bring 150 %: two of ten gain 3000, the other eight lose 1000 between them.
        (2000, 1000, -125, -125, -125, -125, -125, -125, -125, -125): "AACCCCCCCC",
        # Shares are of what is above zero: 3000, of which 2400 are 80 %.
        (2400, 599, 1, 0, -2000): "ABCCC",
        (0, 0, 0): "CCC",
        (-1, -2): "CC",
        (0, 5): "CA",
    }

    assert {sizes: "".join(banded(rank(of="value", **PARETO), sizes)) for sizes in cases} == cases


def test_values_of_nothing_get_the_other_value_where_the_bands_leave_some(make):
    found = run(make(rank(of="value", A=0.8, otherwise="Z"), size=[80, 20, 0, -5]))[1]

    assert found == ["A", "Z", "Z", "Z"]


def test_amounts_are_added_up_exactly(banded):
    cases = {
        ("0.3", "0.25", "0.25", "0.2"): "AAAB",  # 0, 0.3, 0.55 and 0.8 come before
        ("0.1003", "0.1002", "0.1001", "0.5", "0.1994"): "ABBAA",  # 0.6994, 0.7997, 0.8999, 0 and 0.5
    }

    assert {sizes: "".join(banded(rank(of="value", A=0.7997, B=1.0), sizes)) for sizes in cases} == cases


def test_very_large_amounts_stay_within_64_bits(banded):
    sizes = ["90000000000000", "70000000000000", "30000000000000", "10000000000000"]

    assert "".join(banded(rank(of="value", A=0.8, B=0.95, C=1.0), sizes)) == "AABC"
    assert "".join(banded(rank(of="value", A=0.800001, B=0.95, C=1.0), sizes)) == "AAAC"


@pytest.mark.parametrize(
    ("rule", "values", "labels"),
    [
        (rank(by="hits", of="value", **PARETO), {"hits": [8, 1, 1]}, "ABB"),
        (rank(by="weight * 2", of="value", A=0.5, B=1.0), {"weight": [0.3, 0.2, 0.1]}, "ABB"),
        (rank(by="weight", A=0.5, B=1.0), {"weight": [1e-9, 2e-9]}, "BA"),
        (rank(by="since", A=0.5, B=1.0), {"since": ["2026-01-01", "2026-01-02"]}, "BA"),
        (rank(by="size - hits", A=0.5, B=1.0), {"size": [1, 2]}, [None, None]),
    ],
)
def test_whole_numbers_calculations_and_days_are_ranked_too(make, rule, values, labels):
    assert run(make(rule, **values))[1] == list(labels)


def test_metrics_are_ranked_as_of_a_day(make):
    crm = make(rank(by="revenue", A=0.5, B=1.0), size=[0, 0])
    with crm.session() as session:
        session.create("order", {"customer": 1, "order_date": "2026-01-01", "amount": 10})
        session.create("order", {"customer": 2, "order_date": "2026-01-10", "amount": 20})

    assert run(crm)[1] == ["B", "A"]
    assert run(crm, dt.date(2026, 1, 9))[1] == ["A", "B"]
    assert explain(crm, 1, dt.date(2026, 1, 9)).standing.position == 1
    assert explain(crm, 1).standing.position == 2


def test_explaining_says_the_place_and_what_comes_before(make):
    crm = make(rank(**PYRAMID), size=[n * 10 for n in range(1000)])

    found = explain(crm, 989)  # 9880: eleven are larger

    standing = found.standing
    assert (found.label, found.stored) == ("key", None)
    assert (standing.by, standing.value, standing.position, standing.ranked) == ("size", Decimal(9880), 12, 1000)
    assert standing.inputs == (("size", Decimal(9880)),)
    assert Fraction(standing.before).limit_denominator(1000) == Fraction(11, 1000)
    assert [(place.label, place.first, place.reached) for place in standing.places] == [
        ("VIP", 10, False),
        ("key", 200, True),
        ("regular", 500, True),
        ("small", 1000, True),
    ]


def test_explaining_a_rank_by_value_says_the_share_before_it(make):
    crm = make(rank(of="value", **PARETO), size=[500, 300, 150, 50, -10])

    third, last = explain(crm, 3), explain(crm, 5)

    assert (third.label, third.standing.before, third.standing.position) == ("B", 0.8, 3)
    assert [place.reached for place in third.standing.places] == [False, True, True]
    assert (last.label, last.standing.before, last.standing.position) == ("C", 1.0, 5)
    assert [place.first for place in last.standing.places] == [None, None, None]


def test_explaining_a_record_that_is_not_ranked_says_why(make):
    crm = make(rank(A=1.0, where="size > 0", otherwise="none"), size=[5, 0, None])

    found, empty = explain(crm, 2), explain(crm, 3)

    assert (found.label, found.standing.position, found.standing.value) == ("none", None, None)
    assert (found.standing.inputs, found.standing.ranked) == ((("size", Decimal(0)),), 1)
    (decision,) = found.decisions
    assert (decision.label, decision.condition, decision.holds) == (None, "size > 0", False)
    assert decision.findings[0].inputs == (("size", Decimal(0)),)
    assert (empty.label, empty.standing.before) == ("none", None)


def test_explaining_agrees_with_the_run(make):
    crm = make(rank(of="value", **PARETO), size=[7, 7, 3, 1, 0, -2, None])

    found = run(crm)[1]

    assert [explain(crm, id).label for id in range(1, 8)] == found


def defined(sizes, bands, of):
    """The oracle: the docstring of `Rank`, written down for one record at a time."""
    ranked = [size for size in sizes if size is not None]
    whole = sum(size for size in ranked if size > 0)
    found = []
    for size in sizes:
        larger = [other for other in ranked if size is not None and other > size]
        if size is None:
            found.append("none")
        elif of == "value" and size <= 0:
            found.append(list(bands)[-1])
        else:
            before = Fraction(len(larger), len(ranked)) if of == "records" else Fraction(sum(larger)) / Fraction(whole)
            found.append(next(band for band, upto in bands.items() if before < Fraction(str(upto))))
    return found


@given(
    sizes=st.lists(st.none() | st.integers(-3, 12).map(lambda n: Decimal(n) / 4), max_size=12),
    of=st.sampled_from(["records", "value"]),
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_gives_what_the_definition_says(banded, sizes, of):
    bands = {"A": 0.25, "B": 0.6, "C": 1.0}

    assert banded(rank(otherwise="none", of=of, **bands), sizes) == defined(sizes, bands, of)
