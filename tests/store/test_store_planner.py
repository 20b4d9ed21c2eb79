"""What PostgreSQL's planner is told: statistics that it finds rows by, and to compile nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from store_entities import create_database

from crmcore.store.engine import reading, writing
from crmcore.store.planner import interpreted, refresh_statistics

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.postgresql
def test_nothing_is_compiled_inside_the_block_and_what_was_set_before_holds_after_it(postgres_url: str) -> None:
    database = create_database(postgres_url)
    setting = text("SELECT current_setting('jit')")

    with writing(database.engine) as connection:
        before = connection.execute(setting).scalar_one()
        with interpreted(connection):
            inside = connection.execute(setting).scalar_one()
        after = connection.execute(setting).scalar_one()

    assert (inside, after) == ("off", before)
    assert before == "on"  # as PostgreSQL comes
    database.engine.dispose()


def test_sqlite_has_nothing_to_be_told(tmp_path: Path) -> None:
    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")

    with writing(database.engine) as connection, interpreted(connection):
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    database.engine.dispose()
