"""The sets of rows and values that go in a purge: each is a file of its archive, and is deleted or emptied as one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import frozen
from sqlalchemy import and_, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import JSONB

from crmcore.store.structure import build_structure, column_types, read_structure
from crmcore.store.tables import CORE_PREFIX, REF_ENTITY, REF_ID, table_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Connection, Table

    from crmcore.store.tables import Tables

__all__ = ["Part", "PartKind", "find_parts"]

PartKind = Literal["table", "columns", "rows", "values", "history"]


@frozen(eq=False, kw_only=True)
class Part:
    """Rows or values of one table that go."""

    kind: PartKind
    """A whole table; columns of one; some of its rows; values that are emptied; old values in the history."""
    name: str
    """Of its file in the archive, without the ending."""
    table: Table
    columns: tuple[Column[Any], ...]
    """Those that are in the archive, the key first."""
    types: tuple[str, ...]
    where: tuple[ColumnElement[bool], ...] = ()
    """Which rows it is about."""
    fields: frozenset[str] = frozenset()
    """Whose old values go from the history."""


def find_parts(
    connection: Connection,
    tables: Tables,
    plugin: str,
    *,
    own: Collection[str],
    columns: Mapping[str, frozenset[str]],
    fields: Mapping[str, frozenset[str]],
    pointing: Sequence[tuple[str, str]],
) -> tuple[Part, ...]:
    """Return what goes with a plugin.

    Args:
        connection: of the database, which is asked for the structure of the tables.
        tables: of the schemas that run.
        plugin: its name.
        own: entities whose tables go.
        columns: table -> columns that go from it.
        fields: entity of others -> the fields that go from it.
        pointing: entity and field of references to any record that may lead into `own`.
    """
    core = [table.name for table in (tables.history, tables.outbox, tables.rejects, tables.imports)]
    names = {*map(table_name, own), *columns, *(table_name(entity) for entity, _field in pointing), *core}
    parts = _Parts.of(connection, names)
    return (
        *(parts.whole(table_name(entity)) for entity in sorted(own)),
        *(parts.going(name, going) for name, going in sorted(columns.items())),
        *(parts.references(entity, field, own) for entity, field in sorted(pointing)),
        *(parts.old_values(entity, going) for entity, going in sorted(fields.items())),
        *parts.of_core(plugin, own),
    )


@frozen(eq=False)
class _Parts:
    """Makes parts of the tables that a database has."""

    structure: Mapping[str, Any]
    tables: Mapping[str, Table]
    dialect: str

    @classmethod
    def of(cls, connection: Connection, names: Collection[str]) -> _Parts:
        structure = read_structure(connection, sorted(names))
        return cls(structure, build_structure(structure).tables, connection.dialect.name)

    def whole(self, name: str) -> Part:
        return self._part("table", name, name)

    def going(self, name: str, going: Collection[str]) -> Part:
        table = self.tables[name]
        columns = [column.name for column in table.columns if column.name in going]
        filled = or_(*(table.c[column].is_not(None) for column in columns))
        return self._part("columns", name, f"{name}.columns", filled, columns=("id", *columns))

    def references(self, entity: str, field: str, own: Collection[str]) -> Part:
        name = table_name(entity)
        pair = (field + REF_ENTITY, field + REF_ID)
        leading = self.tables[name].c[pair[0]].in_(sorted(own))
        return self._part("values", name, f"{name}.{field}", leading, columns=("id", *pair))

    def old_values(self, entity: str, fields: frozenset[str]) -> Part:
        history = self.tables[CORE_PREFIX + "history"]
        if self.dialect == "postgresql":
            named = [type_coerce(history.c.old, JSONB).has_key(name) for name in sorted(fields)]
        else:
            named = [func.json_type(history.c.old, f"$.{name}").is_not(None) for name in sorted(fields)]
        where = and_(history.c.entity == entity, or_(*named))
        return self._part("history", history.name, f"{history.name}.{entity}", where, fields=fields)

    def of_core(self, plugin: str, own: Collection[str]) -> Iterator[Part]:
        """Yield what goes from the core's own tables: what is about records that go, and events for the plugin."""
        history, outbox, rejects, imports = (
            self.tables[CORE_PREFIX + name] for name in ("history", "outbox", "reject", "import")
        )
        theirs = or_(outbox.c.plugin == plugin, outbox.c.entity.in_(sorted(own)))
        yield self._part("rows", outbox.name, outbox.name, theirs)
        if not own:
            return
        yield self._part("rows", history.name, history.name, history.c.entity.in_(sorted(own)))
        followed = or_(*(history.c.because.startswith(f"{entity}:", autoescape=True) for entity in sorted(own)))
        yield self._part("values", history.name, f"{history.name}.because", followed, columns=("id", "because"))
        taken = select(imports.c.id).where(imports.c.entity.in_(sorted(own)))
        yield self._part("rows", rejects.name, rejects.name, rejects.c.import_id.in_(taken))
        yield self._part("rows", imports.name, imports.name, imports.c.entity.in_(sorted(own)))

    def _part(
        self,
        kind: PartKind,
        table: str,
        name: str,
        *where: ColumnElement[bool],
        columns: Sequence[str] = (),
        fields: frozenset[str] = frozenset(),
    ) -> Part:
        types = dict(zip(self.tables[table].c.keys(), column_types(self.structure[table]), strict=True))
        chosen = tuple(columns or types)
        return Part(
            kind=kind,
            name=name,
            table=self.tables[table],
            columns=tuple(self.tables[table].c[column] for column in chosen),
            types=tuple(types[column] for column in chosen),
            where=where,
            fields=fields,
        )
