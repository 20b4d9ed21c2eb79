"""A small CRM for the tests of conditions: entities, their tables, and deciding a condition in SQL and in Python."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from attrs import field, frozen
from sqlalchemy import Connection, Engine, and_, func, insert, select

from crmcore.conditions import Condition, PythonContext, Scope, SqlContext, Use, compile_condition
from crmcore.schema.model import Entity, Field, Kind, Relation
from crmcore.schema.values import fold
from crmcore.store.tables import build_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.types import Ref

TODAY = dt.date(2026, 11, 30)
NOW = dt.datetime(2026, 11, 30, 3, 30, tzinfo=dt.UTC)
SHANGHAI = ZoneInfo("Asia/Shanghai")
Row = dict[str, Any]


def _entity(name: str, plural: str, *fields: Field) -> Entity:
    strings = {"type": "array", "items": {"type": "string"}}
    properties = {f.name: strings if f.name == "tags" else {} for f in fields}
    return Entity(name=name, plural=plural, fields={f.name: f for f in fields}, schema={"properties": properties})


def _ref(name: str, to: str, **more: Any) -> Field:
    return Field(name=name, kind=Kind.REF, ref=to, **more)


ENTITIES: Mapping[str, Entity] = {
    e.name: e
    for e in (
        _entity("team", "teams", Field(name="name", kind=Kind.TEXT)),
        _entity("user", "users", Field(name="login", kind=Kind.TEXT, required=True), _ref("team", "team")),
        _entity(
            "customer",
            "customers",
            Field(name="name", kind=Kind.TEXT, required=True, titles={"en": "Name", "zh-CN": "客户名称"}),
            Field(name="alias", kind=Kind.TEXT),
            Field(name="region", kind=Kind.TEXT, enum=("East", "West", "华东"), titles={"zh-CN": "地区"}),
            Field(name="billing_region", kind=Kind.TEXT, enum=("East", "West", "华东")),
            Field(name="staff", kind=Kind.INTEGER),
            Field(name="branches", kind=Kind.INTEGER),
            Field(name="score", kind=Kind.NUMBER),
            Field(name="risk", kind=Kind.NUMBER),
            Field(name="vip", kind=Kind.BOOLEAN),
            Field(name="active", kind=Kind.BOOLEAN),
            Field(name="credit", kind=Kind.MONEY),
            Field(name="revenue", kind=Kind.MONEY),
            Field(name="since", kind=Kind.DATE),
            Field(name="until", kind=Kind.DATE),
            Field(name="met_at", kind=Kind.INSTANT),
            Field(name="seen_at", kind=Kind.INSTANT),
            Field(name="tags", kind=Kind.JSON),
            Field(name="address", kind=Kind.JSON),
            _ref("owner", "user"),
            _ref("parent", "customer"),
        ),
        _entity(
            "order",
            "orders",
            Field(name="number", kind=Kind.TEXT, exact=True),
            _ref("customer", "customer", required=True),
            _ref("buyer", "user"),
            Field(name="amount", kind=Kind.MONEY),
            Field(name="order_date", kind=Kind.DATE),
            Field(name="status", kind=Kind.TEXT, enum=("open", "paid"), open=True),
        ),
        _entity(
            "activity",
            "activities",
            Field(name="subject", kind=Kind.ANY_REF, ref="*"),
            Field(name="about", kind=Kind.TEXT),
            Field(name="done", kind=Kind.BOOLEAN),
        ),
    )
}
METRICS = {"orders_count": Kind.INTEGER, "abc.revenue": Kind.MONEY, "last_order": Kind.DATE}
TABLES = build_tables(ENTITIES).entity


def scope(entity: str = "customer", **more: Any) -> Scope:
    return Scope(ENTITIES[entity], ENTITIES, **more)


def compiled(text: str, entity: str = "customer", use: Use = Use.SCORING) -> Condition:
    metrics = METRICS if entity == "customer" and use is Use.SCORING else {}
    return compile_condition(text, scope(entity, metrics=metrics), use)


@frozen
class World:
    """Some rows, and the viewpoint from which conditions over them are decided."""

    rows: Mapping[str, list[Row]]
    """Entity -> rows in their Python form; a row with `deleted_at` does not count."""
    view: Mapping[str, Any] = field(
        factory=lambda: {"today": TODAY, "now": NOW, "timezone": SHANGHAI, "me": 1, "my_team": 1}
    )

    def live(self, entity: str) -> list[Row]:
        return [row for row in self.rows.get(entity, []) if row.get("deleted_at") is None]

    def chosen_in_python(self, condition: Condition) -> list[int]:
        context = self.python()
        return sorted(
            row["id"] for row in self.live(condition.entity) if condition.evaluate(self.with_metrics(row), context)
        )

    def chosen_in_sql(self, connection: Connection, condition: Condition) -> list[int]:
        table = TABLES[condition.entity]
        chosen = select(table.c.id).where(table.c.deleted_at.is_(None), condition.sql(table, self.sql()))
        return sorted(connection.execute(chosen).scalars())

    def python(self) -> PythonContext:
        return PythonContext(**self.view, fetch=self._fetch, related=self._related)

    def sql(self) -> SqlContext:
        return SqlContext(**self.view, rows=_rows, metric=_metric)

    def store(self, connection: Connection) -> None:
        """Replace what is in the database by these rows."""
        for table in reversed(list(TABLES.values())):
            connection.execute(table.delete())
        for entity, table in TABLES.items():
            rows = [_columns(ENTITIES[entity], row) for row in self.rows.get(entity, [])]
            if rows:
                connection.execute(insert(table), rows)

    def _fetch(self, entity: str, id: int) -> Row | None:
        return next((row for row in self.live(entity) if row["id"] == id), None)

    def _related(self, relation: Relation, of: Ref) -> Iterable[Row]:
        held = of if ENTITIES[relation.entity].fields[relation.field].kind is Kind.ANY_REF else of.id
        return (row for row in self.live(relation.entity) if row.get(relation.field) == held)

    def with_metrics(self, row: Row) -> Row:
        orders = [order for order in self.live("order") if order.get("customer") == row["id"]]
        amounts = [o["amount"] for o in orders if o.get("amount") is not None]
        dates = [o["order_date"] for o in orders if o.get("order_date") is not None]
        metrics = {
            "orders_count": len(orders),
            "abc.revenue": sum(amounts) if amounts else None,
            "last_order": max(dates, default=None),
        }
        return {**row, **metrics}


def create_tables(engine: Engine) -> None:
    next(iter(TABLES.values())).metadata.create_all(engine)


def _rows(entity: str) -> tuple[Any, Any]:
    alias = TABLES[entity].alias()
    return alias, alias.c.deleted_at.is_(None)


def _metric(name: str) -> Any:
    orders = TABLES["order"].alias()
    aggregate = {
        "orders_count": func.count(orders.c.id),
        "abc.revenue": func.sum(orders.c.amount),
        "last_order": func.max(orders.c.order_date),
    }[name]
    counted = and_(orders.c.customer == TABLES["customer"].c.id, orders.c.deleted_at.is_(None))
    return select(aggregate).where(counted).correlate_except(orders).scalar_subquery()


def _columns(entity: Entity, row: Row) -> Row:
    columns: Row = {
        "id": row["id"],
        "deleted_at": row.get("deleted_at"),
        "version": 1,
        "created_at": NOW,
        "updated_at": NOW,
    }
    for name, declared in entity.fields.items():
        value = row.get(name)
        if declared.kind is Kind.ANY_REF:
            columns |= {f"{name}__entity": value and value.entity, f"{name}__id": value and value.id}
        else:
            columns[name] = value
            if declared.folded:
                columns[f"{name}__folded"] = None if value is None else fold(value)
    return columns
