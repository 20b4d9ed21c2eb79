"""Importing customers from a CSV file into PostgreSQL: `crmcore import` against `COPY`.

`COPY` reads the same file into a table of 12 columns with the same five indexes (:mod:`benchmarks.customers`), through
`psql` and on the same server. It checks types only, so that no row of this file is to be refused: it would end there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import postgres
from benchmarks.customers import COLUMNS, bare_indexes, bare_table, customers_file
from benchmarks.figures import MEGABYTE, Figure
from benchmarks.instances import make_instance
from benchmarks.measuring import CRMCORE, in_turns, run, scratch
from benchmarks.works.import_sqlite import check_outcome

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.figures import Options
    from benchmarks.measuring import Finished
    from benchmarks.postgres import Server

ROUNDS = 3
FILLED = "{column} IS NOT NULL"


def measure(options: Options) -> list[Figure]:
    """Return the figures of imports into PostgreSQL."""
    file = customers_file(options.cache, options.customers, flawless=True)
    with postgres.running(options) as server, scratch(options.cache) as folder:
        for database in ("empty", "bare", "bare_empty"):
            server.run(postgres.USER, f"DROP DATABASE IF EXISTS {database};\nCREATE DATABASE {database};")
        make_instance(folder / "empty", url=server.url("empty"))
        server.write_config("ours", folder)
        taken = in_turns(
            options.or_rounds(ROUNDS),
            {
                "crmcore": lambda: with_crmcore(server, folder, file, options.customers),
                "indexed": lambda: with_copy(server, file, indexes_first=True),
                "loaded first": lambda: with_copy(server, file, indexes_first=False),
            },
        )
        for database in ("empty", "bare", "bare_empty", "ours"):
            server.run(postgres.USER, f"DROP DATABASE {database};")
    seconds = {side: [one.seconds for one in finished] for side, finished in taken.items()}
    work = f"import {options.customers:,} customers x {len(COLUMNS)} columns into PostgreSQL"
    peak = max(one.peak for one in taken["crmcore"])
    return [
        Figure(
            work=work,
            against="`COPY` into a table with its indexes",
            ours=seconds["crmcore"],
            theirs=seconds["indexed"],
            units=options.customers,
            bar=5,
            aim=3,
            notes=[f"peak memory of the client {peak / MEGABYTE:.0f} MB"],
        ),
        Figure(
            work=work,
            against="`COPY`, indexes built after it",
            ours=seconds["crmcore"],
            theirs=seconds["loaded first"],
            units=options.customers,
        ),
    ]


def with_crmcore(server: Server, folder: Path, file: Path, count: int) -> Finished:
    """Import with crmcore, into an instance without customers."""
    server.replace("ours", "empty")
    done = run([*CRMCORE, "import", "customer", file], folder=folder)
    check_outcome(done.output, count)
    return done


def with_copy(server: Server, file: Path, *, indexes_first: bool) -> Finished:
    """Load with COPY."""
    server.replace("bare", "bare_empty")
    server.run("bare", bare_table() + (bare_indexes(filled=FILLED) if indexes_first else ""))
    return server.run(
        "bare",
        f"\\copy customer FROM '{file}' CSV HEADER\n{'' if indexes_first else bare_indexes(filled=FILLED)}\n",
        settled=True,
    )
