"""Plugin sales: the pipelines of its settings, the day of closing, and who may open a closed deal again."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest

import crmcore_sales
from crmcore import load, read_config
from crmcore.errors import ValidationError
from crmcore.testing import PluginConformance

TODAY = dt.date(2026, 1, 15)


class TestConformance(PluginConformance):
    plugin = "sales"


@pytest.fixture
def crm(make_crm):
    return make_crm(enabled=["sales"])


def deal(session, **values):
    return session.create("opportunity", {"name": "Lathe", "amount": "5", **values}, on_match="create")


def test_the_default_pipeline_has_the_stages_and_win_rates_of_requirement_r21(crm):
    pipeline = crm.registry.pipelines["sales.opportunity"]
    assert [stage.win_rate for stage in pipeline.stages] == [0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.0, 0.0]
    assert [stage.kind for stage in pipeline.stages] == ["open"] * 6 + ["won", "lost"]
    assert (pipeline.amount, pipeline.started, pipeline.closed) == ("amount", "start_date", "closed_date")


def test_a_pipeline_of_ones_own_needs_no_more_than_its_stages(make_crm):
    stages = [
        {"name": name, "win_rate": 0.2}
        for name in ("prospecting", "engaging", "qualified", "proposal", "negotiation", "contract")
    ]
    stages += [{"name": "won", "kind": "won"}, {"name": "lost", "kind": "lost", "required": ["close_reason"]}]
    crm = make_crm(enabled=["sales"], settings={"sales": {"pipelines": {"opportunity": {"stages": stages}}}})
    pipeline = crm.registry.pipelines["sales.opportunity"]
    assert pipeline.stage("won").win_rate == 1.0  # what is won counts in full
    assert pipeline.stage("lost").required == ("close_reason",)
    assert pipeline.stage("proposal").max_days is None


@pytest.mark.parametrize("stage", ["won", "lost"])
def test_the_day_of_closing_is_set_where_a_deal_is_closed(crm, stage):
    with crm.session() as session:
        assert deal(session, stage=stage).closed_date == TODAY
        open_deal = deal(session)
        assert open_deal.closed_date is None
        assert session.update("opportunity", open_deal.id, {"stage": stage}).closed_date == TODAY


def test_a_day_of_closing_that_is_given_stays(crm):
    with crm.session() as session:
        assert deal(session, stage="won", closed_date="2025-12-30").closed_date == dt.date(2025, 12, 30)
        id = deal(session).id
        moved = session.update("opportunity", id, {"stage": "won", "closed_date": "2026-01-02"})
        assert moved.closed_date == dt.date(2026, 1, 2)
        assert session.update("opportunity", id, {"notes": "x"}).closed_date == dt.date(2026, 1, 2)


def test_a_deal_that_is_open_again_has_no_day_of_closing(crm):
    with crm.session() as session:
        id = deal(session, stage="lost").id
        assert session.update("opportunity", id, {"stage": "proposal"}).closed_date is None


def test_a_deal_that_is_won_after_it_was_lost_is_closed_today(crm, crm_clock):
    with crm.session() as session:
        id = deal(session, stage="lost").id
    crm_clock.advance(days=3)
    with crm.session() as session:
        assert session.update("opportunity", id, {"stage": "won"}).closed_date == dt.date(2026, 1, 18)


def test_an_import_keeps_what_the_file_says_and_invents_no_day_for_old_deals(crm):
    rows = [
        {"code": "a", "stage": "won", "amount": 1, "closed_date": "2017-03-01"},
        {"code": "b", "stage": "won", "amount": 1},
        {"code": "c", "stage": "lost"},
        {"code": "d", "stage": "proposal"},
    ]
    with crm.session() as session:
        session.save_many("opportunity", rows, import_id=1)
        days = [record.closed_date for record in session.find("opportunity", order="code")]
        assert days == [dt.date(2017, 3, 1), None, None, None]
        again = [{"code": "d", "stage": "lost"}, {"code": "a", "stage": "proposal", "closed_date": "2017-04-01"}]
        session.save_many("opportunity", again, on_match="update", import_id=1)
        days = [record.closed_date for record in session.find("opportunity", order="code")]
        assert days == [dt.date(2017, 4, 1), None, None, TODAY]


def test_a_deal_that_returns_to_where_it_was_gets_no_new_day_of_closing(crm):
    with crm.session() as session:
        id = deal(session).id
    with crm.session() as session, session.taking_back():
        assert session.update("opportunity", id, {"stage": "lost"}).closed_date is None


@pytest.mark.parametrize("source", ["import", "undo"])
def test_no_word_for_where_a_change_comes_from_opens_a_closed_deal_or_keeps_the_day_of_closing(make_crm, source):
    everything = {"create": True, "read": True, "update": True}
    crm = make_crm(enabled=["sales"], roles={"rep": {"opportunity": everything}})
    with crm.session() as session:
        session.create("user", {"login": "rita", "roles": ["rep"]})
    with crm.session("rita", source=source) as session:
        won = deal(session, stage="won")
        assert (won.closed_date, won.owner) == (TODAY, 1)
        with pytest.raises(ValidationError, match=r"sales\.reopen"):
            session.update("opportunity", won.id, {"stage": "proposal"})


def test_a_won_deal_needs_an_amount_and_a_lost_one_no_reason(crm):
    with crm.session() as session:
        assert deal(session, stage="lost", amount=None).close_reason is None
        with pytest.raises(ValidationError, match="the stage Won needs Amount"):
            deal(session, stage="won", amount=None)


def test_only_who_may_opens_a_closed_deal_again(make_crm):
    everything = {"create": True, "read": True, "update": True}
    roles = {
        "rep": {"opportunity": everything},
        "head": {"opportunity": everything, "grants": ["sales.reopen"]},
    }
    crm = make_crm(enabled=["sales"], roles=roles)
    with crm.session() as session:
        session.create("user", {"login": "rita", "roles": ["rep"]})
        session.create("user", {"login": "hans", "roles": ["head"]})
        id = deal(session, stage="won").id
    with crm.session("rita") as session:
        with pytest.raises(ValidationError, match=r"takes the permission sales\.reopen") as caught:
            session.update("opportunity", id, {"stage": "proposal"})
        assert caught.value.problems[0].plugin == "sales"
        assert session.update("opportunity", id, {"notes": "x"}).notes == "x"
        assert session.update("opportunity", deal(session).id, {"stage": "lost"}).stage == "lost"
    with crm.session("hans") as session:
        assert session.update("opportunity", id, {"stage": "proposal"}).stage == "proposal"


def test_another_entity_may_have_a_pipeline_too(make_crm):
    orders = {
        "entity": "order",
        "field": "status",
        "amount": "amount",
        "closed": "shipped_date",
        "stages": [
            {"name": "draft", "win_rate": 0.5, "moves": ["confirmed", "cancelled"]},
            {"name": "confirmed", "win_rate": 0.9},
            *({"name": name, "kind": "won"} for name in ("shipped", "delivered", "completed")),
            *({"name": name, "kind": "lost"} for name in ("returned", "cancelled")),
        ],
    }
    crm = make_crm(enabled=["sales"], settings={"sales": {"pipelines": {"delivery": orders}}})
    assert {*crm.registry.pipelines} == {"sales.opportunity", "sales.delivery"}
    with crm.session() as session:
        customer = session.create("customer", {"name": "Acme"}).id
        session.create("order", {"customer": customer, "order_date": "2026-01-02", "status": "draft"})
        with pytest.raises(ValidationError, match="Allowed from here: Confirmed, Cancelled"):
            session.update("order", 1, {"status": "shipped"})
        session.update("order", 1, {"status": "confirmed"})
        assert session.update("order", 1, {"status": "shipped"}).shipped_date == TODAY


def test_the_settings_that_the_readme_shows_are_sound(tmp_path):
    readme = (Path(crmcore_sales.__file__).parent / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)
    assert len(blocks) == 2
    config = tmp_path / "crm.toml"
    config.write_text('[plugins]\nenabled = ["sales"]\n' + "\n".join(blocks), encoding="utf-8")
    pipelines = load(read_config(config)).pipelines
    assert pipelines["sales.opportunity"].stage("negotiation").moves == ("proposal", "contract", "lost")
    assert pipelines["sales.delivery"].stage("shipped").win_rate == 1.0
