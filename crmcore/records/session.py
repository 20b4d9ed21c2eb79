"""The session: one actor's reading and writing in one transaction, on one connection, in one thread.

It is what an application works with and what hooks are given as ``tx``; it cannot commit. Opening, committing
and delivering are :mod:`crmcore.app`'s. The two write doors are :mod:`crmcore.records.saving` (values that people
own) and :mod:`crmcore.records.computed` (values that rules own).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from attrs import define, evolve
from sqlalchemy import CompoundSelect, Select, and_, select
from sqlalchemy.exc import IntegrityError

from crmcore.access import live
from crmcore.conditions import PythonContext, SqlContext
from crmcore.errors import AccessDenied, DuplicateRecord, NotFound, UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.records import computed, reading, removal, saving
from crmcore.schema.values import MAX_INTEGER
from crmcore.store import history as history_store
from crmcore.types import SYSTEM, Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Connection, FromClause, Result, Subquery, Table

    from crmcore.access import Access
    from crmcore.records.drafts import SaveResult
    from crmcore.records.reading import Page
    from crmcore.records.runtime import Runtime
    from crmcore.records.saving import OnMatch
    from crmcore.schema.model import Entity, Relation
    from crmcore.schema.records import Record
    from crmcore.store.history import HistoryEntry
    from crmcore.types import Action, Actor, Batch, Ref

__all__ = ["Session"]

_ON_MATCH = ("update", "skip", "error", "create")
_ON_PROBLEM = ("raise", "reject")

_ROWS_PER_BATCH = 5000


@define
class _State:
    """What a session and its views as the system share."""

    has_events: bool = False
    computing: int = 0
    """Runs of the second door that are under way, one inside the other."""
    ended: bool = False


class Session:
    """One actor's work in one transaction.

    Args:
        runtime: the registry on the connection's database.
        connection: a connection with a transaction begun.
        actor: who works; the system by default, to whom no access rule applies.
        now: the instant of the transaction, UTC.
        timezone: of the instance; `today` is the day of `now` there.
        source: where writes come from, as hooks and history see it.
        crm: the CRM that opened the session.
    """

    def __init__(
        self,
        runtime: Runtime,
        connection: Connection,
        *,
        now: dt.datetime,
        timezone: ZoneInfo,
        actor: Actor = SYSTEM,
        source: str = "api",
        crm: Any = None,
    ) -> None:
        self.runtime = runtime
        self.actor = actor
        self.now = now
        self.timezone = timezone
        self.source = source
        self.crm = crm
        self._connection = connection
        self._state = _State()
        self._thread = threading.get_ident()

    # -- where and who ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> Connection:
        """The SQLAlchemy connection.

        Raises:
            UsageError: another thread than the session's own asks for it.
        """
        if threading.get_ident() != self._thread:
            raise UsageError(_("a session belongs to one thread"), hint=_("Open a session in each thread."))
        if self._state.ended:
            raise UsageError(_("the session has ended"), hint=_("Work inside its `with` block."))
        return self._connection

    @property
    def access(self) -> Access:
        """The access rules."""
        return self.runtime.access

    @property
    def today(self) -> dt.date:
        """The day of `now` in the time zone of the instance."""
        return self.now.astimezone(self.timezone).date()

    @cached_property
    def hidden(self) -> frozenset[tuple[str, str]]:
        """Every (entity, field) that the actor may not read."""
        return self.access.hidden(self.actor)

    def as_system(self) -> Session:
        """Return a session on the same transaction to which no access rule applies, for a plugin's own work.

        History still names the actor.
        """
        system = copy(self)
        system.actor = evolve(self.actor, system=True)
        vars(system).pop("hidden", None)
        return system

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything written inside the ``with`` block when it ends with an error.

        Raises:
            AccessDenied: the session or its actor is for reading only.
            DuplicateRecord: the database refused a row, because somebody else saved at the same moment.
        """
        if self.actor.read_only:
            raise AccessDenied(
                _("{login} may only read here").format(login=self.actor.login),
                hint=_("Open a session for writing, with an actor that may write."),
            )
        try:
            with self.connection.begin_nested():
                yield
        except IntegrityError as error:
            message = _("somebody else saved at the same moment: a unique value was taken, or a record removed")
            problem = Problem(message=message, code="simultaneous")
            raise DuplicateRecord([problem], hint=_("Read again, and repeat your change.")) from error

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, entity: str, id: int, *, deleted: bool = False) -> Record:
        """Return one record; for one that was merged into another, the survivor.

        Args:
            entity: name of the entity.
            id: of the record.
            deleted: return it even if it is deleted.

        Raises:
            NotFound: there is none, or none that the actor may see.

        Example:
            >>> session.get("customer", 1).name  # doctest: +SKIP
            'Acme'
        """
        record = reading.get(self, self.runtime.entity(entity), _record_id(id), deleted=deleted)
        if record is None:
            raise NotFound(entity, id)
        return record

    def find(
        self,
        entity: str,
        where: str | None = None,
        *,
        order: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Return a page of live records.

        Args:
            entity: name of the entity.
            where: a condition (``docs/reference/conditions.md``); None selects all.
            order: fields separated by commas, a minus before those that descend; always finished by the id.
            limit: at most so many records, 1 to 10,000.
            after: `Page.next` of the page before.

        Raises:
            ConditionError: the condition or order cannot be understood, or names a field the actor may not read.

        Example:
            >>> session.find("customer", "region = 'East'", order="-updated_at")  # doctest: +SKIP
        """
        _expect(limit, int, "limit")
        for name, text in (("where", where), ("order", order), ("after", after)):
            _expect(text, (str, type(None)), name)
        return reading.find(self, self.runtime.entity(entity), where, order, limit, after)

    def iterate(self, entity: str, where: str | None = None, *, order: str | None = None) -> Iterator[Record]:
        """Yield all live records that a condition selects, read page by page."""
        return reading.iterate(self, self.runtime.entity(entity), where, order)

    def count(self, entity: str, where: str | None = None) -> int:
        """Return the number of live records that a condition selects."""
        return reading.count(self, self.runtime.entity(entity), where)

    def history(self, entity: str, id: int) -> Sequence[HistoryEntry]:
        """Return the changes of a record, the latest first, without values the actor may not read.

        Raises:
            NotFound: there is no such record, deleted ones included, that the actor may see.
        """
        model = self.runtime.entity(entity)
        if not self.sees(entity, _record_id(id), deleted=True):
            raise NotFound(entity, id)
        # Fields of a disabled plugin are left out too: nobody is there to say who may read them.
        readable = model.fields.keys() - self.access.fields(self.actor, model.name).hidden
        return [
            evolve(entry, old={name: value for name, value in entry.old.items() if name in readable})
            for entry in history_store.read(self.connection, self.runtime.tables, entity, id)
        ]

    def table(self, entity: str) -> Subquery:
        """Return the live rows that the actor may see as a SQLAlchemy subquery whose columns are the fields."""
        table = self.runtime.tables.entity[self.runtime.entity(entity).name]
        hidden = self.access.fields(self.actor, entity).hidden
        columns = [column for column in table.c if column.name.partition("__")[0] not in hidden]
        return select(*columns).where(live(table), self.may("read", entity, table)).subquery(entity)

    def execute(self, statement: Select[Any] | CompoundSelect[Any]) -> Result[Any]:
        """Run a SELECT, usually over `table`, and return SQLAlchemy's result.

        Raises:
            UsageError: it is not a SELECT; writing goes through the two doors.
        """
        if not isinstance(statement, Select | CompoundSelect):
            raise UsageError(_("only SELECT statements are run here"), hint=_("Save records to write."))
        return self.connection.execute(statement)

    # -- the first door -----------------------------------------------------------------------------------------

    def create(self, entity: str, values: Mapping[str, Any], *, on_match: OnMatch = "error") -> Record:
        """Create a record.

        Args:
            entity: name of the entity.
            values: field -> value in its Python or JSON form; ``source`` and ``external_id`` say where it comes from.
            on_match: what to do when a matching rule recognises a record that is already there: ``error``,
                ``update`` it, ``skip`` to leave it, or ``create`` another.

        Returns:
            The record as it was stored.

        Raises:
            ValidationError: values are refused; every problem is named. Nothing was written.
            DuplicateRecord: the record is there already.
            AccessDenied: the actor may not create it.
        """
        model = self.runtime.entity(entity)
        _expect(values, Mapping, "values")
        _expect_one_of(on_match, _ON_MATCH, "on_match")
        if "id" in values:
            raise UsageError(_("a new record has no id yet"), hint=_("Use update to change a record."))
        with self.savepoint():
            id, skipped = saving.save_one(self, model, values, on_match)
        return self.get(entity, id) if skipped else self._written(model, id)

    def update(self, entity: str, id: int, values: Mapping[str, Any], *, version: int | None = None) -> Record:
        """Change some fields of a record.

        Args:
            entity: name of the entity.
            id: of the record.
            values: field -> new value in its Python or JSON form; None empties a field.
            version: the version that was read; a `Conflict` is raised if another is stored.

        Raises:
            NotFound, AccessDenied, Conflict, ValidationError: as their names say. Nothing was written.
        """
        model = self.runtime.entity(entity)
        _expect(values, Mapping, "values")
        if values.keys() & {"id", "version"}:
            raise UsageError(_("the id and the version of a record cannot be set"), hint=_("Give them as arguments."))
        with self.savepoint():
            saving.save_one(self, model, {**values, "id": _record_id(id), "version": version}, "update")
        return self._written(model, id)

    def delete(self, entity: str, id: int, *, version: int | None = None) -> None:
        """Delete a record so that it can be restored; see :mod:`crmcore.records.removal`."""
        with self.savepoint():
            _expect(version, (int, type(None)), "version")
            removal.delete(self, self.runtime.entity(entity), _record_id(id), version)

    def restore(self, entity: str, id: int) -> Record:
        """Take the deletion of a record back."""
        model = self.runtime.entity(entity)
        with self.savepoint():
            removal.restore(self, model, _record_id(id))
        return self._written(model, id)

    def save_many(
        self,
        entity: str,
        rows: Iterable[Mapping[str, Any]],
        *,
        on_match: OnMatch = "error",
        on_problem: Literal["raise", "reject"] = "raise",
        import_id: int | None = None,
    ) -> SaveResult:
        """Create or change many records in few statements; rows with an ``id`` change that record.

        Args:
            entity: name of the entity.
            rows: as `create` and `update` take them, ``id`` and ``version`` among the values.
            on_match: as for `create`.
            on_problem: ``raise`` writes all rows or none; ``reject`` writes the good ones and returns the others
                with their problems.
            import_id: the import that new records come from.

        Raises:
            ValidationError: with ``on_problem="raise"``, the problems of all rows, numbered from 0.
        """
        model = self.runtime.entity(entity)
        _expect_one_of(on_match, _ON_MATCH, "on_match")
        _expect_one_of(on_problem, _ON_PROBLEM, "on_problem")
        with self.savepoint():
            result = saving.save_rows(self, model, rows, on_match, import_id)
            if on_problem == "raise" and result.count("rejected"):
                raise ValidationError(result.problems)
        return result

    def update_where(self, entity: str, condition: str, values: Mapping[str, Any]) -> int:
        """Change all records that a condition selects and return how many changed; all or none.

        Raises:
            ValidationError, AccessDenied, ConditionError: as their names say. Nothing was written.
        """
        model = self.runtime.entity(entity)
        table = self.runtime.tables.entity[model.name]
        if not condition.strip():
            raise UsageError(_("a condition is needed"), hint=_("Write `true` to change all records."))
        # Locked: what somebody is just changing is looked at again once they are done.
        selected = select(table.c.id).where(*reading.matching(self, model, condition)).order_by(table.c.id)
        ids = self.connection.execute(selected.with_for_update(key_share=True)).scalars().all()
        changed = 0
        with self.savepoint():
            for start in range(0, len(ids), _ROWS_PER_BATCH):
                rows = [{**values, "id": id} for id in ids[start : start + _ROWS_PER_BATCH]]
                changed += self.save_many(entity, rows).count("updated")
        return changed

    # -- the second door ----------------------------------------------------------------------------------------

    def write_computed(self, entity: str, fields: Sequence[str], values: Select[Any]) -> int:
        """Write fields that rules own; see :func:`crmcore.records.computed.write_computed`."""
        with self.savepoint():
            return computed.write_computed(self, self.runtime.entity(entity), fields, values)

    # -- what the doors themselves need -------------------------------------------------------------------------

    def may(self, action: Action, entity: str, target: FromClause) -> ColumnElement[bool]:
        """Return which rows of a table the actor may do something with."""
        return self.access.predicate(self.actor, action, entity, target, self.rule_context())

    def sees(self, entity: str, id: int, *, deleted: bool = False) -> bool:
        """Return whether the actor may read a record."""
        table = self.runtime.tables.entity[entity]
        predicates = [table.c.id == id, self.may("read", entity, table)]
        if not deleted:
            predicates.append(live(table))
        return self.connection.execute(select(table.c.id).where(*predicates)).first() is not None

    def rule_context(self) -> SqlContext:
        """Return what access rules are compiled with: they look at all live rows."""
        return self._context(self.access.rows)

    def filter_context(self) -> SqlContext:
        """Return what the actor's own conditions are compiled with: they look at visible rows only."""
        return self._context(self._visible_rows)

    def python_context(self) -> PythonContext:
        """Return what conditions are explained with for one record: they look at all live rows, as rules do."""
        return PythonContext(
            today=self.today,
            now=self.now,
            timezone=self.timezone,
            me=self.actor.id,
            my_team=self.actor.team,
            fetch=lambda entity, id: next(iter(self._values(entity, lambda table: table.c.id == id)), None),
            related=self._related,
        )

    def tell(self, hook: str, batch: Batch) -> None:
        """Call a hook of the plugins that listen to the batch's entity."""
        for _plugin, _result in self.runtime.registry.call(hook, batch.entity, tx=self, batch=batch):
            pass

    def ask(self, hook: str, batch: Batch) -> Iterator[Problem]:
        """Call a hook of the plugins that listen to the batch's entity and yield the problems they find."""
        for plugin, problems in self.runtime.registry.call(hook, batch.entity, tx=self, batch=batch):
            yield from (evolve(problem, plugin=plugin) for problem in problems or ())

    @contextmanager
    def computing(self) -> Iterator[int]:
        """Count a run of the second door, and give how many it is inside of."""
        self._state.computing += 1
        try:
            yield self._state.computing
        finally:
            self._state.computing -= 1

    def end(self) -> None:
        """Refuse further use: the connection goes back to its pool."""
        self._state.ended = True

    def caused_events(self) -> None:
        """Note that the outbox has something to deliver once this is committed."""
        self._state.has_events = True

    @property
    def has_events(self) -> bool:
        """Whether something is to be delivered once this is committed."""
        return self._state.has_events

    def committed(self) -> None:
        """Deliver what the session caused; for applications that commit on a connection of their own.

        Call it after the commit. A session that :meth:`crmcore.CRM.session` commits by itself does not need it.
        """
        if self.has_events and self.crm is not None:
            self.crm.deliver()

    def _written(self, entity: Entity, id: int) -> Record:
        """Return a record that was just written, also to an actor who may write and not read."""
        return reading.read_written(self, entity, id)

    def _related(self, relation: Relation, ref: Ref) -> Sequence[Mapping[str, Any]]:
        reference = self.runtime.registry.entities[relation.entity].fields[relation.field]
        return self._values(relation.entity, lambda table: removal.points_to(table, reference, ref.entity, [ref.id]))

    def _values(self, entity: str, wanted: Callable[[Table], ColumnElement[bool]]) -> Sequence[Mapping[str, Any]]:
        table, codec = self.runtime.tables.entity[entity], self.runtime.codecs[entity]
        rows = self.connection.execute(select(table).where(live(table), wanted(table)))
        return [codec.decode_python(row) for row in rows]

    def _visible_rows(self, entity: str) -> tuple[FromClause, ColumnElement[bool]]:
        alias = self.runtime.tables.entity[entity].alias()
        return alias, and_(live(alias), self.may("read", entity, alias))

    def _context(self, rows: Callable[[str], tuple[FromClause, ColumnElement[bool]]]) -> SqlContext:
        return SqlContext(
            today=self.today,
            now=self.now,
            timezone=self.timezone,
            me=self.actor.id,
            my_team=self.actor.team,
            rows=rows,
        )


def _record_id(value: object) -> int:
    if type(value) is not int or not 0 < value <= MAX_INTEGER:
        raise UsageError(_("expected the id of a record, found {found!r}").format(found=value))
    return value


def _expect(value: object, kinds: type | tuple[type, ...], name: str) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise UsageError(_("{name}: unexpected {found!r}").format(name=name, found=value))


def _expect_one_of(value: object, known: Sequence[str], name: str) -> None:
    if value not in known:
        raise UsageError(
            _("{name}: unexpected {found!r}").format(name=name, found=value),
            hint=_("Known: {known}").format(known=", ".join(known)),
        )
