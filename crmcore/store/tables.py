"""Tables made from entities: columns, indexes and foreign keys.

Nothing here touches a database. The core's own tables are in :mod:`crmcore.store.core_tables`, column types in
:mod:`crmcore.store.columns`; bringing a database to this form is :mod:`crmcore.store.migrate`.
"""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    MetaData,
    Table,
    and_,
)

from crmcore.errors import SchemaError
from crmcore.i18n import gettext as _
from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.store.columns import COLUMN_TYPES, text_type
from crmcore.store.core_tables import CORE_PREFIX, CoreTables, build_core_tables, id_column
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    from crmcore.schema.model import Entity, Field

__all__ = [
    "CORE_PREFIX",
    "ENTITY_PREFIX",
    "FOLDED",
    "REF_ENTITY",
    "REF_ID",
    "Tables",
    "build_tables",
    "column_names",
    "compared_column",
    "table_name",
]

ENTITY_PREFIX = "crm_"
FOLDED = "__folded"
"""Ending of the column that holds a free text case-folded, for comparing and sorting."""
REF_ENTITY = "__entity"
REF_ID = "__id"
"""Endings of the two columns of a reference to any record."""

# PostgreSQL cuts longer names off, silently.
_LONGEST_NAME = 63


@frozen(eq=False, kw_only=True)
class Tables(CoreTables):
    """The tables of a composition and the core's own; immutable and shared by threads."""

    metadata: MetaData
    entity: Mapping[str, Table]
    """By the entity's name."""


def build_tables(entities: Mapping[str, Entity]) -> Tables:
    """Return the tables of entities, each with every index and foreign key that the schemas ask for.

    Raises:
        SchemaError: names that are too long for PostgreSQL.
    """
    _check_names(entities)
    metadata = MetaData()
    tables = {name: _entity_table(entity, entities, metadata) for name, entity in entities.items()}
    return Tables(metadata=metadata, entity=MappingProxyType(tables), **build_core_tables(metadata))


def table_name(entity: str) -> str:
    """Return the name of an entity's table."""
    return ENTITY_PREFIX + entity


def column_names(field: Field) -> tuple[str, ...]:
    """Return the columns that a field takes, the one with its value first."""
    if field.kind is Kind.ANY_REF:
        return (field.name + REF_ENTITY, field.name + REF_ID)
    return (field.name, field.name + FOLDED) if field.folded else (field.name,)


def compared_column(field: Field) -> str:
    """Return the column by which values of a field are compared, sorted and kept unique."""
    return column_names(field)[-1] if field.folded else column_names(field)[0]


def _entity_table(entity: Entity, entities: Mapping[str, Entity], metadata: MetaData) -> Table:
    fields = [*SYSTEM_FIELDS.values(), *entity.fields.values()]
    columns = [column for field in fields for column in _columns(field)]
    references = [_foreign_key(entity, field) for field in fields if field.kind is Kind.REF and field.ref in entities]
    table = Table(table_name(entity.name), metadata, *columns, *references, sqlite_autoincrement=True)
    needed = {column for field in entity.fields.values() if field.required for column in column_names(field)}
    for unique, names in _indexes(entity):
        _index(table, names, needed, unique=unique)
    return table


def _columns(field: Field) -> Iterator[Column[Any]]:
    if field.name == "id":
        yield id_column()
    elif field.kind is Kind.ANY_REF:
        yield Column(field.name + REF_ENTITY, text_type())
        yield Column(field.name + REF_ID, BigInteger())
    else:
        # `required` is a rule of validation and never NOT NULL, so that a disabled plugin blocks nobody.
        needed = field.name in ("version", "created_at", "updated_at")
        yield Column(field.name, COLUMN_TYPES[field.kind], nullable=not needed)
        if field.folded:
            yield Column(field.name + FOLDED, text_type())


def _foreign_key(entity: Entity, field: Field) -> ForeignKeyConstraint:
    # Checked at once, deferrable for restoring a backup. `use_alter` because every entity refers to users and
    # users refer back: such circles can only be closed after the tables are there.
    return ForeignKeyConstraint(
        [field.name],
        [f"{table_name(str(field.ref))}.id"],
        name=_fitting(f"fk_{table_name(entity.name)}_{field.name}"),
        deferrable=True,
        initially="IMMEDIATE",
        use_alter=True,
    )


def _indexes(entity: Entity) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """Yield the indexes of an entity as (unique, columns), each set of leading columns once."""
    yield True, ("source", "external_id")
    # With the mark of deletion, so that the live rows are read from the index alone.
    several = [(*(compared_column(entity.fields[name]) for name in names), "deleted_at") for names in entity.indexes]
    yield from ((False, names) for names in dict.fromkeys(several))
    indexed = {names[:1] for names in several}
    for field in entity.fields.values():
        names = column_names(field) if field.kind is Kind.ANY_REF else (compared_column(field),)
        if field.unique:
            yield True, names
        if (field.index or field.ref or field.owner) and names not in indexed:
            indexed.add(names)
            yield False, names
    for rule in entity.match:
        names = tuple(compared_column(entity.fields[name]) for name in rule.fields)
        # The partial unique index does not serve a rule: matching looks at deleted records as well.
        if names not in indexed:
            indexed.add(names)
            yield False, names


def _index(table: Table, names: tuple[str, ...], needed: Set[str], *, unique: bool) -> Index:
    columns = [table.c[name] for name in names]
    name = _fitting(f"{'uq' if unique else 'ix'}_{table.name}_{'_'.join(names)}")
    # An external id stays taken when its record is deleted: an import would bring it back otherwise.
    if unique and names != ("source", "external_id"):
        within = [table.c.deleted_at.is_(None)]
    elif names[-1] == "deleted_at":  # one over several fields, which serves their first one alone as well
        within = []
    else:
        # Most fields of most records are empty: to index that would cost every import, and nobody looks for it.
        within = [column.is_not(None) for column in columns if column.name not in needed]
    where = and_(*within) if within else None
    return Index(name, *columns, unique=unique, sqlite_where=where, postgresql_where=where)


def _fitting(name: str) -> str:
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:10]
    return f"{name[: _LONGEST_NAME - 11]}_{digest}"


def _check_names(entities: Mapping[str, Entity]) -> None:
    problems = [
        Problem(
            message=_("the name {name} is too long: the database allows {n} characters").format(
                name=name, n=_LONGEST_NAME
            ),
            hint=_("Shorten it; prefixes and endings that are added in the database count as well."),
            code="name_too_long",
            pointer=entity.name,
        )
        for entity in entities.values()
        for name in (table_name(entity.name), *(n for f in entity.fields.values() for n in column_names(f)))
        if len(name) > _LONGEST_NAME
    ]
    if problems:
        raise SchemaError(problems)
