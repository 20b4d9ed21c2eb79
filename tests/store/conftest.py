"""A database with the tables of the entities in `store_entities`, on SQLite and on PostgreSQL."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from store_entities import Database, create_database

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = create_database(database_url)
    yield made
    made.engine.dispose()
