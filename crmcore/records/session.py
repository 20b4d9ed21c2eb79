"""The session: one actor's reading and writing in one transaction, on one connection, in one thread.

It is what an application works with and what hooks are given as ``tx``; it cannot commit. Opening, committing
and delivering are :mod:`crmcore.app`'s. The two write doors are :mod:`crmcore.records.saving` (values that people
own) and :mod:`crmcore.records.computed` (values that rules own).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve
from sqlalchemy import CompoundSelect, FromClause, Select, select

from crmcore.access import live
from crmcore.errors import NotFound, UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.records import computed, reading, removal, saving
from crmcore.records.open_rows import open_rows
from crmcore.records.unit_of_work import UnitOfWork
from crmcore.schema.values import MAX_INTEGER, fold
from crmcore.store import history as history_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import Result, Subquery

    from crmcore.errors import AccessDenied
    from crmcore.records.drafts import SaveResult
    from crmcore.records.reading import Page
    from crmcore.records.saving import OnMatch
    from crmcore.schema.model import Entity
    from crmcore.schema.records import Record
    from crmcore.store.history import HistoryEntry
    from crmcore.types import Ref

__all__ = ["Session"]

_ON_MATCH = ("update", "skip", "error", "create")
_ON_PROBLEM = ("raise", "reject")

_ROWS_PER_BATCH = 5000


class Session(UnitOfWork):
    """One actor's work in one transaction.

    Args:
        runtime: the registry on the connection's database.
        connection: a connection with a transaction begun.
        actor: who works; the system by default, to whom no access rule applies.
        now: the instant of the transaction, UTC.
        timezone: of the instance; `today` is the day of `now` there.
        source: where writes come from, as hooks and history see it; no rule depends on it.
        crm: the CRM that opened the session.
    """

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

    def names(self, refs: Iterable[Ref]) -> Mapping[Ref, str]:
        """Return what people call records, by their display field or else a key; only those that the actor may see.

        Example:
            >>> session.names([Ref("customer", 1), Ref("user", 7)])  # doctest: +SKIP
            {Ref(entity='customer', id=1): '佛山企业电子', Ref(entity='user', id=7): '李伟'}
        """
        return reading.names(self, refs)

    def user_id(self, login: str) -> int | None:
        """Return the id of the user with a login, in whatever case it is typed; None where the actor sees none.

        Everybody finds themselves.
        """
        wanted, user = fold(login.strip()), self.table("user")
        if self.actor.id is not None and wanted == fold(self.actor.login):
            return self.actor.id
        if "login" not in user.c:
            return None
        found: int | None = self.execute(select(user.c.id).where(user.c.login__folded == wanted)).scalar()
        return found

    def owner_field(self, entity: str) -> str | None:
        """Return the field that says whose a record of an entity is; None where the schema declares none."""
        return self.runtime.entity(entity).owner_field

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
        """Return the live rows that the actor may see as a SQLAlchemy subquery whose columns are the fields.

        Fields that the actor may not read are not among its columns: ``name in rows.c`` is false, and asking for one,
        as ``rows.c.name`` or ``rows.c["name"]``, raises `AccessDenied`.
        """
        table = self.runtime.tables.entity[self.runtime.entity(entity).name]
        hidden = self.access.fields(self.actor, entity).hidden
        visible = live(table), self.may("read", entity, table)
        if not hidden:
            return select(table).where(*visible).subquery(entity)

        def denial(column: str) -> AccessDenied | None:
            field = column.partition("__")[0]
            return self.access.denied(self.actor, "read", f"{entity}.{field}") if field in hidden else None

        columns = [column for column in table.c if column.name.partition("__")[0] not in hidden]
        return open_rows(select(*columns).where(*visible), entity, denial)

    def execute(self, statement: Select[Any] | CompoundSelect[Any]) -> Result[Any]:
        """Run a SELECT, usually over `table`, and return SQLAlchemy's result.

        Raises:
            UsageError: it is not a SELECT; writing goes through the two doors.
        """
        if not isinstance(statement, Select | CompoundSelect):
            raise UsageError(_("only SELECT statements are run here"), hint=_instead_of(statement))
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
            import_id: the import that the rows come from; new records and the history of changed ones keep it, nobody
                owns what they create unless they say who, and plugins see the batch as ``imported``.

        Raises:
            ValidationError: with ``on_problem="raise"``, the problems of all rows, numbered from 0.
        """
        model = self.runtime.entity(entity)
        _expect_one_of(on_match, _ON_MATCH, "on_match")
        _expect_one_of(on_problem, _ON_PROBLEM, "on_problem")
        with self.savepoint(), self.importing(import_id):
            result = saving.save_rows(self, model, rows, on_match)
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
        changed = 0
        with self.savepoint():
            ids = self.connection.execute(selected.with_for_update(key_share=True)).scalars().all()
            for start in range(0, len(ids), _ROWS_PER_BATCH):
                rows = [{**values, "id": id} for id in ids[start : start + _ROWS_PER_BATCH]]
                changed += self.save_many(entity, rows).count("updated")
        return changed

    # -- the second door ----------------------------------------------------------------------------------------

    def write_computed(self, entity: str, fields: Sequence[str], values: Select[Any]) -> int:
        """Write fields that rules own and return how many records changed.

        See :func:`crmcore.records.computed.write_computed`.
        """
        with self.savepoint():
            return computed.write_computed(self, self.runtime.entity(entity), fields, values).records

    def committed(self) -> None:
        """Deliver what the session caused; for applications that commit on a connection of their own.

        Call it after the commit. A session that :meth:`crmcore.CRM.session` commits by itself does not need it.
        """
        if self.has_events and self.crm is not None:
            self.crm.deliver()

    def _written(self, entity: Entity, id: int) -> Record:
        """Return a record that was just written, also to an actor who may write and not read."""
        return reading.read_written(self, entity, id)


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


def _instead_of(statement: object) -> str:
    rows = isinstance(statement, FromClause)
    return _("Select from it: select(...).") if rows else _("Save records to write.")
