"""Several programs on one database at once: none is told that it is locked, and all of their work is there."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from crmcore import CRM, scoring
from crmcore.cli import main
from crmcore.errors import DatabaseError
from crmcore.importing import import_file, plan_file
from crmcore.importing.linking import created_entities
from crmcore.importing.rounds import Rounds

if TYPE_CHECKING:
    from pathlib import Path

    from crmcore.testing import MakeCRM

_ROWS = 2_500
"""Three pages a file."""


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


# -- on PostgreSQL, where several write at once -----------------------------------------------------------------------


@pytest.fixture
def crm(make_crm: MakeCRM, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> CRM:
    """A CRM whose chunks are two pages of three rows, and in which three keys are many."""
    monkeypatch.setattr("crmcore.importing.rounds._ROWS_PER_PAGE", 3)
    monkeypatch.setattr("crmcore.importing.rounds._PAGES_PER_CHUNK", 2)
    monkeypatch.setattr("crmcore.records.locks._FEW", 1)
    monkeypatch.setattr("crmcore.records.locks._MOST", 2)
    return make_crm(enabled=["tabular"], database_url=postgres_url)


def orders(path: Path, name: str, customers: list[str]) -> Path:
    """Write orders of customers; those of a row are one customer, whatever their number."""
    rows = [f"{name}{n},{customer},2026-01-10,1" for n, customer in enumerate(customers)]
    path.write_text("\n".join(["number,customer,order date,amount", *rows]), encoding="utf-8")
    return path


def test_two_imports_at_once_that_create_the_same_kinds_of_records_take_turns(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crmcore.importing.rounds._ATTEMPTS", 1)  # neither may have to give way
    # Every chunk begins with one new customer and comes to three others.
    files = [
        orders(tmp_path / f"{name}.csv", name, [f"{name} {n // 6} {max(n % 6, 2)}" for n in range(48)])
        for name in ("east", "west")
    ]
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(lambda path: import_file(crm, path, "order", create_missing=True), files))

    assert [(one.outcomes, one.created) for one in results] == [({"created": 48}, {"customer": 32})] * 2


def test_what_an_import_may_create_is_told_from_its_columns(make_crm: MakeCRM, tmp_path: Path) -> None:
    crm, path = make_crm(enabled=["tabular"]), tmp_path / "orders.csv"
    path.write_text("Order ID,Order Date,Customer Name,Sales Rep,Product ID,Quantity\n", encoding="utf-8")
    plan, _source = plan_file(crm, path, "order")
    of = [created_entities(plan, crm.registry.entities, missing=missing) for missing in (False, True)]
    assert of == [{"order", "order_line"}, {"order", "order_line", "customer", "user", "product"}]


def fail_once(state: str, attempts: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the database end second pages, as it ends one of two transactions that wait for each other."""
    save_page, left = Rounds._save_page, [0, 1] * attempts

    def ended(self: Rounds, session: Any, *arguments: Any) -> Any:
        if left and left.pop(0):
            session.connection.exec_driver_sql(f"DO $$ BEGIN RAISE EXCEPTION SQLSTATE '{state}'; END $$")
        return save_page(self, session, *arguments)

    monkeypatch.setattr(Rounds, "_save_page", ended)


def test_a_chunk_that_gave_way_to_another_transaction_is_saved_after_it(
    crm: CRM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = orders(tmp_path / "orders.csv", "S", ["Acme", "Cancity", "Nobody", "Bluth", "", "Acme", "Acme"])
    with monkeypatch.context() as few:
        fail_once("40P01", 3, few)
        few.setattr("crmcore.importing.rounds._ATTEMPTS", 3)
        with pytest.raises(DatabaseError, match="two transactions waited for each other; try again"):
            import_file(crm, path, "order", create_missing=True)
    with crm.session(read_only=True) as session:
        saved = session.count("customer")
    fail_once("40P01", 3, monkeypatch)
    result = import_file(crm, path, "order", create_missing=True)

    assert saved == 0
    assert (result.resumed, result.outcomes, result.created) == (0, {"created": 6, "rejected": 1}, {"customer": 4})
    assert [problem.line for problem in result.problems] == [6]
