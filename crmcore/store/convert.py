"""Values on the move in an upgrade: from one kind to another, into folded columns, under new names.

Rows are read and written in batches, so memory stays flat. Columns are made and dropped by :mod:`crmcore.store.alter`.
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Text, bindparam, column, select, table, type_coerce, update
from sqlalchemy.dialects.postgresql import JSONB

from crmcore.i18n import gettext as _
from crmcore.schema.model import Field, Kind
from crmcore.schema.values import TO_JSON, fold, from_json, to_json
from crmcore.store.columns import COLUMN_TYPES
from crmcore.store.plans import Conversion, Plan, refusal
from crmcore.store.tables import FOLDED, REF_ENTITY, REF_ID, column_names, table_name
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnClause, ColumnElement, Connection, FromClause, Table, TableClause

    from crmcore.schema.model import Entity
    from crmcore.store.installed import StoredField
    from crmcore.store.tables import Tables

__all__ = ["WAS", "convert_fields", "convert_value", "fill_folded", "rename_in_rows"]

WAS = "__was"
"""Ending of a column whose values are being converted into the column that has its name now."""

_ROWS_PER_BATCH = 5_000
_SHOWN_VALUES = 3
_TRUTH = {"true": True, "1": True, "false": False, "0": False}


def convert_fields(
    connection: Connection,
    tables: Tables,
    entities: Mapping[str, Entity],
    conversions: Sequence[Conversion],
    drop: Collection[str],
) -> None:
    """Fill the new columns of fields whose kind changed; what does not fit becomes empty.

    Raises:
        MigrationRefused: values would be lost of fields that are not in `drop`.
    """
    losses: dict[str, str] = {}
    for conversion in conversions:
        name = f"{conversion.entity}.{conversion.field}"
        lost = _convert_field(connection, tables, entities[conversion.entity], conversion)
        if lost and name not in drop:
            sample = ", ".join(str(value) for value in lost[:_SHOWN_VALUES])
            text = _("{name}: {n} values of kind {old} do not fit kind {new}: {sample}")
            new = entities[conversion.entity].fields[conversion.field].kind
            losses[name] = text.format(name=name, n=len(lost), old=conversion.old.kind, new=new, sample=sample)
    if losses:
        raise refusal(losses.values(), losses)


def convert_value(old: Kind, field: Field, value: Any, ref: str | None = None) -> Any:
    """Return a stored value in the Python form of another kind, or None where it does not fit.

    Args:
        old: kind that the value has.
        field: the field as it is now.
        value: in its Python form.
        ref: the entity that a reference pointed to.
    """
    if field.kind is Kind.REF:
        return None  # a number is no proof that the record is there
    try:
        return from_json(field, to_json(field, _candidate(field.kind, old, _as_text(old, value, ref))))
    except (ValueError, InvalidOperation):
        return None


def fill_folded(connection: Connection, tables: Tables, plan: Plan, columns: Iterable[Column[Any]]) -> None:
    """Fill new folded columns of texts that are stored already; those of converted fields are filled by then."""
    converted = {(conversion.entity, conversion.field) for conversion in plan.conversions}
    entities = {table.name: name for name, table in tables.entity.items()}
    for added in columns:
        entity, name = entities.get(added.table.name, ""), added.name.removesuffix(FOLDED)
        if name != added.name and name in plan.stored.get(entity, {}) and (entity, name) not in converted:
            _fill_folded(connection, tables.entity[entity], name)


def rename_in_rows(
    connection: Connection,
    tables: Tables,
    stored: Mapping[str, Mapping[str, StoredField]],
    entities: Sequence[tuple[str, str]],
    fields: Sequence[tuple[str, str, str]],
) -> None:
    """Write the new names of entities and fields into rows that name them: the core's own, references to any record.

    Args:
        connection: the transaction of the upgrade.
        tables: the tables.
        stored: every stored field, those of disabled plugins included.
        entities: old name, new name.
        fields: entity, old name, new name.
    """
    own = (tables.history, tables.outbox, tables.imports)
    naming: list[tuple[TableClause, str]] = [(one, "entity") for one in own]
    for entity, there in stored.items():
        for name, how in there.items():
            if how.kind is Kind.ANY_REF:
                pair = name + REF_ENTITY
                naming.append((table(table_name(entity), column(pair, Text())), pair))
    for old, new in entities:
        for target, name in naming:
            connection.execute(update(target).where(target.c[name] == old).values({name: new}))
    for entity, old, new in fields:
        _rename_in_history(connection, tables, entity, old, new)


def _fill_folded(connection: Connection, stored: Table, name: str) -> None:
    statement = update(stored).where(stored.c.id == bindparam("row_id")).values({name + FOLDED: bindparam("folded")})
    for rows in _batches(connection, stored, stored.c.id, stored.c[name]):
        connection.execute(statement, [{"row_id": id, "folded": fold(value)} for id, value in rows])


def _rename_in_history(connection: Connection, tables: Tables, entity: str, old: str, new: str) -> None:
    # Rights on a field are checked by its name, so old values must not stay behind under another one.
    history = tables.history
    statement = update(history).where(history.c.id == bindparam("row_id")).values(old=bindparam("renamed"))
    named = [history.c.entity == entity, type_coerce(history.c.old, Text).contains(f'"{old}"')]
    if connection.dialect.name == "postgresql":
        named[1] = type_coerce(history.c.old, JSONB).has_key(old)
    for rows in _batches(connection, history, history.c.id, history.c.old, *named):
        renamed = [
            {"row_id": id, "renamed": {new if name == old else name: value for name, value in values.items()}}
            for id, values in rows
        ]
        connection.execute(statement, renamed)


def _convert_field(connection: Connection, tables: Tables, entity: Entity, conversion: Conversion) -> list[Any]:
    """Fill the new columns of one field and return the old values that are lost."""
    field, old = entity.fields[conversion.field], conversion.old
    target = tables.entity[entity.name]
    names = column_names(field)
    statement = (
        update(target).where(target.c.id == bindparam("row_id")).values({n: bindparam(f"new_{n}") for n in names})
    )
    lost: list[Any] = []
    for rows in _old_values(connection, target.name, conversion):
        parameters = []
        for id, value in rows:
            converted = convert_value(old.kind, field, value, old.ref)
            if converted is None or _back(field, old, converted) != value:
                lost.append(value)
            if converted is not None:
                stored = _stored(field, converted)
                parameters.append({"row_id": id, **{f"new_{n}": v for n, v in zip(names, stored, strict=True)}})
        if parameters:
            connection.execute(statement, parameters)
    return lost


def _old_values(connection: Connection, name: str, conversion: Conversion) -> Iterator[Sequence[tuple[int, Any]]]:
    old = conversion.old
    if old.kind is Kind.ANY_REF:
        pair = (
            column(conversion.field + REF_ENTITY + WAS, Text()),
            column(conversion.field + REF_ID + WAS, BigInteger()),
        )
        source = table(name, column("id"), *pair)
        for some in _batches(connection, source, source.c.id, pair[0], extra=pair[1]):
            yield [(id, Ref(entity, target)) for id, entity, target in some]
        return
    value: ColumnClause[Any] = column(conversion.field + WAS, COLUMN_TYPES[old.kind])
    source = table(name, column("id"), value)
    yield from _batches(connection, source, source.c.id, value)


def _batches(
    connection: Connection,
    source: FromClause,
    id: ColumnElement[int],
    value: ColumnElement[Any],
    *where: ColumnElement[bool],
    extra: ColumnElement[Any] | None = None,
) -> Iterator[Sequence[Any]]:
    """Yield the rows whose value is filled in, in batches by id, while the rows are being changed."""
    selected = select(id, value) if extra is None else select(id, value, extra)
    statement = selected.select_from(source).where(value.is_not(None), *where).order_by(id).limit(_ROWS_PER_BATCH)
    last = 0
    while rows := connection.execute(statement.where(id > last)).all():
        yield rows
        last = rows[-1][0]


def _stored(field: Field, value: Any) -> tuple[Any, ...]:
    if field.kind is Kind.ANY_REF:
        return (value.entity, value.id)
    return (value, fold(value)) if field.folded else (value,)


def _back(field: Field, old: StoredField, value: Any) -> Any:
    """Return what the old kind would make of the new value: where that is the old value, nothing is lost."""
    if old.kind is Kind.REF:
        return value if field.kind is Kind.INTEGER else Ref.parse(str(value)).id
    return convert_value(field.kind, Field(name=field.name, kind=old.kind, ref=old.ref), value, field.ref)


def _as_text(kind: Kind, value: Any, ref: str | None) -> str:
    if kind is Kind.REF:
        return f"{ref}:{value}"
    form = TO_JSON[kind](Field(name="", kind=kind), value)
    if isinstance(form, float) and form.is_integer():
        return str(int(form))
    return form if isinstance(form, str) else json.dumps(form, ensure_ascii=False)


def _candidate(kind: Kind, old: Kind, text: str) -> Any:
    """Return a text as something that `to_json` of a kind may take."""
    if kind in (Kind.INTEGER, Kind.NUMBER):
        number = Decimal(text.partition(":")[2] if old is Kind.REF else text)
        return int(number) if number == number.to_integral_value() else float(number)
    if kind is Kind.BOOLEAN:
        return _TRUTH.get(text.lower())
    if kind is Kind.INSTANT and old is Kind.DATE:
        return f"{text}T00:00:00Z"
    if kind is Kind.DATE and old is Kind.INSTANT:
        return text[:10]
    if kind is Kind.JSON:
        return json.loads(text) if old is Kind.JSON else None
    return text
