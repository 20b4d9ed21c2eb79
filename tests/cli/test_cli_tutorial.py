"""The tutorial works when it is typed, and prints what it says."""

from __future__ import annotations

import doctest
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "tutorial.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
NOT_RUN = ("pip install",)


@frozen
class Step:
    command: str
    expected: str


def steps(block: str) -> Iterator[Step]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _newline, expected = part.partition("\n")
        yield Step(command, expected)


def typed(step: Step, folder: Path) -> str:
    """Run a command as a shell does and return what a terminal would show."""
    ran = subprocess.run(
        ["sh", "-c", step.command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    return ran.stdout


def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    text = PAGE.read_text(encoding="utf-8")
    folder = tmp_path
    compared = 0
    for block in FENCED.finditer(text):
        before = text[: block.start()].rstrip()
        if block[1] == "csv":
            name = re.findall(r"`([\w.]+)`", before.rpartition("\n\n")[2])[0]
            (folder / name).write_text(block[2], encoding="utf-8")
        elif block[1] == "toml":
            with (folder / "crm.toml").open("a", encoding="utf-8") as config:
                config.write("\n" + block[2])
        for step in steps(block[2]) if block[1] == "console" else ():
            if step.command.startswith("cd "):
                folder /= step.command.removeprefix("cd ")
            elif not step.command.startswith(NOT_RUN):
                found = typed(step, folder)
                same = doctest.OutputChecker().check_output(step.expected, found, doctest.ELLIPSIS)
                assert same, f"$ {step.command}\n{found}"
                compared += 1
    assert compared > 10
