"""Pipelines at the command line: boards, moves by title in any language, stage histories."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def run(make_crm, run_crmcore):
    """Run a command on an instance with three deals, one won; checks the exit code."""
    crm = make_crm(enabled=["sales"])
    with crm.session() as session:
        session.create("user", {"login": "li.wei", "name": "李伟", "roles": ["admin"]})
        session.create("user", {"login": "gone", "name": "Zhao", "active": False})
        session.save_many(
            "opportunity",
            [
                {"name": "车床", "stage": "proposal", "amount": "464", "owner": 1, "expected_close_date": "2026-03-01"},
                {"name": "Press", "stage": "prospecting", "owner": 2},
                {"name": "Drill", "stage": "won", "amount": "100", "closed_date": "2026-01-02"},
            ],
        )

    def runs(*arguments, code=0):
        result = run_crmcore("--as", "li.wei", *arguments, config=crm.registry.config.path)
        assert result.exit_code == code, result.output
        return result

    return runs


def board(run, *arguments):
    return json.loads(run("pipeline", "board", "--to", "2026-12-31", "--json", *arguments).stdout)


def test_pipelines_are_listed_with_stages_and_win_rates(run):
    lines = run("pipeline", "list").stdout.splitlines()
    assert lines[1].startswith("sales.opportunity  opportunity.stage  Prospecting 5 %, Engaging 10 %")
    (listed,) = json.loads(run("pipeline", "list", "--json").stdout)
    assert listed["stages"][6] == {
        "stage": "won",
        "title": "Won",
        "kind": "won",
        "win_rate": 1,
        "required": ["amount"],
        "moves": None,
        "max_days": None,
    }


def test_a_board_is_a_table_with_the_forecast_under_it(run):
    shown = run("pipeline", "board", "--from", "2026-01-01", "--to", "2026-12-31")
    lines = shown.stdout.splitlines()
    assert lines[0] == "Opportunities"
    assert lines[1].split("  ")[0] == "Stage"
    assert lines[1].endswith("Records  Amount  Win rate  Weighted  Median days  Oldest  Stale")
    proposal = next(line for line in lines if line.startswith("Proposal"))
    assert proposal.split()[:6] == ["Proposal", "1", "464.00", "30", "%", "139.20"]
    assert next(line for line in lines if line.startswith("Won")).split() == ["Won", "1", "100.00", "100", "%"]
    assert next(line for line in lines if line.startswith("All open")).split()[2:5] == ["2", "464.00", "139.20"]
    assert lines[-1] == "Forecast 2026-01-01 to 2026-12-31: 239.20 = 100.00 won + 139.20 weighted"
    assert "1 open record has no amount" in shown.stderr


def test_a_board_speaks_chinese(run):
    lines = run("--lang", "zh-CN", "pipeline", "board").stdout.splitlines()
    assert lines[0] == "商机"
    assert any(line.startswith("方案报价") for line in lines)


def test_a_board_for_programs_is_exact(run):
    found = board(run)
    assert (found["forecast"], found["closed_revenue"], found["closed_records"]) == ("239.2000", "100.0000", 1)
    assert found["open"] == {"records": 2, "amount": "464.0000", "weighted": "139.2000", "without_amount": 1}
    assert [stage["records"] for stage in found["stages"]] == [1, 0, 0, 1, 0, 0, 1, 0]
    assert "deals" not in found


def test_a_board_is_narrowed_down_by_condition_and_by_owner(run):
    assert board(run, "--where", "name = '车床'")["open"]["records"] == 1
    assert board(run, "sales.opportunity", "--owner", "LI.WEI")["open"]["amount"] == "464.0000"
    assert board(run, "--owner", "gone")["open"]["records"] == 1  # a leaver's deals are still there


def test_deals_are_listed_under_the_board(run):
    lines = run("pipeline", "board", "--deals").stdout.splitlines()
    line = next(line for line in lines if "opportunity:1" in line)
    assert line.split()[:6] == ["Proposal", "opportunity:1", "车床", "464.00", "李伟", "2026-03-01"]
    deals = board(run, "--deals")["deals"]
    assert [(deal["ref"], deal["amount"], deal["owner"]) for deal in deals] == [
        ("opportunity:2", None, 2),
        ("opportunity:1", "464.0000", 1),
    ]


@pytest.mark.parametrize("stage", ["negotiation", "Negotiation", "商务谈判"])
def test_a_record_is_moved_by_code_or_title(run, stage):
    assert run("pipeline", "move", "opportunity:1", stage).stdout == "opportunity:1  车床\n"
    assert json.loads(run("show", "opportunity:1", "--json").stdout)["stage"] == "negotiation"


def test_what_a_stage_asks_for_is_given_along(run):
    refused = run("pipeline", "move", "opportunity:2", "赢单", code=4)
    assert "the stage Won needs Amount" in refused.stderr
    moved = run(
        "pipeline", "move", "opportunity:2", "赢单", "--set", "金额=50", "--set", "closed_date=2026-01-05", "--json"
    )
    record = json.loads(moved.stdout)
    assert (record["stage"], record["amount"], record["closed_date"]) == ("won", "50.00", "2026-01-05")


def test_the_stages_of_a_record_are_its_moves_and_where_it_is(run):
    assert "Prospecting since" in run("pipeline", "history", "opportunity:2").stdout
    run("pipeline", "move", "opportunity:2", "engaging")
    run("pipeline", "move", "opportunity:2", "proposal")
    lines = run("--lang", "zh-CN", "pipeline", "history", "opportunity:2").stdout.splitlines()
    assert lines[1].split()[2:5] == ["li.wei", "初步接触", "深入沟通"]
    assert lines[2].split()[2:5] == ["li.wei", "深入沟通", "方案报价"]
    assert "方案报价" in lines[3]
    (passed,) = json.loads(run("pipeline", "history", "opportunity:2", "--json").stdout)
    assert [(move["from"], move["to"]) for move in passed["moves"]] == [
        ("prospecting", "engaging"),
        ("engaging", "proposal"),
    ]
    assert passed["stage"] == "proposal"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["board", "sales.oportunity"], 2, "Known: sales.opportunity"),
        (["board", "--owner", "nobody"], 2, "there is no user 'nobody'"),
        (["board", "--where", "amout > 1"], 2, "Did you mean amount"),
        (["board", "--from", "2026-02-01", "--to", "2026-01-01"], 2, "ends before it begins"),
        (["board", "--from", "yesterday"], 2, "expected a date"),
        (["move", "opportunity:1", "propsal"], 2, "Did you mean `Proposal`?"),
        (["move", "opportunity:99", "won"], 5, "there is no opportunity:99"),
        (["move", "customer:1", "won"], 2, "customer records go through no pipeline"),
        (["move", "opportunity", "won"], 2, "expected a reference"),
        (["move", "opportunity:1", "won", "--set", "stage=lost"], 2, "stage is set twice"),
        (["move", "opportunity:1", "won", "--pipeline", "x"], 2, "there is no pipeline 'x'"),
        (["history", "opportunity:99"], 5, "there is no opportunity:99"),
        (["history", "user:1"], 2, "user records go through no pipeline"),
    ],
)
def test_what_cannot_be_meant_is_refused(run, arguments, code, said):
    assert said in run("pipeline", *arguments, code=code).stderr


def test_an_instance_without_pipelines_says_so(make_crm, run_crmcore):
    path = make_crm().registry.config.path
    assert run_crmcore("pipeline", "list", config=path).stderr == "no enabled plugin declares a pipeline\n"
    refused = run_crmcore("pipeline", "board", config=path)
    assert refused.exit_code == 2
    assert "crmcore plugins enable sales" in refused.stderr


def test_a_stage_of_two_pipelines_is_asked_back(tmp_path, run_crmcore):
    field = {"type": "string", "enum": ["target", "kept"], "x-crm": {"titles": {"en": "Field"}}}
    extension = {"$schema": "urn:crmcore:extension:1", "properties": {"tier": field, "level": field}}
    assert run_crmcore("init").exit_code == 0
    (tmp_path / "schemas").mkdir(exist_ok=True)
    (tmp_path / "schemas" / "customer.extend.json").write_text(json.dumps(extension), encoding="utf-8")
    config = tmp_path / "crm.toml"
    tables = "".join(
        f"""
