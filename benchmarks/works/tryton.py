"""For orientation, and only when asked for by name: Tryton, installed by pip into an environment of its own.

Customers are created one at a time and a tenth of the file is imported, on SQLite on both sides, each with the settings
that it comes with. Tryton's start is not counted, crmcore's is.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.customers import customers_file
from benchmarks.figures import Figure
from benchmarks.instances import make_instance
from benchmarks.measuring import Failed, Missing, in_turns, run, scratch
from benchmarks.works.import_sqlite import with_crmcore as import_with_crmcore
from benchmarks.works.one_at_a_time import ROWS_OF_A_TURN, creating

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.figures import Options

ROUNDS = 3
ROUNDS_OF_IMPORT = 1
SHARE = 10
"""The full size is a tenth of a million customers."""
SCRIPT = Path(__file__).parents[1] / "peers" / "tryton_parties.py"
PACKAGES = ("trytond", "trytond-party")


def measure(options: Options) -> list[Figure]:
    """Return the figures against Tryton."""
    python = _environment(options.cache / "tryton")
    count = max(50, options.customers // SHARE)
    file = customers_file(options.cache, count, flawless=True)
    rows = max(20, round(ROWS_OF_A_TURN * options.scale))
    with scratch(options.cache) as folder:
        make_instance(folder / "empty")
        _make_database(python, folder)
        created = in_turns(
            options.or_rounds(ROUNDS),
            {"crmcore": creating(folder, rows), "Tryton": _tryton(python, folder, "create", str(rows))},
        )
        imported = in_turns(
            options.or_rounds(ROUNDS_OF_IMPORT),
            {
                "crmcore": lambda: import_with_crmcore(folder, file, count).seconds,
                "Tryton": _tryton(python, folder, "import", str(file)),
            },
        )
    return [
        Figure(
            work="create customers one at a time, each committed",
            against="Tryton's party.party",
            form="rate",
            ours=created["crmcore"],
            theirs=created["Tryton"],
            units=rows,
        ),
        Figure(
            work=f"import {count:,} customers into SQLite",
            against="Tryton's import_data of four columns",
            form="rate",
            ours=imported["crmcore"],
            theirs=imported["Tryton"],
            units=count,
        ),
    ]


def _environment(folder: Path) -> Path:
    """Return the interpreter of an environment with Tryton, made unless it is there."""
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            run([sys.executable, "-m", "venv", folder])
            run([python, "-m", "pip", "install", "--quiet", *PACKAGES])
        except Failed as failure:
            raise Missing(f"{', '.join(PACKAGES)} cannot be installed: {failure}") from failure
        (folder / "complete").touch()
    return python


def _make_database(python: Path, folder: Path) -> None:
    (folder / "trytond.conf").write_text(f"[database]\nuri = sqlite://\npath = {folder}\n")
    (folder / "password").write_text("a-benchmark-1\n")
    (folder / "bench.sqlite").touch()
    admin = [python.parent / "trytond-admin", "-c", folder / "trytond.conf", "-d", "bench", "-u", "party"]
    command = [
        "env",
        f"TRYTONPASSFILE={folder / 'password'}",
        *admin,
        "--activate-dependencies",
        "--email",
        "a@example.com",
    ]
    run(command)


def _tryton(python: Path, folder: Path, *what: str) -> Callable[[], float]:
    return lambda: float(run([python, "-W", "ignore", SCRIPT, folder, *what]).output.split()[-1])
