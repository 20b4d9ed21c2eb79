"""The command ``python -m benchmarks``: measures works, each in a process of its own, and keeps what came of them."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import one_work, page, results
from benchmarks.figures import Options
from benchmarks.works import OPTIONAL, WORKS

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for and return the exit code: 1 where a work failed."""
    one_work.end_in_order()
    chosen = _parser().parse_args(arguments)
    unknown = [name for name in chosen.works if name not in (*WORKS, *OPTIONAL)]
    if unknown:
        _parser().error(f"there is no work {unknown[0]!r}; known: {', '.join((*WORKS, *OPTIONAL))}")
    options = Options(scale=chosen.scale, rounds=chosen.rounds, cache=chosen.cache.absolute())
    failed = [name for name in chosen.works or WORKS if not _measure(name, options, resume=chosen.resume)]
    if chosen.write:
        page.write(results.all_of(options), options)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure crmcore against tools and plain code that do the same."
    )
    add = parser.add_argument
    add("works", nargs="*", metavar="WORK", help=f"by default {', '.join(WORKS)}; besides them {', '.join(OPTIONAL)}")
    add("--scale", type=float, default=1.0, help="share of 1,000,000 customers and 10,000,000 orders (1)")
    add("--rounds", type=int, help="how often each side is measured; by default what the work says")
    add(
        "--cache",
        type=Path,
        default=HERE / ".cache",
        help="folder for files, databases and results (benchmarks/.cache)",
    )
    add("--resume", action="store_true", help="leave out works that have results of this size")
    add("--write", action="store_true", help="write all results of this size to docs/benchmarks.md and .json")
    return parser


def _measure(name: str, options: Options, *, resume: bool) -> bool:
    """Measure one work and print its figures; return whether that went well."""
    file = results.place(options, name)
    if resume and file.exists():
        print(f"{name}: measured before")
    else:
        start = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.one_work", name, "--scale", str(options.scale)]
        rounds = ["--rounds", str(options.rounds)] if options.rounds else []
        code = _run([*command, *rounds, "--cache", str(options.cache)])
        if code == one_work.SKIPPED:
            return True
        if code:
            return False
        print(f"{name}: {time.monotonic() - start:.0f} s")
    for line in page.lines(results.read(file)):
        print(f"  {line}")
    return True


def _run(command: Sequence[str]) -> int:
    """Run a work to its end; when this process is to end before it, let the work stop what it has started."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


if __name__ == "__main__":
    sys.exit(main())
