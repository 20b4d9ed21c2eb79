"""Several programs on one SQLite file at once: none is told that it is locked, and all of their work is there."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from click.testing import CliRunner

from crmcore import CRM, scoring
from crmcore.cli import main
from crmcore.importing import import_file

if TYPE_CHECKING:
    from pathlib import Path

_ROWS = 2_500
"""Three chunks a file."""


def prepare(folder: Path) -> Path:
    """Make an instance with customers in two files and orders of the first ones in a third."""
    for arguments in (["init", str(folder)], ["plugins", "enable", "abc"], ["db", "upgrade"]):
        of = [] if arguments[0] == "init" else ["--config", str(folder / "crm.toml")]
        made = CliRunner(env={"LOGNAME": "ada"}).invoke(main, [*of, *arguments], catch_exceptions=False)
        assert made.exit_code == 0, made.output
    for name in ("east", "west"):
        rows = [f"{name}{n},Customer {name} {n},13800{n:06}" for n in range(_ROWS)]
        (folder / f"{name}.csv").write_text("\n".join(["code,name,phone", *rows]), encoding="utf-8")
    orders = [f"S{n},Customer east {n % 50},2026-01-{1 + n % 28:02},{n}" for n in range(500)]
    (folder / "orders.csv").write_text("\n".join(["number,customer,order date,amount", *orders]), encoding="utf-8")
    return folder / "crm.toml"


def start(config: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "crmcore", "--config", str(config), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "LOGNAME": "ada", "CRMCORE_LANG": "en"},
    )


def stored(config: Path) -> tuple[set[tuple[object, ...]], set[tuple[object, ...]]]:
    with CRM.open(config) as crm, crm.session(read_only=True) as session:
        fields = ("code", "name", "phone", "version", "abc_class", "purchase_grade")
        customers = {tuple(one[field] for field in fields) for one in session.iterate("customer")}
        orders = {(one["number"], one["amount"], one["version"]) for one in session.iterate("order")}
        return customers, orders


def test_imports_and_scoring_at_once_end_as_one_after_the_other(tmp_path: Path) -> None:
    alone, together = prepare(tmp_path / "alone"), prepare(tmp_path / "together")
    with CRM.open(alone) as crm:
        for name in ("east", "west"):
            import_file(crm, alone.parent / f"{name}.csv", "customer")
        import_file(crm, alone.parent / "orders.csv", "order")
        with crm.session() as session:
            for rule in scoring.rules(crm.registry):
                scoring.run(session, rule)
    with CRM.open(together) as crm:
        import_file(crm, together.parent / "east.csv", "customer")

    programs = [
        start(together, "import", "customer", str(together.parent / "west.csv")),
        start(together, "import", "order", str(together.parent / "orders.csv")),
        start(together, "score", "run"),
        start(together, "score", "run"),
    ]
    said = [program.communicate(timeout=120)[0] for program in programs]

    assert [program.returncode for program in programs] == [0, 0, 0, 0], said
    with CRM.open(together) as crm, crm.session() as session:  # what was imported behind the other runs has its turn
        for rule in scoring.rules(crm.registry):
            scoring.run(session, rule)
    assert stored(together) == stored(alone)
