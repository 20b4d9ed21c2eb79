"""Databases for tests: a fresh SQLite file, or a fresh database on a real PostgreSQL server."""

from __future__ import annotations

import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from postgres_server import Unavailable, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


pytest_plugins = ["pytester"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_url" in getattr(item, "fixturenames", ()):
            item.add_marker("postgresql")


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[str]:
    """The folder of the socket of this run's PostgreSQL server."""
    try:
        with running_server() as folder:
            yield folder
    except Unavailable as error:
        reason = f"PostgreSQL tests cannot run: {error}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)


@pytest.fixture
def postgres_url(postgres_socket: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that is dropped after the test."""
    with _fresh_postgres(postgres_socket) as url:
        yield url


@pytest.fixture
def another_postgres_url(postgres_socket: str) -> Iterator[str]:
    """The URL of a second empty PostgreSQL database."""
    with _fresh_postgres(postgres_socket) as url:
        yield url


@contextmanager
def _fresh_postgres(socket: str) -> Iterator[str]:
    psycopg = pytest.importorskip("psycopg", reason="PostgreSQL tests need the extra `postgres`")
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        yield f"postgresql://postgres@/{name}?host={quote(socket, safe='')}"
        server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
