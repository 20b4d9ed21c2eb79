"""Rules of ``crm.toml`` from the first line written to the last explanation: ``crmcore score``, in two languages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crmcore import CRM, load, read_config

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run

CONFIG = """\
[instance]
name = "Scores"
[database]
url = "sqlite:///crm.db"
[roles.sales.customer]
read = true
hide = ["credit_limit"]
[metrics.visits]
entity = "customer"
relation = "activities"
aggregate = "count"
where = "kind = 'visit'"
[metrics.revenue]
entity = "customer"
relation = "orders"
aggregate = "sum"
field = "amount"
[scoring.grade]
entity = "customer"
field = "grade"
titles = { en = "Grade", zh-CN = "级别" }
otherwise = "cold"
labels = { hot = "visits >= 2", warm = "visits >= 1" }
[scoring.tier]
entity = "customer"
field = "tier"
titles = { en = "Tier", zh-CN = "层级" }
rank = { by = "revenue", bands = { VIP = 0.25, other = 1.0 }, where = "revenue > 0" }
[scoring.pareto]
entity = "customer"
field = "pareto"
rank = { by = "revenue - 100", of = "value", bands = { A = 0.8 } }
otherwise = "rest"
[scoring.room]
entity = "customer"
field = "room"
titles = { en = "Room", zh-CN = "可用额度" }
expression = "credit_limit - revenue"
kind = "money"
"""


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Four customers in the current folder: revenue of 900, 200, 100 and none; the first was visited once."""
    (tmp_path / "crm.toml").write_text(CONFIG, encoding="utf-8")
    crm = CRM(load(read_config(tmp_path / "crm.toml")))
    crm.upgrade()
    with crm.session() as session:
        session.create("user", {"login": "ada", "roles": ["admin"]})
        session.create("user", {"login": "bob", "roles": ["sales"]})
        session.save_many(
            "customer", [{"name": name, "credit_limit": 500} for name in ("北京电子", "Acme", "Beta", "Nil")]
        )
        for customer, amount in ((1, 900), (2, 200), (3, 100)):
            session.create("order", {"customer": customer, "order_date": "2026-01-05", "amount": amount})
        session.create("activity", {"subject": "customer:1", "kind": "visit", "due_date": "2026-01-05"})
    crm.close()
    return tmp_path


def test_a_run_says_what_each_rule_did(scores: Path, run: Run) -> None:
    assert run("score", "run").stdout.splitlines() == [
        "instance.grade: hot 0, warm 1, cold 3 (4 changed)",
        "instance.tier: VIP 1, other 2, – 1 (3 changed)",
        "instance.pareto: A 1, rest 3 (4 changed)",
        "instance.room: 4 filled, 0 empty, from -400.00 to 500.00 (4 changed)",
    ]
    done = json.loads(run("score", "run", "instance.room", "instance.tier", "--json").stdout)
    assert done == [
        {
            "rule": "instance.tier",
            "changed": 0,
            "labels": [
                {"label": "VIP", "records": 1},
                {"label": "other", "records": 2},
                {"label": None, "records": 1},
            ],
        },
        {"rule": "instance.room", "changed": 0, "filled": 4, "empty": 0, "least": "-400.0000", "most": "500.0000"},
    ]


def test_ranks_are_explained_by_place_and_bands(scores: Path, run: Run) -> None:
    run("score", "run")

    assert run("score", "explain", "customer:2", "instance.tier").stdout.splitlines() == [
        "Tier of Acme (customer:2): other",
        "  yes  revenue > 0",
        "     yes  revenue > 0  revenue = 200.00",
        "  no. 2 of 3 by revenue, which is 200.00; 33.3% of the records come before it",
        "  VIP    no   the first 1 (25%)",
        "  other  yes  the first 3 (100%)",
    ]
    assert run("score", "explain", "customer:4", "instance.tier").stdout.splitlines() == [
        "Tier of Nil (customer:4): –",
        "  no   revenue > 0",
        "     no   revenue > 0  revenue = 0.00",
        "  not among the 3 that are ranked by revenue, which is 0.00",
        "  –  because it is not ranked",
    ]


def test_ranks_by_value_say_the_share_before(scores: Path, run: Run) -> None:
    # 800 and 100 are above zero: 800 of 900 come before the second.
    assert run("score", "explain", "customer:2", "instance.pareto").stdout.splitlines() == [
        "Pareto of Acme (customer:2): rest (stored is –: run the rule to write it)",
        "  no. 2 of 4 by revenue - 100, which is 100.00; 88.9% of the value comes before it",
        "    revenue = 200.00",
        "  A     no   the first 80% of the value",
        "  rest  because it is beyond the last band",
    ]


def test_expressions_are_explained_by_their_inputs(scores: Path, run: Run) -> None:
    assert run("score", "explain", "customer:1", "instance.room").stdout.splitlines() == [
        "Room of 北京电子 (customer:1): -400.00 (stored is –: run the rule to write it)",
        "  credit_limit - revenue",
        "    credit_limit = 500.00, revenue = 900.00",
    ]


