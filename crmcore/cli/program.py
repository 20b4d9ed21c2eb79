"""The program: chooses the language, runs the command line and ends with an exit code. No command is declared here."""

from __future__ import annotations

import gc
import os
import sys
from contextvars import copy_context
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from crmcore.cli.failures import exit_code_of
from crmcore.cli.words import word_after
from crmcore.i18n import speak

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DEFAULT_CONFIG", "main"]

DEFAULT_CONFIG = "crm.toml"
NAME = "crmcore"
_OBJECTS_BETWEEN_COLLECTIONS = 50_000


class Program(click.Command):
    """What the console script calls and what click's test runner is given.

    The group of commands is made anew for each run, because its help is in the language of the run.
    """

    def main(  # type: ignore[override]  # it ends the process in every case
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **_more: Any
    ) -> NoReturn:
        """Run one command line and end the process, or the test runner's, with its exit code."""
        arguments = sys.argv[1:] if args is None else list(args)
        # Batches make objects by the ten thousand, hardly any of them in cycles, and to look for these after every few
        # hundred takes a tenth of an import. A library leaves that to its application: this is one.
        gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
        _speak_utf8()
        # A copy, so that the language of one run is not that of the next in the same process.
        sys.exit(copy_context().run(_run, arguments, prog_name or NAME))


main = Program(NAME)


def _run(arguments: list[str], name: str) -> int:
    speak(_language(arguments))
    # Imported after the language is known: help texts are translated when they are declared.
    from crmcore.cli.root import command_line  # noqa: PLC0415

    return exit_code_of(lambda: command_line().main(arguments, name, standalone_mode=False), arguments)


def _language(arguments: Sequence[str]) -> str | None:
    """Return the language that is asked for on the command line, in the environment or in ``crm.toml``."""
    asked = word_after("--lang", arguments) or os.environ.get("CRMCORE_LANG")
    return asked or _configured(word_after("--config", arguments) or os.environ.get("CRMCORE_CONFIG") or DEFAULT_CONFIG)


def _configured(file: str) -> str | None:
    """Return the language in a configuration, which is read and judged later, by the commands that need it."""
    if not os.path.isfile(file):  # noqa: PTH113  # pathlib costs more than the rest of this function
        return None
    import tomllib  # noqa: PLC0415  # no configuration, no cost

    try:
        language = tomllib.loads(Path(file).read_text(encoding="utf-8-sig"))["instance"]["language"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return language if isinstance(language, str) else None


def _speak_utf8() -> None:
    """Write and read UTF-8 whatever the locale says; what cannot be encoded at all is shown escaped."""
    for stream, errors in ((sys.stdin, "strict"), (sys.stdout, "backslashreplace"), (sys.stderr, "backslashreplace")):
        if getattr(stream, "encoding", "utf-8").lower().replace("_", "-") != "utf-8":
            stream.reconfigure(encoding="utf-8", errors=errors)  # type: ignore[union-attr]  # a text file has it
