"""The databases that the other tests stand on."""

from __future__ import annotations

import pytest
import sqlalchemy as sa


def _scratch(url: str) -> sa.Engine:
    return sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)


@pytest.mark.parametrize("attempt", range(2))
def test_each_test_gets_an_empty_database(database_url: str, attempt: int) -> None:
    with _scratch(database_url).begin() as connection:
        assert sa.inspect(connection).get_table_names() == []

        connection.exec_driver_sql("CREATE TABLE left_behind (id INTEGER)")


def test_the_server_is_a_real_postgresql(postgres_url: str) -> None:
    with _scratch(postgres_url).connect() as connection:
        assert connection.exec_driver_sql("SELECT version()").scalar_one().startswith("PostgreSQL ")