[plugins.sales.pipelines.{name}s]
entity = "customer"
field = "{name}"
stages = [{{ name = "target", win_rate = 0.1 }}, {{ name = "kept", kind = "won" }}]
"""
        for name in ("tier", "level")
    )
    text = config.read_text(encoding="utf-8").replace('enabled = ["tabular"]', 'enabled = ["sales"]')
    config.write_text(text + tables, encoding="utf-8")
    assert run_crmcore("db", "upgrade").exit_code == 0
    run_crmcore("create", "customer", "--set", "name=Acme")

    refused = run_crmcore("pipeline", "move", "customer:1", "target")
    assert refused.exit_code == 2
    assert "sales.tiers, sales.levels" in refused.stderr
    assert "--pipeline" in refused.stderr
    assert "more than one pipeline" in run_crmcore("pipeline", "board").stderr

    assert run_crmcore("pipeline", "move", "customer:1", "target", "--pipeline", "tiers").exit_code == 0
    assert json.loads(run_crmcore("show", "customer:1", "--json").stdout)["tier"] == "target"
    assert len(json.loads(run_crmcore("pipeline", "history", "customer:1", "--json").stdout)) == 2
    wrong = run_crmcore("pipeline", "history", "customer:1", "--pipeline", "opportunity")
    assert "customer records do not go through sales.opportunity" in wrong.stderr
