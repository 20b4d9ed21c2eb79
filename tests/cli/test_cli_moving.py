"""``db copy`` and ``plugins purge`` at the command line; the tests of the store say what they do to databases."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cli_surroundings import write_plugin

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from cli_surroundings import Run


def test_a_copy_tells_its_rows_and_which_line_to_change(empty: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    before = (empty / "crm.toml").read_text(encoding="utf-8")
    done = run("db", "copy", "sqlite:///copy.db")
    assert "copied, and the same in both" in done.stdout
    assert done.stderr.endswith('of crm.toml: url = "sqlite:///copy.db"\n')
    assert (empty / "crm.toml").read_text(encoding="utf-8") == before

    monkeypatch.setenv("ELSEWHERE", "sqlite:///third.db")
    copied = json.loads(run("db", "copy", "sqlite:///copy.db", "env:ELSEWHERE", "--json").stdout)
    assert {table["table"]: table["rows"] for table in copied}["crm_user"] == 1
    assert {len(table["sha256"]) for table in copied} == {64}


def test_a_copy_that_cannot_be_meant_or_made_is_told(empty: Path, run: Run) -> None:
    assert "holds a CRM already" in run("db", "copy", "sqlite:///crm.db", code=8).stderr
    assert "there is no database typo.db" in run("db", "copy", "sqlite:///typo.db", "sqlite:///b.db", code=8).stderr
    assert "is not set" in run("db", "copy", "env:NOWHERE", code=2).stderr
    assert "found 3" in run("db", "copy", "a", "b", "c", code=2).stderr
    assert "is missing" in run("db", "copy", code=2).stderr
    assert sorted(path.name for path in empty.glob("*.db")) == ["crm.db"]


def test_a_backup_that_cannot_be_restored_leaves_no_database(empty: Path, run: Run) -> None:
    run("db", "backup", "crm.zip")
    configuration = (empty / "crm.toml").read_text(encoding="utf-8")
    (empty / "new.toml").write_text(configuration.replace("sqlite:///crm.db", "sqlite:///new.db"), encoding="utf-8")
    whole = (empty / "crm.zip").read_bytes()
    at = whole.index(b"crm_user.jsonl") + 60
    (empty / "damaged.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
    (empty / "crm.txt").write_text("no archive", encoding="utf-8")

    for archive, said in (("gone.zip", "cannot be read"), ("crm.txt", "damaged"), ("damaged.zip", "damaged")):
        assert said in run("--config", "new.toml", "db", "restore", archive, code=8).stderr
    assert "holds a CRM already" in run("db", "restore", "crm.zip", code=8).stderr
    assert sorted(path.name for path in empty.glob("*.db*")) == ["crm.db"]

    assert "restored" in run("--config", "new.toml", "db", "restore", "crm.zip").stdout


def test_a_purge_asks_and_takes_no_for_an_answer(empty: Path, run: Run) -> None:
    run("plugins", "enable", "abc")
    run("db", "upgrade")
    assert "the plugin abc is enabled" in run("plugins", "purge", "abc", "--export", "abc.zip", code=2).stderr
    run("plugins", "disable", "abc")
    refused = run("plugins", "purge", "abc", "--export", "abc.zip", answer="yes\n", code=1)
    assert "customer.abc_class: 0 values" in refused.stdout
    assert not (empty / "abc.zip").exists()
    for options in ([], ["--export", "a.zip", "--undo", "a.zip"]):
        run("plugins", "purge", "abc", *options, code=2)

    assert "purged: abc" in run("plugins", "purge", "abc", "--export", "abc.zip", "--yes").stdout
    assert "is there already" in run("plugins", "purge", "abc", "--export", "abc.zip", "--yes", code=2).stderr
    assert "Did you mean" not in run("plugins", "purge", "abc", "--export", "b.zip", "--yes", code=2).stderr
    assert "does not run" in run("plugins", "purge", "abc", "--undo", "abc.zip", code=2).stderr
    assert "cannot be read" in run("plugins", "purge", "abc", "--undo", "gone.zip", code=8).stderr
    run("check")


def test_a_purge_says_that_history_and_imports_of_what_goes_go_too(empty: Path, run: Run) -> None:
    write_plugin(empty / "plugins", "desk", json.dumps({"name": "desk", "version": "1.0", "summary": "Tickets."}))
    (empty / "plugins" / "desk" / "schemas").mkdir()
    (empty / "plugins" / "desk" / "schemas" / "ticket.schema.json").write_text(
        json.dumps(
            {
                "$schema": "urn:crmcore:entity:1",
                "type": "object",
                "x-crm": {"plural": "tickets", "display": "title", "match": [{"fields": ["title"]}]},
                "properties": {name: {"type": "string", "maxLength": 9} for name in ("title", "note")},
            }
        )
    )
    (empty / "tickets.csv").write_text("title,note\nA,\nA,late\n", encoding="utf-8")
    run("plugins", "enable", "desk", "--dir", "plugins")
    run("db", "upgrade")
    run("import", "ticket", "tickets.csv")
    run("plugins", "disable", "desk")
    planned = run("plugins", "purge", "desk", "--export", "desk.zip", answer="no\n", code=1).stdout
    assert planned.splitlines() == [
        "Plugin        desk 1.0",
        "Table goes    ticket: 1 record",
        "History goes  1 change of its records",
        "Imports go    1 in the list of imports",
    ]


def test_a_purge_needs_the_right_to_erase(empty: Path, run: Run) -> None:
    run("create", "user", "--set", "login=li")
    refused = run("--as", "li", "plugins", "purge", "abc", "--export", "abc.zip", "--yes", code=6)
    assert "li lacks the permission records.erase" in refused.stderr
    assert not (empty / "abc.zip").exists()
