"""Creating customers one at a time, each committed: crmcore against a bare SQLAlchemy ORM script.

The script validates nothing, keeps no history and calls no hooks. It writes the same values into a table with the same
columns and indexes, through a connection with the same pragmas; the class is mapped to the columns that it sets.
"""

from __future__ import annotations

import datetime as dt
from itertools import count, islice
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session, registry

from benchmarks.figures import Figure
from benchmarks.measuring import in_turns, scratch, timed
from crmcore import CRM, Config, load
from crmcore.store.engine import create_store_engine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from benchmarks.figures import Options

ROUNDS = 9
ROWS_OF_A_TURN = 1000
ROW = {
    "phone": "0757-8888",
    "region": "华南",
    "city": "佛山",
    "industry": "电子",
    "annual_revenue": "1234.50",
}
DEFAULTS = {"kind": "organisation", "relation": "direct", "status": "potential"}
"""What crmcore fills in by itself."""
SYSTEM = ("id", "version", "created_at", "updated_at")
THREE = ("abc", "churn", "sales")


def measure(options: Options) -> list[Figure]:
    """Return the figure of creations one at a time."""
    rows = max(20, round(ROWS_OF_A_TURN * options.scale))
    with scratch(options.cache) as folder:
        sides = {"crmcore": creating(folder, rows), "ORM": adding(folder, rows)}
        in_turns(1, sides)
        taken = in_turns(options.or_rounds(ROUNDS), sides)
    return [
        Figure(
            work="create customers one at a time, each committed",
            against="a bare SQLAlchemy ORM script",
            form="rate",
            ours=taken["crmcore"],
            theirs=taken["ORM"],
            units=rows,
            bar=0.5,
            aim=1.0,
        )
    ]


def creating(folder: Path, rows: int) -> Callable[[], float]:
    """Return a function that creates so many customers through sessions, and returns the seconds."""
    crm = CRM(load(Config(enabled=THREE)), f"sqlite:///{folder / 'crmcore.db'}")
    crm.upgrade()
    names = (f"Customer {number}" for number in count())

    def create() -> None:
        for name in islice(names, rows):
            with crm.session() as session:
                session.create("customer", {**ROW, "name": name})

    return lambda: timed(create)


def adding(folder: Path, rows: int) -> Callable[[], float]:
    """Return a function that adds so many rows through the ORM, and returns the seconds."""
    crm = CRM(load(Config(enabled=THREE)), f"sqlite:///{folder / 'orm.db'}")
    crm.upgrade()
    engine, table = create_store_engine(f"sqlite:///{folder / 'orm.db'}"), crm.runtime.tables.entity["customer"]
    filled = ["name", *ROW, *DEFAULTS]
    folded = [f"{name}__folded" for name in filled if f"{name}__folded" in table.c]
    mapped: Any = type("Customer", (), {})
    registry().map_imperatively(mapped, table, include_properties=[*SYSTEM, *filled, *folded])
    names = (f"Customer {number}" for number in count())

    def add() -> None:
        for name in islice(names, rows):
            values = {**ROW, **DEFAULTS, "name": name}
            texts = {column: values[column.removesuffix("__folded")].casefold() for column in folded}
            now = dt.datetime.now(dt.UTC)
            with Session(engine) as session:
                session.add(mapped(**values, **texts, version=1, created_at=now, updated_at=now))
                session.commit()

    return lambda: timed(add)
