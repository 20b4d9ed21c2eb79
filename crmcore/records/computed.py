"""The second write door: read-only fields that rules own, written for all records in a few statements.

What differs is laid into a temporary table first. From it come the history, the update of just those rows, and the
batches that plugins are given; a run that changes nothing writes nothing. Versions stay as they are: a label that
a rule changed is no reason to refuse somebody's edit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Column, MetaData, Table, Text, case, cast, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from crmcore.access import live
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.records.drafts import Draft, DraftBatch
from crmcore.records.writing import record_events
from crmcore.schema.values import to_json
from crmcore.store.history import computed_history
from crmcore.store.stored_forms import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Row, Select

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity
    from crmcore.store.rows import RowCodec

__all__ = ["Changes", "write_computed"]

_ROWS_PER_BATCH = 10_000


@frozen
class Changes:
    """What a run of the second door changed."""

    records: int
    """Number of records of which some field differs now."""
    fields: Mapping[str, int]
    """For each field the number of records in which it differs now."""


def write_computed(session: Session, entity: Entity, fields: Sequence[str], values: Select[Any]) -> Changes:
    """Write computed fields where they differ from what is stored.

    Args:
        session: the transaction.
        entity: the entity whose fields they are.
        fields: names of fields that declare ``computed_by``.
        values: a SELECT with the column ``id`` and one column for each field, in their database types.

    Raises:
        UsageError: a field is not a computed one: it belongs to the first door; or the SELECT lacks a column, gives a
            record more than once, or gives a value that the field cannot have. An instant is UTC, and on SQLite
            text with six digits after its seconds.
    """
    for name in fields:
        declared = entity.fields.get(name)
        if declared is None or not declared.computed_by:
            raise UsageError(_("{entity}.{field} is not a computed field").format(entity=entity.name, field=name))
    table = session.runtime.tables.entity[entity.name]
    missing = [name for name in ("id", *fields) if name not in values.selected_columns]
    if missing:
        raise UsageError(_("the SELECT has no column {names}").format(names=", ".join(missing)))
    with session.computing() as depth:
        changed = _changed_table(table, fields, depth)
        changed.create(session.connection)
        changes = _collect(session, entity, changed, fields, values)
        if changes.records:
            _check_values(session, entity, changed, fields)
            _apply(session, entity, table, changed, fields)
        changed.drop(session.connection)
    return changes


def _check_values(session: Session, entity: Entity, changed: Table, fields: Sequence[str]) -> None:
    """Refuse values that the field cannot have: nobody could set it right afterwards.

    Raises:
        UsageError: there is one.
    """
    for name in fields:
        field, column = entity.fields[name], changed.c[name]
        # Read as text, a value is shown as it is.
        _refuse_any(session, entity, name, cast(column, Text), unreadable(field.kind, column, session.runtime.dialect))
        if field.enum:
            _refuse_any(session, entity, name, column, column.not_in(field.enum))


def _refuse_any(
    session: Session, entity: Entity, field: str, shown: ColumnElement[str], wrong: ColumnElement[bool]
) -> None:
    found = session.connection.execute(select(shown).where(wrong).limit(1)).scalar()
    if found is not None:
        message = _("{value!r} is not among the values of {entity}.{field}")
        raise UsageError(message.format(value=found, entity=entity.name, field=field))


def _changed_table(table: Table, fields: Sequence[str], depth: int) -> Table:
    new = [Column(name, table.c[name].type) for name in fields]
    old = [Column(f"old__{name}", table.c[name].type) for name in fields]
    identity = Column("id", table.c.id.type, primary_key=True, autoincrement=False)
    # A hook that is told of labels may compute others: each run inside another has a table of its own.
    return Table(f"crmcore_changed_{depth}", MetaData(), identity, *new, *old, prefixes=["TEMPORARY"])


def _collect(session: Session, entity: Entity, changed: Table, fields: Sequence[str], values: Select[Any]) -> Changes:
    table, computed = session.runtime.tables.entity[entity.name], values.subquery()
    differing = (
        select(table.c.id, *(computed.c[name] for name in fields), *(table.c[name] for name in fields))
        .join_from(table, computed, computed.c.id == table.c.id)
        .where(live(table), or_(*(table.c[name].is_distinct_from(computed.c[name]) for name in fields)))
    )
    columns = ["id", *fields, *(f"old__{name}" for name in fields)]
    try:
        session.connection.execute(insert(changed).from_select(columns, differing))
    except IntegrityError as error:
        message = _("the SELECT for {entity}.{fields} gives a record more than once")
        raise UsageError(message.format(entity=entity.name, fields=", ".join(fields))) from error
    differs = [func.count(case((changed.c[name].is_distinct_from(changed.c[f"old__{name}"]), 1))) for name in fields]
    records, *counts = session.connection.execute(select(func.count(), *differs).select_from(changed)).one()
    return Changes(records, dict(zip(fields, counts, strict=True)))


def _apply(session: Session, entity: Entity, table: Table, changed: Table, fields: Sequence[str]) -> None:
    connection = session.connection
    if not entity.internal:
        history = computed_history(
            session.runtime.tables,
            entity,
            rows=changed,
            old={name: changed.c[f"old__{name}"] for name in fields},
            new={name: changed.c[name] for name in fields},
            at=session.now,
            actor=session.actor.login,
            actor_id=session.actor.id,
            source=session.source,
            dialect=connection.dialect.name,
        )
        connection.execute(history)
    new = {name: changed.c[name] for name in fields}
    connection.execute(update(table).values(new).where(table.c.id == changed.c.id))
    registry = session.runtime.registry
    if not (registry.listeners("crm_computed", entity.name) or registry.listeners("crm_committed", entity.name)):
        return
    for drafts in _batches(session, entity, table, changed, fields):
        batch = DraftBatch(entity, "computed", session, drafts)
        session.tell("crm_computed", batch)
        record_events(session, entity, "computed", drafts)


def _batches(
    session: Session, entity: Entity, table: Table, changed: Table, fields: Sequence[str]
) -> Iterator[list[Draft]]:
    codec = session.runtime.codecs[entity.name]
    last = 0
    statement = select(table, *(changed.c[f"old__{name}"] for name in fields)).join_from(
        table, changed, table.c.id == changed.c.id
    )
    while True:
        page = statement.where(changed.c.id > last).order_by(changed.c.id).limit(_ROWS_PER_BATCH)
        rows = session.connection.execute(page).all()
        if not rows:
            return
        yield [_draft(codec, number, row, fields) for number, row in enumerate(rows)]
        last = rows[-1].id


def _draft(codec: RowCodec, number: int, row: Row[Any], fields: Sequence[str]) -> Draft:
    values = codec.decode_json(row)
    old = {name: to_json(codec.entity.fields[name], getattr(row, f"old__{name}")) for name in fields}
    before = {name: value for name, value in {**values, **old}.items() if value is not None}
    return Draft(row=number, incoming={}, id=row.id, before=before, version=row.version, values=values)
