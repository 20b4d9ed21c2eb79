"""Starting the program: what it imports, what it speaks, how it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import click
import pytest
from cli_surroundings import INTERRUPTIBLE

from crmcore.cli.failures import exit_code_of
from crmcore.cli.root import command_line

if TYPE_CHECKING:
    from pathlib import Path

    from cli_surroundings import RunProgram

HEAVY = ("sqlalchemy", "jsonschema", "lark", "rich", "alembic", "tomlkit", "crmcore_abc", "crmcore_tabular")
COMMANDS = sorted(command_line().places)
SPY = """
import sys
from crmcore.cli import main
try:
    main()
finally:
    print("loaded:", *sorted(name for name in sys.modules if "." not in name))
"""


def loaded_by(*arguments: str) -> set[str]:
    ran = subprocess.run([sys.executable, "-c", SPY, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    return set(ran.stdout.splitlines()[-1].split())


def test_help_imports_neither_a_database_nor_a_plugin(demo: Path) -> None:
    assert loaded_by("--help").isdisjoint({*HEAVY, "attr", "jsonschema_rs", "entrypoints", "logging"})


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_imports_neither_a_database_nor_a_plugin(command: str) -> None:
    assert loaded_by(command, "--help").isdisjoint(HEAVY)


def test_importing_the_package_imports_no_command() -> None:
    code = "import sys, crmcore.cli; sys.exit('crmcore.cli.commands' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_version_is_the_packages(program: RunProgram) -> None:
    from crmcore import __version__

    assert program("--version").stdout == f"crmcore {__version__}\n"


def test_without_a_command_help_is_shown_as_for_a_mistake(program: RunProgram) -> None:
    ran = program()
    assert ran.returncode == 2
    assert ran.stderr.startswith("Usage: crmcore")


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--lang", "zh-CN"], {}),
        (["--lang=zh_CN"], {"CRMCORE_LANG": "en"}),
        ([], {"CRMCORE_LANG": "zh_CN.UTF-8"}),
    ],
)
def test_titles_are_in_the_language_asked_for(
    demo: Path, program: RunProgram, arguments: list[str], environment: dict[str, str]
) -> None:
    ran = program(*arguments, "report", "run", "abc.classes", environment=environment)
    assert ran.stdout.splitlines()[0] == "客户等级分布"


def test_the_instance_says_the_language_where_nobody_asks_for_one(demo: Path, program: RunProgram) -> None:
    config = demo / "crm.toml"
    config.write_text(config.read_text(encoding="utf-8").replace('language = "en"', 'language = "zh-CN"'), "utf-8")
    assert "客户名称" in program("list", "customer", "--limit", "1").stdout


@pytest.mark.parametrize("language", ["xx", "zh-TW", "42"])
def test_a_language_that_is_not_spoken_is_refused(program: RunProgram, language: str) -> None:
    ran = program("--lang", language, "list", "customer")
    assert ran.returncode == 2
    assert f"crmcore does not speak {language}" in ran.stderr


@pytest.mark.parametrize("locale", [{"LC_ALL": "C"}, {"LC_ALL": "POSIX"}, {"PYTHONIOENCODING": "latin-1"}])
def test_output_is_utf8_whatever_the_locale(demo: Path, program: RunProgram, locale: dict[str, str]) -> None:
    ran = program("show", "customer:1", environment={"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", **locale})
    assert "佛山企业电子有限公司" in ran.stdout


def test_a_reader_that_goes_away_is_no_error(demo: Path) -> None:
    code = "from crmcore.cli import main; main()"
    command = [sys.executable, "-c", code, "list", "order"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 141
    assert "Traceback" not in said
    assert "Broken" not in said


def test_an_interrupt_ends_without_a_traceback(demo: Path) -> None:
    command = [sys.executable, "-c", INTERRUPTIBLE, "erase", "customer:1"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stderr is not None
        asked = process.stderr.read(len("Erase customer:1"))  # now it waits for the answer
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        said = process.stderr.read()
    assert asked == "Erase customer:1"
    assert process.returncode == 130
    assert "Traceback" not in said


def test_an_unexpected_error_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: 1 / 0, ["list"]) == 70
    assert capsys.readouterr().err.splitlines() == [
        "error: unexpected ZeroDivisionError: division by zero",
        "hint: This is a mistake of the program. Run it again with --debug to see where.",
    ]


def test_debug_shows_where_an_unexpected_error_comes_from(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(lambda: 1 / 0, ["--debug", "list"]) == 70
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["--json"], ["--format", "json"], ["--format=json"]])
def test_an_unexpected_error_is_json_where_json_is_asked_for(
    capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    assert exit_code_of(lambda: 1 / 0, ["report", "run", "x", *asked]) == 70
    assert json.loads(capsys.readouterr().err)["code"] == "unexpected"


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    listed = command_line()
    context = click.Context(listed)
    for name, place in listed.places.items():
        command = listed.get_command(context, name)
        assert command is not None
        assert (name, place.summary) == (name, command.get_short_help_str(1000))
