"""Every command says what it and its options do; the page of the command line is made from that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import pytest

from crmcore.cli import failures
from crmcore.cli.root import command_line

if TYPE_CHECKING:
    from collections.abc import Iterator


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


def test_the_options_before_the_command_are_known_to_who_tells_of_failures() -> None:
    assert set(failures.GLOBAL_OPTIONS) == options(ROOT)


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_and_option_explains_itself(path: str) -> None:
    command, ctx = COMMANDS[path]
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
    assert all(len(line) <= 80 for line in command.get_help(ctx).splitlines())
