"""The commands about plugins, and the commands that plugins bring."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from cli_surroundings import write_plugin

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli_surroundings import Run

REPORTER = '{"name": "reporter", "version": "1.0", "summary": "Reports."}'
GREETER = json.dumps(
    {
        "name": "greeter",
        "version": "1.0",
        "summary": "Greets.",
        "commands": [{"name": "greet", "summary": "Greet a customer.", "function": "greeter.greeting:greet"}],
    }
)
GREETING = """
import click

@click.command()
@click.argument("name")
@click.option("--loud", is_flag=True, help="Shout.")
@click.pass_obj
def greet(instance, name, loud):
    '''Greet a customer by its name.'''
    with instance.session(read_only=True) as session:
        found = [customer.name for customer in session.find("customer", f"name contains '{name}'")]
    click.echo(f"{instance.login} greets {' and '.join(found)}{'!' if loud else ''}")
"""


@pytest.fixture
def plugged(empty: Path) -> Iterator[Path]:
    """An instance that looks for plugins in the folder ``mine``; what it imported is forgotten after the test."""
    (empty / "mine").mkdir()
    add(empty, "tabular", 'plugin_dirs = ["mine"]')
    before = set(sys.modules)
    yield empty
    for name in sys.modules.keys() - before:
        if str(getattr(sys.modules[name], "__file__", None)).startswith(str(empty)):
            del sys.modules[name]


def add(folder: Path, plugin: str, lines: str = "") -> None:
    """Write further lines into the table of plugins, and one plugin more into ``enabled``."""
    config = folder / "crm.toml"
    text = config.read_text(encoding="utf-8")
    enabled = '["tabular"]' if plugin == "tabular" else f'["tabular", "{plugin}"]'
    config.write_text(text.replace('enabled = ["tabular"]', f"enabled = {enabled}\n{lines}", 1), encoding="utf-8")


def test_every_installed_plugin_is_listed(demo: Path, run: Run) -> None:
    rows = [line.split(None, 3) for line in run("plugins", "list").stdout.splitlines()]
    assert rows[0] == ["Name", "Version", "State", "Summary"]
    assert ["abc", "0.2.0", "enabled"] in [row[:3] for row in rows]
    run("plugins", "disable", "abc")
    listed = json.loads(run("plugins", "list", "--json").stdout)
    assert {plugin["name"]: plugin["enabled"] for plugin in listed} == {
        "abc": False,
        "churn": False,
        "sales": False,
        "tabular": True,
        "vcard": False,
    }


def test_a_plugin_is_switched_on_and_off_and_the_comments_stay(empty: Path, run: Run) -> None:
    before = (empty / "crm.toml").read_text(encoding="utf-8")
    assert run("plugins", "enable", "abc").stdout.splitlines()[0] == "abc enabled"
    assert 'enabled = ["tabular", "abc"]' in (empty / "crm.toml").read_text(encoding="utf-8")
    assert run("plugins", "enable", "abc").stdout.splitlines()[0] == "abc is enabled already"
    assert run("plugins", "disable", "abc").stdout == "abc disabled\n"
    assert run("plugins", "disable", "abc").stdout == "abc is not enabled\n"
    assert (empty / "crm.toml").read_text(encoding="utf-8") == before


def test_an_unknown_plugin_is_not_enabled(empty: Path, run: Run) -> None:
    before = (empty / "crm.toml").read_bytes()
    assert "Did you mean `tabular`?" in run("plugins", "enable", "abc", "tabulr", code=2).stderr
    assert (empty / "crm.toml").read_bytes() == before


def test_a_plugin_shows_its_settings_as_they_are(demo: Path, run: Run) -> None:
    shown = run("plugins", "info", "abc").stdout
    assert 'A = "revenue_365d >= 200000 or orders_365d >= 12"  # Condition of class A' in shown  # as crm.toml says
    assert "windows = [30, 90, 365]" in shown  # the default
    described = json.loads(run("plugins", "info", "abc", "--json").stdout)
    assert described["config"]["properties"]["A"]["format"] == "condition"
    assert "Did you mean `abc`?" in run("plugins", "info", "acb", code=2).stderr


@pytest.mark.parametrize(
    ("manifest", "code", "said"),
    [
        (REPORTER, "raise RuntimeError('lost')", "plugin reporter does not run"),
        (REPORTER.replace("}", ', "needs": {"no_such_package": "no-such"}}'), "", "no_such_package"),
    ],
)
def test_a_plugin_that_nothing_depends_on_is_named_and_the_rest_works(
    plugged: Path, run: Run, manifest: str, code: str, said: str
) -> None:
    write_plugin(plugged / "mine", "reporter", manifest, code)
    add(plugged, "reporter")
    listed = run("list", "customer")
    assert listed.stderr.startswith("warning: ")
    assert said in listed.stderr
    assert "Traceback" not in listed.stderr
    checked = run("check", code=1)
    assert said.rpartition(" does")[0] in checked.stdout
    assert checked.stderr == ""


@pytest.mark.parametrize(
    ("manifest", "code"),
    [
        ("{broken", ""),
        (REPORTER.replace("Reports.", ""), ""),
        (REPORTER.replace("}", ', "listens": {"crm_validate": ["*"]}}'), "raise RuntimeError('lost')"),
        (REPORTER.replace("}", ', "requires": ["nothing"]}'), ""),
    ],
    ids=["no-json", "no-summary", "essential", "requires"],
)
def test_a_plugin_that_stops_everything_can_be_seen_and_disabled(
    plugged: Path, run: Run, manifest: str, code: str
) -> None:
    write_plugin(plugged / "mine", "reporter", manifest, code)
    add(plugged, "reporter")
    run("--help")
    assert "reporter" in run("list", "customer", code=3).stderr
    assert "reporter" in run("check", code=1).stdout
    assert "reporter" in run("plugins", "list").stdout
    run("plugins", "disable", "reporter")
    run("list", "customer")


def test_a_manifest_that_cannot_be_read_is_told_in_the_list(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "reporter", "{broken")
    add(plugged, "reporter")
    (row,) = [line for line in run("plugins", "list").stdout.splitlines() if line.startswith("reporter")]
    assert "broken" in row
    assert "plugin.json" in row


def test_a_plugin_that_is_gone_is_listed_as_broken(plugged: Path, run: Run) -> None:
    add(plugged, "gone")
    (row,) = [line for line in run("plugins", "list").stdout.splitlines() if line.startswith("gone")]
    assert row.split(None, 2)[1:] == ["broken", "it is not installed"]
    assert "there is no plugin `gone`" in run("list", "customer", code=3).stderr


def test_a_plugins_command_is_listed_without_importing_it(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER, "raise RuntimeError('imported')")
    add(plugged, "greeter")
    shown = run("--help").stdout
    assert shown.index("From plugins:") < shown.index("greet  Greet a customer.")


def test_a_plugins_command_runs_with_arguments_and_help_of_its_own(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER)
    (plugged / "mine" / "greeter" / "greeting.py").write_text(GREETING, encoding="utf-8")
    add(plugged, "greeter")
    run("db", "upgrade")
    run("create", "customer", "--set", "name=Acme Inc.")
    assert run("greet", "acme", "--loud").stdout == "ada greets Acme Inc.!\n"
    shown = run("greet", "--help").stdout
    assert shown.startswith("Usage: crmcore greet [OPTIONS] NAME")
    assert "Shout." in shown
    assert "there is no option --lod here" in run("greet", "x", "--lod", code=2).stderr


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise RuntimeError('lost')", "plugin greeter 1.0 failed in command greet: RuntimeError: lost"),
        ("", "plugin greeter 1.0 failed in command greet: AttributeError"),
        ("greet = 7", "greeter.greeting:greet is no click command"),
        ("import click\n@click.command()\n@click.argument('n')\ndef greet(n): 1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_plugins_command_that_fails_is_attributed(plugged: Path, run: Run, code: str, said: str) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER)
    (plugged / "mine" / "greeter" / "greeting.py").write_text(code, encoding="utf-8")
    add(plugged, "greeter")
    assert said in run("greet", "acme", code=3).stderr


def test_a_command_of_two_plugins_is_refused(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER)
    write_plugin(plugged / "mine", "other", GREETER.replace('"name": "greeter"', '"name": "other"'))
    add(plugged, 'greeter", "other')
    assert "more than one plugin brings the command greet: greeter, other" in run("greet", "acme", code=2).stderr


def test_a_plugin_cannot_take_a_command_of_the_core(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER.replace('"greet"', '"list"'))
    add(plugged, "greeter")
    run("db", "upgrade")
    assert run("list", "customer").stderr == "nothing found\n"
    assert "From plugins" not in run("--help").stdout


def test_commands_of_disabled_plugins_are_not_there(plugged: Path, run: Run) -> None:
    write_plugin(plugged / "mine", "greeter", GREETER)
    assert "greet" not in run("--help").stdout
    assert "there is no command `crmcore greet`" in run("greet", code=2).stderr
