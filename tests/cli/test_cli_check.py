"""`crmcore check`, and what every other command says of an instance that is not as it should be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from cli_surroundings import Run


def config(text: str) -> None:
    Path("crm.toml").write_text(text, encoding="utf-8")


def test_a_sound_instance_has_no_problems(demo: Path, run: Run) -> None:
    assert run("check").stdout == "no problems\n"
    assert json.loads(run("check", "--json").stdout) == {"problems": [], "warnings": []}


@pytest.mark.parametrize("command", [["check"], ["list", "customer"], ["plugins", "list"], ["db", "status"]])
def test_without_a_configuration_the_hint_says_how_to_make_one(tmp_path: Path, run: Run, command: list[str]) -> None:
    result = run(*command, code=1 if command == ["check"] else 3)
    assert "crm.toml: there is no such file" in result.output
    assert "crmcore init" in result.output


def test_another_configuration_is_named_by_option_or_environment(
    demo: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("crm.toml").rename("other.toml")
    run("--config", "other.toml", "list", "customer")
    monkeypatch.setenv("CRMCORE_CONFIG", "other.toml")
    run("list", "customer")


@pytest.mark.parametrize(
    "command",
    [
        "check",
        "list customer",
        "create customer --set name=Acme",
        "score run",
        "db status",
        "db backup backup.zip",
        "import customer customers.csv",
        "import customer customers.csv --dry-run",
        "plugins purge churn --export purged.zip --yes",
    ],
)
def test_a_database_that_is_not_there_is_named_and_not_made(demo: Path, run: Run, command: str) -> None:
    config(Path("crm.toml").read_text(encoding="utf-8").replace("sqlite:///crm.db", "sqlite:///typo.db"))
    Path("customers.csv").write_text("name\nAcme\n", encoding="utf-8")
    before = {*Path().iterdir()}
    said = run(*command.split(), code=1 if command == "check" else 8).output
    assert f"there is no database {Path('typo.db').absolute()}" in said
    assert "`crmcore init` and `crmcore db upgrade` make one; or correct `url` under [database]" in said
    assert {*Path().iterdir()} == before


def test_a_database_that_is_not_there_is_made_by_an_upgrade_and_not_by_its_rehearsal(demo: Path, run: Run) -> None:
    config(Path("crm.toml").read_text(encoding="utf-8").replace("sqlite:///crm.db", "sqlite:///other.db"))
    assert "CREATE TABLE" in run("db", "upgrade", "--dry-run").stdout
    assert not Path("other.db").exists()
    run("db", "upgrade")
    assert run("check").stdout == "no problems\n"


def test_all_problems_are_told_at_once_with_their_lines(tmp_path: Path, run: Run) -> None:
    config(
        '[instance]\ntimezone = "Asia/Shangai"\n[database]\nurl = "mysql://x"\n'
        '[plugins]\nenabled = ["abc", "tabulr"]\n[plugins.abc]\nA = "revenue_365d >="\nC = 1\n'
    )
    said = run("check", code=1).stdout
    for expected in (
        "crm.toml:2 instance.timezone: there is no time zone",
        "crm.toml:4 database.url: expected a database",
        "crm.toml:6 plugins.enabled[1]: there is no plugin `tabulr`",
        "crm.toml:9 plugins.abc.C: unknown key `C`",
    ):
        assert expected in said
    assert said.splitlines()[-1] == "4 problems"
    found = json.loads(run("check", "--json", code=1).stdout)["problems"]
    assert [(problem["code"], problem["line"]) for problem in found][:2] == [("timezone", 2), ("database", 4)]


def test_a_condition_with_a_mistake_is_marked(demo: Path, run: Run) -> None:
    text = Path("crm.toml").read_text(encoding="utf-8")
    config(text.replace("revenue_365d >= 200000 or orders_365d", "revenue_365d >= 200000 or ordres_365d"))
    for said in (run("check", code=1).stdout, run("score", "run", code=3).stderr):
        assert "ordres_365d >= 12" in said
        assert "^^^^^^^^^^^" in said
        assert "orders_365d" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[plugins\nenabled = [", "is not TOML"),
        (b'[instance]\nname = "\xff"\n', "cannot be read"),
        (b"[plugin]\n", "unknown key `plugin`"),
        (b"[roles.sales.custmer]\nread = true\n", "there is no entity `custmer`"),
        (b'[roles.sales.customer]\nread = "owner = "\n', "roles.sales.customer.read"),
    ],
    ids=["half-written", "no-utf8", "unknown-table", "unknown-entity", "half-a-rule"],
)
def test_a_broken_configuration_is_told_by_check_and_refused_by_others(
    tmp_path: Path, run: Run, content: bytes, said: str
) -> None:
    Path("crm.toml").write_bytes(content)
    assert said in run("check", code=1).stdout
    assert said in run("list", "customer", code=3).stderr
    run("--help")


def test_a_configuration_that_may_not_be_read_is_refused(tmp_path: Path, run: Run) -> None:
    Path("crm.toml").mkdir()
    assert "crm.toml: cannot be read" in run("list", "customer", code=3).stderr


def test_a_database_that_is_behind_is_a_problem(demo: Path, run: Run) -> None:
    Path("schemas").mkdir()
    Path("schemas/customer.extend.json").write_text(
        '{"$schema": "urn:crmcore:extension:1", "properties": {"fax": {"type": "string"}}}', encoding="utf-8"
    )
    assert "the database is not up to date for: instance" in run("check", code=1).stdout
    assert "crmcore db upgrade" in run("list", "customer", code=8).stderr


def test_a_database_that_cannot_be_opened_is_a_problem(demo: Path, run: Run) -> None:
    text = Path("crm.toml").read_text(encoding="utf-8")
    config(text.replace("sqlite:///crm.db", "sqlite:///nowhere/crm.db"))
    assert "nowhere" in run("check", code=1).stdout
    run("list", "customer", code=8)


def test_a_role_that_nobody_declared_is_a_warning(demo: Path, run: Run) -> None:
    run("create", "user", "--set", "login=zhang", "--set", "roles=sales, admni")
    checked = run("check")
    assert "warning: user zhang has the role admni, which crm.toml does not have" in checked.stdout
    assert checked.stdout.endswith("no problems\n")
    (warning,) = json.loads(run("check", "--json").stdout)["warnings"]
    assert warning["code"] == "role"


def test_a_plugin_that_fails_is_told_with_its_line_and_its_traceback_if_asked(demo: Path, run: Run) -> None:
    folder = Path("mine/acme")
    folder.mkdir(parents=True)
    (folder / "plugin.json").write_text('{"name": "acme", "version": "1.0", "summary": "x"}', encoding="utf-8")
    (folder / "__init__.py").write_text("wanted = {}\nfound = wanted['rate']\n", encoding="utf-8")
    text = Path("crm.toml").read_text(encoding="utf-8")
    config(text.replace("enabled = [", 'plugin_dirs = ["mine"]\nenabled = ["acme", '))
    said = run("check", code=1)
    assert "mine/acme/__init__.py:2: plugin acme 1.0 failed in import: KeyError: 'rate'" in said.stdout
    assert "Traceback" not in said.stderr
    assert "KeyError: 'rate'" in run("--debug", "check", code=1).stderr


def test_a_language_in_which_nothing_is_written_is_a_warning(demo: Path, run: Run) -> None:
    text = Path("crm.toml").read_text(encoding="utf-8")
    config(text.replace('language = "en"', 'language = "cn"'))
    assert "instance.language: nothing is written in the language `cn` (Known: en, zh-CN)" in run("check").stdout


def test_settings_of_a_plugin_that_is_not_enabled_are_told(demo: Path, run: Run) -> None:
    config = (demo / "crm.toml").read_text(encoding="utf-8")
    (demo / "crm.toml").write_text(f'{config}\n[plugins.vcard]\nA = "revenu >= 1"\n', encoding="utf-8")
    reason = "nobody reads the settings of `vcard`, which is not enabled (Enable it: crmcore plugins enable vcard)"
    line = config.count("\n") + 2
    assert f"warning: crm.toml:{line} plugins.vcard: {reason}" in run("check").stdout
