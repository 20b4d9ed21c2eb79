"""Following a customer at the command line: log what happened, see the timeline, be reminded, change many at once."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import pytest
from cli_surroundings import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import Run


def stored(run: Run, ref: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(run("show", ref, "--json").stdout)
    return found


def test_a_visit_is_logged_and_stands_in_the_timeline(demo: Path, run: Run) -> None:
    logged = run("log", "visit", "customer:1", "谈了价格\n他们要五百件", "--follow-up", "2026-12-01")
    assert logged.stdout == "activity:1  Visit  customer:1\n"
    activity = stored(run, "activity:1")
    assert {name: activity[name] for name in ("kind", "summary", "body", "follow_up_date", "subject", "done_by")} == {
        "kind": "visit",
        "summary": "谈了价格",
        "body": "谈了价格\n他们要五百件",
        "follow_up_date": "2026-12-01",
        "subject": "customer:1",
        "done_by": 1,
    }
    lines = run("show", "customer:1", "--timeline").stdout.splitlines()
    assert lines[0] == "Customer customer:1  佛山企业电子有限公司"
    assert any("Visit: 谈了价格" in line and "activity:1" in line for line in lines)


def test_a_kind_may_be_called_by_its_title_and_be_planned(demo: Path, run: Run) -> None:
    run("log", "电话", "customer:1", "报价", "--due", "2026-12-05", "--phase", "售前")
    activity = stored(run, "activity:1")
    assert (activity["kind"], activity["phase"], activity["due_date"]) == ("call", "pre_sale", "2026-12-05")
    assert "happened_at" not in activity


def test_the_time_and_other_fields_may_be_said(demo: Path, run: Run) -> None:
    run("log", "mail", "customer:1", "offer", "--at", "2026-11-02", "--set", "owner=li.wei")
    assert str(stored(run, "activity:1")["happened_at"]).startswith("2026-11-01T16:00")  # midnight in Shanghai


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["dance", "customer:1", "x"], 4, "kind"),
        (["visit", "customer:999", "x"], 5, "customer:999"),
        (["visit", "42", "x"], 2, "customer:42"),
        (["visit", "customer:1", "x", "--at", "2026-01-01", "--due", "2026-01-02"], 2, "--due"),
    ],
)
def test_what_cannot_be_logged_is_refused(demo: Path, run: Run, arguments: list[str], code: int, said: str) -> None:
    assert said in run("log", *arguments, code=code).stderr


def test_the_timeline_is_there_for_programs_too(demo: Path, run: Run) -> None:
    run("log", "visit", "customer:1", "hello")
    entries = json.loads(run("show", "customer:1", "--timeline", "--json").stdout)
    assert {"kind": "visit", "ref": "activity:1"}.items() <= entries[0].items()


def test_without_anything_due_that_is_said(empty: Path, run: Run) -> None:
    assert run("remind").stderr == "nothing is due\n"


def test_many_records_are_changed_by_a_condition(demo: Path, run: Run) -> None:
    changed = run("update", "customer", "--where", "region = '华南'", "--set", "owner=王芳", "--yes")
    assert changed.stdout == "6 records changed\n"
    owners = json.loads(run("list", "customer", "--where", "region = '华南'", "--columns", "owner", "--json").stdout)
    assert {record["owner"] for record in owners["records"]} == {3}


def test_nobody_to_be_asked_changes_nothing(demo: Path, run: Run) -> None:
    refused = run("update", "customer", "--where", "region = '华南'", "--set", "notes=x", code=2)
    assert "6 customer records would be changed" in refused.stderr
    assert "--yes" in refused.stderr


def test_a_bad_value_or_condition_is_refused_before_anybody_is_asked(demo: Path, run: Run) -> None:
    assert "regon" in run("update", "customer", "--where", "regon = 'x'", "--set", "notes=x", code=2).stderr
    assert "employees" in run("update", "customer", "--where", "true", "--set", "employees=many", code=4).stderr
    assert "one record" in run("update", "customer:1", "--where", "true", "--set", "notes=x", code=2).stderr


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_gets_its_completion(run: Run, shell: str) -> None:
    assert "_CRMCORE_COMPLETE" in run("completion", shell).stdout


def test_a_shell_is_offered_the_entities_of_the_instance(demo: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "_CRMCORE_COMPLETE": "bash_complete",
        "COMP_WORDS": "crmcore list cus",
        "COMP_CWORD": "2",
    }.items():
        monkeypatch.setenv(name, value)
    assert run().stdout == "plain,customer\n"


def test_a_plugin_that_cannot_tell_its_part_of_a_timeline_is_named_and_the_exit_code_says_so(
    demo: Path, run: Run
) -> None:
    manifest = {"$schema": "urn:crmcore:plugin:1", "name": "teller", "version": "1.0", "summary": "x"}
    code = "from crmcore import hookimpl\n\n@hookimpl\ndef crm_timeline(tx, entity, ids):\n    raise KeyError('x')\n"
    write_plugin(demo / "tellers", "teller", json.dumps({**manifest, "requires_core": ">=0.1"}), code)
    config = (demo / "crm.toml").read_text(encoding="utf-8")
    declared = config.replace("enabled = [", 'plugin_dirs = ["tellers"]\nenabled = ["teller", ')
    (demo / "crm.toml").write_text(declared, encoding="utf-8")
    shown = run("show", "customer:1", "--timeline", code=1)
    assert "Customer created" in shown.stdout
    assert "warning: plugin teller 1.0 failed in crm_timeline: KeyError: 'x'" in shown.stderr


def test_what_a_plugin_could_not_be_told_is_delivered_when_it_works_again(demo: Path, run: Run) -> None:
    manifest = {"$schema": "urn:crmcore:plugin:1", "name": "mail", "version": "1.0", "summary": "x"}
    manifest["listens"] = {"crm_committed": ["customer"]}
    code = (
        "from pathlib import Path\n\nfrom crmcore import hookimpl\n\n"
        "@hookimpl\ndef crm_committed(crm, events):\n    Path('mails').read_text()\n"
    )
    write_plugin(demo / "mails_of", "mail", json.dumps({**manifest, "requires_core": ">=0.1"}), code)
    config = (demo / "crm.toml").read_text(encoding="utf-8")
    declared = config.replace("enabled = [", 'plugin_dirs = ["mails_of"]\nenabled = ["mail", ')
    (demo / "crm.toml").write_text(declared, encoding="utf-8")
    run("update", "customer:1", "--set", "notes=x")
    assert run("deliver").stdout == "0 delivered, 0 failed\n"  # not due yet
    with sqlite3.connect(demo / "crm.db") as database:
        database.execute("UPDATE crmcore_outbox SET due_at = '2000-01-01 00:00:00.000000'")
    failed = run("deliver", "--json", code=1)
    assert json.loads(failed.stdout) == {"delivered": 0, "failed": 1}

    (demo / "mails").touch()
    with sqlite3.connect(demo / "crm.db") as database:
        database.execute("UPDATE crmcore_outbox SET due_at = '2000-01-01 00:00:00.000000'")
    assert run("deliver").stdout == "1 delivered, 0 failed\n"
