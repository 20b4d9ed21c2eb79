"""Databases that have the tables of `conditions_world`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conditions_world import create_tables

from crmcore.store.engine import create_store_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = create_store_engine(database_url)
    create_tables(engine)
    with engine.connect() as opened:
        yield opened
    engine.dispose()
