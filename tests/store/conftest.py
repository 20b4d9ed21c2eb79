"""A database with the tables of the entities in `store_entities`, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from store_entities import Database, create_database

from crmcore.store.engine import create_store_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = create_database(database_url)
    yield made
    made.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind, beside the one that `database` is."""
    if request.param == "sqlite":
        engine = create_store_engine(f"sqlite:///{tmp_path / 'restored.db'}")
    else:
        engine = create_store_engine(request.getfixturevalue("another_postgres_url"))
    yield engine
    engine.dispose()
