"""Running what is measured: commands in processes of their own, sides in turns. What comes of it is a figure's part."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

__all__ = ["CRMCORE", "Failed", "Finished", "Missing", "in_turns", "run", "scratch", "timed"]

CRMCORE = (sys.executable, "-m", "crmcore")
_KIBIBYTE = 1 if sys.platform == "darwin" else 1024
_LAST_OUTPUT = 3000

Result = TypeVar("Result")


class Failed(Exception):
    """A command that should have worked did not."""


class Missing(Exception):
    """Something that a work needs is not on this machine; the message says what."""


@frozen
class Finished:
    """What a command took."""

    seconds: float
    cpu_seconds: float
    peak: int
    """Peak resident memory of the process in bytes; see `run`."""
    output: str


def run(
    command: Sequence[object],
    *,
    folder: Path | None = None,
    given: str | Path | None = None,
    codes: Collection[int] = (0,),
    settled: bool = True,
) -> Finished:
    """Run a command to its end and return what it took.

    The system counts the memory of this process as the command's until the command is loaded, so that what measures
    stays small: it imports nothing heavy.

    Args:
        command: and its arguments: texts and paths.
        folder: to run it in.
        given: its standard input, a text or a file.
        codes: exit codes that it may end with.
        settled: wait until what others wrote is on the disk, so that it is not written during this.

    Raises:
        Failed: it ended with another.
        Missing: there is no such command.
    """
    with tempfile.TemporaryFile() as output, _source(given) as source:
        if settled:
            os.sync()
        start = time.perf_counter()
        try:
            process = subprocess.Popen(
                [str(part) for part in command],
                cwd=folder,
                env=_environment(),
                stdin=source,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        except FileNotFoundError as error:
            raise Missing(f"the command {command[0]} is not installed") from error
        _pid, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        said = output.read().decode(errors="replace")
    if process.returncode not in codes:
        shown = " ".join(str(part) for part in command)
        raise Failed(f"{shown}\nended with {process.returncode}:\n{said[-_LAST_OUTPUT:]}")
    return Finished(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _KIBIBYTE, said)


def _source(given: str | Path | None) -> IO[bytes]:
    if isinstance(given, Path):
        return given.open("rb")
    source = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
    source.write((given or "").encode())
    source.seek(0)
    return source


def _environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CRMCORE_", "PG"))}
    return {**kept, "CRMCORE_LANG": "en", "PYTHONHASHSEED": "0"}


@contextmanager
def scratch(cache: Path) -> Iterator[Path]:
    """Make an empty folder in the cache for the length of a work; what a work that was killed has left goes first."""
    folder = cache / "scratch"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a function takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turns(rounds: int, sides: Mapping[str, Callable[[], Result]]) -> dict[str, list[Result]]:
    """Measure sides one after the other, round by round, each round in the other direction than the one before.

    So whatever slows the machine down for a while, or warms it up, falls on all of them.
    """
    results: dict[str, list[Result]] = {name: [] for name in sides}
    for number in range(rounds):
        for name in [*sides][:: -1 if number % 2 else 1]:
            results[name].append(sides[name]())
    return results
