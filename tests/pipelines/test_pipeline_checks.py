"""Pipelines that plugins declare are judged against the entities when the registry is made."""

from __future__ import annotations

import json

import pytest
from attrs import evolve
from pipelines_of_tests import DEALS, STAGES, plugin

from crmcore.config import Config, read_config
from crmcore.errors import CRMError
from crmcore.registry import diagnose, load
from crmcore.types import Pipeline, Stage


def wrong(*pipelines, **more):
    """The problems with some pipelines, of a plugin without which nothing may run."""
    stopping = plugin(*pipelines, crm_check_transition=lambda tx, pipeline, batch: (), **more)
    with pytest.raises(CRMError) as caught:
        load(Config(), [stopping])
    return caught.value.problems


def with_stage(index, **changes):
    stages = [*STAGES]
    stages[index] = evolve(stages[index], **changes)
    return evolve(DEALS, stages=stages)


def test_a_pipeline_that_fits_is_found_by_name():
    assert load(Config(), [plugin(DEALS)]).pipelines["deals.opportunity"] == DEALS


@pytest.mark.parametrize(
    ("pipeline", "message", "hint"),
    [
        (evolve(DEALS, entity="oportunity"), "no entity `oportunity`", "Did you mean `opportunity`?"),
        (evolve(DEALS, field="stag"), "opportunity has no field `stag`", "Did you mean `stage`?"),
        (evolve(DEALS, field="name"), "opportunity.name must be a text with fixed values", None),
        (evolve(DEALS, field="key_project"), "opportunity.key_project must be a text with fixed values", None),
        (evolve(DEALS, amount="amout"), "opportunity has no field `amout`", "Did you mean `amount`?"),
        (evolve(DEALS, amount="name"), "opportunity.name is text; expected one of: money", "Known here: amount."),
        (evolve(DEALS, started="created"), "opportunity has no field `created`", "start_date"),
        (evolve(DEALS, expected="amount"), "opportunity.amount is money; expected one of: date", None),
        (evolve(DEALS, closed="stage"), "opportunity.stage is text; expected one of: date", None),
        (with_stage(1, moves=["qualifed"]), "engaging moves to `qualifed`", "Did you mean `qualified`?"),
        (with_stage(2, required=["customr"]), "qualified needs `customr`", "Did you mean `customer`?"),
        (evolve(DEALS, stages=[*STAGES, STAGES[0]]), "`prospecting` is there twice", None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_with_what_was_meant(pipeline, message, hint):
    (problem,) = wrong(pipeline)
    assert problem.message.startswith("pipeline deals.opportunity: ")
    assert message in problem.message
    assert hint is None or hint in problem.hint
    assert problem.plugin == "deals"


def test_a_pipeline_needs_an_open_stage():
    (problem,) = wrong(evolve(DEALS, stages=[evolve(stage, kind="lost") for stage in STAGES]))
    assert "at least one stage must be open" in problem.message


def test_a_value_that_is_no_stage_is_named_with_the_stage_to_write():
    (problem,) = wrong(evolve(DEALS, stages=STAGES[1:]))
    assert "opportunity.stage may be `prospecting`, which is no stage" in problem.message
    assert (
        '[plugins.deals.pipelines.opportunity], for instance: { name = "prospecting", win_rate = 0.1 }' in problem.hint
    )


def test_a_stage_that_is_almost_a_value_is_taken_for_a_slip():
    found = wrong(evolve(DEALS, stages=[evolve(STAGES[0], name="prospectin"), *STAGES[1:]]))
    assert "Did you mean `prospecting`?" in str(found)


def test_a_stage_that_is_no_value_comes_with_the_extension_that_adds_it():
    (problem,) = wrong(evolve(DEALS, stages=[*STAGES, Stage(name="trial", win_rate=0.4)]))
    assert "`trial` is not among the values of opportunity.stage" in problem.message
    beginning, _colon, extension = problem.hint.partition(": ")
    assert "schemas/opportunity.extend.json" in beginning
    # What the hint says works when it is pasted.
    trial = evolve(DEALS, stages=[*STAGES, Stage(name="trial", win_rate=0.4)])
    registry = load(Config(), [plugin(trial, schemas={"opportunity.extend.json": json.loads(extension)})])
    assert registry.entities["opportunity"].fields["stage"].enum[-1] == "trial"


def test_a_field_whose_values_are_fixed_cannot_be_added_to():
    sizes = {
        "$schema": "urn:crmcore:extension:1",
        "properties": {"size": {"type": "string", "enum": ["small", "large"], "x-crm": {"titles": {"en": "Size"}}}},
    }
    pipeline = evolve(
        DEALS, name="deals.size", field="size", stages=[Stage(name=name) for name in ("small", "large", "vast")]
    )
    (problem,) = wrong(pipeline, schemas={"opportunity.extend.json": sizes})
    assert problem.hint == "Its values are fixed: small, large."


def test_a_field_belongs_to_one_pipeline():
    found = wrong(DEALS, evolve(DEALS, name="deals.again"))
    assert [problem.code for problem in found] == ["conflict", "conflict"]
    assert "deals.again: opportunity.stage belongs to more than one pipeline" in str(found)


def test_everything_is_reported_at_once():
    found = wrong(evolve(with_stage(1, moves=["x"]), amount="x", closed="y"))
    assert len(found) == 3


def test_a_plugin_that_only_declares_pipelines_is_left_out_and_the_rest_runs():
    registry = load(Config(), [plugin(evolve(DEALS, amount="x"))])
    assert "has no field `x`" in str(registry.broken["deals"])
    assert registry.pipelines == {}


@pytest.mark.parametrize(
    ("stages", "line", "key"),
    [
        ('{ name = "won", kind = "won", required = ["amout"] },', 13, "stages[6].required[0]"),
        ('{ name = "won", kind = "won", moves = ["lost", "back"] },', 13, "stages[6].moves[1]"),
        ('{ name = "won", kind = "won" }, { name = "trial" },', 13, "stages[7].name"),
    ],
)
def test_settings_that_do_not_fit_are_named_with_their_line(tmp_path, stages, line, key):
    path = tmp_path / "crm.toml"
    path.write_text(
        f"""[plugins]
enabled = ["sales"]

[plugins.sales.pipelines.opportunity]
amount = "amount"
stages = [
  {{ name = "prospecting" }},
  {{ name = "engaging" }},
  {{ name = "qualified" }},
  {{ name = "proposal" }},
  {{ name = "negotiation" }},
  {{ name = "contract" }},
  {stages}
  {{ name = "lost", kind = "lost" }},
]
""",
        encoding="utf-8",
    )
    (problem,) = diagnose(path).problems
    assert (problem.file, problem.line) == (path, line)
    assert problem.pointer == f"plugins.sales.pipelines.opportunity.{key}"
    assert problem.plugin == "sales"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[plugins.sales.pipelines.opportunity]\nstages = []", "at least 1 entries"),
        ('[plugins.sales.pipelines.opportunity]\nstages = [{ name = "won", win_rate = 80 }]', "at most 1, found 80"),
        ("[plugins.sales.pipelines.opportunity]\nstages = [{ win_rate = 0.5 }]", "`name` is missing"),
        ('[plugins.sales.pipelines.opportunity]\nstages = [{ name = "won", wins = 1 }]', "unknown key `wins`"),
        ('[plugins.sales.pipelines.opportunity]\namuont = "amount"', "Did you mean `amount`?"),
        ('[plugins.sales.pipelines.Key-Deals]\nentity = "opportunity"', "`Key-Deals` cannot be a name here"),
        ('[plugins.sales.pipelines.service]\nentity = "customer"', "`stages` is missing"),
        ('[plugins.sales.pipelines.opportunity]\nentity = "case"', "there is no entity `case`"),
    ],
)
def test_settings_of_the_wrong_form_are_refused_with_file_and_line(tmp_path, text, said):
    path = tmp_path / "crm.toml"
    path.write_text(f'[plugins]\nenabled = ["sales"]\n{text}\n', encoding="utf-8")
    with pytest.raises(CRMError) as caught:
        load(read_config(path))
    assert said in str(caught.value)
    assert all(problem.file == path and problem.line in (3, 4) for problem in caught.value.problems)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Pipeline(name="deals.x", entity="opportunity", field="stage", stages=["won"]),
        lambda: Pipeline(name="deals.x", entity="opportunity", field="stage", stages="won"),
        lambda: Stage(name="won", moves="lost"),
        lambda: Stage(name="won", required="amount"),
    ],
)
def test_stages_and_moves_that_are_texts_are_refused_where_they_are_made(wrong):
    with pytest.raises(TypeError, match="expected"):
        wrong()
