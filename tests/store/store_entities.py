"""Entities built by hand for the tests of the store, and a database that has their tables."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from sqlalchemy import inspect, select
from sqlalchemy import text as sql

from crmcore.schema.model import Entity, Field, Kind, MatchRule
from crmcore.store import history, outbox
from crmcore.store.engine import create_store_engine, reading, writing
from crmcore.store.installed import Origin
from crmcore.store.migrate import Upgrade, upgrade
from crmcore.store.rows import RowCodec, allocate_ids, insert_rows
from crmcore.store.tables import Tables, build_tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Engine

NOW = dt.datetime(2026, 11, 21, 18, 55, tzinfo=dt.UTC)
STAMPED = {"version": 1, "created_at": NOW, "updated_at": NOW}
"""The system columns that no row is without, besides the id."""


def text(name: str, **more: Any) -> Field:
    return Field(name=name, kind=Kind.TEXT, origin=more.pop("origin", "core"), **more)


def of(kind: Kind, name: str, **more: Any) -> Field:
    return Field(name=name, kind=kind, origin=more.pop("origin", "core"), **more)


def entity(name: str, *fields: Field, **more: Any) -> Entity:
    return Entity(
        name=name,
        plural=f"{name}s",
        fields={f.name: f for f in fields},
        schema={},
        origin=more.pop("origin", "core"),
        **more,
    )


USER = entity("user", text("login", unique=True), of(Kind.REF, "team", ref="team"))
TEAM = entity("team", text("name"), of(Kind.REF, "lead", ref="user"))
CUSTOMER = entity(
    "customer",
    text("name", index=True),
    text("code", unique=True),
    text("region", enum=("East", "West")),
    of(Kind.INTEGER, "staff"),
    of(Kind.NUMBER, "score"),
    of(Kind.BOOLEAN, "vip"),
    of(Kind.MONEY, "credit"),
    of(Kind.DATE, "since"),
    of(Kind.INSTANT, "met_at"),
    of(Kind.JSON, "tags"),
    of(Kind.REF, "owner", ref="user", owner=True),
    of(Kind.REF, "parent", ref="customer"),
    of(Kind.ANY_REF, "subject", ref="*"),
    match=(MatchRule(fields=("code",)), MatchRule(fields=("name", "since"))),
)
ORDER = entity(
    "order",
    text("number"),
    of(Kind.REF, "customer", ref="customer"),
    of(Kind.MONEY, "amount"),
    text("group"),
)


def composed(*entities: Entity) -> dict[str, Entity]:
    return {e.name: e for e in entities}


ALL = composed(USER, TEAM, CUSTOMER, ORDER)


def with_fields(base: Entity, *fields: Field, without: tuple[str, ...] = (), **more: Any) -> Entity:
    kept = {name: f for name, f in base.fields.items() if name not in without}
    return evolve(base, fields={**kept, **{f.name: f for f in fields}}, **more)


@frozen
class Database:
    """A database brought to the form of some entities."""

    engine: Engine
    entities: Mapping[str, Entity] = field(factory=lambda: ALL)
    versions: Mapping[str, str] = field(factory=lambda: {"core": "1.0"})
    tables: Tables = field(init=False)

    @tables.default
    def _tables(self) -> Tables:
        return build_tables(self.entities)

    @property
    def origins(self) -> list[Origin]:
        # The fields stand for the documents that they would have come from.
        return [
            Origin(name, version, {e.name: [repr(f) for f in e.fields.values()] for e in self.entities.values()})
            for name, version in self.versions.items()
        ]

    def upgrade(self, **options: Any) -> Upgrade:
        return upgrade(self.engine, self.tables, self.entities, self.origins, now=NOW, **options)

    def changed_to(self, *entities: Entity, **versions: str) -> Database:
        return Database(self.engine, {**self.entities, **composed(*entities)}, {**self.versions, **versions})

    def codec(self, name: str) -> RowCodec:
        return RowCodec(self.entities[name], self.tables.entity[name], self.engine.dialect)

    def insert(self, name: str, *rows: Mapping[str, Any], connection: Connection | None = None) -> list[int]:
        if connection is None:
            with writing(self.engine) as connection:
                return self.insert(name, *rows, connection=connection)
        codec = self.codec(name)
        ids = list(allocate_ids(connection, codec.table, len(rows)))
        given = ("source", "external_id", "deleted_at")
        values = [{k: v for k, v in row.items() if k not in given} for row in rows]
        own = {"id": ids, **{name: [row.get(name) for row in rows] for name in given}}
        insert_rows(connection, codec, values, own, STAMPED)
        return ids


def create_database(url: str, entities: Mapping[str, Entity] = ALL, **versions: str) -> Database:
    database = Database(create_store_engine(url), entities, versions or {"core": "1.0"})
    database.upgrade()
    return database


FULL = {
    "name": "Straße 佛山 'x' \\ \t\u2028\"",
    "code": "A-1",
    "region": "East",
    "staff": -(2**53) + 1,
    "score": 0.1,
    "vip": False,
    "credit": "-12345678901234.5678",
    "since": "0099-12-31",
    "met_at": "2026-11-21T18:55:00.000001Z",
    "tags": ["a", {"b": None, "c": [1.5, "ü"]}],
    "subject": "customer:7",
}


def fill(database: Database) -> None:
    """Write every kind of value, references in a circle, deleted rows, history, events and gaps in the ids."""
    (team,) = database.insert("team", {"name": "East"})
    (user,) = database.insert("user", {"login": "ann", "team": team})
    with writing(database.engine) as connection:
        connection.execute(sql("UPDATE crm_team SET lead = :user"), {"user": user})
    one, _two = database.insert("customer", {**FULL, "owner": user}, {"deleted_at": NOW})
    database.insert("customer", {"parent": one}, {"source": "erp", "external_id": "1"}, {})
    with writing(database.engine) as connection:
        connection.execute(sql("DELETE FROM crm_customer WHERE id = 5"))
        row = history.HistoryRow(
            at=NOW, actor="ann", actor_id=user, entity="customer", record_id=one, action="update", version=2,
            source="api", old={"name": None, "tags": ["x"]},
        )  # fmt: skip
        history.append(connection, database.tables, [row])
        outbox.append(
            connection, database.tables, plugins=["mail"], entity="customer", action="create", record_ids=[one],
            actor="ann", at=NOW,
        )  # fmt: skip


def conditions(engine: Engine) -> dict[str, str]:
    """The conditions of all indexes, in the words of the database, without parentheses, quotes and capitals."""
    with reading(engine) as connection:
        inspector = inspect(connection)
        indexes = [index for name in inspector.get_table_names() for index in inspector.get_indexes(name)]
    return {
        str(index["name"]): " ".join(str(said).translate(_PLAIN).lower().split())
        for index in indexes
        for said in [index.get("dialect_options", {}).get(f"{engine.dialect.name}_where", "")]
    }


_PLAIN = str.maketrans("", "", '()"')


def everything(database: Database) -> dict[str, list[dict[str, Any]]]:
    with reading(database.engine) as connection:
        return {
            name: [
                dict(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]
            for name, table in database.tables.metadata.tables.items()
        }
