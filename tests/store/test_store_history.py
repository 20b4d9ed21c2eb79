"""The history: what is written is read, and computed fields give the same JSON on both databases."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, insert, null, select, update
from store_entities import CUSTOMER, NOW, Database, of

from crmcore.schema.model import Kind
from crmcore.schema.values import TO_JSON, to_json
from crmcore.store.columns import COLUMN_TYPES
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.history import HistoryRow, append, computed_history, read
from crmcore.store.json_form import json_form

if TYPE_CHECKING:
    from collections.abc import Mapping

MOST = 2**53 - 1
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), min_size=1, max_size=20)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-MOST, MOST) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
VALUES = {
    Kind.TEXT: TEXTS.filter(str.strip).map(str.strip),
    Kind.INTEGER: st.integers(-MOST, MOST),
    # Older versions of SQLite write the last digit of a few far larger numbers wrong.
    Kind.NUMBER: st.floats(-1e30, 1e30).filter(lambda x: x == 0 or abs(x) > 1e-30).map(lambda x: x + 0.0),
    Kind.BOOLEAN: st.booleans(),
    Kind.MONEY: st.integers(-(10**18) + 1, 10**18 - 1).map(lambda n: Decimal(n).scaleb(-4)),
    Kind.DATE: st.dates(),
    Kind.INSTANT: st.datetimes(timezones=st.just(dt.UTC)),
    Kind.REF: st.integers(1, MOST),
    Kind.JSON: st.lists(PLAIN, min_size=1, max_size=4).map(lambda value: to_json(CUSTOMER.fields["tags"], value)),
}


def _row(id: int, action: str = "update", **old: Any) -> HistoryRow:
    return HistoryRow(
        at=NOW,
        actor="ann",
        actor_id=1,
        entity="customer",
        record_id=id,
        action=action,
        version=2,
        source="api",
        old=old,
    )


def test_changes_are_read_latest_first_with_their_values(database: Database) -> None:
    rows = [_row(1, name=None, tags=["a"], vip=True), _row(2, name="other"), _row(1, "delete", credit="1.50")]

    with writing(database.engine) as connection:
        append(connection, database.tables, rows)
        found = read(connection, database.tables, "customer", 1)

    assert [entry.action for entry in found] == ["delete", "update"]
    assert found[1].old == {"name": None, "tags": ["a"], "vip": True}
    assert found[0].at == NOW
    assert found[0].id > found[1].id


def test_no_changes_are_no_rows(database: Database) -> None:
    with writing(database.engine) as connection:
        append(connection, database.tables, [])
        assert read(connection, database.tables, "customer", 1) == []


def test_a_record_without_changes_has_no_history_of_its_namesake(database: Database) -> None:
    with writing(database.engine) as connection:
        append(connection, database.tables, [_row(1, name="x")])
        assert read(connection, database.tables, "order", 1) == []


def _write_computed(database: Database, new: Mapping[str, Any], fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Let a statement write the history of setting all customers to `new`, and return the old values."""
    table = database.tables.entity["customer"]
    changed = Table(
        "changed",
        MetaData(),
        Column("id", Integer, primary_key=True),
        *(Column(f"{prefix}_{name}", table.c[name].type) for prefix in ("new", "old") for name in fields),
        prefixes=["TEMPORARY"],
    )
    with writing(database.engine) as connection:
        changed.create(connection)
        values = [table.c.id, *(table.c[name] for name in fields)]
        columns = ["id", *(f"old_{name}" for name in fields)]
        connection.execute(insert(changed).from_select(columns, select(*values)))
        connection.execute(update(changed).values({f"new_{name}": new.get(name, null()) for name in fields}))
        statement = computed_history(
            database.tables,
            database.entities["customer"],
            rows=changed,
            old={name: changed.c[f"old_{name}"] for name in fields},
            new={name: changed.c[f"new_{name}"] for name in fields},
            at=NOW,
            actor="rule",
            actor_id=None,
            source="abc",
            dialect=connection.dialect.name,
        )
        connection.execute(statement)
        changed.drop(connection)
    with reading(database.engine) as connection:
        history = database.tables.history
        rows = connection.execute(select(history).order_by(history.c.record_id)).mappings().all()
    assert {(row["action"], row["actor"], row["actor_id"], row["version"]) for row in rows} <= {
        ("computed", "rule", None, 1)
    }
    return [dict(row["old"]) for row in rows]


def test_only_the_fields_that_differ_are_kept(database: Database) -> None:
    database.insert(
        "customer",
        {"region": "East", "credit": "5.00", "vip": True},
        {"region": "West", "credit": "1234.5", "vip": False},
        {},
    )

    new = {"region": "East", "credit": Decimal(5), "vip": False}
    found = _write_computed(database, new, ("region", "credit", "vip"))

    assert found == [
        {"vip": True},
        {"region": "West", "credit": "1234.50"},
        {"region": None, "credit": None, "vip": None},
    ]


def test_every_kind_has_its_canonical_form(database: Database) -> None:
    values = {
        "name": 'q"uo\\te\n佛',
        "staff": -5,
        "score": 0.1,
        "vip": False,
        "credit": "-0.05",
        "since": "0099-01-02",
        "met_at": "2026-11-21T18:55:00Z",
        "tags": ["a", {"b": None}],
    }
    (user,) = database.insert("user", {"login": "ann"})
    database.insert("customer", {**values, "owner": user})

    (old,) = _write_computed(database, {}, (*values, "owner"))

    assert old == {**values, "owner": user}


def test_an_empty_value_of_any_kind_is_null(database: Database) -> None:
    database.insert("customer", {})
    new = {"name": "A", "staff": 1, "score": 1.5, "vip": True, "credit": Decimal(5), "since": dt.date(2026, 1, 2)}
    (old,) = _write_computed(database, new, tuple(new))
    assert old == dict.fromkeys(new)


# Not shrunk: a row of all kinds takes minutes to, and the message names the kind.
@settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=5))
def test_sql_and_python_agree_on_the_json_form_of_every_value(database: Database, rows: list[dict[Kind, Any]]) -> None:
    engine = create_store_engine(database.engine.url)
    stored = Table(
        "sample",
        MetaData(),
        Column("id", Integer, primary_key=True),
        *(Column(kind.value, COLUMN_TYPES[kind]) for kind in VALUES),
        prefixes=["TEMPORARY"],
    )
    with writing(engine) as connection:
        stored.create(connection)
        connection.execute(
            insert(stored), [{"id": n, **{k.value: v for k, v in row.items()}} for n, row in enumerate(rows)]
        )
        forms = [json_form(kind, stored.c[kind.value], connection.dialect.name) for kind in VALUES]
        found = connection.execute(select(*forms).order_by(stored.c.id)).all()
        stored.drop(connection)
    engine.dispose()

    for row, texts in zip(rows, found, strict=True):
        for kind, text in zip(VALUES, texts, strict=True):
            found_value = json.loads(text, parse_int=float) if kind is Kind.NUMBER else json.loads(text)
            assert found_value == TO_JSON[kind](of(kind, "field", ref="user"), row[kind]), (kind, text)


def test_the_stored_form_of_a_sample_is_what_the_schema_layer_says() -> None:
    assert to_json(CUSTOMER.fields["credit"], Decimal("1234.5")) == "1234.50"
