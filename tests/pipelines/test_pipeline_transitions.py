"""Moves between stages at the first write door: allowed ones, what a stage asks for, and what plugins say."""

from __future__ import annotations

import pytest
from pipelines_of_tests import DEALS, plugin

from crmcore.errors import PluginError, ValidationError
from crmcore.i18n import speaking
from crmcore.pipelines import move
from crmcore.types import Problem


@pytest.fixture
def crm(make_crm, database_url):
    return make_crm(plugins=[plugin(DEALS)], database_url=database_url)


def deal(session, **values):
    return session.create("opportunity", {"name": "Lathe", **values}, on_match="create").id


def problems(caught):
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_a_move_that_the_stage_allows_is_made(crm):
    with crm.session() as session:
        id = deal(session, stage="engaging")
        assert session.update("opportunity", id, {"stage": "lost"}).stage == "lost"


def test_a_move_that_the_stage_does_not_allow_is_refused_and_the_allowed_ones_are_named_by_title(crm):
    with crm.session() as session:
        id = deal(session, stage="engaging")
        with pytest.raises(ValidationError) as caught:
            session.update("opportunity", id, {"stage": "proposal"})
        (problem,) = caught.value.problems
        assert (problem.field, problem.code, problem.value) == ("stage", "transition", "proposal")
        assert problem.message == "Stage cannot go from Engaging to Proposal"
        assert problem.hint == "Allowed from here: Qualified, Lost."
        assert session.get("opportunity", id).stage == "engaging"


def test_allowed_moves_are_named_in_the_language_that_is_spoken(crm):
    with crm.session() as session, speaking("zh-CN"):
        id = deal(session, stage="engaging")
        with pytest.raises(ValidationError) as caught:
            session.update("opportunity", id, {"stage": "proposal"})
    assert "深入沟通" in caught.value.problems[0].message
    assert "需求确认" in str(caught.value.problems[0].hint)


def test_a_stage_without_ways_out_says_so(crm):
    with crm.session() as session:
        id = deal(session, stage="won", amount="1")
        with pytest.raises(ValidationError, match="Nothing leads on from here"):
            session.update("opportunity", id, {"stage": "proposal"})


def test_a_stage_without_declared_moves_leads_anywhere(crm):
    with crm.session() as session:
        id = deal(session, stage="contract", amount="1")
        assert session.update("opportunity", id, {"stage": "prospecting"}).stage == "prospecting"


def test_a_new_record_may_start_in_any_stage(crm):
    with crm.session() as session:
        assert session.get("opportunity", deal(session, stage="lost")).stage == "lost"


def test_a_stage_asks_for_fields_of_a_new_record_too_and_all_are_reported_together(crm):
    with crm.session() as session, pytest.raises(ValidationError) as caught:
        session.create("opportunity", {"stage": "qualified", "currency": "yuan"})
    assert {("amount", "stage_required"), ("customer", "stage_required")} <= set(problems(caught))
    assert ("name", "required") in problems(caught)
    assert any(field == "currency" for field, _code in problems(caught))
    assert "the stage Qualified needs Amount" in str(caught.value)


def test_a_move_that_brings_what_the_stage_asks_for_is_made(crm):
    with crm.session() as session:
        id, customer = deal(session), session.create("customer", {"name": "Acme"}).id
        moved = move(session, DEALS, id, "qualified", {"amount": "5", "customer": customer})
        assert moved.stage == "qualified"


def test_a_value_that_cannot_be_read_is_reported_once(crm):
    with crm.session() as session, pytest.raises(ValidationError) as caught:
        session.create("opportunity", {"name": "x", "stage": "won", "amount": "much"})
    assert [field for field, _code in problems(caught)] == ["amount"]


def test_what_a_stage_needs_cannot_be_taken_from_a_record_in_it(crm):
    with crm.session() as session:
        id = deal(session, stage="won", amount="1")
        with pytest.raises(ValidationError, match="the stage Won needs Amount"):
            session.update("opportunity", id, {"amount": None})


def test_a_record_that_has_long_been_without_it_may_be_changed_otherwise(make_crm, database_url):
    before = make_crm(database_url=database_url)
    with before.session() as session:
        deal(session, stage="won")
    crm = make_crm(plugins=[plugin(DEALS)], database_url=database_url)
    with crm.session() as session:
        assert session.update("opportunity", 1, {"next_step": "Call"}).next_step == "Call"


def test_a_stage_that_is_no_value_is_the_schemas_to_refuse(crm):
    with crm.session() as session:
        id = deal(session, stage="engaging")
        with pytest.raises(ValidationError) as caught:
            session.update("opportunity", id, {"stage": "signed"})
    assert problems(caught) == [("stage", "enum")]


