"""click's classes in the language of the run, and a group that imports a command when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Command", "Group", "LazyGroup", "Place", "write_section"]

_PACKAGE = "crmcore.cli.commands"


class _Translated(click.Command):
    """Headings of help pages in the language of the run; click would take the process's."""

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the first line."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), _("Usage: "))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options."""
        options = [parameter for parameter in self.get_params(ctx) if isinstance(parameter, click.Option)]
        with formatter.section(_("Options")):
            formatter.write_dl([record for option in options if (record := option.get_help_record(ctx))])

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return ``--help``."""
        option = super().get_help_option(ctx)
        if option is not None:
            option.help = _("Show this help and stop.")
        return option


class Command(_Translated):
    """A command."""


class Group(_Translated, click.Group):
    """A command with commands of its own: ``crmcore schema show``."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, then the commands."""
        super().format_options(ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        write_section(formatter, _("Commands"), {name: command for name, command in found.items() if command})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order of their declaration."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is called; one that there is not is answered with the nearest name."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing and not args[0].startswith("-"):
            import difflib  # noqa: PLC0415  # only who mistypes a command waits for it

            near = difflib.get_close_matches(args[0], self.list_commands(ctx), n=1)
            hint = _("Did you mean {name}?").format(name=near[0]) if near else None
            raise UsageError(
                _("there is no command {name}").format(name=f"`{ctx.command_path} {args[0]}`"),
                hint=hint or _("See `{command} --help`.").format(command=ctx.command_path),
            )
        return super().resolve_command(ctx, args)


class Place(NamedTuple):
    """Where a command is declared, and what it does: its help without importing it."""

    declared: str
    """``module:object`` in `crmcore.cli.commands`."""
    summary: str
    """The first sentence of its help."""


class LazyGroup(Group):
    """A group that knows where its commands are declared.

    Args:
        sections: title -> name of a command -> its place.
    """

    def __init__(self, *arguments: Any, sections: Mapping[str, Mapping[str, Place]], **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.sections = sections
        self.places = {name: place for section in sections.values() for name, place in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names in the order of their declaration."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the same
        """Import a command."""
        if cmd_name not in self.places:
            return None
        module, _colon, attribute = self.places[cmd_name].declared.partition(":")
        command: click.Command = getattr(import_module(f"{_PACKAGE}.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # the same
        """Write the commands."""
        for title, section in self.sections.items():
            write_section(
                formatter, title, {name: Command(name, help=place.summary) for name, place in section.items()}
            )


def write_section(formatter: click.HelpFormatter, title: str, commands: Mapping[str, click.Command]) -> None:
    """Write the names of some commands and what they do."""
    width = formatter.width - 6 - max(map(len, commands), default=0)
    with formatter.section(title):
        formatter.write_dl([(name, command.get_short_help_str(width)) for name, command in commands.items()])
