"""Upgrades: what changes, what is refused, and that nothing stored is lost on the way."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from attrs import evolve
from sqlalchemy import inspect, select, text
from store_entities import (
    ALL,
    CUSTOMER,
    NOW,
    ORDER,
    Database,
    composed,
    conditions,
    create_database,
    entity,
    of,
    with_fields,
)
from store_entities import text as text_field

from crmcore.errors import DatabaseError, MigrationRefused, UsageError
from crmcore.schema.model import Entity, Kind
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.history import HistoryRow, append, read
from crmcore.store.installed import check_up_to_date, read_installed
from crmcore.store.migrate import OriginStatus, status
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _values(database: Database, name: str) -> list[dict[str, Any]]:
    table = database.tables.entity[name]
    codec = database.codec(name)
    with reading(database.engine) as connection:
        return [codec.decode_json(row) for row in connection.execute(select(table).order_by(table.c.id))]


def _structure(database: Database) -> dict[str, tuple[set[str], set[str]]]:
    with reading(database.engine) as connection:
        inspector = inspect(connection)
        return {
            name: (
                {column["name"] for column in inspector.get_columns(name)},
                {str(index["name"]) for index in inspector.get_indexes(name)},
            )
            for name in inspector.get_table_names()
        }


def _assert_as_built(database: Database) -> None:
    """Compare the database with the tables, and look whether references are still enforced."""
    with reading(database.engine) as connection:
        # SQLAlchemy does not read from SQLite that a column's own reference is deferrable, so those are compared here.
        options = {"include_object": lambda _item, _name, kind, *_: kind != "foreign_key_constraint"}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, database.tables.metadata) == []
        for name, table in database.tables.metadata.tables.items():
            stored = {
                (key["constrained_columns"][0], key["referred_table"])
                for key in inspect(connection).get_foreign_keys(name)
            }
            assert stored == {(key.parent.name, key.column.table.name) for key in table.foreign_keys}
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
            assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []


def test_indexes_that_cover_other_rows_are_made_again_and_no_others(database: Database) -> None:
    """As in databases that were restored or copied when archives did not say which rows those are."""
    right = conditions(database.engine)
    wrong = {
        "ix_crm_customer_parent": "crm_customer (parent) WHERE deleted_at IS NULL",
        "ix_crm_customer_name__folded": "crm_customer (name__folded)",
        "uq_crm_customer_code__folded": "UNIQUE crm_customer (code__folded)",
        "uq_crm_customer_source_external_id": "UNIQUE crm_customer (source, external_id) WHERE deleted_at IS NULL",
        "ix_crmcore_history_because": "crmcore_history (because) WHERE length(because) > 2",
    }
    with writing(database.engine) as connection:
        for name, said in wrong.items():
            unique = "UNIQUE" if said.startswith("UNIQUE") else ""
            connection.execute(text(f"DROP INDEX {name}"))
            connection.execute(text(f"CREATE {unique} INDEX {name} ON {said.removeprefix('UNIQUE ')}"))
    assert {name for name in right if conditions(database.engine)[name] != right[name]} == {*wrong}

    done = database.changed_to(core="1.1").upgrade()

    assert conditions(database.engine) == right
    assert sorted(statement.split()[0] for statement in done.statements) == ["CREATE"] * 5 + ["DROP"] * 5


def test_external_ids_that_deleted_records_share_are_named_before_their_index_is_made_again(database: Database) -> None:
    taken = {"source": "erp", "external_id": "7"}
    name = "uq_crm_customer_source_external_id"
    with writing(database.engine) as connection:
        connection.execute(text(f"DROP INDEX {name}"))
        live = "crm_customer (source, external_id) WHERE deleted_at IS NULL"
        connection.execute(text(f"CREATE UNIQUE INDEX {name} ON {live}"))
    database.insert("customer", taken, {**taken, "deleted_at": NOW})

    with pytest.raises(MigrationRefused, match=r"customer\.source, external_id: 2 records have 'erp, 7'"):
        database.changed_to(core="1.1").upgrade()


def _core(*changed: Entity, version: str = "1.1", without: Sequence[str] = ()) -> Mapping[str, Any]:
    entities = {name: e for name, e in {**ALL, **composed(*changed)}.items() if name not in without}
    return {"entities": entities, "versions": {"core": version}}


# -- what is made and what changes ---------------------------------------------------------------------------------


def test_a_new_database_gets_all_tables_and_needs_nothing_more(database: Database) -> None:
    _assert_as_built(database)

    again = database.upgrade()

    assert (again.origins, again.statements) == ((), ())


def test_status_tells_versions_what_is_behind_and_what_is_disabled(database_url: str) -> None:
    database = create_database(database_url, core="1.0", abc="2.0")
    later = Database(database.engine, versions={"core": "1.1", "tabular": "0.1"})

    found = status(later.engine, later.tables, later.origins)

    assert found == (
        OriginStatus("core", "1.0", "1.1", True),
        OriginStatus("tabular", None, "0.1", True),
        OriginStatus("abc", "2.0", None, False),
    )
    database.engine.dispose()


def test_fields_entities_and_indexes_are_added(database: Database) -> None:
    database.insert("customer", {"name": "A"})
    customer = with_fields(
        CUSTOMER,
        text_field("fax", index=True),
        of(Kind.REF, "agent", ref="user"),
        of(Kind.ANY_REF, "about", ref="*"),
        of(Kind.INTEGER, "staff", index=True),
    )
    visit = entity("visit", of(Kind.REF, "customer", ref="customer"), text_field("note"))
    later = database.changed_to(customer, visit, core="1.1")

    done = later.upgrade()

    assert done.origins == ("core",)
    _assert_as_built(later)
    (user,) = later.insert("user", {"login": "ann"})
    later.insert("customer", {"fax": "1", "agent": user, "about": "customer:1"})
    assert _values(later, "customer") == [{"name": "A"}, {"fax": "1", "agent": user, "about": "customer:1"}]
    with pytest.raises(DatabaseError):
        later.insert("customer", {"agent": 99})


def test_no_table_is_copied_to_add_a_reference(tmp_path: Any) -> None:
    database = create_database(f"sqlite:///{tmp_path / 'crm.db'}")

    done = database.changed_to(with_fields(CUSTOMER, of(Kind.REF, "agent", ref="user")), core="1.1").upgrade()

    assert [statement.split()[0] for statement in done.statements] == ["ALTER", "CREATE"]
    database.engine.dispose()


def test_a_text_that_becomes_free_gets_its_folded_column_filled(database: Database) -> None:
    database.insert("customer", *({"region": "Éast"} for _ in range(3)), {})
    later = database.changed_to(with_fields(CUSTOMER, text_field("region", unique=False)), core="1.1")

    later.upgrade()

    table = later.tables.entity["customer"]
    with reading(later.engine) as connection:
        assert connection.execute(select(table.c.region__folded).order_by(table.c.id)).scalars().all() == [
            "éast"
        ] * 3 + [None]
    _assert_as_built(later)


def test_a_text_that_becomes_an_enum_loses_its_folded_column_and_keeps_its_values(database: Database) -> None:
    database.insert("customer", {"name": "Big"})
    later = database.changed_to(with_fields(CUSTOMER, text_field("name", enum=("Big",)), match=()), core="1.1")

    later.upgrade()

    _assert_as_built(later)
    assert "name__folded" not in _structure(later)["crm_customer"][0]
    assert _values(later, "customer") == [{"name": "Big"}]


def test_a_renamed_field_keeps_its_values_and_its_history(database: Database) -> None:
    (id,) = database.insert("customer", {"name": "Ä", "code": "7", "subject": "user:3"})
    with writing(database.engine) as connection:
        row = HistoryRow(
            at=NOW, actor="a", actor_id=None, entity="customer", record_id=id, action="update", version=2, source="api",
            old={"name": "name", "vip": None},
        )  # fmt: skip
        append(connection, database.tables, [row])
    customer = with_fields(
        CUSTOMER,
        text_field("title", was=("label", "name")),
        of(Kind.ANY_REF, "about", ref="*", was=("subject",)),
        without=("name", "subject"),
        match=(),
    )
    later = database.changed_to(customer, core="1.1")

    later.upgrade()

    _assert_as_built(later)
    assert _values(later, "customer") == [{"code": "7", "title": "Ä", "about": "user:3"}]
    with reading(later.engine) as connection:
        assert read(connection, later.tables, "customer", id)[0].old == {"title": "name", "vip": None}
        table = later.tables.entity["customer"]
        assert connection.execute(select(table.c.title__folded)).scalar_one() == "ä"


def test_a_renamed_entity_keeps_its_rows_ids_and_whatever_names_it(database: Database) -> None:
    ids = database.insert("order", {"number": "1"}, {"number": "2"})
    database.insert("customer", {"subject": f"order:{ids[1]}"}, {"subject": "user:1"})
    purchase = evolve(ORDER, name="purchase", plural="purchases", was=("order",))
    later = Database(database.engine, **_core(purchase, without=("order",)))

    later.upgrade()

    _assert_as_built(later)
    assert _values(later, "purchase") == [{"number": "1"}, {"number": "2"}]
    assert _values(later, "customer") == [{"subject": f"purchase:{ids[1]}"}, {"subject": "user:1"}]
    assert later.insert("purchase", {}) == [ids[1] + 1]


def test_the_trap_children_keep_their_rows_when_a_parent_is_copied(database: Database) -> None:
    (parent,) = database.insert("customer", {"name": "A", "staff": 3, "owner": None})
    database.insert("order", *({"customer": parent, "number": str(n)} for n in range(5)))
    later = database.changed_to(with_fields(CUSTOMER, without=("staff", "owner")), core="1.1")

    later.upgrade(drop=("customer.staff", "customer.owner"))

    _assert_as_built(later)
    assert _values(later, "customer") == [{"name": "A"}]
    assert [row["customer"] for row in _values(later, "order")] == [parent] * 5
    with pytest.raises(DatabaseError):
        later.insert("order", {"customer": 99})


def test_ids_are_not_given_out_again_after_a_table_was_copied(database: Database) -> None:
    database.insert("customer", {}, {}, {})
    with writing(database.engine) as connection:
        connection.execute(text("DELETE FROM crm_customer WHERE id > 1"))
    later = database.changed_to(with_fields(CUSTOMER, without=("staff",)), core="1.1")
    later.upgrade(drop=("customer.staff",))

    assert later.insert("customer", {}) == [4]


# -- kinds ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "values", "kind", "expected"),
    [
        ("staff", [7, -2], Kind.NUMBER, [7.0, -2.0]),
        ("staff", [7], Kind.MONEY, ["7.00"]),
        ("staff", [7], Kind.TEXT, ["7"]),
        ("score", [0.1, 5.0], Kind.TEXT, ["0.1", "5"]),
        ("score", [5.0], Kind.INTEGER, [5]),
        ("credit", ["-0.5"], Kind.TEXT, ["-0.50"]),
        ("vip", [True, False], Kind.TEXT, ["true", "false"]),
        ("since", ["2026-01-31"], Kind.TEXT, ["2026-01-31"]),
        ("since", ["2026-01-31"], Kind.INSTANT, ["2026-01-31T00:00:00Z"]),
        ("name", ["2026-01-31"], Kind.DATE, ["2026-01-31"]),
        ("name", ["12", "-3"], Kind.INTEGER, [12, -3]),
        ("subject", ["customer:4"], Kind.TEXT, ["customer:4"]),
    ],
)
def test_values_that_fit_another_kind_are_converted(
    database: Database, field: str, values: list[Any], kind: Kind, expected: list[Any]
) -> None:
    database.insert("customer", *({field: value} for value in values), {})
    later = database.changed_to(with_fields(CUSTOMER, of(kind, field), match=()), core="1.1")

    later.upgrade()

    _assert_as_built(later)
    assert _values(later, "customer") == [*({field: value} for value in expected), {}]


@pytest.mark.parametrize(
    ("kind", "ref", "expected"),
    [(Kind.INTEGER, None, 1), (Kind.ANY_REF, "*", "user:1"), (Kind.TEXT, None, "user:1")],
)
def test_references_are_converted(database: Database, kind: Kind, ref: str | None, expected: Any) -> None:
    (user,) = database.insert("user", {"login": "ann"})
    database.insert("customer", {"owner": user})
    later = database.changed_to(with_fields(CUSTOMER, of(kind, "owner", ref=ref)), core="1.1")

    later.upgrade()

    _assert_as_built(later)
    assert _values(later, "customer") == [{"owner": expected}]


@pytest.mark.parametrize(
    ("field", "value", "kind", "ref"),
    [
        ("name", "007", Kind.INTEGER, None),
        ("name", "many", Kind.INTEGER, None),
        ("name", "1e400", Kind.NUMBER, None),
        ("name", "soon", Kind.DATE, None),
        ("name", "maybe", Kind.BOOLEAN, None),
        ("name", "[1]", Kind.JSON, None),
        ("score", 1.5, Kind.INTEGER, None),
        ("credit", "0.0001", Kind.INTEGER, None),
        ("staff", 10**15, Kind.MONEY, None),
        ("met_at", "2026-01-31T10:00:00Z", Kind.DATE, None),
        ("tags", ["a"], Kind.TEXT, None),
        ("subject", "customer:4", Kind.REF, "customer"),
        ("staff", 4, Kind.REF, "customer"),
    ],
)
def test_values_that_would_be_lost_stop_the_upgrade_unless_named(
    database: Database, field: str, value: Any, kind: Kind, ref: str | None
) -> None:
    database.insert("customer", {field: value})
    later = database.changed_to(with_fields(CUSTOMER, of(kind, field, ref=ref), match=()), core="1.1")

    with pytest.raises(MigrationRefused, match=f"customer.{field}: 1 values"):
        later.upgrade()

    assert _values(database, "customer") == [{field: value}]
    _assert_as_built(database)
    later.upgrade(drop=(f"customer.{field}",))
    _assert_as_built(later)


def test_a_reference_to_another_entity_is_emptied_when_named(database: Database) -> None:
    (user,) = database.insert("user", {"login": "ann"})
    database.insert("customer", {"owner": user})
    later = database.changed_to(with_fields(CUSTOMER, of(Kind.REF, "owner", ref="team")), core="1.1")

    with pytest.raises(MigrationRefused):
        later.upgrade()
    later.upgrade(drop=("customer.owner",))

    _assert_as_built(later)
    assert _values(later, "customer") == [{}]


# -- what is refused -----------------------------------------------------------------------------------------------


def test_everything_that_would_be_dropped_is_named_at_once(database: Database) -> None:
    later = Database(database.engine, **_core(with_fields(CUSTOMER, without=("staff", "vip")), without=("order",)))

    with pytest.raises(MigrationRefused) as caught:
        later.upgrade()

    assert caught.value.message.splitlines()[1:] == ["customer.staff", "customer.vip", "order"]
    assert "--drop customer.staff --drop customer.vip --drop order" in (caught.value.hint or "")
    _assert_as_built(database)


def test_what_is_named_is_dropped(database: Database) -> None:
    database.insert("customer", {"name": "A", "staff": 1, "subject": "user:1"})
    later = Database(database.engine, **_core(with_fields(CUSTOMER, without=("staff", "subject")), without=("order",)))

    later.upgrade(drop=("customer.staff", "customer.subject", "order"))

    _assert_as_built(later)
    assert "crm_order" not in _structure(later)
    assert _structure(later)["crm_customer"][0].isdisjoint({"staff", "subject__entity", "subject__id"})
    assert later.upgrade().origins == ()


@pytest.mark.parametrize("name", ["customer.staf", "customer.name", "customer", "nothing"])
def test_a_name_that_is_not_dropped_is_a_mistake(database: Database, name: str) -> None:
    later = database.changed_to(with_fields(CUSTOMER, without=("staff",)), core="1.1")

    with pytest.raises(UsageError, match=name):
        later.upgrade(drop=("customer.staff", name))

    _assert_as_built(database)


def test_values_shared_by_records_stop_a_unique_index_and_are_listed(database: Database) -> None:
    database.insert("customer", {"name": "Ann"}, {"name": "ANN"}, {"name": "Bob"}, {"name": "bob", "deleted_at": NOW})
    later = database.changed_to(with_fields(CUSTOMER, text_field("name", unique=True)), core="1.1")

    with pytest.raises(MigrationRefused, match=r"customer\.name: 2 records have 'ann'") as caught:
        later.upgrade()

    assert "bob" not in caught.value.message
    _assert_as_built(database)


def test_duplicates_in_a_folded_column_that_is_new_are_found(database: Database) -> None:
    database.insert("customer", {"region": "East"}, {"region": "EAST"})
    later = database.changed_to(with_fields(CUSTOMER, text_field("region", unique=True)), core="1.1")

    with pytest.raises(MigrationRefused, match=r"customer\.region: 2 records have 'east'"):
        later.upgrade()

    _assert_as_built(database)


@pytest.mark.parametrize(
    ("installed", "running"), [("1.1", "1.0"), ("1.0.1", "1.0"), ("2", "1.99.99"), ("1.10", "1.9")]
)
def test_a_newer_database_is_refused(database_url: str, installed: str, running: str) -> None:
    newer = create_database(database_url, core="1.0", abc=installed)
    older = Database(newer.engine, versions={"core": "1.0", "abc": running})

    with pytest.raises(DatabaseError, match=f"abc {installed} > {running}"):
        older.upgrade()
    with pytest.raises(DatabaseError, match="newer versions"):
        status(older.engine, older.tables, older.origins)
    newer.engine.dispose()


def test_versions_that_differ_in_their_ending_only_are_no_newer(database_url: str) -> None:
    newer = create_database(database_url, core="1.0")

    assert Database(newer.engine, versions={"core": "1.0.0rc1"}).upgrade().origins == ("core",)
    newer.engine.dispose()


# -- plugins -------------------------------------------------------------------------------------------------------


def _with_plugin(base: Database) -> Database:
    customer = with_fields(
        CUSTOMER,
        text_field("fax", origin="abc", unique=True),
        of(Kind.REF, "agent", ref="user", origin="abc"),
    )
    survey = entity("survey", of(Kind.REF, "customer", ref="customer", origin="abc"), origin="abc")
    return base.changed_to(customer, survey, abc="1.0")


def test_what_a_disabled_plugin_stored_is_kept_and_reported(database: Database) -> None:
    enabled = _with_plugin(database)
    enabled.upgrade()
    (user,) = enabled.insert("user", {"login": "ann"})
    (id,) = enabled.insert("customer", {"fax": "1", "agent": user, "staff": 1})
    enabled.insert("survey", {"customer": id})
    before = _structure(enabled)

    disabled = database.changed_to(with_fields(CUSTOMER, without=("staff",)), core="1.1")
    done = disabled.upgrade(drop=("customer.staff",))

    assert done.kept == ("customer.agent", "customer.fax", "survey")
    after = _structure(disabled)
    assert after["crm_survey"] == before["crm_survey"]
    assert before["crm_customer"][0] - after["crm_customer"][0] == {"staff"}
    assert after["crm_customer"][1] == before["crm_customer"][1]
    with pytest.raises(DatabaseError), writing(disabled.engine) as connection:
        connection.execute(text("UPDATE crm_customer SET agent = 99"))

    again = _with_plugin(disabled)
    again.upgrade()
    _assert_as_built(again)
    assert _values(again, "customer") == [{"fax": "1", "agent": user}]


def test_what_a_disabled_plugin_stored_can_be_dropped_and_comes_back_empty(database: Database) -> None:
    enabled = _with_plugin(database)
    enabled.upgrade()
    enabled.insert("customer", {"fax": "1"})

    assert database.upgrade(drop=("customer.fax", "customer.agent", "survey")).kept == ()

    _assert_as_built(database)
    enabled.upgrade()
    _assert_as_built(enabled)
    assert _values(enabled, "customer") == [{}]


def test_a_rename_reaches_the_columns_of_a_disabled_plugin(database: Database) -> None:
    enabled = database.changed_to(with_fields(CUSTOMER, of(Kind.ANY_REF, "topic", ref="*", origin="abc")), abc="1.0")
    enabled.upgrade()
    enabled.insert("customer", {"topic": "order:5"})
    purchase = evolve(ORDER, name="purchase", plural="purchases", was=("order",))

    Database(database.engine, **_core(purchase, without=("order",))).upgrade()

    with reading(database.engine) as connection:
        assert connection.execute(text("SELECT topic__entity FROM crm_customer")).scalar_one() == "purchase"


def test_a_plugins_own_migration_runs_in_the_transaction(database: Database) -> None:
    enabled = _with_plugin(database)
    enabled.upgrade(migrate_plugin=lambda *_: pytest.fail("nothing of the plugin is there yet"))
    enabled.insert("customer", {"fax": "1"})
    later = enabled.changed_to(abc="1.1")
    calls: list[tuple[str, str]] = []

    def migrate(name: str, from_version: str, connection: Any) -> None:
        calls.append((name, from_version))
        connection.execute(text("UPDATE crm_customer SET fax = '2'"))

    later.upgrade(migrate_plugin=migrate)

    assert calls == [("abc", "1.0")]
    assert _values(later, "customer") == [{"fax": "2"}]


def test_a_plugins_failing_migration_takes_everything_back(database: Database) -> None:
    enabled = _with_plugin(database)
    enabled.upgrade()
    later = enabled.changed_to(with_fields(ORDER, text_field("extra")), abc="1.1", core="1.1")

    def migrate(*_: Any) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        later.upgrade(migrate_plugin=migrate)

    _assert_as_built(enabled)
    assert enabled.upgrade().origins == ()


def test_a_plugins_migration_may_not_leave_a_reference_to_nothing(database: Database) -> None:
    (customer,) = database.insert("customer", {})
    database.insert("order", {"customer": customer})
    later = database.changed_to(core="1.1")

    def migrate(_name: str, _from_version: str, connection: Any) -> None:
        connection.execute(text("UPDATE crm_order SET customer = 99"))

    with pytest.raises(DatabaseError):
        later.upgrade(migrate_plugin=migrate)

    assert _values(database, "order") == [{"customer": customer}]


# -- other people's tables -----------------------------------------------------------------------------------------


def test_tables_and_indexes_of_others_are_left_alone(database: Database) -> None:
    with writing(database.engine) as connection:
        connection.execute(text("CREATE TABLE invoices (id INTEGER PRIMARY KEY, crm_customer BIGINT)"))
        connection.execute(text("CREATE INDEX ix_invoices ON invoices (crm_customer)"))
        connection.execute(text("CREATE TABLE crm_theirs (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE INDEX theirs ON crm_customer (staff, vip)"))
    before = _structure(database)
    later = database.changed_to(with_fields(CUSTOMER, text_field("fax"), without=("score",)), core="1.1")

    later.upgrade(drop=("customer.score",))

    after = _structure(later)
    assert {name: after[name] for name in ("invoices", "crm_theirs")} == {
        name: before[name] for name in ("invoices", "crm_theirs")
    }
    assert "theirs" in after["crm_customer"][1]


# -- the rehearsal -------------------------------------------------------------------------------------------------


def test_a_dry_run_tells_what_would_happen_and_changes_nothing(database: Database) -> None:
    database.insert("customer", {"name": "A"}, {"name": "B", "vip": True}, {"name": "C", "deleted_at": NOW})
    before = _structure(database)
    later = database.changed_to(with_fields(CUSTOMER, text_field("fax", required=True)), core="1.1")

    def check(name: str, values: Mapping[str, Any]) -> list[Problem]:
        missing = name == "customer" and "fax" not in values
        return [Problem(message="is needed", field="fax")] if missing else []

    told = later.upgrade(dry_run=True, check=check)

    assert told.origins == ("core",)
    assert any("ADD COLUMN fax" in statement for statement in told.statements)
    assert told.refused.count == 2
    assert [str(ref) for ref, _problem in told.refused.problems] == ["customer:1", "customer:2"]
    assert _structure(database) == before
    assert later.upgrade().statements == told.statements


def test_a_dry_run_names_a_hundred_records_and_counts_them_all(database: Database) -> None:
    database.insert("customer", *({} for _ in range(130)))

    told = database.upgrade(dry_run=True, check=lambda *_: [Problem(message="no"), Problem(message="never")])

    assert told.refused.count == 130
    assert len(told.refused.problems) == 100
    assert told.refused.problems[2] == (Ref("customer", 2), Problem(message="no"))


def test_a_dry_run_on_an_empty_database_leaves_it_empty(database_url: str) -> None:
    database = Database(create_store_engine(database_url))

    assert database.upgrade(dry_run=True).statements
    assert _structure(database) == {}
    database.engine.dispose()


def test_what_was_installed_is_noted(database: Database) -> None:
    with reading(database.engine) as connection:
        core = read_installed(connection, database.tables)["core"]
        assert check_up_to_date(connection, database.tables, database.origins) == []

    assert (core.version, core.installed_at) == ("1.0", NOW)
    assert core.fields["customer"]["owner"].ref == "user"
    assert core.fields["customer"]["credit"].kind is Kind.MONEY
    assert core.documents == database.origins[0].documents
    assert set(core.fields) == {"user", "team", "customer", "order"}


def test_a_money_field_is_still_money_after_its_kind_was_changed_and_back(database: Database) -> None:
    database.insert("customer", {"credit": "12.5"})
    as_text = database.changed_to(with_fields(CUSTOMER, text_field("credit")), core="1.1")
    as_text.upgrade()
    back = as_text.changed_to(CUSTOMER, core="1.2")
    back.upgrade()

    with reading(back.engine) as connection:
        table = back.tables.entity["customer"]
        assert connection.execute(select(table.c.credit)).scalar_one() == Decimal("12.5")
    _assert_as_built(back)
