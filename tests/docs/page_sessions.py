"""Pages of the documentation, followed to the letter: files are saved, commands typed, and what they print compared.

A page says what is a file by the words before its block: "Save this as `orders.csv`", or "at the end of `crm.toml`".
In a ``console`` block, lines that begin with ``$`` are commands, the lines below one are what it prints, and ``...``
stands for anything. All other blocks are for reading.
"""

from __future__ import annotations

import datetime as dt
import doctest
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from attrs import frozen
from click.testing import CliRunner

from crmcore.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEGINNING = dt.datetime(2026, 11, 21, 9, tzinfo=dt.UTC)
"""When the sessions begin, so that ages and windows of days are what the pages say; each command takes a minute."""

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SAVED = re.compile(r"Save this as `([^`]+)`|at the end of\s+`([^`]+)`")
_NOT_TYPED = ("pip install",)
_OPERATORS = frozenset("();<>|&")


@frozen
class SavedFile:
    """A block that the reader saves, or adds to a file."""

    name: str
    text: str
    added: bool

    def save(self, folder: Path) -> None:
        with (folder / self.name).open("a" if self.added else "w", encoding="utf-8") as file:
            file.write("\n" + self.text if self.added else self.text)


@frozen
class Typed:
    """A command, and what it prints."""

    command: str
    expected: str

    def prints(self, found: str) -> bool:
        return doctest.OutputChecker().check_output(self.expected, found, doctest.ELLIPSIS)


def parts(text: str) -> Iterator[SavedFile | Typed]:
    """Yield what a reader of a page does, in order."""
    for block in _FENCED.finditer(text):
        if block[1] == "console":
            for part in re.split(r"^\$ ", block[2], flags=re.MULTILINE)[1:]:
                command, _newline, expected = part.partition("\n")
                yield Typed(command, expected)
            continue
        paragraph = text[: block.start()].rstrip().rpartition("\n\n")[2]
        for new, longer in _SAVED.findall(paragraph):
            yield SavedFile(new or longer, block[2], added=bool(longer))


def follow(text: str, folder: Path, terminal: Callable[[str, Path], str]) -> Iterator[tuple[Typed, str]]:
    """Do what a page says in a folder, and yield every command with what it has printed.

    Args:
        text: of the page.
        folder: where the reader begins.
        terminal: runs a command in a folder and returns what is on the screen then.
    """
    for part in parts(text):
        if isinstance(part, SavedFile):
            part.save(folder)
        elif part.command.startswith("cd "):
            folder /= part.command.removeprefix("cd ")
        elif not part.command.startswith(_NOT_TYPED):
            yield part, terminal(part.command, folder)


def shell(command: str, folder: Path) -> str:
    """Run a command as a shell does."""
    ran = subprocess.run(
        ["sh", "-c", command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout


def in_process(command: str) -> str | None:
    """Run a plain crmcore command here, which spares its start; None where it takes a shell."""
    words = shlex.shlex(command, posix=True, punctuation_chars=True)
    words.whitespace_split = True
    program, *arguments = words
    if program != "crmcore" or any(_OPERATORS.issuperset(word) for word in arguments if word):
        return None
    return CliRunner().invoke(main, arguments, prog_name="crmcore", catch_exceptions=False).output


def write_program(folder: Path) -> None:
    """Write a program `crmcore` whose clock is the variable `SESSION_NOW`, for commands that a shell runs."""
    program = folder / "crmcore"
    program.write_text(
        f"#!{sys.executable}\n"
        "import datetime, os\n"
        "from crmcore import app\n"
        "from crmcore.cli import main\n"
        'app._wall_clock = lambda: datetime.datetime.fromisoformat(os.environ["SESSION_NOW"])\n'
        "main()\n"
    )
    program.chmod(0o755)