def test_what_an_actor_may_not_read_is_not_explained(scores: Path, run: Run) -> None:
    run("score", "run")

    assert run("--as", "bob", "score", "explain", "customer:1", "instance.room").stdout.splitlines() == [
        "Room of 北京电子 (customer:1): -400.00",
        "  credit_limit - revenue",
    ]
    assert run("--as", "bob", "score", "explain", "customer:1", "instance.pareto").stdout.splitlines() == [
        "Pareto of 北京电子 (customer:1): A",
        "  what it is ranked by is not yours to see",
    ]


def test_conditions_over_what_an_actor_may_not_read_are_not_told(scores: Path, run: Run) -> None:
    run("score", "run")

    assert run("--as", "bob", "score", "explain", "customer:1", "instance.grade").stdout.splitlines() == [
        "Grade of 北京电子 (customer:1): warm",
        "  hot   the condition is not yours to see",
        "  warm  the condition is not yours to see",
    ]
    assert run("--as", "bob", "score", "explain", "customer:1", "instance.tier").stdout.splitlines() == [
        "Tier of 北京电子 (customer:1): VIP",
        "  the condition is not yours to see",
        "  what it is ranked by is not yours to see",
    ]
    (grade,) = json.loads(run("--as", "bob", "score", "explain", "customer:3", "instance.grade", "--json").stdout)
    assert (grade["label"], grade["decisions"]) == (
        "cold",
        [{"label": label, "condition": None, "holds": None, "findings": []} for label in ("hot", "warm")],
    )


def test_explanations_for_programs_have_everything(scores: Path, run: Run) -> None:
    (tier,) = json.loads(run("score", "explain", "customer:2", "instance.tier", "--json").stdout)

    assert tier["standing"] == {
        "by": "revenue",
        "value": "200.0000",
        "inputs": {"revenue": "200.0000"},
        "position": 2,
        "ranked": 3,
        "before": 1 / 3,
        "bands": [
            {"label": "VIP", "upto": 0.25, "first": 1, "reached": False},
            {"label": "other", "upto": 1.0, "first": 3, "reached": True},
        ],
    }
    assert tier["conditions"][0]["holds"] is True
    (room,) = json.loads(run("score", "explain", "customer:2", "instance.room", "--json").stdout)
    assert (room["label"], room["stored"]) == ("300.0000", None)
    assert room["inputs"] == {"credit_limit": "500.0000", "revenue": "200.0000"}
    everything = json.loads(run("score", "explain", "customer:2", "--json").stdout)
    assert [one["rule"] for one in everything] == [
        "instance.grade",
        "instance.tier",
        "instance.pareto",
        "instance.room",
    ]


def test_the_rules_are_listed(scores: Path, run: Run) -> None:
    assert run("score", "list").stdout.splitlines() == [
        "Name             Title   Field            Shape       Values",
        "instance.grade   Grade   customer.grade   labels      hot, warm, cold",
        "instance.tier    Tier    customer.tier    rank        VIP, other",
        "instance.pareto  Pareto  customer.pareto  rank        A, rest",
        "instance.room    Room    customer.room    expression  credit_limit - revenue",
    ]
    titles = [line.split()[1] for line in run("--lang", "zh-CN", "score", "list").stdout.splitlines()[1:]]
    assert titles == ["级别", "层级", "Pareto", "可用额度"]
    listed = {rule["name"]: rule for rule in json.loads(run("score", "list", "--json").stdout)}
    assert listed["instance.room"] == {
        "name": "instance.room",
        "entity": "customer",
        "field": "room",
        "kind": "money",
        "shape": "expression",
        "titles": {"en": "Room", "zh-CN": "可用额度"},
        "expression": "credit_limit - revenue",
    }
    assert listed["instance.pareto"]["bands"] == {"A": 0.8}
    assert listed["instance.grade"]["labels"] == {"hot": "visits >= 2", "warm": "visits >= 1"}
    assert [listed[name]["otherwise"] for name in ("instance.pareto", "instance.tier")] == ["rest", None]


def test_a_rule_that_is_taken_out_leaves_its_column(scores: Path, run: Run) -> None:
    run("score", "run")
    config = scores / "crm.toml"
    text = config.read_text(encoding="utf-8")
    start, end = text.index("[scoring.tier]"), text.index("[scoring.pareto]")
    config.write_text(text[:start] + text[end:], encoding="utf-8")

    assert "tier" not in run("show", "customer:1").stdout.lower()
    assert run("db", "status").stdout.splitlines()[-1].split()[0] == "instance.tier"
    run("db", "upgrade")
    config.write_text(text, encoding="utf-8")
    assert "VIP" in run("show", "customer:1").stdout


def test_the_file_that_brings_a_field_is_named(scores: Path, run: Run) -> None:
    why = json.loads(run("schema", "why", "customer.grade", "--json").stdout)

    assert {(setting["origin"], setting["file"]) for setting in why} == {
        ("instance.grade", "crm.toml"),
    }
    lines = {setting["keyword"]: setting["line"] for setting in why}
    assert lines == {"type": 20, "enum": 23, "x-crm.index": 20, "x-crm.titles": 21, "x-crm.computed_by": 20}
