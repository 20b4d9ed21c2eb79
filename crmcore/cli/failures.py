"""What goes wrong at the command line: one or two lines on stderr, and an exit code. Tracebacks come with ``--debug``.

The exit codes are those of the classes in :mod:`crmcore.errors`, and those here; ``docs/reference/command-line.md``
lists them.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.words import word_after
from crmcore.errors import CRMError, UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = [
    "INTERRUPTED",
    "PIPE_CLOSED",
    "PROBLEMS",
    "UNEXPECTED",
    "exit_code_of",
    "leave_pipe",
]

PROBLEMS = 1
"""The command did its work, and found problems or rejected rows."""
UNEXPECTED = 70  # EX_SOFTWARE of sysexits.h
INTERRUPTED = 130  # 128 + SIGINT, as shells report it
PIPE_CLOSED = 141  # 128 + SIGPIPE
GLOBAL_OPTIONS = ("--config", "--as", "--lang", "--debug", "--version")


def exit_code_of(run: Callable[[], object], arguments: Sequence[str]) -> int:
    """Run a command line, report what goes wrong, and return the exit code.

    Args:
        run: runs it; an integer that it returns is the exit code.
        arguments: of the command line: they say how failures are shown.
    """
    try:
        code = run()
    except Exception as error:  # noqa: BLE001  # the last place where anything can be said about it
        if "--debug" in arguments:
            import traceback  # noqa: PLC0415  # who only reads help does not wait for it

            traceback.print_exc()
        return _reported(error, as_json=_wants_json(arguments))
    return code if isinstance(code, int) else 0


def leave_pipe() -> None:
    """Let nothing more be written to a pipe that nobody reads, not even when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def _reported(error: Exception, *, as_json: bool) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.message, err=True)
        return UsageError.exit_code
    if isinstance(error, click.Abort):
        click.echo(_("interrupted"), err=True)
        return INTERRUPTED
    known = _crm_error(error)
    if known is not None:
        _show(known.as_json() if as_json else _lines(known.message, known.hint))
        return known.exit_code
    message = _("unexpected {kind}: {error}").format(kind=type(error).__name__, error=error)
    hint = _("This is a mistake of the program. Run it again with --debug to see where.")
    _show({"code": "unexpected", "message": message, "hint": hint} if as_json else _lines(message, hint))
    return UNEXPECTED


def _crm_error(error: Exception) -> CRMError | None:
    """Return the error as the project's own, or None where it is neither that nor click's."""
    if isinstance(error, CRMError):
        return error
    if isinstance(error, click.UsageError):
        return UsageError(_usage(error), hint=_usage_hint(error))
    return UsageError(error.format_message()) if isinstance(error, click.ClickException) else None


def _usage(error: click.UsageError) -> str:
    named = _parameter(error)
    if isinstance(error, click.NoSuchOption):
        return _("there is no option {name} here").format(name=error.option_name)
    if isinstance(error, click.MissingParameter) and named:
        return _("{name} is missing").format(name=named)
    if isinstance(error, click.BadParameter) and named:
        return _("{name}: {reason}").format(name=named, reason=_expected(error.param) or error.message)
    if isinstance(getattr(error.ctx, "command", None), click.Group) and type(error) is click.UsageError:
        return _("a command is missing")
    return error.format_message()


def _expected(parameter: click.Parameter | None) -> str | None:
    """Return what an option or argument takes, where click would say it in its own words."""
    kind = getattr(parameter, "type", None)
    if isinstance(kind, click.Choice):
        return _("expected one of: {choices}").format(choices=", ".join(map(str, kind.choices)))
    if isinstance(kind, click.IntRange) and kind.max is None:
        return _("expected a whole number from {least}").format(least=kind.min)
    if isinstance(kind, click.IntRange):
        return _("expected a whole number from {least} to {most}").format(least=kind.min, most=kind.max)
    return None


def _parameter(error: click.UsageError) -> str:
    """Return the option or argument that an error is about as people write it."""
    parameter = getattr(error, "param", None)
    if parameter is None:
        return ""
    return str(parameter.opts[-1] if isinstance(parameter, click.Option) else parameter.human_readable_name)


def _usage_hint(error: click.UsageError) -> str | None:
    if isinstance(error, click.NoSuchOption):
        if error.option_name in GLOBAL_OPTIONS:
            return _("It goes before the command: crmcore {name} ...").format(name=error.option_name)
        if error.possibilities:
            return _("Did you mean {name}?").format(name=error.possibilities[0])
    return _("See `{command} --help`.").format(command=error.ctx.command_path) if error.ctx else None


def _lines(message: str, hint: str | None) -> str:
    said = _("error: {message}").format(message=message)
    return "\n".join([said, _("hint: {hint}").format(hint=hint)]) if hint else said


def _show(said: str | dict[str, Any]) -> None:
    import json  # noqa: PLC0415  # who only reads help does not wait for it

    click.echo(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str), err=True)


def _wants_json(arguments: Sequence[str]) -> bool:
    return "--json" in arguments or word_after("--format", arguments) == "json"
