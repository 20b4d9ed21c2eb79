"""What an upgrade looks for in the rows: duplicates, broken references, records that the schemas refuse.

Nothing here changes anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Connection, Index, func, select

from crmcore.errors import DatabaseError, MigrationRefused
from crmcore.i18n import gettext as _
from crmcore.store.rows import RowCodec
from crmcore.store.tables import CORE_PREFIX, ENTITY_PREFIX, FOLDED
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crmcore.schema.model import Entity
    from crmcore.store.tables import Tables

__all__ = ["RefusedRecords", "find_refused_records", "refuse_broken_references", "refuse_duplicates"]

_ROWS_PER_BATCH = 5_000
_SHOWN_RECORDS = 100
_SHOWN_VALUES = 20


@frozen
class RefusedRecords:
    """Stored records that the schemas refuse; they stay as they are until somebody changes them."""

    count: int = 0
    problems: tuple[tuple[Ref, Problem], ...] = ()
    """The first ones."""


def refuse_duplicates(connection: Connection, indexes: Iterable[Index]) -> None:
    """Raise where rows share a value that a unique index is about to cover.

    Raises:
        MigrationRefused: names the values.
    """
    found: list[str] = []
    for index in indexes:
        table = index.table
        if index.unique and table is not None:
            columns = list(index.columns)
            ids = func.count(table.c.id)
            where = [column.is_not(None) for column in columns]
            if (covered := index.dialect_options["sqlite"]["where"]) is not None:
                where.append(covered)
            statement = select(*columns, ids).where(*where).group_by(*columns).having(ids > 1).limit(_SHOWN_VALUES)
            for *values, n in connection.execute(statement):
                shown = ", ".join(str(value) for value in values)
                entity = table.name.removeprefix(ENTITY_PREFIX)
                named = ", ".join(column.name.removesuffix(FOLDED) for column in columns)
                found.append(
                    _("{entity}.{field}: {n} records have {value!r}").format(
                        entity=entity, field=named, n=n, value=shown
                    )
                )
    if found:
        raise MigrationRefused(
            "\n".join([_("records share values that are to be unique:"), *found]),
            hint=_("Change or delete all but one of each, then upgrade again."),
        )


def refuse_broken_references(connection: Connection) -> None:
    """Look before the commit whether every reference still has its record, which SQLite did not do meanwhile.

    Raises:
        DatabaseError: names rows that refer to nothing.
    """
    if connection.dialect.name != "sqlite":
        return
    broken = [
        f"{row[0]}:{row[1]} -> {row[2]}"
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check")
        if row[0].startswith((ENTITY_PREFIX, CORE_PREFIX))
    ]
    if broken:
        raise DatabaseError(
            _("{n} references point to rows that are not there: {sample}").format(
                n=len(broken), sample=", ".join(broken[:_SHOWN_VALUES])
            ),
            hint=_("They were written with foreign keys switched off. Empty them, then upgrade again."),
        )


def find_refused_records(
    connection: Connection,
    tables: Tables,
    entities: Mapping[str, Entity],
    check: Callable[[str, Mapping[str, Any]], Iterable[Problem]],
) -> RefusedRecords:
    """Return the live records that a check finds fault with: all are counted, the first ones named."""
    count = 0
    shown: list[tuple[Ref, Problem]] = []
    for entity in entities.values():
        table = tables.entity[entity.name]
        codec = RowCodec(entity, table, connection.dialect)
        page = select(table).where(table.c.deleted_at.is_(None)).order_by(table.c.id).limit(_ROWS_PER_BATCH)
        last = 0
        while rows := connection.execute(page.where(table.c.id > last)).all():
            last = rows[-1].id
            for row in rows:
                problems = list(check(entity.name, codec.decode_json(row)))
                count += bool(problems)
                if len(shown) < _SHOWN_RECORDS:
                    shown += [(Ref(entity.name, row.id), problem) for problem in problems]
    return RefusedRecords(count, tuple(shown[:_SHOWN_RECORDS]))
