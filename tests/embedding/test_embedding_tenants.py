"""The how-to on tenants and threads, followed; what its table of mistakes says is tested in tests/app."""

from __future__ import annotations

import importlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from embedding_pages import save
from sqlalchemy import create_engine

from crmcore import CRM, Config, load
from crmcore.errors import DatabaseError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the page."""
    save("many-tenants-and-threads.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("tenants")
    sys.modules.pop("tenants")


def test_tenants_share_what_was_loaded_and_nothing_else(page: Any, tmp_path: Path) -> None:
    tenants = page.Tenants(tmp_path / "crm.toml", page.address)
    names = ["north", "south"]
    with pytest.raises(DatabaseError, match="there is no database south"), tenants.crm("south").session():
        pass

    assert page.upgrade(tenants, names) == []

    with tenants.crm("north").session() as session:
        session.create("customer", {"name": "Acme"})
    with ThreadPoolExecutor(2) as pool:
        assert page.customers_of_all(tenants, names, pool) == {"north": 1, "south": 0}
    assert tenants.crm("north") is tenants.crm("north")
    assert tenants.crm("north").runtime is tenants.crm("south").runtime
    with pytest.raises(LookupError, match=r"no tenant '\.\./north'"):
        tenants.crm("../north")
    tenants.close()


def test_a_tenant_that_fails_is_named_and_stops_no_other(page: Any, tmp_path: Path) -> None:
    (tmp_path / "north.db").write_text("not a database, and longer than the header of one would be: " * 20)
    tenants = page.Tenants(tmp_path / "crm.toml", page.address)

    assert page.upgrade(tenants, ["north", "south"]) == ["north"]

    with tenants.crm("south").session(read_only=True) as session:
        assert session.count("customer") == 0
    tenants.close()


def test_a_thread_delivers_until_it_is_stopped(page: Any, tmp_path: Path) -> None:
    tenants = page.Tenants(tmp_path / "crm.toml", page.address)
    page.upgrade(tenants, ["south"])
    stop, asked = threading.Event(), threading.Event()

    def names() -> list[str]:
        asked.set()
        return ["south"]

    thread = threading.Thread(target=page.deliver_until, args=(stop, tenants, names, 0.01))
    thread.start()
    assert asked.wait(10)
    stop.set()
    thread.join(10)

    assert not thread.is_alive()
    tenants.close()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_child_process_shares_what_was_loaded_and_no_connection(database_url: str) -> None:
    engine = create_engine(database_url.replace("postgresql:", "postgresql+psycopg:"))
    crm = CRM(load(Config()), engine)
    crm.upgrade()
    with crm.session() as session:
        session.create("customer", {"name": "parent"})

    child = os.fork()
    if child == 0:  # nothing of pytest may run here
        code = 1
        try:
            with crm.session() as session:
                session.create("customer", {"name": "child"})
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0

    with crm.session(read_only=True) as session:
        assert [record.name for record in session.find("customer", order="id")] == ["parent", "child"]
    engine.dispose()
