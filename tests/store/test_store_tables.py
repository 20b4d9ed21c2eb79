"""Tables made from entities: which columns, indexes and foreign keys there are, and which names are too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable
from store_entities import ALL, CUSTOMER, ORDER, composed, entity, of
from store_entities import text as text_field

from crmcore.errors import SchemaError
from crmcore.schema.model import SYSTEM_FIELDS, Kind, MatchRule
from crmcore.store.tables import Tables, build_tables, column_names, compared_column

if TYPE_CHECKING:
    from sqlalchemy import Index, Table


def _indexes(table: Table) -> set[tuple[bool, tuple[str, ...]]]:
    return {(bool(index.unique), tuple(index.columns.keys())) for index in table.indexes}


def _index(table: Table, *columns: str) -> Index:
    return next(index for index in table.indexes if index.unique and tuple(index.columns.keys()) == columns)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return build_tables(ALL)


def test_each_entity_has_a_table_and_the_core_its_own(tables: Tables) -> None:
    assert set(tables.metadata.tables) == {
        *(f"crm_{name}" for name in ("customer", "order", "team", "user")),
        *(f"crmcore_{name}" for name in ("history", "import", "installed", "outbox", "reject")),
    }
    assert tables.entity["customer"].name == "crm_customer"


def test_columns_are_the_system_ones_then_the_fields_with_their_second_columns(tables: Tables) -> None:
    assert tables.entity["order"].c.keys() == [
        *SYSTEM_FIELDS,
        "number",
        "number__folded",
        "customer",
        "amount",
        "group",
        "group__folded",
    ]
    assert column_names(CUSTOMER.fields["subject"]) == ("subject__entity", "subject__id")
    assert [compared_column(CUSTOMER.fields[name]) for name in ("name", "region", "staff", "subject")] == [
        "name__folded",
        "region",
        "staff",
        "subject__entity",
    ]


def test_required_is_never_not_null() -> None:
    table = build_tables(composed(entity("note", text_field("title", required=True)))).entity["note"]

    assert {column.name for column in table.c if not column.nullable} == {"id", "version", "created_at", "updated_at"}


def test_indexes_are_those_that_references_owners_and_matching_need(tables: Tables) -> None:
    assert _indexes(tables.entity["customer"]) == {
        (True, ("source", "external_id")),
        (True, ("code__folded",)),
        (False, ("code__folded",)),
        (False, ("name__folded",)),
        (False, ("name__folded", "since")),
        (False, ("owner",)),
        (False, ("parent",)),
        (False, ("subject__entity", "subject__id")),
    }


def test_only_the_unique_indexes_of_fields_are_limited_to_live_rows(tables: Tables) -> None:
    customer = tables.entity["customer"]

    for dialect in (sqlite.dialect(), postgresql.dialect()):
        code = str(CreateIndex(_index(customer, "code__folded")).compile(dialect=dialect))
        external = str(CreateIndex(_index(customer, "source", "external_id")).compile(dialect=dialect))
        assert code.endswith("(code__folded) WHERE deleted_at IS NULL")
        assert external.endswith("(source, external_id) WHERE source IS NOT NULL AND external_id IS NOT NULL")


def test_a_match_rule_over_an_indexed_field_needs_no_second_index() -> None:
    thing = entity("thing", text_field("code", index=True), match=(MatchRule(fields=("code",)),))

    names = [index.name for index in build_tables(composed(thing)).entity["thing"].indexes]

    assert sorted(names) == ["ix_crm_thing_code__folded", "uq_crm_thing_source_external_id"]


def test_an_index_over_several_fields_tells_deleted_rows_and_serves_its_first_field_alone() -> None:
    visit = entity(
        "visit",
        of(Kind.REF, "customer", ref="customer"),
        of(Kind.DATE, "day", index=True),
        indexes=(("customer", "day"), ("customer", "day")),
    )
    table = build_tables(composed(visit)).entity["visit"]

    assert _indexes(table) == {
        (True, ("source", "external_id")),
        (False, ("customer", "day", "deleted_at")),
        (False, ("day",)),
    }
    (several,) = (index for index in table.indexes if len(index.columns) == 3)
    assert "WHERE" not in str(CreateIndex(several).compile(dialect=sqlite.dialect()))


def test_foreign_keys_have_no_cascade(tables: Tables) -> None:
    keys = {key.parent.name: key for key in tables.entity["customer"].foreign_keys}

    assert {name: key.column.table.name for name, key in keys.items()} == {
        "created_by": "crm_user",
        "updated_by": "crm_user",
        "owner": "crm_user",
        "parent": "crm_customer",
    }
    assert {(key.ondelete, key.onupdate) for key in keys.values()} == {(None, None)}


def test_without_users_nobody_is_referred_to() -> None:
    assert build_tables(composed(entity("note", text_field("title")))).entity["note"].foreign_keys == set()


@pytest.mark.parametrize(
    ("kind", "on_sqlite", "on_postgresql"),
    [
        (Kind.TEXT, "TEXT", 'TEXT COLLATE "C"'),
        (Kind.INTEGER, "BIGINT", "BIGINT"),
        (Kind.NUMBER, "DOUBLE", "DOUBLE PRECISION"),
        (Kind.BOOLEAN, "BOOLEAN", "BOOLEAN"),
        (Kind.MONEY, "BIGINT", "BIGINT"),
        (Kind.DATE, "DATE", "DATE"),
        (Kind.INSTANT, "DATETIME", "TIMESTAMP WITH TIME ZONE"),
        (Kind.JSON, "JSON", "JSONB"),
    ],
)
def test_each_kind_has_its_type(kind: Kind, on_sqlite: str, on_postgresql: str) -> None:
    table = build_tables(composed(entity("thing", of(kind, "field")))).entity["thing"]

    found = [
        next(
            line.strip().removesuffix(",")
            for line in str(CreateTable(table).compile(dialect=dialect)).splitlines()
            if line.strip().startswith("field ")
        )
        for dialect in (sqlite.dialect(), postgresql.dialect())
    ]

    assert found == [f"field {on_sqlite}", f"field {on_postgresql}"]


def test_long_index_names_are_cut_and_stay_different() -> None:
    fields = [of(Kind.INTEGER, f"{'very_' * 9}long_{end}", index=True) for end in ("one", "two")]

    table = build_tables(composed(entity("a_thing_with_a_name", *fields))).entity["a_thing_with_a_name"]

    names = {str(index.name) for index in table.indexes}
    assert len(names) == 3
    assert max(map(len, names)) == 63


def test_names_that_postgresql_would_cut_are_refused_all_at_once() -> None:
    long_entity = entity("e" * 60, text_field("short"))
    long_fields = entity("thing", text_field("t" * 56), text_field("u" * 55), of(Kind.ANY_REF, "a" * 56, ref="*"))

    with pytest.raises(SchemaError) as caught:
        build_tables(composed(long_entity, long_fields))

    named = [problem.message.split()[2] for problem in caught.value.problems]
    assert named == ["crm_" + "e" * 60, "t" * 56 + "__folded", "a" * 56 + "__entity"]


def test_words_of_sql_are_quoted(tables: Tables) -> None:
    assert '"group" TEXT' in str(CreateTable(tables.entity[ORDER.name]).compile(dialect=sqlite.dialect()))


def test_empty_cells_are_not_indexed_where_a_field_may_be_empty() -> None:
    note = entity("note", text_field("title", required=True, index=True), text_field("place", index=True))
    indexes = {index.name: index for index in build_tables(composed(note)).entity["note"].indexes}

    for dialect in (sqlite.dialect(), postgresql.dialect()):
        title = str(CreateIndex(indexes["ix_crm_note_title__folded"]).compile(dialect=dialect))
        place = str(CreateIndex(indexes["ix_crm_note_place__folded"]).compile(dialect=dialect))
        assert title.endswith("(title__folded)")
        assert place.endswith("(place__folded) WHERE place__folded IS NOT NULL")
