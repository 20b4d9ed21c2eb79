"""Rows into tables and back: what is written in JSON form is read in JSON and in Python form."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, IntegrityError
from store_entities import NOW, STAMPED, Database, create_database

from crmcore.errors import DatabaseError
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.store.engine import reading, writing
from crmcore.store.failures import read_violation
from crmcore.store.rows import allocate_ids, insert_rows, update_rows
from crmcore.store.selection import Selection
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Sequence

FULL = {
    "name": "Straße 佛山 'x' \\ \t\n\"",
    "code": "Ａ-1",
    "region": "East",
    "staff": 2**53 - 1,
    "score": 0.1,
    "vip": False,
    "credit": "-12345678901234.5678",
    "since": "0099-12-31",
    "met_at": "2026-11-21T18:55:00.000001Z",
    "tags": ["a", {"b": None, "c": [1.5, "ü\\"]}],
    "subject": "customer:7",
}


def _rows(database: Database, name: str = "customer") -> Sequence[Any]:
    table = database.tables.entity[name]
    with reading(database.engine) as connection:
        return connection.execute(select(table).order_by(table.c.id)).all()


def _values(database: Database) -> dict[str, Any]:
    """Return the first customer as it is read."""
    selection = Selection(database.entities["customer"], database.tables.entity["customer"])
    with reading(database.engine) as connection:
        return selection.named(connection.execute(selection.statement.order_by(selection.table.c.id)).first())


@pytest.mark.parametrize("copies", [1, 60], ids=["by executemany", "by COPY where there is one"])
def test_values_come_back_as_they_were_written(database: Database, copies: int) -> None:
    rows = [{**FULL, "code": f"A{n}"} for n in range(copies)]

    database.insert("customer", *rows)

    codec = database.codec("customer")
    stored = _rows(database)
    assert [codec.decode_json(row) for row in stored] == rows
    python = _values(database)
    assert list(python) == [*SYSTEM_FIELDS, *database.entities["customer"].fields]
    assert python["credit"] == Decimal("-12345678901234.5678")
    assert python["since"] == dt.date(99, 12, 31)
    assert python["met_at"] == dt.datetime(2026, 11, 21, 18, 55, 0, 1, tzinfo=dt.UTC)
    assert python["subject"] == Ref("customer", 7)
    assert python["vip"] is False
    assert python["created_at"] == NOW
    assert python["created_at"].utcoffset() == dt.timedelta()


@pytest.mark.parametrize("copies", [1, 60])
def test_an_empty_record_is_null_in_every_column(database: Database, copies: int) -> None:
    database.insert("customer", *({} for _ in range(copies)))

    row = _rows(database)[0]
    codec = database.codec("customer")
    assert codec.decode_json(row) == {}
    assert {name for name, value in row._mapping.items() if value is not None} == {
        "id",
        "version",
        "created_at",
        "updated_at",
    }
    assert _values(database)["subject"] is None


def test_free_text_is_stored_folded_beside_itself(database: Database) -> None:
    database.insert("customer", {"name": "ＳＴＲＡẞＥ", "region": "East"})

    (row,) = _rows(database)
    assert (row.name, row.name__folded) == ("ＳＴＲＡẞＥ", "strasse")
    assert "region__folded" not in row._mapping


def test_text_sorts_by_code_point_on_both_databases(database: Database) -> None:
    names = ["b", "B", "a", "Z", "ä", "_", "佛", "𠀀", "-a", "\ufffd"]
    database.insert("customer", *({"region": name} for name in names))
    table = database.tables.entity["customer"]

    with reading(database.engine) as connection:
        found = connection.execute(select(table.c.region).order_by(table.c.region)).scalars().all()

    assert found == ["-a", "B", "Z", "_", "a", "b", "ä", "佛", "\ufffd", "𠀀"]


def test_sums_of_money_are_exact(database: Database) -> None:
    database.insert("customer", *({"credit": "0.10"} for _ in range(3)))
    credit = database.tables.entity["customer"].c.credit

    with reading(database.engine) as connection:
        found = connection.execute(select(func.sum(credit), func.max(credit)).where(credit >= Decimal("0.1"))).one()

    assert found == (Decimal("0.3"), Decimal("0.1"))


def test_an_instant_without_its_time_zone_is_refused(database: Database) -> None:
    created = database.tables.entity["customer"].c.created_at
    naive = select(created).where(created > dt.datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake under test

    with pytest.raises(DatabaseError, match="2026-01-01"), reading(database.engine) as connection:
        connection.execute(naive)


def test_ids_are_never_given_out_twice(database: Database) -> None:
    first = database.insert("customer", {}, {}, {})
    table = database.tables.entity["customer"]
    with writing(database.engine) as connection:
        connection.execute(table.delete())

    second = database.insert("customer", {})

    assert first == [1, 2, 3]
    assert second == [4]


def test_ids_go_on_after_a_row_with_an_id_of_its_own_on_sqlite(tmp_path: Any) -> None:
    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")
    codec = database.codec("customer")
    with writing(database.engine) as connection:
        insert_rows(connection, codec, [{}], {"id": [1000]}, STAMPED)
        assert list(allocate_ids(connection, codec.table, 2)) == [1001, 1002]


def test_nothing_is_inserted_for_no_rows(database: Database) -> None:
    with writing(database.engine) as connection:
        insert_rows(connection, database.codec("customer"), [], {}, {})

    assert _rows(database) == []


def test_an_update_sets_fields_counts_up_and_leaves_the_rest(database: Database) -> None:
    one, two = database.insert("customer", {"name": "A", "staff": 1, "subject": "user:1"}, {"name": "B", "staff": 2})

    with writing(database.engine) as connection:
        stale = update_rows(
            connection,
            database.codec("customer"),
            ["name", "subject", "tags"],
            [
                (one, 1, {"name": "Ä", "tags": ["x"]}, {"updated_at": NOW + dt.timedelta(days=1)}),
                (two, 1, {"name": "C", "subject": "team:9"}, {"updated_at": NOW}),
            ],
        )

    assert stale == ()
    codec = database.codec("customer")
    first, second = _rows(database)
    assert codec.decode_json(first) == {"name": "Ä", "staff": 1, "tags": ["x"]}
    assert codec.decode_json(second) == {"name": "C", "staff": 2, "subject": "team:9"}
    assert (first.version, second.version) == (2, 2)
    assert first.name__folded == "ä"
    assert first.updated_at == NOW + dt.timedelta(days=1)


def test_rows_that_somebody_else_changed_are_named_and_left_alone(database: Database) -> None:
    ids = database.insert("customer", *({"name": f"N{n}"} for n in range(4)))
    codec = database.codec("customer")
    with writing(database.engine) as connection:
        update_rows(connection, codec, ["name"], [(ids[1], 1, {"name": "theirs"}, {})])
    with writing(database.engine) as connection:
        mine = [(id, 1, {"name": "mine"}, {}) for id in [*ids, 999]]
        stale = update_rows(connection, codec, ["name"], mine)

    assert stale == (ids[1], 999)
    assert [(row.name, row.version) for row in _rows(database)] == [
        ("mine", 2),
        ("theirs", 2),
        ("mine", 2),
        ("mine", 2),
    ]


def test_system_columns_may_differ_from_row_to_row(database: Database) -> None:
    one, two = database.insert("customer", {"name": "A"}, {"name": "B"})

    with writing(database.engine) as connection:
        rows = [
            (one, 1, {"name": "A1"}, {"updated_at": NOW}),
            (two, 1, {"name": "B1"}, {"updated_at": NOW, "source": "erp", "external_id": "7"}),
        ]
        update_rows(connection, database.codec("customer"), ["name"], rows)

    first, second = _rows(database)
    assert (first.source, second.source, second.external_id) == (None, "erp", "7")


@pytest.mark.parametrize("copies", [1, 60])
def test_a_unique_value_that_is_taken_is_told_by_table_and_column(database: Database, copies: int) -> None:
    database.insert("customer", {"code": "a1"})
    rows = [{"code": f"B{n}"} for n in range(copies)]

    with (
        writing(database.engine) as connection,
        pytest.raises(IntegrityError) as caught,
        connection.begin_nested(),
    ):
        database.insert("customer", *rows, {"code": "A1"}, connection=connection)

    violation = read_violation(caught.value, database.tables.metadata)
    assert (violation.kind, violation.table, violation.columns) == ("unique", "crm_customer", ("code__folded",))
    assert len(_rows(database)) == 1


def test_a_unique_value_is_free_again_when_its_record_is_deleted(database: Database) -> None:
    database.insert("customer", {"code": "a1", "deleted_at": NOW}, {"code": "A1"})

    assert len(_rows(database)) == 2


def test_an_external_id_stays_taken_when_its_record_is_deleted(database: Database) -> None:
    database.insert("customer", {"source": "erp", "external_id": "1", "deleted_at": NOW})
    database.insert("customer", {"source": "erp", "external_id": "2"}, {"source": "shop", "external_id": "1"})

    with (
        writing(database.engine) as connection,
        pytest.raises(IntegrityError) as caught,
        connection.begin_nested(),
    ):
        database.insert("customer", {"source": "erp", "external_id": "1"}, connection=connection)

    violation = read_violation(caught.value, database.tables.metadata)
    assert violation.columns == ("source", "external_id")


@pytest.mark.parametrize("copies", [1, 60])
def test_a_reference_to_nothing_is_refused(database: Database, copies: int) -> None:
    with (
        writing(database.engine) as connection,
        pytest.raises(IntegrityError) as caught,
        connection.begin_nested(),
    ):
        database.insert("order", *({"customer": 77} for _ in range(copies)), connection=connection)

    assert read_violation(caught.value, database.tables.metadata).kind == "foreign_key"


def test_a_taken_primary_key_is_told(database: Database) -> None:
    (id,) = database.insert("customer", {})
    codec = database.codec("customer")
    with (
        writing(database.engine) as connection,
        pytest.raises(IntegrityError) as caught,
        connection.begin_nested(),
    ):
        insert_rows(connection, codec, [{}], {"id": [id]}, STAMPED)

    violation = read_violation(caught.value, database.tables.metadata)
    assert (violation.kind, violation.columns) == ("unique", ("id",))


def test_a_missing_system_column_is_neither_unique_nor_reference(database: Database) -> None:
    codec = database.codec("customer")

    with (
        writing(database.engine) as connection,
        pytest.raises(IntegrityError) as caught,
        connection.begin_nested(),
    ):
        insert_rows(connection, codec, [{}], {"id": [1]}, {})

    assert read_violation(caught.value, database.tables.metadata).kind == "other"


@pytest.mark.postgresql
def test_what_copy_refuses_is_raised_as_sqlalchemy_does_without_the_values(postgres_url: str) -> None:
    database = create_database(postgres_url)
    rows = [{"name": "secret name", "since": "not a date"} for _ in range(60)]

    with writing(database.engine) as connection, pytest.raises(DataError) as caught, connection.begin_nested():
        database.insert("customer", *rows, connection=connection)
    database.engine.dispose()

    assert "secret name" not in str(caught.value.params)
