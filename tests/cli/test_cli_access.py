"""Who works at the command line, and what that user sees."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run

ACME = ("create", "customer", "--set", "name=Acme", "--json")


def creator(run: Run, *arguments: str) -> int:
    return int(json.loads(run(*arguments, *ACME).stdout)["created_by"])


def test_the_users_login_comes_from_the_option_the_environment_or_the_system(
    demo: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert creator(run) == 1  # ada, as the operating system says
    monkeypatch.setenv("CRMCORE_USER", "wang.fang")
    assert run("list", "user", "--json").exit_code == 0
    assert "customer:6" not in run("list", "customer").stdout  # Li Wei's
    assert "customer:6" in run("--as", "li.wei", "list", "customer").stdout


def test_an_unknown_user_is_told_how_to_become_one(demo: Path, run: Run) -> None:
    said = run("--as", "nobody", "list", "customer", code=6).stderr
    assert "no active user has the login 'nobody'" in said
    assert "hint: An administrator can create one: crmcore create user --set login=nobody" in said


def test_a_user_who_is_switched_off_is_refused(demo: Path, run: Run) -> None:
    run("update", "user:2", "--set", "active=no")
    run("--as", "li.wei", "list", "customer", code=6)


def test_what_may_not_be_seen_is_not_there(demo: Path, run: Run) -> None:
    assert run("--as", "li.wei", "show", "customer:7", code=5).stderr == "error: there is no customer:7\n"


def test_what_may_be_seen_and_not_done_is_denied_with_a_way_to_find_out_why(demo: Path, run: Run) -> None:
    said = run("--as", "li.wei", "delete", "customer:1", code=6).stderr.splitlines()
    assert said[0] == "error: li.wei may not delete customer:1"
    assert "crmcore access explain li.wei delete customer:1" in said[1]


def test_hidden_fields_are_neither_listed_nor_used(demo: Path, run: Run) -> None:
    run("update", "customer:1", "--set", "credit_limit=5000")
    assert "5,000" not in run("--as", "li.wei", "show", "customer:1").stdout
    assert "credit_limit" not in run("--as", "li.wei", "show", "customer:1", "--json").stdout
    refused = run("--as", "li.wei", "list", "customer", "--columns", "credit_limit", code=2).stderr
    assert "you may not read customer.credit_limit" in refused
    run("--as", "li.wei", "list", "customer", "--where", "credit_limit > 1", code=2)


def test_access_is_explained_rule_by_rule(demo: Path, run: Run) -> None:
    assert run("access", "explain", "li.wei", "update", "customer:1").stdout.splitlines() == [
        "li.wei may update customer:1",
        "  role sales (read): owner = me: allows it",
        "  role sales: owner = me: allows it",
        "  hidden fields: annual_income, credit_limit",
    ]
    denied = run("access", "explain", "li.wei", "read", "customer:7").stdout
    assert denied.startswith("li.wei may not read customer:7\n  role sales: owner = me: does not allow it\n")


def test_access_that_no_rule_speaks_of_is_explained_too(demo: Path, run: Run) -> None:
    said = run("access", "explain", "li.wei", "delete", "order:1").stdout
    assert said.startswith("li.wei may not delete order:1\n")
    found = json.loads(run("access", "explain", "li.wei", "create", "product:1", "--json", code=5).stderr)
    assert found["code"] == "not_found"


def test_an_explanation_as_json_names_each_rule(demo: Path, run: Run) -> None:
    found = json.loads(run("access", "explain", "ada", "read", "customer:1", "--json").stdout)
    assert found == {
        "allowed": True,
        "reasons": [{"source": "role admin", "rule": "true", "effect": "allow", "holds": True}],
        "hidden": [],
    }


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nobody", "read", "customer:1"], 6, "no active user has the login 'nobody'"),
        (["li.wei", "fly", "customer:1"], 2, "expected one of: create, read, update, delete"),
        (["li.wei", "read", "custmer:1"], 2, "there is no entity 'custmer'"),
        (["li.wei", "read", "customer:999"], 5, "there is no customer:999"),
        (["li.wei", "read", "customer:x"], 2, "expected a reference such as customer:42"),
    ],
)
def test_an_explanation_that_cannot_be_given_is_refused(
    demo: Path, run: Run, arguments: list[str], code: int, said: str
) -> None:
    assert said in run("access", "explain", *arguments, code=code).stderr
