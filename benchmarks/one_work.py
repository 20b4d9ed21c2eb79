"""``python -m benchmarks.one_work NAME``: one work, in this process. The command runs it; so can a profiler."""

from __future__ import annotations

import argparse
import signal
import sys
from importlib import import_module
from pathlib import Path

from benchmarks import results
from benchmarks.figures import Options
from benchmarks.measuring import Failed, Missing
from benchmarks.works import OPTIONAL, WORKS

__all__ = ["SKIPPED", "end_in_order"]

SKIPPED = 3
"""Exit code where something that the work needs is not on this machine."""


def end_in_order() -> None:
    """Let a request to terminate run what is to be done at the end: servers are stopped, folders removed."""

    def leave(_signal: int, _frame: object) -> None:
        sys.exit(f"ended by signal {signal.SIGTERM}")

    signal.signal(signal.SIGTERM, leave)


def main() -> int:
    """Measure and keep the result."""
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.one_work")
    parser.add_argument("name", choices=[*WORKS, *OPTIONAL])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--cache", type=Path, required=True)
    chosen = parser.parse_args()
    options = Options(scale=chosen.scale, rounds=chosen.rounds, cache=chosen.cache)
    options.cache.mkdir(parents=True, exist_ok=True)
    try:
        figures = import_module(f"benchmarks.works.{chosen.name}").measure(options)
    except Missing as missing:
        print(f"{chosen.name}: SKIPPED: {missing}", file=sys.stderr)
        return SKIPPED
    except Failed as failure:
        print(f"{chosen.name}: {failure}", file=sys.stderr)
        return 1
    results.keep(options, chosen.name, figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
