"""The page of the command line names every command and option that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

from crmcore import errors
from crmcore.cli import failures
from crmcore.cli.root import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
SECTIONS = {
    found[1]: found[2]
    for found in re.finditer(r"^### `crmcore (.+?)`\n(.*?)(?=^##|\Z)", PAGE, flags=re.MULTILINE | re.DOTALL)
}
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def commands(
    group: click.Group, ctx: click.Context, path: str = ""
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(ctx):
        command = group.get_command(ctx, name)
        assert command is not None
        inner = click.Context(command, parent=ctx, info_name=name)
        if isinstance(command, click.Group):
            yield from commands(command, inner, f"{path}{name} ")
        else:
            yield f"{path}{name}", command, inner


ROOT = command_line()
COMMANDS = {path: (command, ctx) for path, command, ctx in commands(ROOT, click.Context(ROOT, info_name="crmcore"))}


def options(command: click.Command) -> set[str]:
    return {name for parameter in command.params for name in parameter.opts if name.startswith("--")}


def usage(path: str) -> str:
    """Return a command with its arguments, as its help shows them."""
    command, ctx = COMMANDS[path]
    return " ".join([path, *(p.make_metavar(ctx) for p in command.params if isinstance(p, click.Argument))])


def test_every_command_has_a_section_and_every_section_is_of_a_command() -> None:
    choice = re.compile(r"\{.*?\}")
    assert {choice.sub("ACTION", title) for title in SECTIONS} == {choice.sub("ACTION", usage(p)) for p in COMMANDS}


@pytest.mark.parametrize("title", SECTIONS)
def test_a_section_names_just_the_options_of_its_command(title: str) -> None:
    path = max((path for path in COMMANDS if f"{title} ".startswith(f"{path} ")), key=len)
    elsewhere = options(ROOT) if title.startswith("init") else set()
    assert set(OPTION.findall(SECTIONS[title])) - elsewhere == options(COMMANDS[path][0])


def test_the_options_before_the_command_are_all_there() -> None:
    table = PAGE.partition("## Options before the command")[2].partition("## Exit codes")[0]
    assert set(OPTION.findall(table)) == {*options(ROOT), "--help"}
    assert set(failures.GLOBAL_OPTIONS) == options(ROOT)


def test_every_exit_code_is_explained() -> None:
    table = PAGE.partition("## Exit codes")[2].partition("## ")[0]
    classes = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.CRMError)]
    codes = {one.exit_code for one in classes} | {0}
    codes |= {failures.PROBLEMS, failures.UNEXPECTED, failures.INTERRUPTED, failures.PIPE_CLOSED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", table, flags=re.MULTILINE)} == codes


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_explains_itself(path: str) -> None:
    command, ctx = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert all(len(line) <= 80 for line in command.get_help(ctx).splitlines())
