"""Statistics that PostgreSQL finds rows by."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from store_entities import create_database

from crmcore.store.engine import reading, writing
from crmcore.store.statistics import refresh_statistics


@pytest.mark.postgresql
def test_a_table_that_was_just_filled_is_known_to_have_different_values(postgres_url: str) -> None:
    database = create_database(postgres_url)
    database.insert("customer", *({"name": f"Customer {number}"} for number in range(300)))
    distinct = text("SELECT n_distinct FROM pg_stats WHERE tablename = 'crm_customer' AND attname = 'name__folded'")

    with writing(database.engine) as connection:
        refresh_statistics(connection, [database.tables.entity["customer"]])

    with reading(database.engine) as connection:
        assert connection.execute(distinct).scalars().all() == [-1]  # every row has its own
    database.engine.dispose()
