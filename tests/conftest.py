"""Databases for tests: a fresh SQLite file, or a fresh database on a real PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, settings

from postgres_server import Unavailable, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest_plugins = ["pytester"]

# Databases are created by the thousand, and most of that is waiting for the disk: they are in memory where it has room.
_MEMORY = Path("/dev/shm")  # of this run's files pytest makes the names
_ROOM = 4 << 30
if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)

# A change must not fail on an example that has nothing to do with it: in continuous integration the examples are the
# same at every run. Whoever works here, or runs `make fuzz`, tries new ones each time. No deadline: machines are busy.
_USUAL = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.register_profile("exploring", _USUAL)
settings.register_profile("repeatable", _USUAL, derandomize=True, database=None)
settings.load_profile("repeatable" if os.environ.get("CI") and "FUZZ" not in os.environ else "exploring")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "postgres_socket" in getattr(item, "fixturenames", ()):
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


@pytest.fixture(scope="module")
def shared_postgres_url(postgres_socket: str) -> Iterator[str]:
    """The URL of a PostgreSQL database for all tests of a module, who clean up after themselves."""
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
