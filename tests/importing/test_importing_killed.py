"""Imports that are killed at any moment, and started again: the end is the same as if nothing had happened."""

from __future__ import annotations

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from crmcore import CRM
from crmcore.cli import main
from crmcore.importing.register import imports
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# As the program is started, but with chunks of 50 rows: there are more moments between two of them.
_PROGRAM = """
from crmcore.cli import main
from crmcore.importing import rounds
rounds._ROWS_PER_PAGE, rounds._PAGES_PER_CHUNK = 25, 2
main()
"""
_KILLS = 10
"""Of each of the two files."""
_NOT_COMPARED = {"id", "created_at", "updated_at", "import_id", "at", "record_id", "started_at", "finished_at", "file"}
"""Columns that two undisturbed runs would not have in common either: numbers that were given, and instants."""


def customers() -> Iterator[Sequence[object]]:
    """Customers of 60 owners who are not there; a fifth has a parent further down, every 40th a bad date."""
    yield "code", "name", "owner", "parent", "founded date", "employees"
    for n in range(1, 1001):
        parent = f"Customer {1001 - n // 2}" if n % 5 == 0 else ""
        day = "2001-02-30" if n % 40 == 0 else f"{1990 + n % 30}-05-06"
        yield n, f"Customer {n}", f"Owner {n % 60}", parent, day, n


def order_lines() -> Iterator[Sequence[object]]:
    """Lines without numbers, three to an order and far apart, many alike; some bad, some that disagree."""
    yield "Order ID", "Order Date", "Customer ID", "Customer Name", "Product ID", "Product Name", "Sales", "Quantity"
    for n in range(1200):
        order = n % 400
        day = "2026-01-09" if n % 97 == 5 and n > 400 else f"2026-01-{10 + order % 20}"
        sales = "much" if n % 71 == 3 else f"{order % 7}.10"
        yield f"S{order}", day, f"K{order % 80}", f"Customer {order % 80}", f"P{n % 30}", f"Product {n % 30}", sales, 1


FILES = {"customer": customers, "order": order_lines}


def prepare(folder: Path, entity: str, database_url: str | None = None) -> Path:
    """Make an instance with a file to import, and return its configuration."""
    folder.mkdir()
    chosen = ["--database", database_url] if database_url else []
    made = CliRunner(env={"LOGNAME": "ada"}).invoke(main, ["init", str(folder), *chosen], catch_exceptions=False)
    assert made.exit_code == 0, made.output
    with (folder / "rows.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(FILES[entity]())
    return folder / "crm.toml"


def start(config: Path, entity: str) -> subprocess.Popen[bytes]:
    arguments = ["--config", str(config), "import", entity, str(config.parent / "rows.csv"), "--create-missing"]
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LOGNAME": "ada", "CRMCORE_LANG": "en"},
    )


def run_to_the_end(config: Path, entity: str) -> float:
    """Import without being disturbed; return how many seconds it took."""
    began = time.monotonic()
    process = start(config, entity)
    process.communicate(timeout=120)
    assert process.returncode == 1  # some rows are rejected
    return time.monotonic() - began


def kill_until_it_ends(config: Path, entity: str, delays: Sequence[float]) -> int:
    """Import and be killed after some seconds, again and again; return how often it was."""
    kills = 0
    for delay in delays:
        process = start(config, entity)
        try:
            process.communicate(timeout=delay)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        kills += process.returncode == -signal.SIGKILL
        if is_finished(config):  # perhaps just before it was killed
            return kills
    run_to_the_end(config, entity)
    return kills


def kill_after(config: Path, entity: str, rows: int) -> None:
    """Import until so many rows of the file are done with, and be killed while it goes on with the next ones."""
    process = start(config, entity)
    with CRM.open(config) as crm:
        while process.poll() is None:
            with crm.session(read_only=True) as session:
                if any(one.position >= rows for one in imports(session)):
                    break
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not is_finished(config)


def is_finished(config: Path) -> bool:
    with CRM.open(config) as crm, crm.session(read_only=True) as session:
        return [one.state for one in imports(session)] == ["finished"]


def outcome(config: Path) -> dict[str, list[str]]:
    """Return all that is stored, references by the name of the record, and the file of rejects."""
    with CRM.open(config) as crm, crm.session(read_only=True) as session:
        tables = {name: list(session.connection.execute(select(t)).mappings()) for name, t in stored(crm).items()}
        names: dict[str, dict[Any, str]] = {
            name: {row["id"]: str(row[entity.display]) for row in tables[name]}
            for name, entity in crm.registry.entities.items()
        }
        found = {
            name: sorted(repr(readable(crm, name, row, names)) for row in rows) for name, rows in tables.items() if rows
        }
    found["rejects"] = (config.parent / "rows.rejects.csv").read_text("utf-8-sig").splitlines()
    return found


def stored(crm: CRM) -> dict[str, Any]:
    tables = crm.runtime.tables
    return {**tables.entity, "history": tables.history, "import": tables.imports, "reject": tables.rejects}


def readable(crm: CRM, name: str, row: Any, names: dict[str, dict[Any, str]]) -> dict[str, Any]:
    entity = crm.registry.entities.get(name)
    references = {f.name: f.ref for f in entity.fields.values() if f.kind is Kind.REF} if entity else {}
    shown = {column: value for column, value in row.items() if column not in _NOT_COMPARED}
    if name == "history":
        shown["record"] = names[row["entity"]].get(row["record_id"])
    if name == "import":
        shown["rejects"] = shown.pop("rejects_digest") is not None
    for field, target in references.items():
        shown[field] = names[str(target)].get(row[field])
    return shown


@pytest.mark.parametrize("entity", ["customer", "order"])
def test_a_killed_import_ends_as_an_undisturbed_one(tmp_path: Path, entity: str) -> None:
    undisturbed = prepare(tmp_path / "undisturbed", entity)
    shutil.copytree(tmp_path / "undisturbed", tmp_path / "untouched")
    seconds = run_to_the_end(undisturbed, entity)
    expected = outcome(undisturbed)
    chance = random.Random(f"{entity} 2026")
    killed = 0
    for number in count():
        config = shutil.copytree(tmp_path / "untouched", tmp_path / f"killed {number}") / "crm.toml"
        delays = [chance.uniform(0.3, 0.9) * seconds for _kill in range(min(4, _KILLS - killed))]
        kills = kill_until_it_ends(config, entity, delays)
        assert outcome(config) == expected
        killed += kills
        if killed >= _KILLS:
            break
        if kills < len(delays):  # the machine is less busy than when the undisturbed run was measured
            seconds *= 0.8


def test_a_killed_import_ends_as_an_undisturbed_one_on_postgresql(
    tmp_path: Path, postgres_url: str, another_postgres_url: str
) -> None:
    undisturbed = prepare(tmp_path / "undisturbed", "order", postgres_url)
    run_to_the_end(undisturbed, "order")
    config = prepare(tmp_path / "killed", "order", another_postgres_url)
    for rows in (1, 300, 700):
        kill_after(config, "order", rows)
    run_to_the_end(config, "order")
    assert outcome(config) == outcome(undisturbed)
