"""What the works on scoring share: the table that hand-written SQL fills, and the figures that come of the runs."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.company import AS_OF
from benchmarks.figures import MEGABYTE, Figure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.figures import Options

__all__ = ["NEXT_DAY", "OURS", "ROUNDS", "THEIRS", "differing", "figures", "script", "values"]

ROUNDS = 2
OURS, THEIRS = "values-of-crmcore", "values-of-sql"
NEXT_DAY = "2026-11-22"
VALUES = {
    "abc_class": "TEXT",
    "purchase_grade": "TEXT",
    "pyramid_tier": "TEXT",
    "pareto_class": "TEXT",
    "churn_risk": "TEXT",
    "churn_overdue": "DOUBLE PRECISION",
    "attention": "TEXT",
}


def values(table: str) -> str:
    """Return the query of the values of all customers in a table; of a quotient all digits but the last few count."""
    shown = [f"round(CAST({name} AS NUMERIC), 9)" if name == "churn_overdue" else name for name in VALUES]
    return f"SELECT id, {', '.join(shown)} FROM {table} ORDER BY id"


def differing(folder: Path) -> int:
    """Return for how many customers the two sides have written other values to their files."""
    with (folder / OURS).open() as ours, (folder / THEIRS).open() as theirs:
        return sum(mine != other for mine, other in zip_longest(ours, theirs))


def script(database: str) -> str:
    """Return the hand-written SQL for ``sqlite`` or ``postgresql``: a table, what goes into it, its indexes."""
    columns = ", ".join(f"{name} {kind}" for name, kind in VALUES.items())
    filling = (Path(__file__).parent / "sql" / f"scores_{database}.sql").read_text(encoding="utf-8")
    indexes = "\n".join(f"CREATE INDEX ix_score_{name} ON score ({name});" for name in VALUES)
    table = f"CREATE TABLE score (id {'INTEGER' if database == 'sqlite' else 'BIGINT'} PRIMARY KEY, {columns});"
    return f"BEGIN;\n{table}\n{filling.format(as_of=AS_OF)}\n{indexes}\nCOMMIT;\n"


def figures(
    database: str,
    options: Options,
    ours: Sequence[Mapping[str, Any]],
    theirs: Sequence[Mapping[str, Any]],
    other: int,
) -> list[Figure]:
    """Return the figures: the first run and the next day's against SQL, the run without changes against the first."""
    seconds = {name: [one[name].seconds for one in ours if name in one] for name in ("first", "again", "next day")}
    by_hand = [one["first"].seconds for one in theirs]
    peak = max(one["first"].peak for one in ours)
    work = f"score {options.customers:,} customers with about {options.orders:,} orders (abc and churn) on {database}"
    return [
        Figure(
            work=f"{work}, all values new",
            against="hand-written SQL into a table",
            ours=seconds["first"],
            theirs=by_hand,
            bar=1.3,
            aim=1.1,
            checks={"equal for every customer": other == 0},
            notes=[f"peak memory {peak / MEGABYTE:.0f} MB", *([f"{other} customers differ"] if other else [])],
        ),
        Figure(
            work=f"{work}, the next day",
            against="hand-written SQL into a table",
            ours=seconds["next day"],
            theirs=by_hand[: len(seconds["next day"])],
        ),
        Figure(
            work=f"{work}, nothing changed",
            against="its first run",
            ours=seconds["again"],
            theirs=seconds["first"],
            aim=0.9,
            checks={"nothing written": all(one["unchanged"] for one in ours)},
        ),
    ]
