"""Scoring all customers with the plugins abc and churn on SQLite, against hand-written SQL that computes the same.

The SQL (``benchmarks/sql/scores_sqlite.sql``) fills a table with the same seven values for every customer, which has
the same indexes on them as ``crm_customer``; it is run by the `sqlite3` command with crmcore's pragmas. The values of
both are compared, customer by customer. crmcore also writes the history of each value that changed.

Three runs of crmcore are measured on each copy of the database: the first, in which nearly all values of all customers
are new; the same again, in which nothing changes; and, in the first round, that of the next day, in which few do.
"""

from __future__ import annotations

import shutil
from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks import scoring
from benchmarks.company import AS_OF
from benchmarks.measuring import CRMCORE, in_turns, run, scratch
from benchmarks.sqlite import PRAGMAS, company, connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.figures import Figure, Options


def measure(options: Options) -> list[Figure]:
    """Return the figures of scoring on SQLite."""
    made = company(options)
    with scratch(options.cache) as folder:
        shutil.copyfile(made / "crm.db", folder / "bare.db")
        number = count()
        taken = in_turns(
            options.or_rounds(scoring.ROUNDS),
            {
                "crmcore": lambda: with_crmcore(made, folder, next_day=next(number) == 0),
                "SQL": lambda: with_sql(folder),
            },
        )
        differing = scoring.differing(folder)
    return scoring.figures("SQLite", options, taken["crmcore"], taken["SQL"], differing)


def with_crmcore(made: Path, folder: Path, *, next_day: bool) -> Mapping[str, Any]:
    """Run all rules on a copy of the database twice, and once more as of the next day."""
    instance = folder / "ours"
    shutil.rmtree(instance, ignore_errors=True)
    shutil.copytree(made, instance)
    database, command = instance / "crm.db", [*CRMCORE, "score", "run", "--as-of"]
    first = run([*command, AS_OF], folder=instance)
    _write(database, "crm_customer", folder / scoring.OURS)
    state = _state(database)
    again = run([*command, AS_OF], folder=instance)
    unchanged = _state(database) == state
    done = {"first": first, "again": again, "unchanged": unchanged}
    if next_day:
        done["next day"] = run([*command, scoring.NEXT_DAY], folder=instance)
    return done


def with_sql(folder: Path) -> Mapping[str, Any]:
    """Run the hand-written SQL into a new table."""
    database = folder / "bare.db"
    connection = connect(database)
    connection.execute("DROP TABLE IF EXISTS score")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    done = run(["sqlite3", "-batch", "-bail", database], given=PRAGMAS + scoring.script("sqlite"))
    _write(database, "score", folder / scoring.THEIRS)
    return {"first": done}


def _write(database: Path, table: str, file: Path) -> None:
    run(["sqlite3", "-batch", "-bail", database], given=f".once '{file}'\n{scoring.values(table)};\n")


def _state(database: Path) -> tuple[int, int]:
    """Return the size of the file, write-ahead log included, and the number of history entries."""
    connection = connect(database)
    history = connection.execute("SELECT count(*) FROM crmcore_history").fetchone()[0]
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*")), history
