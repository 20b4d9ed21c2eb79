"""Records at the command line: created, shown, listed, changed, deleted, restored, erased."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run


def test_a_created_record_can_be_shown(empty: Path, run: Run) -> None:
    created = run(
        "create", "customer", "--set", "name=佛山企业电子", "--set", "地区=华南", "--set", "annual_revenue=1,234.5"
    )
    assert created.stdout == "customer:1  佛山企业电子\n"
    lines = run("show", "customer:1").stdout.splitlines()
    assert lines[0] == "Customer customer:1"
    assert [line.split(None, 1) for line in lines if "Name" in line] == [["Name", "佛山企业电子"]]
    assert any(line.endswith("  1,234.50") for line in lines)


def test_values_are_read_as_people_write_them(empty: Path, run: Run) -> None:
    texts = ["name=Ann", "kind=个人", "birthday=1990年3月5日", "key_customer=是", "tags=vip, 老客户", "employees=1,200"]
    run("create", "customer", *(part for text in texts for part in ("--set", text)))
    stored = json.loads(run("show", "customer:1", "--json").stdout)
    expected = {
        "name": "Ann",
        "kind": "person",
        "birthday": "1990-03-05",
        "key_customer": True,
        "tags": ["vip", "老客户"],
        "employees": 1200,
    }
    assert {name: stored[name] for name in expected} == expected


@pytest.mark.parametrize("called", ["customer:1", "C001", "佛山企业电子有限公司"])
def test_a_reference_is_a_reference_a_key_or_a_name(demo: Path, run: Run, called: str) -> None:
    made = run("create", "order", "--set", f"customer={called}", "--set", "order_date=2026-11-21", "--json")
    assert json.loads(made.stdout)["customer"] == 1


def test_an_equals_sign_may_be_part_of_a_value(empty: Path, run: Run) -> None:
    made = run("create", "customer", "--set", "name=a=b", "--json")
    assert json.loads(made.stdout)["name"] == "a=b"


def test_a_record_may_say_where_it_comes_from(empty: Path, run: Run) -> None:
    run("create", "customer", "--set", "name=Acme", "--set", "source=erp", "--set", "external_id=K-7")
    assert "K-7" in run("show", "customer:1").stdout


def test_an_empty_value_empties_a_field(demo: Path, run: Run) -> None:
    run("update", "customer:1", "--set", "region=")
    assert "region" not in json.loads(run("show", "customer:1", "--json").stdout)


def test_a_record_like_another_is_refused_unless_it_is_meant(demo: Path, run: Run) -> None:
    again = ("create", "customer", "--set", "name=佛山企业电子有限公司")
    assert "customer:1 is the same record" in run(*again, code=4).stderr
    assert run(*again, "--duplicate").stdout.startswith("customer:")


def test_a_stale_version_is_refused(demo: Path, run: Run) -> None:
    run("update", "customer:1", "--set", "region=华东", "--version", "1")
    refused = run("update", "customer:1", "--set", "region=华北", "--version", "1", code=7)
    assert "version 2 is stored, you have 1" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["create", "custmer", "--set", "name=x"], 2, "Known: activity, contact, customer"),
        (["create", "customer", "--set", "nmae=x"], 2, "Did you mean `name`?"),
        (["create", "customer", "--set", "name"], 2, "--set expects NAME=VALUE, found 'name'"),
        (["create", "customer", "--set", "=x"], 2, "--set expects NAME=VALUE"),
        (["create", "customer", "--set", "name=x", "--set", "客户名称=y"], 2, "name is set twice"),
        (["create", "customer"], 2, "--set is missing"),
        (["create", "customer", "--set", "region=华南"], 4, '"name" is required'),
        (["create", "customer", "--set", "name=x", "--set", "employees=-1"], 4, "employees"),
        (["update", "customer:1", "--set", "founded_date=gestern"], 4, "expected a date such as 2026-11-21"),
        (["update", "customer:1", "--set", "abc_class=A"], 4, "abc_class"),
        (["update", "customer:1", "--set", "id=7"], 2, "id is kept by crmcore itself"),
        (["update", "customer:1", "--set", "owner=Nobody"], 4, 'there is no user "Nobody"'),
        (["update", "customer:999", "--set", "region=x"], 5, "there is no customer:999"),
        (["update", "customer:1", "--set", "region=x", "--version", "0"], 2, "--version: expected a whole"),
        (["show", "customer"], 2, "REF: expected a reference such as customer:42, found 'customer'"),
        (["show", "customer:0"], 2, "found 'customer:0'"),
        (["show", "custmer:1"], 2, "there is no entity 'custmer'"),
        (["show", "customer:999"], 5, "there is no customer:999"),
        (["delete", "customer:1"], 4, "orders refer to this customer"),
        (["restore", "customer:1"], 2, "customer:1 is not deleted"),
        (["history", "customer:999"], 5, "there is no customer:999"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said_in_a_line(
    demo: Path, run: Run, arguments: list[str], code: int, said: str
) -> None:
    result = run(*arguments, code=code)
    assert result.stderr.startswith("error: ")
    assert said in result.stderr
    assert result.stdout == ""


def test_all_values_that_cannot_be_read_are_named(demo: Path, run: Run) -> None:
    said = run("update", "customer:1", "--set", "founded_date=x", "--set", "employees=1,2", code=4).stderr
    assert "founded_date: " in said
    assert "employees: " in said


def test_errors_are_json_where_json_is_asked_for(demo: Path, run: Run) -> None:
    error = json.loads(run("update", "customer:1", "--set", "employees=1,2", "--json", code=4).stderr)
    assert error["code"] == "validation"
    assert error["problems"][0]["field"] == "employees"


def test_a_list_shows_what_its_condition_selects_in_its_order(demo: Path, run: Run) -> None:
    listed = run("list", "customer", "--where", "region = '西北'", "--order", "-name", "--columns", "name,city")
    assert [line.split() for line in listed.stdout.splitlines()] == [
        ["Customer", "Name", "City"],
        ["customer:25", "西安长安航空材料有限公司", "西安"],
        ["customer:26", "兰州黄河阀门有限公司", "兰州"],
    ]


def test_columns_of_wide_characters_are_aligned(demo: Path, run: Run) -> None:
    lines = run("list", "customer", "--where", "code in ('C001', 'C031')", "--columns", "name,code").stdout.splitlines()
    # A Chinese character is as wide as two others: 10 of them and 2 blanks fill what "Nordlicht Optik GmbH" does.
    assert lines[1:] == [
        "customer:1   佛山企业电子有限公司  C001",
        "customer:30  Nordlicht Optik GmbH  C031",
    ]


def test_pages_lead_through_the_whole_list(demo: Path, run: Run) -> None:
    seen: list[int] = []
    after: list[str] = []
    while True:
        page = json.loads(run("list", "customer", "--limit", "10", "--order", "name", "--json", *after).stdout)
        seen += [record["id"] for record in page["records"]]
        if page["next"] is None:
            break
        after = ["--after", page["next"]]
    assert sorted(seen) == list(range(1, 36))


def test_a_page_says_how_to_go_on_apart_from_the_data(demo: Path, run: Run) -> None:
    listed = run("list", "customer", "--limit", "2")
    assert len(listed.stdout.splitlines()) == 3
    assert listed.stderr.splitlines()[0] == "2 of 35"
    assert "--after" in listed.stderr


def test_columns_are_chosen_by_title_too(demo: Path, run: Run) -> None:
    named = run("list", "customer", "--limit", "3", "--columns", "name,code").stdout
    assert run("list", "customer", "--limit", "3", "--columns", "客户名称,Code").stdout == named


def test_columns_without_information_are_left_out(demo: Path, run: Run) -> None:
    header = run("list", "customer", "--limit", "5").stdout.splitlines()[0].split()
    assert header[:4] == ["Customer", "Name", "Code", "Owner"]  # kind and status are the default of all
    assert header[-1] == "Class"


def test_an_empty_list_says_so(empty: Path, run: Run) -> None:
    listed = run("list", "customer")
    assert (listed.stdout, listed.stderr) == ("", "nothing found\n")
    assert json.loads(run("list", "customer", "--json").stdout) == {"records": [], "next": None}


def test_a_mistake_in_a_condition_is_marked(demo: Path, run: Run) -> None:
    said = run("list", "customer", "--where", "name = '电子' and regoin = 'x'", code=2).stderr.splitlines()
    assert said == [
        "error: customer has no field regoin",
        "  name = '电子' and regoin = 'x'",
        # Two cells for each of the two Chinese characters.
        "  " + " " * 18 + "^" * 6,
        "hint: Did you mean region?",
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--columns", "name,nmae"], "customer has no field 'nmae'"),
        (["--order", "nmae"], "nmae"),
        (["--limit", "0"], "--limit: expected a whole number from 1 to 10000"),
        (["--limit", "x"], "--limit: expected a whole number from 1 to 10000"),
        (["--after", "nonsense"], "this is not where a page of that list ended"),
        (["--as", "li.wei"], "It goes before the command"),
        (["--colums", "name"], "Did you mean --columns?"),
    ],
)
def test_a_list_that_cannot_be_meant_is_refused(demo: Path, run: Run, arguments: list[str], said: str) -> None:
    assert said in run("list", "customer", *arguments, code=2).stderr


def test_deleted_records_come_back(demo: Path, run: Run) -> None:
    assert run("delete", "order:1", "order:2", "order:1").stdout == "order:1 deleted\norder:2 deleted\n"
    run("show", "order:1", code=5)
    assert "Deleted at" in run("show", "order:1", "--deleted").stdout
    run("restore", "order:1")
    assert run("show", "order:1").exit_code == 0


def test_several_records_are_deleted_together_or_not_at_all(demo: Path, run: Run) -> None:
    run("delete", "order:1", "order:999", code=5)
    run("show", "order:1")


def test_history_tells_changes_from_the_latest_to_the_creation(demo: Path, run: Run) -> None:
    run("update", "customer:1", "--set", "region=华东", "--set", "owner=王芳")
    run("update", "customer:1", "--set", "region=")
    rows = [line.split(None, 4)[2:] for line in run("history", "customer:1").stdout.splitlines()[1:]]
    assert rows == [
        ["ada", "changed", "Region: 华东 → empty"],
        ["ada", "changed", "Owner: 李伟 → 王芳; Region: 华南 → 华东"],
        ["ada", "computed", "Class: empty → B"],
        ["ada", "created"],
    ]


def test_history_as_json_has_the_values_from_before(demo: Path, run: Run) -> None:
    run("update", "customer:1", "--set", "region=华东")
    latest = json.loads(run("history", "customer:1", "--json").stdout)[0]
    assert (latest["actor"], latest["action"], latest["source"], latest["version"]) == ("ada", "update", "cli", 2)
    assert latest["old"] == {"region": "华南"}


@pytest.mark.parametrize("answer", ["no\n", "y\n", "", "customer:3\n"])
def test_erasing_needs_the_reference_once_more(demo: Path, run: Run, answer: str) -> None:
    refused = run("erase", "customer:1", answer=answer, code=1)
    assert "nothing was erased" in refused.stderr
    run("show", "customer:1")


@pytest.mark.parametrize(("arguments", "answer"), [([], "customer:1\n"), (["--yes"], None)])
def test_an_erased_record_is_gone_with_its_history(
    demo: Path, run: Run, arguments: list[str], answer: str | None
) -> None:
    assert run("erase", "customer:1", *arguments, answer=answer).stdout == "erased: customer 1\n"
    run("show", "customer:1", code=5)
    tombstone = run("show", "customer:1", "--deleted").stdout
    assert "佛山" not in tombstone
    assert "Class" not in run("history", "customer:1").stdout


def test_everything_held_about_a_record_can_be_printed(demo: Path, run: Run) -> None:
    held = json.loads(run("erase", "customer:1", "--held").stdout)
    assert held["record"]["name"] == "佛山企业电子有限公司"
    assert held["history"][0]["action"] == "computed"
    assert {order["customer"] for order in held["referring"]["order.customer"]} == {1}
    run("show", "customer:1")
