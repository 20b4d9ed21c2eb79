"""Scoring all customers with the plugins abc and churn on PostgreSQL, against hand-written SQL that computes the same.

As on SQLite (:mod:`benchmarks.works.scoring_sqlite`), with the SQL of ``benchmarks/sql/scores_postgresql.sql``, run by
`psql`; each round of crmcore begins with a fresh copy of the database.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from benchmarks import postgres, scoring
from benchmarks.company import AS_OF
from benchmarks.measuring import CRMCORE, in_turns, run, scratch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from benchmarks.figures import Figure, Options
    from benchmarks.postgres import Server

STATE = """
SELECT pg_stat_clear_snapshot();
SELECT (SELECT count(*) FROM crmcore_history), sum(n_tup_ins), sum(n_tup_upd), sum(n_tup_del) FROM pg_stat_user_tables
WHERE relname LIKE 'crm%';
"""
"""Rows that were ever written. Sizes would not do: the server's own vacuum makes files beside those of a table."""


def measure(options: Options) -> list[Figure]:
    """Return the figures of scoring on PostgreSQL."""
    with postgres.running(options) as server, scratch(options.cache) as folder:
        made = postgres.company(server, options)
        server.replace("bare", made)
        server.write_config("ours", folder)
        number = count()
        taken = in_turns(
            options.or_rounds(scoring.ROUNDS),
            {
                "crmcore": lambda: with_crmcore(server, made, folder, next_day=next(number) == 0),
                "SQL": lambda: with_sql(server, folder),
            },
        )
        differing = scoring.differing(folder)
        for database in ("ours", "bare"):
            server.run(postgres.USER, f"DROP DATABASE {database};")
    return scoring.figures("PostgreSQL", options, taken["crmcore"], taken["SQL"], differing)


def with_crmcore(server: Server, made: str, folder: Path, *, next_day: bool) -> Mapping[str, Any]:
    """Run all rules on a copy of the database twice, and once more as of the next day."""
    server.replace("ours", made)
    command = [*CRMCORE, "score", "run", "--as-of"]
    first = run([*command, AS_OF], folder=folder)
    server.run("ours", f"\\copy ({scoring.values('crm_customer')}) TO '{folder / scoring.OURS}'")
    state = server.run("ours", STATE).output
    again = run([*command, AS_OF], folder=folder)
    unchanged = server.run("ours", STATE).output == state
    done = {"first": first, "again": again, "unchanged": unchanged}
    if next_day:
        done["next day"] = run([*command, scoring.NEXT_DAY], folder=folder)
    return done


def with_sql(server: Server, folder: Path) -> Mapping[str, Any]:
    """Run the hand-written SQL into a new table."""
    server.run("bare", "DROP TABLE IF EXISTS score;\nCHECKPOINT;")
    done = server.run("bare", scoring.script("postgresql"), settled=True)
    server.run("bare", f"\\copy ({scoring.values('score')}) TO '{folder / scoring.THEIRS}'")
    return {"first": done}
