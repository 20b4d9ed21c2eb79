"""How a file becomes records: the plan made from its headers before anything is read, and the reading of one row.

Headers are understood in `crmcore.importing.mapping` and `crmcore.importing.declaring`, formats of dates settled in
`crmcore.importing.settling`. References are found, and rows put together to records, by whoever runs the import.

Example:
    >>> plan = make_plan(order, entities, headers, currency="CNY", timezone=crm.timezone)  # doctest: +SKIP
    >>> plan = settle(plan, all_rows if needs_settling(plan, first_thousand) else first_thousand)  # doctest: +SKIP
    >>> plan.read(row.cells).values  # doctest: +SKIP
    {'number': 'S1', 'customer': {'code': 'K-1', 'name': 'Acme'}, 'order_lines': {'product': 'GTX', 'amount': ...}}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore.importing.columns import FileMapping, MappedColumn
from crmcore.importing.declaring import declared
from crmcore.importing.mapping import infer
from crmcore.importing.mapping_file import MappingFile, read_mapping_file
from crmcore.importing.mapping_text import as_mapping_file
from crmcore.importing.rows import PlannedRow, RowReader
from crmcore.importing.settling import check_format, needs_settling, settle

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from crmcore.importing.columns import Fill
    from crmcore.schema.model import Entity, Relation

__all__ = [
    "MappedColumn",
    "MappingFile",
    "Plan",
    "PlannedRow",
    "as_mapping_file",
    "make_plan",
    "needs_settling",
    "read_mapping_file",
    "settle",
]


@frozen(kw_only=True)
class Plan:
    """What every row of a file becomes."""

    mapping: FileMapping
    currency: str
    timezone: dt.tzinfo
    date_format: str | None = None
    """Of date columns for which nothing else was declared."""
    _reader: RowReader = field(init=False, repr=False, eq=False)

    @_reader.default
    def _prepared(self) -> RowReader:
        return RowReader(self.mapping, currency=self.currency, timezone=self.timezone, date_format=self.date_format)

    @property
    def entity(self) -> Entity:
        """The entity of the records."""
        return self.mapping.entity

    @property
    def columns(self) -> tuple[MappedColumn, ...]:
        """The columns that fill something; one header may fill several fields."""
        return self.mapping.columns

    @property
    def lines(self) -> Relation | None:
        """The relation whose records the rows are, or None: every row is a record."""
        return self.mapping.lines

    @property
    def totals(self) -> Mapping[str, tuple[str, str]]:
        """Field of the record -> relation and field of the lines whose values add up to it."""
        return self.mapping.totals

    @property
    def fills(self) -> tuple[Fill, ...]:
        """Fields that no column gives; `read` fills them in."""
        return self.mapping.fills

    @property
    def unknown(self) -> tuple[str, ...]:
        """Headers that mean no field, or that the mapping file does not name."""
        return self.mapping.unknown

    @property
    def repeated(self) -> tuple[str, ...]:
        """Headers that mean a field which an earlier header fills."""
        return self.mapping.repeated

    @property
    def left_out(self) -> tuple[str, ...]:
        """Headers left out on purpose, or because nobody may fill what they mean."""
        return self.mapping.left_out

    def skips(self, cells: Mapping[str, Any]) -> bool:
        """Tell whether the mapping file leaves this row out."""
        return self._reader.skips(cells)

    def read(self, cells: Mapping[str, Any]) -> PlannedRow:
        """Read a row; what cannot be read is a problem of the row, never an exception."""
        return self.read_all([cells])[0]

    def read_all(self, rows: Sequence[Mapping[str, Any]]) -> list[PlannedRow]:
        """Read many rows, which takes less time than one by one."""
        return self._reader.read(rows)


def make_plan(
    entity: Entity,
    entities: Mapping[str, Entity],
    headers: Sequence[str],
    mapping_file: MappingFile | None = None,
    *,
    date_format: str | None = None,
    currency: str,
    timezone: dt.tzinfo,
) -> Plan:
    """Make the plan of a file from its headers; it is not settled yet.

    Args:
        entity: of the records.
        entities: all entities by name, for references and lines.
        headers: of the file, as they are written.
        mapping_file: read by `read_mapping_file`; without one the headers are understood by names, titles and aliases.
        date_format: of all date columns that the mapping file says nothing of.
        currency: of the instance.
        timezone: of the instance, for instants that say none.

    Returns:
        The plan; where no header means anything it has no columns.

    Raises:
        ConfigError: everything that is wrong with the mapping file.
        UsageError: the date format cannot be understood.
    """
    if date_format is not None:
        check_format(date_format)
    if mapping_file is None:
        mapping = infer(entity, entities, headers)
    else:
        mapping = declared(mapping_file, entity, entities, headers, currency=currency, timezone=timezone)
    return Plan(mapping=mapping, currency=currency, timezone=timezone, date_format=date_format)
