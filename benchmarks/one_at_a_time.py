"""Creating customers one at a time, each committed: crmcore against a bare SQLAlchemy ORM script.

The ORM side validates nothing and keeps no history; it has the same columns, indexes and pragmas. Both sides are
measured in turns in the same run, and the medians compared. Run it with ``python benchmarks/one_at_a_time.py``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session, registry

from crmcore import CRM, Config, load
from crmcore.store.engine import create_store_engine

if TYPE_CHECKING:
    from collections.abc import Callable

ROW = {
    "name": "",
    "phone": "0757-8888",
    "region": "华南",
    "city": "佛山",
    "industry": "电子",
    "annual_revenue": "1234.50",
}


def with_crmcore(folder: Path) -> Callable[[int], None]:
    """Return a function that creates one customer through a session."""
    crm = CRM(load(Config()), f"sqlite:///{folder / 'crmcore.db'}")
    crm.upgrade()

    def create(number: int) -> None:
        with crm.session() as session:
            session.create("customer", {**ROW, "name": f"Customer {number}"})

    return create


def with_orm(folder: Path) -> Callable[[int], None]:
    """Return a function that adds one row of the same table through the ORM."""
    crm = CRM(load(Config()), f"sqlite:///{folder / 'orm.db'}")
    crm.upgrade()
    engine, table = create_store_engine(f"sqlite:///{folder / 'orm.db'}"), crm.runtime.tables.entity["customer"]
    mapped: Any = type("Customer", (), {})
    registry().map_imperatively(mapped, table)

    def create(number: int) -> None:
        with Session(engine) as session:
            now, name = crm.now(), f"Customer {number}"
            session.add(
                mapped(**{**ROW, "annual_revenue": 1234, "name": name}, version=1, created_at=now, updated_at=now)
            )
            session.commit()

    return create


def main() -> None:
    """Print both rates and their ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=300, help="rows in each turn")
    options.add_argument("--turns", type=int, default=7)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = {"crmcore": with_crmcore(Path(folder)), "ORM": with_orm(Path(folder))}
        rates: dict[str, list[float]] = {name: [] for name in sides}
        for turn in range(chosen.turns):
            for name, create in sides.items():
                start = time.perf_counter()
                for number in range(chosen.rows):
                    create(turn * chosen.rows + number)
                rates[name].append(chosen.rows / (time.perf_counter() - start))
    medians = {name: statistics.median(measured) for name, measured in rates.items()}
    for name, rate in medians.items():
        print(f"{name:8} {rate:7.0f} rows/s")
    print(f"crmcore creates at {medians['crmcore'] / medians['ORM']:.2f} times the rate of the ORM")


if __name__ == "__main__":
    main()
