"""Importing customers from a CSV file into SQLite: `crmcore import` against `.import` and sqlite-utils.

All three load the same file of 12 columns into a table with the same indexes (:mod:`benchmarks.customers` says which)
in the same mode (write-ahead log, ``synchronous = NORMAL``, 64 MiB of cache), each in a process of its own whose start
counts too. crmcore reads types, validates, matches, writes history and asks three plugins; `.import` stores texts.

The bar is that of a table which has its indexes before the load, as crmcore's has. To load first and to build the
indexes afterwards is what one would do with an empty table, and is measured for orientation.
"""

from __future__ import annotations

import re
import shutil
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

from attrs import evolve

from benchmarks.customers import COLUMNS, INDEXED, bare_indexes, bare_table, customers_file
from benchmarks.figures import MEGABYTE, Figure
from benchmarks.instances import make_instance
from benchmarks.measuring import CRMCORE, Missing, in_turns, run, scratch
from benchmarks.sqlite import PRAGMAS, connect

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.figures import Options
    from benchmarks.measuring import Finished

ROUNDS = 3
FILLED = "{column} <> ''"
"""What `.import` stores where a cell is empty is an empty text."""
REJECTED = 1
"""Exit code of an import that left rows out."""


def measure(options: Options) -> list[Figure]:
    """Return the figures of imports into SQLite."""
    if find_spec("sqlite_utils") is None:
        raise Missing("the package sqlite-utils is not installed")
    file = customers_file(options.cache, options.customers)
    with scratch(options.cache) as folder:
        make_instance(folder / "empty")
        taken = in_turns(
            options.or_rounds(ROUNDS),
            {
                "crmcore": lambda: with_crmcore(folder, file, options.customers),
                "indexed": lambda: with_sqlite3(folder, file, indexes_first=True),
                "loaded first": lambda: with_sqlite3(folder, file, indexes_first=False),
            },
        )
        # Once, right after the last round: it takes longer than all the others, and its bar is far away.
        taken["sqlite-utils"] = [with_sqlite_utils(folder, file)]
    seconds = {side: [one.seconds for one in finished] for side, finished in taken.items()}
    peaks = {side: max(one.peak for one in finished) for side, finished in taken.items()}
    figure = Figure(
        work=f"import {options.customers:,} customers x {len(COLUMNS)} columns into SQLite",
        against="`.import` into a table with its indexes",
        ours=seconds["crmcore"],
        theirs=seconds["indexed"],
        units=options.customers,
        bar=2.5,
        aim=1.3,
        peak=peaks["crmcore"],
        peak_bar=200 * MEGABYTE,
        notes=["peak memory: " + ", ".join(f"{side} {peak / MEGABYTE:.0f} MB" for side, peak in peaks.items())],
    )
    orientation = evolve(figure, bar=None, aim=None, peak_bar=None, notes=[])
    return [
        figure,
        evolve(orientation, against="`.import`, indexes built after it", theirs=seconds["loaded first"]),
        evolve(
            orientation,
            against="sqlite-utils insert --csv",
            ours=seconds["crmcore"][-1:],
            theirs=seconds["sqlite-utils"],
            form="rate",
            bar=2,
            aim=4,
        ),
    ]


def with_crmcore(folder: Path, file: Path, count: int) -> Finished:
    """Import with crmcore, into an instance without customers."""
    shutil.copytree(folder / "empty", folder / "crmcore")
    command = [*CRMCORE, "import", "customer", file, "--rejects", "rejects.csv"]
    done = run(command, folder=folder / "crmcore", codes=(0, REJECTED))
    check_outcome(done.output, count)
    shutil.rmtree(folder / "crmcore")
    return done


def check_outcome(output: str, count: int) -> None:
    """Make sure that every row became something, and nearly all of them customers."""
    counted = {
        word: int(number.replace(",", ""))
        for number, word in re.findall(r"([\d,]+) (created|updated|unchanged|rejected)", output)
    }
    if sum(counted.values()) != count or counted.get("created", 0) < 0.99 * count:
        raise AssertionError(output)


def with_sqlite3(folder: Path, file: Path, *, indexes_first: bool) -> Finished:
    """Import with the command of SQLite."""
    database = _bare(folder, indexes=indexes_first)
    script = f'{PRAGMAS}\n.import --csv --skip 1 "{file}" customer\n'
    if not indexes_first:
        script += bare_indexes(filled=FILLED) + "\n"
    done = run(["sqlite3", "-batch", "-bail", database], given=script)
    _remove(database)
    return done


def with_sqlite_utils(folder: Path, file: Path) -> Finished:
    """Insert with sqlite-utils, which works types out from the file, then make the indexes, its own way."""
    database = _bare(folder, table=False)
    steps = [
        ["insert", str(database), "customer", str(file), "--csv"],  # since version 4 it detects types
        *(["create-index", str(database), "customer", column] for column in INDEXED),
    ]
    done = run([sys.executable, "-c", _SQLITE_UTILS, repr(steps)])
    _remove(database)
    return done


_SQLITE_UTILS = f"""
import ast, sqlite3, sys
from sqlite_utils.cli import cli

connect = sqlite3.connect
def like_crmcore(*arguments, **named):
    connection = connect(*arguments, **named)
    connection.executescript({PRAGMAS!r})
    return connection
sqlite3.connect = like_crmcore
for step in ast.literal_eval(sys.argv[1]):
    cli.main(step, standalone_mode=False)
"""


def _bare(folder: Path, *, table: bool = True, indexes: bool = False) -> Path:
    database = folder / "bare.db"
    connection = connect(database)
    if table:
        connection.executescript(bare_table() + (bare_indexes(filled=FILLED) if indexes else ""))
    connection.close()
    return database


def _remove(database: Path) -> None:
    for file in database.parent.glob(f"{database.name}*"):
        file.unlink()
