"""``crmcore`` itself: its commands, the options before the command, and commands that plugins bring.

It is imported for every ``--help``, so what only a command needs is imported when one runs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmcore.cli.contents import contents
from crmcore.cli.failures import PIPE_CLOSED, leave_pipe
from crmcore.cli.instance import Instance
from crmcore.cli.lazy import Command, LazyGroup, write_section
from crmcore.cli.program import DEFAULT_CONFIG
from crmcore.errors import UsageError
from crmcore.i18n import current_language, languages, speaking
from crmcore.i18n import gettext as _
from crmcore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command_line", "config_path"]


def command_line() -> click.Group:
    """Return the group of all commands, its help in the language of the context."""
    return _Root(
        "crmcore",
        sections=contents(),
        params=_options(),
        callback=_open,
        help=_("Work with a CRM: its schemas and plugins, its records, scores and reports."),
        epilog=_("`crmcore demo` shows it all in ten seconds; `crmcore COMMAND --help` explains a command."),
    )


class _Root(LazyGroup):
    """The commands of the core, then those that enabled plugins bring; a plugin cannot take a name of the core's."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a reader of its output that goes away, as `head` does, ends it quietly."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            leave_pipe()
            ctx.exit(PIPE_CLOSED)
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return [*super().list_commands(ctx), *self._announced(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or not config_path(ctx).is_file():
            return own
        from crmcore.cli.plugin_commands import PluginCommand, offers  # noqa: PLC0415  # they read every manifest

        offered = offers(config_path(ctx)).get(cmd_name)
        return PluginCommand(cmd_name, offered) if offered else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_commands(ctx, formatter)
        announced = {name: Command(name, help=summary) for name, summary in self._announced(ctx).items()}
        if announced:
            write_section(formatter, _("From plugins"), announced)

    def _announced(self, ctx: click.Context) -> Mapping[str, str]:
        if not config_path(ctx).is_file():
            return {}
        from crmcore.cli.announced import announced  # noqa: PLC0415  # no configuration, no cost

        return {name: summary for name, summary in announced(config_path(ctx)).items() if name not in self.places}


def config_path(ctx: click.Context) -> Path:
    """Return the configuration that a command line names, or the one that is looked for."""
    # Help may be shown before the option is parsed.
    return Path(ctx.params.get("config") or os.environ.get("CRMCORE_CONFIG") or DEFAULT_CONFIG)


def _options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            envvar="CRMCORE_CONFIG",
            metavar="FILE",
            is_eager=True,
            help=_("Configuration of the instance: CRMCORE_CONFIG, else crm.toml in this folder."),
        ),
        click.Option(
            ["--as", "login"],
            envvar="CRMCORE_USER",
            metavar="LOGIN",
            help=_("User who works: CRMCORE_USER, else the login of the operating system."),
        ),
        click.Option(
            ["--lang"],
            metavar="LANGUAGE",
            expose_value=False,
            callback=_check_language,
            help=_("Language of messages and titles ({known}): CRMCORE_LANG, else that of the instance.").format(
                known=", ".join(languages())
            ),
        ),
        click.Option(["--debug"], is_flag=True, help=_("Show tracebacks of errors.")),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_show_version,
            help=_("Show the version and stop."),
        ),
    ]


@click.pass_context
def _open(ctx: click.Context, config: Path | None, login: str | None, debug: bool) -> None:
    from crmcore.cli.logs import show_logs  # noqa: PLC0415  # help needs no logging

    show_logs(debug=debug)
    ctx.obj = Instance(config or Path(DEFAULT_CONFIG), login)
    ctx.call_on_close(ctx.obj.close)


def _check_language(_ctx: click.Context, _parameter: click.Parameter, asked: str | None) -> None:
    """Refuse a language without a catalogue; the program has begun to speak it already."""
    if asked is None:
        return
    with speaking(asked):
        known = current_language() in languages()
    if not known:
        raise UsageError(
            _("crmcore does not speak {language}").format(language=asked),
            hint=_("Known: {known}").format(known=", ".join(languages())),
        )


def _show_version(ctx: click.Context, _parameter: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        click.echo(f"crmcore {__version__}")
        ctx.exit()
