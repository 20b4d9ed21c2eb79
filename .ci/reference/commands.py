"""The command line, as click knows it: what a command takes."""

from __future__ import annotations

import click
from markdown import code, one_line, table

from crmcore.cli.lazy import LazyGroup
from crmcore.cli.root import command_line

__all__ = ["command", "commands_of", "shared_options"]


def command(*path: str) -> str:
    """Return the usage line of a command, and a table of its options."""
    found = commands_of()[" ".join(path)]
    options = [one for one in found.params if isinstance(one, click.Option) and not one.hidden]
    pieces = found.collect_usage_pieces(click.Context(found))
    usage = " ".join(["crmcore", *path, *(piece for piece in pieces if options or piece != "[OPTIONS]")])
    rows = [(_written(option), one_line(option.help or "")) for option in options]
    return f"```text\n{usage}\n```\n\n{table(('option', 'meaning'), rows)}"


def shared_options() -> str:
    """Return a table of the options that stand before a command."""
    options = [one for one in command_line().params if isinstance(one, click.Option)]
    return table(("option", "meaning"), [(_written(one), one_line(one.help or "")) for one in options])


def commands_of() -> dict[str, click.Command]:
    """Return every command of the core that does something, by its words."""
    found: dict[str, click.Command] = {}

    def walk(words: tuple[str, ...], group: click.Group) -> None:
        ctx = click.Context(group)
        # Of the first group those of the core alone: it lists the commands of plugins too, which depend on a folder.
        names = LazyGroup.list_commands(group, ctx) if isinstance(group, LazyGroup) else group.list_commands(ctx)
        for name in names:
            child = group.get_command(ctx, name)
            if isinstance(child, click.Group):
                walk((*words, name), child)
            elif child is not None and not child.hidden:
                found[" ".join((*words, name))] = child

    walk((), command_line())
    return found


def _written(option: click.Option) -> str:
    record = option.make_metavar(click.Context(click.Command("none"))) if not option.is_flag else ""
    names = ", ".join(sorted(option.opts, key=len))
    return code(f"{names} {record}".strip())
