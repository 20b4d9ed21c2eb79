"""What hooks are given: batches of changes, and the transaction that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.types.values import Actor, Problem, Ref

__all__ = ["Batch", "Change", "Transaction"]


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
        """Set a value of the record to be saved.

        Only in ``crm_before_validate`` and ``crm_before_save``, and not of a record that is being deleted.
        """

    def problem(self, message: str, *, field: str | None = None, hint: str | None = None) -> Problem:
        """Return a problem of this record, for ``crm_validate`` to yield."""


class Batch(Protocol):
    """Records of one entity that are written together; a batch of one for a single save."""

    @property
    def entity(self) -> str:
        """Name of the entity."""

    @property
    def action(self) -> str:
        """``create``, ``update``, ``delete``, ``restore`` or ``computed``; each hook says for which it is called."""

    @property
    def source(self) -> str:
        """Where the write comes from: ``api``, ``cli``, ``import``, or an application's own word.

        A label to show, which whoever opens a session chooses; rules go by `imported` and `taken_back`.
        """

    @property
    def imported(self) -> bool:
        """Whether an import saves the records."""

    @property
    def taken_back(self) -> bool:
        """Whether an import is undone, so that records return to where they were."""

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

    def granted(self, permission: str) -> bool:
        """Return whether the actor has a permission that a plugin declares."""

    def table(self, entity: str) -> Any:
        """Return the live rows that the actor may see as a SQLAlchemy subquery; columns are fields.

        Asking its ``c`` for a field that the actor may not read raises `AccessDenied`; ``name in rows.c`` is false.
        """

    def execute(self, statement: Any) -> Any:
        """Run a SELECT over such tables and return SQLAlchemy's result."""

    def get(self, entity: str, id: int) -> Any:
        """Return one record."""

    def find(self, entity: str, where: str | None = None, *, order: str | None = None, limit: int = 50) -> Any:
        """Return a page of live records that a condition selects."""

    def names(self, refs: Iterable[Ref]) -> Mapping[Ref, str]:
        """Return what people call records; only those that the actor may see."""

    def user_id(self, login: str) -> int | None:
        """Return the id of the user with a login; None where the actor sees none."""

    def owner_field(self, entity: str) -> str | None:
        """Return the field that says whose a record of an entity is; None where there is none."""

    def create(self, entity: str, values: Mapping[str, Any]) -> Any:
        """Create a record through the first write door."""

    def update(self, entity: str, id: int, values: Mapping[str, Any]) -> Any:
        """Change a record through the first write door."""

    def update_where(self, entity: str, condition: str, values: Mapping[str, Any]) -> int:
        """Change all records that a condition selects, in batches, and return their number."""

    def save_many(self, entity: str, rows: Iterable[Mapping[str, Any]]) -> Any:
        """Create or change many records through the first write door."""
