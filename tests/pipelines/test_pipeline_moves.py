"""Stage moves and ages from the history, on both databases, with days counted by hand."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve
from pipelines_of_tests import DEALS, plugin
from sqlalchemy import select

from crmcore import stage_moves, stage_since, stage_titles
from crmcore.errors import AccessDenied
from crmcore.i18n import speaking
from crmcore.pipelines.days import _offsets


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(plugins=[plugin(DEALS)], database_url=database_url)


def deal(crm, **values):
    with crm.session() as session:
        return session.create("opportunity", {"name": "Lathe", **values}, on_match="create").id


def moves(session, pipeline=DEALS):
    found = stage_moves(session, pipeline)
    return [
        (row.id, row.from_stage, row.to_stage, row.day, row.days, row.actor)
        for row in session.execute(select(found).order_by(found.c.id, found.c.entry))
    ]


def ages(session, pipeline=DEALS, **options):
    found = stage_since(session, pipeline, **options)
    return [(row.id, row.stage, row.since, row.days) for row in session.execute(select(found).order_by(found.c.id))]


def test_each_move_has_its_stages_day_and_the_days_before(crm, crm_clock):
    deal(crm)  # on 2026-01-15
    for days, values in (
        (10, {"stage": "proposal"}),
        (3, {"notes": "no move"}),
        (4, {"stage": "engaging"}),
        (0, {"stage": "lost"}),
    ):
        crm_clock.advance(days=days)
        with crm.session() as session:
            session.update("opportunity", 1, values)
    with crm.session() as session:
        assert moves(session) == [
            (1, "prospecting", "proposal", dt.date(2026, 1, 25), 10, "system"),
            (1, "proposal", "engaging", dt.date(2026, 2, 1), 7, "system"),
            (1, "engaging", "lost", dt.date(2026, 2, 1), 0, "system"),
        ]


def test_moves_of_several_records_and_fields_do_not_mix(crm, crm_clock):
    deal(crm)
    deal(crm, stage="proposal")
    crm_clock.advance(days=1)
    with crm.session() as session:
        session.save_many("opportunity", [{"id": 2, "stage": "contract", "notes": "x"}, {"id": 1, "stage": "lost"}])
        session.create("customer", {"name": "Acme"})
        session.update("customer", 1, {"name": "Acme Inc"})
        assert [row[:3] for row in moves(session)] == [(1, "prospecting", "lost"), (2, "proposal", "contract")]


def test_a_stage_that_was_empty_is_no_stage(make_crm, database_url, crm_clock):
    sizes = {"type": "string", "enum": ["small", "large"], "x-crm": {"titles": {"en": "Size", "zh-CN": "规模"}}}
    extension = {"$schema": "urn:crmcore:extension:1", "properties": {"size": sizes}}
    stages = [evolve(DEALS.stages[0], name=name) for name in ("small", "large")]
    size = evolve(DEALS, name="deals.size", field="size", stages=stages)
    crm = make_crm(plugins=[plugin(size, schemas={"opportunity.extend.json": extension})], database_url=database_url)
    deal(crm)
    for value in ("large", None, "small"):
        crm_clock.advance(days=2)
        with crm.session() as session:
            session.update("opportunity", 1, {"size": value})
    with crm.session() as session:
        assert [row[1:3] for row in moves(session, size)] == [(None, "large"), ("large", None), (None, "small")]
        assert ages(session, size) == [(1, "small", dt.date(2026, 1, 21), 0)]


def test_a_record_is_in_its_stage_since_its_last_move_else_its_start_else_its_creation(crm, crm_clock):
    deal(crm)
    deal(crm, start_date="2025-12-16")
    deal(crm, start_date="2025-12-16")
    crm_clock.advance(days=5)
    with crm.session() as session:
        session.update("opportunity", 3, {"stage": "proposal"})
    crm_clock.advance(days=2)
    with crm.session() as session:
        assert ages(session) == [
            (1, "prospecting", dt.date(2026, 1, 15), 7),
            (2, "prospecting", dt.date(2025, 12, 16), 37),
            (3, "proposal", dt.date(2026, 1, 20), 2),
        ]
        assert moves(session)[0][4] == 35  # 16 December to 20 January


def test_ages_are_counted_up_to_the_day_asked_for_and_never_negative(crm):
    deal(crm)
    deal(crm, start_date="2026-02-01")
    with crm.session() as session:
        assert [row[3] for row in ages(session, as_of=dt.date(2026, 1, 20))] == [5, 0]
        assert [row[3] for row in ages(session, as_of=dt.date(2026, 1, 1))] == [0, 0]


def test_days_are_those_of_the_instance(make_crm, database_url, crm_clock):
    crm = make_crm(plugins=[plugin(DEALS)], database_url=database_url, timezone="Asia/Shanghai")
    crm_clock.instant = dt.datetime(2026, 1, 15, 15, 59, tzinfo=dt.UTC)  # a minute before midnight there
    deal(crm)
    crm_clock.advance(minutes=1)
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "proposal"})
    with crm.session() as session:
        assert [row[3:5] for row in moves(session)] == [(dt.date(2026, 1, 16), 1)]


def test_days_follow_the_clocks_of_the_instance_in_winter_and_in_summer(make_crm, database_url, crm_clock):
    crm = make_crm(plugins=[plugin(DEALS)], database_url=database_url, timezone="America/New_York")
    # 04:30 UTC is before midnight in winter and after it in summer.
    crm_clock.instant = dt.datetime(2026, 3, 8, 4, 30, tzinfo=dt.UTC)
    deal(crm)
    deal(crm)
    crm_clock.instant = dt.datetime(2026, 3, 9, 4, 30, tzinfo=dt.UTC)
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "proposal"})
    with crm.session() as session:
        assert [row[3:5] for row in moves(session)] == [(dt.date(2026, 3, 9), 2)]
        assert [row[2] for row in ages(session)] == [dt.date(2026, 3, 9), dt.date(2026, 3, 7)]


@pytest.mark.parametrize(
    "zone", ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"]
)
def test_the_offsets_of_a_time_zone_are_those_of_the_library(zone):
    timezone = ZoneInfo(zone)
    offsets = _offsets(timezone, 2027)
    at = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    while at.year < 2028:
        known = next(offset for since, offset in offsets if at >= since)
        assert known == at.astimezone(timezone).utcoffset().total_seconds(), at
        at += dt.timedelta(hours=5, minutes=30)


def test_only_what_the_actor_may_see_is_told(make_crm, database_url):
    roles = {"sales": {"opportunity": {"read": "owner = me", "update": True}}}
    crm = make_crm(plugins=[plugin(DEALS)], database_url=database_url, roles=roles)
    with crm.session() as session:
        anna = session.create("user", {"login": "anna", "roles": ["sales"]}).id
    for owner in (anna, None):
        id = deal(crm, owner=owner)
        with crm.session() as session:
            session.update("opportunity", id, {"stage": "lost"})
    with crm.session("anna") as session:
        assert [row[0] for row in moves(session)] == [1]
        assert [row[0] for row in ages(session)] == [1]


@pytest.mark.parametrize("hidden", ["stage", "start_date"])
def test_a_stage_that_the_actor_may_not_read_is_refused(make_crm, hidden):
    roles = {"sales": {"opportunity": {"read": True, "hide": [hidden]}}}
    crm = make_crm(plugins=[plugin(DEALS)], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "anna", "roles": ["sales"]})
    with crm.session("anna") as session:
        for asked in (stage_moves, stage_since):
            with pytest.raises(AccessDenied, match=f"anna may not read opportunity.{hidden}"):
                asked(session, DEALS)


def test_deleted_records_are_not_told_of(crm):
    deal(crm)
    with crm.session() as session:
        session.update("opportunity", 1, {"stage": "lost"})
        session.delete("opportunity", 1)
        assert moves(session) == ages(session) == []


def test_titles_of_stages_are_in_the_language_that_is_spoken(crm):
    with crm.session() as session:
        assert stage_titles(session, DEALS)["proposal"] == "Proposal"
        with speaking("zh-CN"):
            assert stage_titles(session, DEALS)["proposal"] == "方案报价"


def test_moves_of_some_records_are_found_by_their_ids_or_by_a_select(crm):
    for name in ("Lathe", "Mill", "Drill"):
        id = deal(crm, name=name)
        with crm.session() as session:
            session.update("opportunity", id, {"stage": "proposal"})
    with crm.session() as session:
        mill = session.table("opportunity")
        by_id = stage_moves(session, DEALS, [1, 3])
        selected = stage_moves(session, DEALS, select(mill.c.id).where(mill.c.name == "Mill"))
        found = [session.execute(select(each.c.id).order_by(each.c.id)).scalars().all() for each in (by_id, selected)]
    assert found == [[1, 3], [2]]