def test_many_rows_are_judged_each_by_itself(crm):
    with crm.session() as session:
        ids = [deal(session, stage=stage) for stage in ("engaging", "proposal", "engaging")]
        rows = [{"id": id, "stage": stage} for id, stage in zip(ids, ("proposal", "contract", "lost"), strict=True)]
        result = session.save_many("opportunity", rows, on_problem="reject")
        assert [row.outcome for row in result.rows] == ["rejected", "updated", "updated"]
        assert [session.get("opportunity", id).stage for id in ids] == ["engaging", "contract", "lost"]


def test_a_bulk_edit_obeys_the_moves(crm):
    with crm.session() as session:
        deal(session, stage="engaging")
        with pytest.raises(ValidationError, match="cannot go"):
            session.update_where("opportunity", "true", {"stage": "contract"})


def test_an_import_starts_records_anywhere_and_moves_them_as_allowed(crm):
    with crm.session() as session:
        rows = [
            {"code": "a", "stage": "won", "amount": "1"},
            {"code": "b", "stage": "won"},
            {"code": "c", "stage": "engaging"},
        ]
        first = session.save_many("opportunity", rows, on_match="update", on_problem="reject", import_id=1)
        assert [row.outcome for row in first.rows] == ["created", "rejected", "created"]
        rows = [{"code": "a", "stage": "contract"}, {"code": "c", "stage": "lost"}]
        again = session.save_many("opportunity", rows, on_match="update", on_problem="reject", import_id=1)
        assert [row.outcome for row in again.rows] == ["rejected", "updated"]


def test_restoring_a_deleted_record_is_no_move(make_crm, database_url):
    before = make_crm(database_url=database_url)
    with before.session() as session:
        session.delete("opportunity", deal(session, stage="won"))
    crm = make_crm(plugins=[plugin(DEALS)], database_url=database_url)
    with crm.session() as session:
        assert session.restore("opportunity", 1).stage == "won"


def test_taking_an_import_back_is_no_move(crm):
    with crm.session() as session:
        id = deal(session, stage="won", amount="1")
    with crm.session() as session, session.taking_back():
        assert session.update("opportunity", id, {"stage": "engaging", "amount": None}).stage == "engaging"


def test_other_entities_are_left_alone(crm):
    with crm.session() as session:
        assert session.create("customer", {"name": "Acme"}).name == "Acme"


def test_plugins_that_listen_are_asked_about_moves_only(make_crm):
    asked = []

    def crm_check_transition(tx, pipeline, batch):
        asked.append([(change.before.get("stage"), change.after["stage"], pipeline.name) for change in batch])
        for change in batch:
            if change.after["stage"] == "contract" and not change.after["next_step"]:
                yield change.problem("say what comes next", field="next_step")

    crm = make_crm(plugins=[plugin(DEALS, crm_check_transition=crm_check_transition)])
    with crm.session() as session:
        id = deal(session)
        session.update("opportunity", id, {"notes": "no move"})
        with pytest.raises(ValidationError) as caught:
            session.update("opportunity", id, {"stage": "contract"})
    (problem,) = caught.value.problems
    assert (problem.field, problem.plugin) == ("next_step", "deals")
    assert asked == [
        [(None, "prospecting", "deals.opportunity")],
        [("prospecting", "contract", "deals.opportunity")],
    ]


def test_a_batch_is_asked_about_once_with_those_that_move(make_crm):
    sizes = []
    crm = make_crm(
        plugins=[plugin(DEALS, crm_check_transition=lambda tx, pipeline, batch: sizes.append(len(batch)) or ())]
    )
    with crm.session() as session:
        session.save_many("opportunity", [{"name": f"D{n}"} for n in range(3)])
        session.save_many(
            "opportunity", [{"id": 1, "stage": "lost"}, {"id": 2, "notes": "x"}, {"id": 3, "stage": "won", "amount": 1}]
        )
    assert sizes == [3, 2]


def test_a_plugin_that_fails_on_a_move_is_named(make_crm):
    def crm_check_transition(tx, pipeline, batch):
        raise RuntimeError("no connection")

    crm = make_crm(plugins=[plugin(DEALS, crm_check_transition=crm_check_transition)])
    with crm.session() as session, pytest.raises(PluginError, match=r"deals 1\.0 failed in crm_check_transition"):
        deal(session)


def test_a_stage_that_a_plugin_sets_late_is_judged_too(make_crm):
    def crm_before_save(tx, batch):
        for change in batch:
            change.set("stage", "won")

    crm = make_crm(plugins=[plugin(DEALS, crm_before_save=crm_before_save)])
    with crm.session() as session, pytest.raises(ValidationError, match="the stage Won needs Amount"):
        deal(session)


def test_a_problem_in_a_row_that_is_not_there_is_the_plugins_failure(make_crm):
    def crm_check_transition(tx, pipeline, batch):
        return [Problem(message="no", row=99)]

    crm = make_crm(plugins=[plugin(DEALS, crm_check_transition=crm_check_transition)])
    with crm.session() as session, pytest.raises(PluginError, match="no row 99") as caught:
        deal(session)
    assert (caught.value.plugin, caught.value.hook) == ("deals", "crm_check_transition")
