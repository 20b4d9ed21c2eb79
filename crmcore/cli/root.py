"""``crmcore`` itself: the table of commands, the options before the command, and commands that plugins bring."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmcore.cli import plugin_commands
from crmcore.cli.failures import PIPE_CLOSED, leave_pipe, show_logs
from crmcore.cli.instance import Instance
from crmcore.cli.lazy import LazyGroup
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
        sections=_sections(),
        params=_options(),
        callback=_open,
        help=_("Work with a CRM: its schemas and plugins, its records, scores and reports."),
        epilog=_("`crmcore demo` shows it all in ten seconds; `crmcore COMMAND --help` explains a command."),
    )


def _sections() -> Mapping[str, Mapping[str, str]]:
    return {
        _("Set up"): {
            "demo": "demo:demo",
            "init": "init:init",
            "check": "check:check",
            "plugins": "plugins:plugins",
            "schema": "schema:schema",
            "db": "db:db",
            "completion": "completion:completion",
        },
        _("Records"): {
            "import": "import_file:import_",
            "export": "export:export",
            "create": "create:create",
            "show": "show:show",
            "list": "list:list_",
            "update": "update:update",
            "delete": "delete:delete",
            "restore": "delete:restore",
            "history": "history:history",
            "log": "log:log",
            "erase": "erase:erase",
        },
        _("Work"): {
            "score": "score:score",
            "pipeline": "pipeline:pipeline",
            "report": "report:report",
            "remind": "remind:remind",
            "access": "access:access",
        },
    }


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
        return [*super().list_commands(ctx), *self._offers(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None:
            return own
        offers = self._offers(ctx).get(cmd_name)
        return plugin_commands.PluginCommand(cmd_name, offers) if offers else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_commands(ctx, formatter)
        if self._offers(ctx):
            self.format_section(ctx, formatter, _("From plugins"), list(self._offers(ctx)))

    def _offers(self, ctx: click.Context) -> Mapping[str, tuple[plugin_commands.Offer, ...]]:
        key = f"{__name__}.offers"
        if key not in ctx.meta:
            offers = plugin_commands.offers(config_path(ctx))
            ctx.meta[key] = {name: found for name, found in offers.items() if name not in self.places}
        found: Mapping[str, tuple[plugin_commands.Offer, ...]] = ctx.meta[key]
        return found


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
