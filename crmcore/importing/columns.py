"""What a column of an imported file means: the field that it fills, and how its cells are written.

Found out from headers in `crmcore.importing.mapping`, declared in `crmcore.importing.declaring`; cells are read in
`crmcore.importing.coercion`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import field, frozen

from crmcore.schema.model import Kind
from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from crmcore.schema.model import Entity, Field, Relation

__all__ = ["DATED", "KEPT", "FileMapping", "Fill", "MappedColumn", "Style", "Writing", "called"]

Writing = Literal["login", "lower", "upper"]

DATED = (Kind.DATE, Kind.INSTANT)
"""Kinds whose cells may be dates that somebody has to declare the order of."""
KEPT = ("source", "external_id")
"""System fields that people may fill: where a record comes from."""


def called(header: str) -> str:
    """Return a header as it is compared: its letters and digits, so that `CustomerID` is `Customer ID`."""
    return "".join(character for character in fold(header) if character.isalnum())


@frozen(kw_only=True)
class Style:
    """How the cells of a column are written, as far as somebody declared it."""

    format: str | None = None
    """Of dates: ``dd-mm-yyyy`` or ``%d-%m-%Y``; year-first dates are read besides."""
    decimal: str | None = None
    """The decimal point: ``.`` or ``,``; where nobody declared it, numbers are read with ``.``."""
    scale: Decimal | None = None
    """What numbers are multiplied by: cells in millions have 1000000."""
    currency: str | None = None
    """Currency of the cells, whatever sign they bear: the instance's own, or another one together with `rate`."""
    rate: Decimal | None = None
    """What amounts are multiplied by to be in the currency of the instance."""
    round: int | None = None
    """Places that numbers are rounded to, halves away from zero."""
    values: Mapping[str, Any] = field(factory=dict)
    """Cell -> what is read in its place; cells are compared folded."""
    writing: Writing | None = None
    """A way of writing that texts are brought into."""
    of: str | None = None
    """Entity whose records the cells name, where the field may refer to records of any."""


@frozen(kw_only=True)
class MappedColumn:
    """A column of the file and the field that it fills."""

    header: str
    path: tuple[str, ...]
    """Where values go: ``("amount",)``, ``("customer", "code")`` for a field of the record that a reference leads to,
    ``("order_lines", "product", "code")`` with the relation first for records that belong to this one."""
    field: Field
    """The last field of the path."""
    style: Style = Style()
    if_empty: bool = False
    """Whether it fills its field only where the columns that fill it too are empty."""
    tentative: bool = False
    """Whether cells decide: a column `ID` holds our references, or somebody else's numbers and the field's values."""

    @property
    def target(self) -> str:
        """The path as mapping files have it: ``order_lines.product.code``."""
        return ".".join(self.path)


@frozen(kw_only=True)
class Fill:
    """A field that no column gives."""

    path: tuple[str, ...]
    field: Field
    value: Any
    """The value as it would be in a cell, or a text with headers in braces."""
    headers: tuple[str, ...] = ()
    """Those of the text, in its order; none where the value is fixed."""


@frozen(kw_only=True)
class FileMapping:
    """What becomes of the headers of a file."""

    entity: Entity
    columns: tuple[MappedColumn, ...] = ()
    lines: Relation | None = None
    """The relation whose records the rows are, several to one record of the entity, or None."""
    totals: Mapping[str, tuple[str, str]] = field(factory=dict)
    """Field of the record -> relation and field whose values add up to it."""
    fills: tuple[Fill, ...] = ()
    skips: Mapping[str, tuple[str, ...]] = field(factory=dict)
    """Header -> cells by which a row is left out on purpose."""
    declared: bool = field(default=False, eq=False)
    """Whether a mapping file says it."""
    unknown: tuple[str, ...] = ()
    """Headers that mean no field, or that the mapping file does not name; their cells are left out."""
    repeated: tuple[str, ...] = ()
    """Headers that mean a field which an earlier header fills; their cells are left out too."""
    left_out: tuple[str, ...] = ()
    """Headers that are left out because a mapping file says so, or because nobody may fill what they mean."""
