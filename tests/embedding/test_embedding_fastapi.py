"""The how-to for FastAPI, followed: its application answers over HTTP, on both databases."""

from __future__ import annotations

import importlib
import logging
import os
import runpy
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from embedding_pages import save
from sqlalchemy import make_url

from crmcore.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

testclient = pytest.importorskip("fastapi.testclient")

ADA = {"Authorization": "Bearer token-of-ada"}
GRACE = {"Authorization": "Bearer token-of-grace"}
GUEST = {"Authorization": "Bearer token-of-a-guest"}


@pytest.fixture
def shop(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The module of the page, deployed on an empty database."""
    save("embed-in-fastapi.md", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    url = make_url(database_url)
    named = url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
    monkeypatch.setenv("DATABASE_URL", named.render_as_string(hide_password=False))
    module = importlib.import_module("shop")
    yield module
    sys.modules.pop("shop", None)


def test_the_tests_of_the_page_pass_whatever_database_is_named_outside(tmp_path: Path) -> None:
    save("embed-in-fastapi.md", tmp_path)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider"]
    environment = {**os.environ, "DATABASE_URL": "sqlite:////nowhere/shop.db"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stdout
    assert "3 passed" in ran.stdout


def test_without_an_address_of_the_database_the_application_says_what_to_set(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    with pytest.raises(ConfigError, match="DATABASE_URL is not set"):
        runpy.run_path("deploy.py")


def test_the_application_answers_as_the_page_says(shop: Any, caplog: pytest.LogCaptureFixture) -> None:
    runpy.run_path("deploy.py")
    runpy.run_path("deploy.py")
    with testclient.TestClient(shop.app, headers=ADA) as client:
        creating(client)
        refusing(client)
        billing(shop, client)
        asking_at_once(client)
        breaking(shop, client, caplog)
    with testclient.TestClient(shop.app, headers=ADA) as client:
        assert client.get("/count").json() == {"customers": 3}  # it starts again after its shutdown


def creating(client: Any) -> None:
    made = client.post("/customers", json={"name": "Acme", "region": "East"})
    assert (made.status_code, made.headers["ETag"], made.json()["id"]) == (201, '"1"', 1)
    changed = client.patch("/customers/1", json={"region": "West"})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    late = client.patch("/customers/1", json={"region": "South"}, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "conflict")
    assert client.patch("/customers/1", json={}, headers={"If-Match": "nonsense"}).status_code == 422
    read = client.get("/customers/1")
    assert (read.json()["region"], read.headers["ETag"]) == ("West", '"2"')
    listed = client.get("/customers", params={"where": "region = 'West'"}).json()
    assert ([one["name"] for one in listed["customers"]], listed["next"]) == (["Acme"], None)


def refusing(client: Any) -> None:
    asked = {
        client.get("/customers", headers={"Authorization": "Bearer of nothing"}): (401, None),
        client.get("/customers", params={"where": "nmae = 'x'"}): (400, "condition"),
        client.get("/customers", params={"after": "nonsense"}): (400, "usage"),
        client.post("/customers", json={"nmae": "Acme"}): (422, "validation"),
        client.post("/customers", json={"name": "Acme"}): (409, "duplicate"),
        client.get("/customers/99"): (404, "not_found"),
        client.post("/customers", json={"name": "Cancity"}, headers=GUEST): (403, "access_denied"),
    }
    assert {answer: (answer.status_code, answer.json().get("code")) for answer in asked} == asked
    refused = client.post("/customers", json={"name": "x", "nmae": "y"}, headers={"Accept-Language": "fr,en"}).json()
    assert [problem["field"] for problem in refused["problems"]] == ["nmae"]


def billing(shop: Any, client: Any) -> None:
    billed = client.post("/bills/1", json={"name": "Cancity"})
    assert (billed.status_code, billed.json()) == (201, {"invoice": "1", "customer": "customer:2"})
    repeated = client.post("/bills/1", json={"name": "Zumgoity"})
    assert (repeated.status_code, repeated.json()) == (
        409,
        {
            "code": "duplicate",
            "message": "number: there is an invoice 1 already",
            "hint": "Choose another number.",
            "problems": [{"message": "there is an invoice 1 already", "code": "unique", "field": "number"}],
        },
    )
    # The customer is not kept either.
    assert client.get("/count").json() == {"customers": 2}
    assert client.post("/bills/2", json={"name": ""}).status_code == 422
    assert client.delete("/customers/2").status_code == 403
    assert invoices(shop) == 1
    assert client.delete("/customers/2", headers=GRACE).status_code == 204
    assert invoices(shop) == 0


def invoices(shop: Any) -> int:
    with shop.OrmSession(shop.app.state.crm.engine) as orm:
        found: int = orm.query(shop.Invoice).count()
        return found


def asking_at_once(client: Any) -> None:
    def work(number: int) -> tuple[int, int]:
        made = client.post("/customers", json={"name": "Zumgoity" if number else "Bluth"}).status_code
        return made, client.get("/customers").status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(work, range(4)))
    assert sorted(answers) == [(201, 200), (201, 200), (409, 200), (409, 200)]


def breaking(shop: Any, client: Any, caplog: pytest.LogCaptureFixture) -> None:
    engine = shop.app.state.crm.engine
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE crm_customer RENAME TO elsewhere")
    with caplog.at_level(logging.ERROR):
        broken = client.get("/customers/1")
    assert (broken.status_code, broken.json()) == (503, {"code": "database"})
    assert "crm_customer" in caplog.text
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO crm_customer")
