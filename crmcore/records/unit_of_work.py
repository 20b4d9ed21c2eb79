"""The unit of work behind a session: its connection, its actor, and what both write doors need of them.

Which rows the actor may see, what conditions are compiled with, how plugins are asked and told, and what has to be
delivered afterwards. What an application calls is :class:`crmcore.records.session.Session`.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from copy import copy
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from attrs import define, evolve
from sqlalchemy import True_, and_, select
from sqlalchemy.exc import IntegrityError

from crmcore.access import live
from crmcore.conditions import PythonContext, SqlContext
from crmcore.errors import AccessDenied, CRMError, DuplicateRecord, PluginError, UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.records.locks import KeyLocks
from crmcore.records.pointing import points_to
from crmcore.store.failures import read_violation
from crmcore.store.tables import FOLDED
from crmcore.types import SYSTEM, Problem

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Connection, FromClause, Table

    from crmcore.access import Access
    from crmcore.records.runtime import Runtime
    from crmcore.schema.model import Relation
    from crmcore.store.failures import Violation
    from crmcore.types import Action, Actor, Batch, Ref

__all__ = ["UnitOfWork"]

_log = logging.getLogger("crmcore.plugins")


@define
class _State:
    """What a session and its views as the system share."""

    has_events: bool = False
    computing: int = 0
    """Runs of the second door that are under way, one inside the other."""
    import_id: int | None = None
    takes_back: bool = False
    ended: bool = False


class UnitOfWork:
    """One actor's work in one transaction, in one thread."""

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
        self.locks = KeyLocks(connection)
        self._connection = connection
        self._predicates: dict[tuple[Action, str], ColumnElement[bool]] = {}
        self._state = _State()
        self._thread = threading.get_ident()

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

    def as_system(self) -> Self:
        """Return a session on the same transaction to which no access rule applies, for a plugin's own work.

        History still names the actor.
        """
        system = copy(self)
        system.actor = evolve(self.actor, system=True)
        system._predicates = {}  # noqa: SLF001  # its own
        vars(system).pop("hidden", None)
        return system

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo everything written inside the ``with`` block when it ends with an error.

        Raises:
            AccessDenied: the session or its actor is for reading only.
            DuplicateRecord: somebody else has just saved the same unique value.
            ValidationError: a reference leads to a record that is not there.
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
            violation = read_violation(error, self.runtime.tables.metadata)
            if violation.kind == "other":
                raise
            raise _refused(violation) from error

    def may(self, action: Action, entity: str, target: FromClause) -> ColumnElement[bool]:
        """Return which rows of a table the actor may do something with; a session asks its rules once."""
        if target is not self.runtime.tables.entity[entity]:
            return self.access.predicate(self.actor, action, entity, target, self.rule_context())
        if (action, entity) not in self._predicates:
            context = self.rule_context()
            self._predicates[action, entity] = self.access.predicate(self.actor, action, entity, target, context)
        return self._predicates[action, entity]

    def sees(self, entity: str, id: int, *, deleted: bool = False) -> bool:
        """Return whether the actor may read a record."""
        table = self.runtime.tables.entity[entity]
        predicates = [table.c.id == id, self.may("read", entity, table)]
        if not deleted:
            predicates.append(live(table))
        return self.connection.execute(select(table.c.id).where(*predicates)).first() is not None

    def sees_all(self, entity: str) -> bool:
        """Return whether the actor may read every record of an entity, so that nothing of them is a secret."""
        return isinstance(self.may("read", entity, self.runtime.tables.entity[entity]), True_)

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

    def settings(self, plugin: str) -> Mapping[str, Any]:
        """Return the settings of a plugin, defaults filled in."""
        return self.runtime.registry.plugins[plugin].settings

    def granted(self, permission: str) -> bool:
        """Return whether the actor has a permission, the core's own or one that a plugin declares."""
        return self.access.may(self.actor, permission)

    def ask_isolated(self, hook: str, **arguments: Any) -> tuple[list[Any], tuple[PluginError, ...]]:
        """Ask every plugin a question, each in a savepoint of its own, and return all answers and who failed.

        A statement that fails would otherwise end the transaction for the others too, on PostgreSQL. A plugin that
        looks at what the actor may not read has nothing to tell this actor, and has not failed.

        Args:
            hook: name of an isolated hook that answers with an iterable and takes ``tx``.
            **arguments: of the hook, besides ``tx``.
        """
        registry = self.runtime.registry
        answers: list[Any] = []
        failures: list[PluginError] = []
        for plugin in registry.listeners(hook):
            try:
                with self.connection.begin_nested():
                    answers += registry.call_plugin(hook, plugin, tx=self, **arguments)
            except AccessDenied:
                continue
            except CRMError as error:
                failure = registry.failure(plugin, hook, error)
                _log.error("%s", failure.message, exc_info=failure.cause)
                failures.append(failure)
        return answers, tuple(failures)

    def tell(self, hook: str, batch: Batch) -> None:
        """Call a hook of the plugins that listen to the batch's entity."""
        for _plugin, _result in self.runtime.registry.call(hook, batch.entity, tx=self, batch=batch):
            pass

    def ask(self, hook: str, batch: Batch, **more: Any) -> Iterator[Problem]:
        """Call a hook of the plugins that listen to the batch's entity and yield the problems they find.

        Args:
            hook: name of the hook.
            batch: the records.
            **more: arguments of the hook besides.

        Raises:
            PluginError: a plugin failed, or found a problem in a row that is not there.
        """
        registry = self.runtime.registry
        rows = {None, *(change.row for change in batch)}
        for plugin, problems in registry.call(hook, batch.entity, tx=self, batch=batch, **more):
            for problem in problems or ():
                if problem.row not in rows:
                    wrong = ValueError(_("there is no row {row} in the batch").format(row=problem.row))
                    raise PluginError(plugin, registry.versions[plugin], hook, wrong)
                yield evolve(problem, plugin=plugin)

    @contextmanager
    def computing(self) -> Iterator[int]:
        """Count a run of the second door, and give how many it is inside of."""
        self._state.computing += 1
        try:
            yield self._state.computing
        finally:
            self._state.computing -= 1

    @property
    def import_id(self) -> int | None:
        """The import whose rows are being saved, with all that plugins write because of them."""
        return self._state.import_id

    @contextmanager
    def importing(self, import_id: int | None) -> Iterator[None]:
        """Let what is written inside the ``with`` block belong to an import; None changes nothing."""
        before = self._state.import_id
        self._state.import_id = import_id if import_id is not None else before
        try:
            yield
        finally:
            self._state.import_id = before

    @property
    def takes_back(self) -> bool:
        """Whether an import is undone: what returns to where it was is held to no rule of moving on."""
        return self._state.takes_back

    @contextmanager
    def taking_back(self) -> Iterator[None]:
        """Let what is written inside the ``with`` block be the undoing of an import."""
        self._state.takes_back = True
        try:
            yield
        finally:
            self._state.takes_back = False

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

    def _related(self, relation: Relation, ref: Ref) -> Sequence[Mapping[str, Any]]:
        reference = self.runtime.registry.entities[relation.entity].fields[relation.field]
        return self._values(relation.entity, lambda table: points_to(table, reference, ref.entity, [ref.id]))

    def _values(self, entity: str, wanted: Callable[[Table], ColumnElement[bool]]) -> Sequence[Mapping[str, Any]]:
        selection = self.runtime.selections[entity]
        rows = self.connection.execute(selection.statement.where(live(selection.table), wanted(selection.table)))
        return [selection.named(row) for row in rows]

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


def _refused(violation: Violation) -> ValidationError:
    """Return the error for a constraint that the checks before could not see: somebody else was faster."""
    if violation.kind == "unique":
        fields = ", ".join(column.removesuffix(FOLDED) for column in violation.columns)
        message = _("somebody else has just saved the same {fields}").format(fields=fields)
        hint = _("Read again, and repeat your change.")
        return DuplicateRecord([Problem(message=message, field=fields, code="unique")], hint=hint)
    return ValidationError([Problem(message=_("a reference leads to a record that is not there"), code="reference")])
