"""Declarations that cross the plugin boundary: what plugins return to the core and what hooks are given.

Frozen values without behaviour and without I/O. A plugin builds them, the core collects them once and freezes
them in the registry. Importing this module costs attrs and nothing else.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Literal, Protocol

import attrs
from attrs import frozen
from attrs.validators import in_, instance_of, matches_re

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = [
    "HIDDEN",
    "SYSTEM",
    "AccessRule",
    "Action",
    "Actor",
    "Batch",
    "Change",
    "Column",
    "Event",
    "Hidden",
    "Importer",
    "Label",
    "Metric",
    "Permission",
    "Plugin",
    "Problem",
    "Ref",
    "Report",
    "ReportType",
    "ScoringRule",
    "SourceHeader",
    "SourceRow",
    "Transaction",
]

Action = Literal["create", "read", "update", "delete"]

_NAME = r"[a-z][a-z0-9_]*"
_QUALIFIED = rf"{_NAME}\.{_NAME}"


@frozen(order=True)
class Ref:
    """Public reference of a record, written ``customer:42``."""

    entity: str
    id: int

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read ``customer:42``.

        Raises:
            ValueError: the text is not ``<entity>:<positive integer>``.
        """
        entity, colon, number = text.partition(":")
        positive = number.isascii() and number.isdigit() and int(number) > 0
        if not (colon and entity.isidentifier() and positive):
            raise ValueError(text)
        return cls(entity, int(number))

    def __str__(self) -> str:
        return f"{self.entity}:{self.id}"


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong, and where: in a record, a schema, a manifest, ``crm.toml`` or an imported row.

    Plugins return problems from ``crm_validate`` with `field` and `message`; the core adds the rest.
    """

    message: str = attrs.field(validator=instance_of(str))
    hint: str | None = None
    """What to do about it, as a sentence."""
    code: str = "invalid"
    """Stable machine-readable kind, for instance ``required`` or ``unknown_field``."""
    field: str | None = None
    value: Any = None
    row: int | None = None
    """Number of the row in a batch (from 0) or of the line in an imported file (from 1)."""
    file: Path | str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    """JSON pointer, or dotted key, inside `file`."""
    plugin: str | None = None

    @property
    def where(self) -> str:
        """The place as people read it: ``file:line:column pointer``; empty when there is none."""
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        plugin = f"[{self.plugin}]" if self.plugin else None
        return " ".join(p for p in (plugin, place, self.pointer or self.field) if p)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


@frozen(kw_only=True)
class Actor:
    """Who does something: a user with roles, or the system."""

    login: str
    id: int | None = None
    """Id of the ``user`` record; None for the system."""
    roles: tuple[str, ...] = ()
    team: int | None = None
    read_only: bool = False
    system: bool = False
    """The library used without an actor: no access rule applies."""


SYSTEM = Actor(login="system", system=True)


class Hidden(enum.Enum):
    """The type of `HIDDEN`; an enum, so that copies and pickles of the value are the value itself."""

    HIDDEN = "<hidden>"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return self.value

    __str__ = __repr__


HIDDEN = Hidden.HIDDEN
"""Stands in a record for the value of a field that the actor may not read."""


@frozen(kw_only=True)
class Metric:
    """An aggregate of related records, usable in scoring rules and reports of an entity.

    Example:
        >>> Metric(name="abc.revenue_365d", entity="customer", relation="orders", aggregate="sum",
        ...        field="amount", date_field="order_date", days=365).name
        'abc.revenue_365d'
    """

    name: str = attrs.field(validator=matches_re(_QUALIFIED))
    """``plugin.name``; conditions may use the part after the dot where it is unambiguous."""
    entity: str
    """The entity it describes (``customer``)."""
    relation: str
    """The relation that is aggregated (``orders``)."""
    aggregate: Literal["count", "sum", "min", "max"] = attrs.field(validator=in_(("count", "sum", "min", "max")))
    field: str | None = None
    """The aggregated field of the related entity; None for ``count``."""
    date_field: str | None = None
    """The field that places a related record in time; needed for `days` and bounded by ``as_of``."""
    days: int | None = None
    """Window in days up to and including ``as_of``; None for all time."""
    where: str | None = None
    """Condition on the related records."""
    titles: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class Label:
    """One outcome of a scoring rule: the value that is written where the condition holds."""

    value: str
    condition: str


@frozen(kw_only=True)
class ScoringRule:
    """Conditions that give records of an entity a label. The first label whose condition holds wins."""

    name: str = attrs.field(validator=matches_re(_QUALIFIED))
    entity: str
    field: str
    """The read-only field that the rule writes; its schema says ``computed_by``."""
    labels: Sequence[Label] = attrs.field(converter=tuple)
    otherwise: str | None = None
    """Value where no condition holds; None empties the field."""
    titles: Mapping[str, str] = attrs.field(factory=dict)


@frozen(kw_only=True)
class Column:
    """A column of a report."""

    name: str
    titles: Mapping[str, str] = attrs.field(factory=dict)
    kind: Literal["text", "integer", "number", "money", "date", "share"] = "text"
    """``share`` is a fraction of 1, shown as a percentage."""


@frozen(kw_only=True)
class Report:
    """A table that a report type computed: columns, and rows of plain values in their order."""

    titles: Mapping[str, str]
    columns: Sequence[Column] = attrs.field(converter=tuple)
    rows: Sequence[Sequence[Any]] = attrs.field(converter=tuple)


@frozen(kw_only=True)
class ReportType:
    """A report that a plugin offers under ``crmcore report run NAME``."""

    name: str = attrs.field(validator=matches_re(_QUALIFIED))
    summary: str
    compute: Callable[[Transaction, Mapping[str, Any]], Report]
    """Called with the transaction and the parameters, defaults filled in."""
    parameters: Mapping[str, Any] = attrs.field(factory=dict)
    """JSON Schema of an object."""
    titles: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class SourceHeader:
    """The headers of an imported file, which its reader yields before anything else."""

    names: Sequence[str] = attrs.field(converter=tuple)


@frozen
class SourceRow:
    """One record of an imported file: where it starts and its cells by header."""

    line: int
    """Line of the file where the row starts, from 1."""
    cells: Mapping[str, Any]


@frozen(kw_only=True)
class Importer:
    """A reader of one file format."""

    name: str = attrs.field(validator=matches_re(_NAME))
    suffixes: Sequence[str] = attrs.field(converter=tuple)
    """Lower-case file name endings with the dot (``.csv``)."""
    read: Callable[[Path], Iterator[SourceHeader | SourceRow | Problem]]
    """Yields the header, then rows, and a Problem for every row that cannot be read, its cells as `Problem.value`."""
    titles: Mapping[str, str] = attrs.field(factory=dict)


@frozen
class Permission:
    """A named right besides the four actions on entities, which roles may be granted (``report.run``)."""

    name: str = attrs.field(validator=matches_re(_QUALIFIED))
    summary: str = ""


@frozen(kw_only=True)
class AccessRule:
    """Rows of an entity on which a plugin allows, or forbids, an action, as a condition."""

    where: str
    effect: Literal["allow", "forbid"] = attrs.field(default="allow", validator=in_(("allow", "forbid")))
    reason: str = ""
    """Shown by ``crmcore access explain``."""


@frozen(kw_only=True)
class Event:
    """Something that was committed, delivered through ``crm_committed`` at least once."""

    id: int
    """Of the event; a receiver that keeps the ids it has seen handles each once."""
    entity: str
    action: str
    record_id: int
    at: dt.datetime
    actor: str


@frozen(kw_only=True)
class Plugin:
    """A plugin given as an object instead of an installed package, for tests and applications.

    Example:
        >>> from types import SimpleNamespace
        >>> Plugin(manifest={"name": "hello", "version": "1.0", "summary": "Greets."},
        ...        module=SimpleNamespace()).manifest["name"]
        'hello'
    """

    manifest: Mapping[str, Any]
    """What ``plugin.json`` would say."""
    module: object
    """Module, class instance or namespace whose attributes are ``@hookimpl`` functions."""
    schemas: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    """File name (``customer.extend.json``) -> document, as the folder ``schemas/`` would hold them."""


class Change(Protocol):
    """View of one record in a batch, made when asked for; values are in their Python form."""

    @property
    def id(self) -> int | None:
        """Id of the record; None before a new one is saved."""

    @property
    def row(self) -> int:
        """Position of the row in what was given to be saved, from 0."""

    @property
    def before(self) -> Mapping[str, Any]:
        """Values as they are stored; empty for a creation."""

    @property
    def after(self) -> Mapping[str, Any]:
        """Values as they will be stored; for a deletion, those that the record had last."""

    @property
    def changed(self) -> frozenset[str]:
        """Names of the fields whose value differs."""

    def set(self, field: str, value: Any) -> None:
        """Set a value of the record to be saved; only in ``crm_before_validate`` and ``crm_before_save``."""

    def problem(self, message: str, *, field: str | None = None, hint: str | None = None) -> Problem:
        """Return a problem of this record, for ``crm_validate`` to yield."""


class Batch(Protocol):
    """Records of one entity that are written together; a batch of one for a single save."""

    @property
    def entity(self) -> str:
        """Name of the entity."""

    @property
    def action(self) -> str:
        """``create``, ``update``, ``delete``, ``restore`` or ``computed``."""

    @property
    def source(self) -> str:
        """Where the write comes from: ``api``, ``cli``, ``import``, or a plugin's own word."""

    def __iter__(self) -> Iterator[Change]:
        """Iterate over the changes, in the order of the rows."""

    def __len__(self) -> int:
        """Return the number of records."""


class Transaction(Protocol):
    """What a hook is given as ``tx``: it reads and saves, and cannot commit."""

    @property
    def actor(self) -> Actor:
        """Who acts."""

    @property
    def now(self) -> dt.datetime:
        """The instant of the transaction, UTC; never the wall clock."""

    @property
    def today(self) -> dt.date:
        """The day of `now` in the time zone of the instance."""

    def settings(self, plugin: str) -> Mapping[str, Any]:
        """Return the settings of a plugin, defaults filled in."""

    def table(self, entity: str) -> Any:
        """Return the live rows that the actor may see as a SQLAlchemy subquery; columns are fields."""

    def execute(self, statement: Any) -> Any:
        """Run a SELECT over such tables and return SQLAlchemy's result."""

    def get(self, entity: str, id: int) -> Any:
        """Return one record."""

    def create(self, entity: str, values: Mapping[str, Any]) -> Any:
        """Create a record through the first write door."""

    def update(self, entity: str, id: int, values: Mapping[str, Any]) -> Any:
        """Change a record through the first write door."""

    def update_where(self, entity: str, condition: str, values: Mapping[str, Any]) -> int:
        """Change all records that a condition selects, in batches, and return their number."""

    def save_many(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        """Create or change many records through the first write door."""
