"""The board of a pipeline: counts, amounts, ages and forecast, worked out by hand."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from attrs import evolve
from pipelines_of_tests import DEALS, STAGES, plugin

from crmcore import board
from crmcore.errors import AccessDenied, ConditionError, NotFound, UsageError
from crmcore.pipelines import move, open_deals, pipeline_named, pipelines_of, stage_named

R21 = {  # requirement R21: stage -> amounts of its deals, which add up to 300, 240, 176, 464, 146, 98
    "prospecting": [60, 60, 60, 60, 60],
    "engaging": [60, 60, 60, 60],
    "qualified": [58, 59, 59],
    "proposal": [400, 64],
    "negotiation": [73, 73],
    "contract": [49, 49],
}
FREE = evolve(DEALS, stages=[evolve(stage, required=[]) for stage in STAGES])
"""The same stages, which ask for nothing."""


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(plugins=[plugin(FREE)], database_url=database_url)


def save(crm, *rows):
    with crm.session() as session:
        session.save_many("opportunity", [{"name": f"D{n}", **row} for n, row in enumerate(rows)])


def figures(seen, name):
    return next(each for each in seen.stages if each.stage.name == name)


def test_the_forecast_of_requirement_r21(crm):
    save(crm, *({"stage": stage, "amount": amount} for stage, amounts in R21.items() for amount in amounts))
    with crm.session() as session:
        seen = board(session, FREE)
    assert [each.count for each in seen.stages] == [5, 4, 3, 2, 2, 2, 0, 0]
    assert [each.amount for each in seen.open] == [300, 240, 176, 464, 146, 98]
    assert [str(each.weighted.normalize()) for each in seen.open] == ["15", "24", "35.2", "139.2", "73", "78.4"]
    assert (seen.open_count, seen.open_amount) == (18, 1424)
    assert (seen.closed, seen.weighted, seen.forecast) == (0, Decimal("364.8"), Decimal("364.8"))


def test_closed_revenue_is_what_was_won_in_the_period(crm):
    save(
        crm,
        {"stage": "won", "amount": "100", "closed_date": "2026-01-01"},
        {"stage": "won", "amount": "50.25", "closed_date": "2026-01-15"},
        {"stage": "won", "amount": "7", "closed_date": "2025-12-31"},
        {"stage": "won", "amount": "7", "closed_date": "2026-01-16"},
        {"stage": "won", "amount": "7"},
        {"stage": "lost", "amount": "9", "closed_date": "2026-01-02"},
        {"stage": "lost", "amount": "9", "closed_date": "2025-01-02"},
        {"stage": "contract", "amount": "10"},
    )
    with crm.session() as session:
        this_year = board(session, FREE)
        december = board(session, FREE, since=dt.date(2025, 12, 1), until=dt.date(2025, 12, 31))
    assert (this_year.since, this_year.until) == (dt.date(2026, 1, 1), dt.date(2026, 1, 15))
    assert (this_year.closed, this_year.closed_count, this_year.undated) == (Decimal("150.25"), 2, 1)
    assert this_year.forecast == Decimal("158.25")
    assert (figures(this_year, "won").count, figures(this_year, "lost").count) == (2, 1)
    assert (december.closed, december.closed_count, figures(december, "lost").count) == (7, 1, 0)


def test_without_a_day_of_closing_the_last_move_counts(make_crm, database_url, crm_clock):
    undated = evolve(FREE, closed=None)
    crm = make_crm(plugins=[plugin(undated)], database_url=database_url)
    save(crm, {"stage": "contract", "amount": "5"}, {"stage": "contract", "amount": "6"})
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "won"})
    crm_clock.advance(days=40)
    with crm.session() as session:
        session.update("opportunity", 2, {"stage": "won"})
        assert board(session, undated).closed == 11
        assert board(session, undated, until=dt.date(2026, 1, 31)).closed == 5


def test_a_record_without_an_amount_counts_with_nothing_and_is_counted(crm):
    save(crm, {"amount": "10"}, {}, {}, {"stage": "lost", "closed_date": "2026-01-02"})
    with crm.session() as session:
        seen = board(session, FREE)
    assert (figures(seen, "prospecting").amount, figures(seen, "prospecting").without_amount) == (10, 2)
    assert seen.without_amount == 2  # what is lost is in no forecast


def test_a_pipeline_without_amounts_counts_records(make_crm):
    counting = evolve(FREE, amount=None)
    crm = make_crm(plugins=[plugin(counting)])
    save(crm, {"amount": "10"}, {})
    with crm.session() as session:
        seen = board(session, counting)
    assert (seen.open_count, seen.open_amount, seen.without_amount, seen.forecast) == (2, 0, 0, 0)


def test_amounts_are_exact(make_crm):
    third = evolve(FREE, stages=[evolve(FREE.stages[0], win_rate=0.07), *FREE.stages[1:]])
    crm = make_crm(plugins=[plugin(third)])
    save(crm, {"amount": "99999999999999.9999"}, {"amount": "0.0001"})
    with crm.session() as session:
        assert board(session, third).weighted == Decimal("7000000000000")


@pytest.mark.parametrize(
    ("days", "median", "oldest", "stale"),
    [([], None, None, 0), ([4], 4, 4, 0), ([30, 31], 30.5, 31, 1), ([1, 2, 90], 2, 90, 1), ([5, 5, 5, 9], 5, 9, 0)],
)
def test_ages_of_a_stage_are_their_median_the_oldest_and_how_many_are_stale(crm, days, median, oldest, stale):
    today = dt.date(2026, 1, 15)
    save(crm, {"stage": "engaging"}, *({"start_date": today - dt.timedelta(days=age)} for age in days))
    with crm.session() as session:
        seen = figures(board(session, FREE), "prospecting")
    assert (seen.median_days, seen.oldest_days, seen.stale) == (median, oldest, stale)


def test_ages_are_counted_up_to_the_day_asked_for(crm):
    save(crm, {"start_date": "2026-01-05"})
    with crm.session() as session:
        assert figures(board(session, FREE, as_of=dt.date(2026, 1, 10)), "prospecting").oldest_days == 5


def test_a_condition_and_an_owner_narrow_the_board_down(crm):
    with crm.session() as session:
        anna = session.create("user", {"login": "anna"}).id
    save(crm, {"amount": "10", "owner": anna}, {"amount": "20", "owner": anna}, {"amount": "40"})
    with crm.session() as session:
        assert board(session, FREE, "amount >= 20").open_amount == 60
        assert board(session, FREE, owner=anna).open_amount == 30
        assert board(session, FREE, "amount >= 20", owner=anna).open_amount == 20
        assert [deal.ref.id for deal in open_deals(session, FREE, "amount >= 20", owner=anna)] == [2]


def test_a_record_in_a_stage_that_is_gone_is_counted_elsewhere(make_crm, database_url):
    extension = {"$schema": "urn:crmcore:extension:1", "properties": {"stage": {"enum": ["trial"]}}}
    wider = evolve(FREE, stages=[*FREE.stages, evolve(FREE.stages[0], name="trial")])
    crm = make_crm(plugins=[plugin(wider, schemas={"opportunity.extend.json": extension})], database_url=database_url)
    save(crm, {"stage": "trial", "amount": "5"}, {"amount": "1"})
    with crm.session() as session:
        seen = board(session, FREE)
        assert (seen.elsewhere, seen.open_count, seen.open_amount) == (1, 1, 1)
        assert [deal.ref.id for deal in open_deals(session, FREE)] == [2]


def test_the_board_shows_what_the_actor_may_see(make_crm, database_url):
    roles = {
        "sales": {"opportunity": {"read": "owner = me"}},
        "clerk": {"opportunity": {"read": True, "hide": ["amount"]}},
    }
    crm = make_crm(plugins=[plugin(FREE)], database_url=database_url, roles=roles)
    with crm.session() as session:
        anna = session.create("user", {"login": "anna", "roles": ["sales"]}).id
        session.create("user", {"login": "carl", "roles": ["clerk"]})
    save(crm, {"amount": "10", "owner": anna}, {"amount": "20"})
    with crm.session("anna") as session:
        assert (board(session, FREE).open_amount, len(open_deals(session, FREE))) == (10, 1)
    with crm.session("carl") as session, pytest.raises(AccessDenied, match=r"opportunity\.amount"):
        board(session, FREE)


def test_open_records_are_listed_by_stage_the_oldest_first(crm):
    save(
        crm,
        {"stage": "proposal", "start_date": "2026-01-10"},
        {"stage": "prospecting", "start_date": "2026-01-10", "amount": "5"},
        {"stage": "prospecting", "start_date": "2025-12-01", "expected_close_date": "2026-02-01"},
        {"stage": "won", "amount": "1"},
    )
    with crm.session() as session:
        deals = open_deals(session, FREE)
    assert [(deal.ref.id, deal.days, deal.stale) for deal in deals] == [(3, 45, True), (2, 5, False), (1, 5, False)]
    assert [(deal.amount, deal.expected) for deal in deals[:2]] == [(None, dt.date(2026, 2, 1)), (5, None)]


def test_what_cannot_be_meant_is_refused(crm):
    with crm.session() as session:
        with pytest.raises(UsageError, match="ends before it begins"):
            board(session, FREE, since=dt.date(2026, 2, 1), until=dt.date(2026, 1, 1))
        with pytest.raises(ConditionError):
            board(session, FREE, "amout > 1")


def test_a_record_is_moved_by_code_or_by_title_in_any_language(crm):
    save(crm, {"amount": "1"})
    with crm.session() as session:
        assert move(session, FREE, 1, "proposal").stage == "proposal"
        assert move(session, FREE, 1, " 商务谈判 ").stage == "negotiation"
        assert move(session, FREE, 1, "WON", {"closed_date": "2026-01-02"}).closed_date == dt.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("id", "stage", "values", "error", "said"),
    [
        (1, "propsal", None, UsageError, "Did you mean `Proposal`?"),
        (1, "zzzz", None, UsageError, "Prospecting"),
        (1, "won", {"stage": "lost"}, UsageError, "stage is set twice"),
        (9, "won", None, NotFound, "opportunity:9"),
    ],
)
def test_a_move_that_cannot_be_meant_is_refused(crm, id, stage, values, error, said):
    save(crm, {})
    with crm.session() as session, pytest.raises(error, match=said.replace("?", r"\?")):
        move(session, FREE, id, stage, values)


def test_pipelines_and_stages_are_found_by_what_people_call_them(make_crm):
    crm = make_crm(plugins=[plugin(FREE)])
    registry = crm.registry
    assert pipeline_named(registry) == pipeline_named(registry, "opportunity") == FREE
    assert pipeline_named(registry, "deals.opportunity") == FREE
    assert stage_named(registry, FREE, "赢单").name == "won"
    with pytest.raises(UsageError, match=r"Known: deals\.opportunity"):
        pipeline_named(registry, "oportunity")
    with pytest.raises(UsageError, match="customer records go through no pipeline"):
        pipelines_of(registry, "customer")
    with pytest.raises(UsageError, match="plugins enable sales"):
        pipeline_named(make_crm().registry)
