"""Records on their way through the first write door, and the views of them that hooks are given.

A draft holds values in JSON form, because that is what validation decides on and what the row codec writes;
plugins see Python forms, made only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import define, field, frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.schema.values import from_json, to_json
from crmcore.types import Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.errors import CRMError
    from crmcore.records.unit_of_work import UnitOfWork
    from crmcore.schema.model import Entity

__all__ = ["Draft", "DraftBatch", "DraftChange", "Key", "Outcome", "RowResult", "SaveResult"]

Key = tuple[int, tuple[Any, ...]]
"""Number of a matching alternative (0 is the external id) and the values that it compares."""

Outcome = Literal["created", "updated", "unchanged", "skipped", "rejected"]


@define
class Draft:
    """One row that is being saved."""

    row: int
    """Position in the rows that were given, from 0."""
    incoming: dict[str, Any]
    """What was given, in JSON form; None empties a field."""
    id: int | None = None
    expected_version: int | None = None
    """Version that the caller had read, checked before anything is written."""
    source: str | None = None
    external_id: str | None = None
    keys: list[Key] | None = None
    """Under which it can be found, strongest first; None until they are worked out from its values."""
    before: dict[str, Any] | None = None
    """Stored values; None for a record to be created."""
    version: int = 0
    """Stored version."""
    values: dict[str, Any] = field(factory=dict)
    """Values as they will be stored: no empty ones."""
    system: dict[str, Any] = field(factory=dict)
    """System columns as they are stored, in Python form."""
    set_by_plugins: dict[str, Any] = field(factory=dict)
    """What hooks have set, in JSON form: it overrides what was given, and no rights of the actor limit it."""
    problems: list[Problem] = field(factory=list)
    error: CRMError | None = None
    """What a single save raises instead of a validation error: `NotFound`, `Conflict` and their like."""
    outcome: Outcome | None = None

    @property
    def changed(self) -> set[str]:
        """Names of the fields whose value differs from what is stored."""
        before = self.before or {}
        names = {name for name, value in self.values.items() if before.get(name) != value}
        return names | (before.keys() - self.values.keys())

    @property
    def links(self) -> bool:
        """Whether the row brings an external id for a stored record that has none yet."""
        return self.before is not None and self.external_id is not None and self.system.get("external_id") is None

    @property
    def contradicts(self) -> bool:
        """Whether the row brings another external id than the one that its record has from the same source."""
        known = self.system.get("external_id")
        same = known is not None and self.system.get("source") == self.source
        return same and self.external_id is not None and self.external_id != known

    def assign(self, name: str, value: Any) -> None:
        """Set a value in JSON form; None empties the field."""
        self.keys = None
        if value is None:
            self.values.pop(name, None)
        else:
            self.values[name] = value

    def refuse(self, problem: Problem) -> None:
        """Note what is wrong with the row; it goes on to be checked, so that all its problems are reported together."""
        self.problems.append(problem)

    def fail(self, error: CRMError) -> None:
        """Reject the row at once, for what is the matter with its record rather than with its values."""
        self.error = error
        self.outcome = "rejected"
        self.refuse(Problem(message=error.message, hint=error.hint, row=self.row, code=error.code))


@frozen
class RowResult:
    """What became of one row."""

    row: int
    outcome: Outcome
    id: int | None
    problems: tuple[Problem, ...] = ()
    version: int = 0
    """Version of the record before the row; 0 for a new one."""
    changed_at: dt.datetime | None = None
    """When the record was saved last before the row; None for a new one."""


@frozen
class SaveResult:
    """What became of the rows of one `save_many`, in their order."""

    rows: tuple[RowResult, ...]

    def count(self, outcome: Outcome) -> int:
        """Return how many rows ended that way."""
        return sum(result.outcome == outcome for result in self.rows)

    @property
    def ids(self) -> tuple[int | None, ...]:
        """The id of each row's record; None where the row was rejected or skipped without one."""
        return tuple(result.id for result in self.rows)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem of every row, with its row number."""
        return tuple(problem for result in self.rows for problem in result.problems)


class _PythonValues(Mapping[str, Any]):
    """JSON values of an entity seen in their Python form; an empty field is None, not missing."""

    __slots__ = ("_entity", "_values")

    def __init__(self, entity: Entity, values: Mapping[str, Any]) -> None:
        self._entity, self._values = entity, values

    def __getitem__(self, name: str) -> Any:
        declared = self._entity.fields[name]
        value = self._values.get(name)
        return None if value is None else from_json(declared, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._entity.fields)

    def __len__(self) -> int:
        return len(self._entity.fields)

    def __repr__(self) -> str:
        return repr({name: self[name] for name in self._values})


class DraftChange:
    """A :class:`crmcore.types.Change` over a draft."""

    __slots__ = ("_batch", "_draft", "_entity")

    def __init__(self, batch: DraftBatch, draft: Draft) -> None:
        self._batch, self._entity, self._draft = batch, batch.model, draft

    @property
    def id(self) -> int | None:
        """Id of the record; None before a new one is saved."""
        return self._draft.id

    @property
    def row(self) -> int:
        """Position of the row in what was given to be saved, from 0."""
        return self._draft.row

    @property
    def before(self) -> Mapping[str, Any]:
        """Values as they are stored; empty for a creation."""
        return {} if self._draft.before is None else _PythonValues(self._entity, self._draft.before)

    @property
    def after(self) -> Mapping[str, Any]:
        """Values as they will be stored."""
        return _PythonValues(self._entity, self._draft.values)

    @property
    def changed(self) -> frozenset[str]:
        """Names of the fields whose value differs."""
        return frozenset(self._draft.changed)

    def set(self, field: str, value: Any) -> None:
        """Set a value of the record to be saved, in Python or JSON form.

        Raises:
            UsageError: the record is being deleted, the hook comes too late to set values, the field is unknown or
                computed by a rule, or the value is not of the field's kind.
        """
        declared = self._entity.fields.get(field)
        if self._batch.action == "delete":
            raise UsageError(_("a record that is being deleted cannot be changed"))
        if not self._batch.settable:
            raise UsageError(_("values can be set in crm_before_validate and crm_before_save only"))
        if declared is None or declared.computed_by:
            raise UsageError(
                _("a hook may not set {entity}.{field}: there is no such field, or a rule computes it").format(
                    entity=self._entity.name, field=field
                )
            )
        try:
            written = to_json(declared, value)
        except ValueError as error:
            raise UsageError(f"{self._entity.name}.{field}: {error}") from error
        self._draft.assign(field, written)
        self._draft.set_by_plugins[field] = written

    def problem(self, message: str, *, field: str | None = None, hint: str | None = None) -> Problem:
        """Return a problem of this record, for ``crm_validate`` to yield."""
        value = self._draft.values.get(field) if field else None
        return Problem(message=message, field=field, hint=hint, value=value, row=self._draft.row, code="plugin")


@frozen
class DraftBatch:
    """A :class:`crmcore.types.Batch` over drafts; changes are made while it is iterated."""

    model: Entity
    action: str
    _session: UnitOfWork
    drafts: Sequence[Draft]
    settable: bool = False

    @property
    def source(self) -> str:
        """Where the write comes from: ``api``, ``cli``, ``import``, or an application's own word."""
        return self._session.source

    @property
    def imported(self) -> bool:
        """Whether an import saves the records."""
        return self._session.import_id is not None

    @property
    def taken_back(self) -> bool:
        """Whether an import is undone, so that records return to where they were."""
        return self._session.takes_back

    @property
    def entity(self) -> str:
        """Name of the entity."""
        return self.model.name

    def __iter__(self) -> Iterator[DraftChange]:
        return (DraftChange(self, draft) for draft in self.drafts)

    def __len__(self) -> int:
        return len(self.drafts)
