"""What is installed: which origins need an upgrade, and what is known of disabled ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from attrs import evolve
from store_entities import CUSTOMER, NOW, Database, composed, entity, of, with_fields
from store_entities import text as text_field

from crmcore.errors import DatabaseError
from crmcore.schema.model import Kind
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.installed import (
    Origin,
    StoredField,
    check_up_to_date,
    read_installed,
    refuse_newer,
    stored_fields,
    write_installed,
)
from crmcore.store.tables import build_tables

if TYPE_CHECKING:
    from collections.abc import Iterable

CORE = Origin("core", "1.0", {"customer.schema.json": {"properties": {"a": 1, "b": 2}}})


def _behind(database: Database, origins: Iterable[Origin]) -> list[str]:
    with reading(database.engine) as connection:
        return check_up_to_date(connection, database.tables, origins)


def test_in_an_empty_database_everything_needs_an_upgrade(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with reading(engine) as connection:
        assert read_installed(connection, build_tables({})) == {}
        assert check_up_to_date(connection, build_tables({}), [CORE, Origin("abc", "1", {})]) == ["core", "abc"]
    engine.dispose()


def test_an_origin_is_behind_when_its_version_or_a_document_differs(database: Database) -> None:
    (core,) = database.origins

    assert _behind(database, [core]) == []
    assert _behind(database, [Origin("core", "1.1", core.documents)]) == ["core"]
    assert _behind(database, [Origin("core", "1.0", {**core.documents, "visit": []})]) == ["core"]
    assert _behind(database, [core, Origin("abc", "1.0", {"customer.extend.json": {}})]) == ["abc"]


def test_a_new_plugin_without_schemas_needs_no_upgrade(database: Database) -> None:
    assert _behind(database, [*database.origins, Origin("mail", "1.0", {})]) == []


def test_origins_that_are_installed_and_not_expected_are_fine(database: Database) -> None:
    assert _behind(database, []) == []


def test_the_order_of_a_documents_members_does_not_matter() -> None:
    turned = Origin("core", "1.0", {"customer.schema.json": {"properties": {"b": 2, "a": 1}}})

    assert turned.digest == CORE.digest
    assert Origin("core", "1.0", {}).digest != CORE.digest


def test_what_is_written_is_read_and_written_again_it_is_replaced(database: Database) -> None:
    with writing(database.engine) as connection:
        core = read_installed(connection, database.tables)["core"]
        fields = {"customer": {"owner": StoredField(Kind.REF, "user", "clear", owner=True)}, "visit": {}}
        changed = evolve(core, version="2.0", digest="x", documents={"a": [1, None]}, fields=fields)
        write_installed(connection, database.tables, [changed])

        assert read_installed(connection, database.tables) == {"core": changed}

    assert changed.installed_at == NOW


@pytest.mark.parametrize(
    ("stored", "running"), [("1.0", "1.0"), ("1.0", "1.0.0"), ("0.9", "0.10"), ("1.2", "2rc1"), ("", "0")]
)
def test_versions_that_are_not_newer_are_accepted(stored: str, running: str) -> None:
    refuse_newer({"core": stored}, [Origin("core", running, {})])


def test_every_newer_origin_is_named() -> None:
    with pytest.raises(DatabaseError, match=r"core 2\.0 > 1\.0, abc 0\.10 > 0\.9"):
        refuse_newer({"core": "2.0", "abc": "0.10", "gone": "9"}, [Origin("core", "1.0", {}), Origin("abc", "0.9", {})])


def test_fields_belong_to_the_origin_that_declared_them() -> None:
    customer = with_fields(CUSTOMER, text_field("fax", origin="abc"))
    survey = entity("survey", origin="abc")
    entities = composed(customer, survey, entity("visit", of(Kind.DATE, "day")))

    assert stored_fields(entities, "abc") == {"customer": {"fax": StoredField(Kind.TEXT, folded=True)}, "survey": {}}
    assert set(stored_fields(entities, "core")) == {"customer", "visit"}
    assert stored_fields(entities, "other") == {}
