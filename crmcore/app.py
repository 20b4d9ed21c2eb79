"""The composition root: a CRM is a registry on a database, and the only object that an application holds.

It opens sessions, commits them and delivers what they caused. What a session does is :mod:`crmcore.records`.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from zoneinfo import ZoneInfo

from attrs import evolve
from sqlalchemy import URL, Connection, Engine

from crmcore import delivery
from crmcore.config import read_config
from crmcore.errors import CRMError, UsageError
from crmcore.i18n import gettext as _
from crmcore.records.actors import find_actor
from crmcore.records.runtime import build_runtime
from crmcore.records.session import Session
from crmcore.registry import load
from crmcore.store import backup, copying
from crmcore.store.borrowed import Dressing, borrowed, dressing
from crmcore.store.engine import adopt, create_store_engine, reading, refuse_missing, writing
from crmcore.store.installed import Origin, demand_up_to_date
from crmcore.types import SYSTEM, Actor

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    import psycopg

    from crmcore.delivery import Delivery
    from crmcore.registry import Registry
    from crmcore.store.backup import Archive
    from crmcore.store.copying import CopiedTable
    from crmcore.store.migrate import OriginStatus, Upgrade
    from crmcore.store.purging import Purge, UndonePurge
    from crmcore.types import Plugin, Problem

__all__ = ["CRM"]

_delivery_log = logging.getLogger("crmcore.delivery")
_upgrade_log = logging.getLogger("crmcore.upgrade")


class CRM:
    """A registry on a database.

    Thread-safe: every thread opens sessions of its own. Many CRMs may share a registry, one for each tenant.

    Args:
        registry: what :func:`crmcore.load` returned.
        engine: a SQLAlchemy engine or a database URL; by default the URL of ``crm.toml``. An engine of the
            application's own is configured (foreign keys, transactions) and never disposed of.
        clock: returns the current instant, aware; for tests, and for running yesterday's work.

    Example:
        >>> crm = CRM.open("crm.toml")  # doctest: +SKIP
        >>> with crm.session("li.wei") as session:  # doctest: +SKIP
        ...     session.create("customer", {"name": "佛山企业电子"})
    """

    def __init__(
        self,
        registry: Registry,
        engine: Engine | URL | str | None = None,
        *,
        clock: Callable[[], dt.datetime] | None = None,
    ) -> None:
        self.registry = registry
        self.timezone = ZoneInfo(registry.config.timezone)
        self._owns_engine = not isinstance(engine, Engine)
        self.engine = (
            adopt(engine) if isinstance(engine, Engine) else create_store_engine(engine or registry.config.database_url)
        )
        dialect = self.engine.dialect
        self.runtime = registry.derived(f"runtime on {dialect.name}", lambda: build_runtime(registry, dialect))
        self._clock = clock or _wall_clock
        self._is_up_to_date = False
        self._local = threading.local()
        self._writers: set[int] = set()
        """Threads that have a session for writing open."""
        for _plugin, _result in registry.call("crm_startup", crm=self):
            pass

    @classmethod
    def open(
        cls,
        path: Path | str = "crm.toml",
        *,
        plugins: Sequence[Plugin] = (),
        clock: Callable[[], dt.datetime] | None = None,
    ) -> Self:
        """Read ``crm.toml``, load its plugins and return the CRM; the database is opened at its first use.

        Args:
            path: of ``crm.toml``.
            plugins: plugins given as objects, besides those that the file enables.
            clock: as for the constructor.

        Raises:
            ConfigError, ManifestError, SchemaError, PluginError: every problem of the first stage that has any.
            DatabaseError: the database URL cannot be meant.
        """
        return cls(load(read_config(Path(path)), plugins), clock=clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Tell plugins that it ends, and let the database go unless the engine is the application's own."""
        self.registry.call_isolated("crm_shutdown", crm=self)
        if self._owns_engine:
            self.engine.dispose()

    def now(self) -> dt.datetime:
        """Return the current instant in UTC, by the clock that the CRM was given."""
        return self._clock().astimezone(dt.UTC)

    @contextmanager
    def session(
        self,
        actor: Actor | str = SYSTEM,
        *,
        connection: Connection | sqlite3.Connection | psycopg.Connection[Any] | None = None,
        read_only: bool = False,
        source: str = "api",
    ) -> Iterator[Session]:
        """Open a session; it is committed at the end of the block and rolled back on any error.

        Args:
            actor: who works: a user's login, an actor, or the system, to whom no access rule applies.
            connection: the application's own, of SQLAlchemy or of the driver, in a transaction that the application
                commits; it calls `Session.committed` afterwards, so that plugins hear of it.
            read_only: take no write lock; saving is refused, and everything is read as it is at one moment, unless
                the transaction is the application's own.
            source: where writes come from, as hooks and history see it; no rule of the core depends on it.

        Raises:
            AccessDenied: no active user has that login.
            DatabaseError: the database cannot be opened or is not up to date.
            UsageError: the connection has no transaction, or the thread has a session for writing already, on SQLite.
        """
        if not isinstance(actor, Actor | str):
            raise UsageError(
                _("an actor is a login or an Actor, not {found!r}").format(found=actor),
                hint=_("Leave it out to work as the system, to whom no access rule applies."),
            )
        own = connection is None
        with self._transaction(connection, read_only=read_only) as used:
            self._demand_up_to_date(used)
            who = self._actor(used, actor) if isinstance(actor, str) else actor
            session = Session(
                self.runtime,
                used,
                now=self.now(),
                timezone=self.timezone,
                actor=evolve(who, read_only=True) if read_only else who,
                source=source,
                crm=self,
            )
            try:
                yield session
            finally:
                session.end()
        if own:
            self._deliver_after_commit(session)

    def actor(self, login: str) -> Actor:
        """Return the actor for a user's login.

        Raises:
            AccessDenied: no active user has that login.
        """
        with reading(self._existing) as connection:
            self._demand_up_to_date(connection)
            return self._actor(connection, login)

    def deliver(self) -> Delivery:
        """Give plugins the committed events that are due; done after every commit of `session` by itself."""
        if getattr(self._local, "delivering", False):
            return delivery.Delivery()  # the delivery that is under way takes what its handlers cause
        self._local.delivering = True
        try:
            return delivery.deliver(self)
        finally:
            self._local.delivering = False

    def _deliver_after_commit(self, session: Session) -> None:
        """Deliver what a session caused; what fails is due again, and the work itself is stored."""
        try:
            session.committed()
        except CRMError as error:
            _delivery_log.warning("events wait for the next delivery: %s", error.message)

    def tenant(self, engine: Engine | URL | str) -> CRM:
        """Return a CRM with the same registry on another database."""
        return type(self)(self.registry, engine, clock=self._clock)

    @property
    def origins(self) -> Sequence[Origin]:
        """The schemas that the registry runs with and their versions: the core's, the plugins', the instance's."""
        versions = self.registry.versions
        return [Origin(name, versions[name], documents) for name, documents in self.registry.documents.items()]

    def status(self) -> Sequence[OriginStatus]:
        """Return for the core, each plugin and the instance whether the database is up to date with it."""
        from crmcore.store import migrate  # noqa: PLC0415  # Alembic costs a tenth of a second, and only upgrades need it

        return migrate.status(self._existing, self.runtime.tables, self.origins)

    def upgrade(self, *, drop: Collection[str] = (), dry_run: bool = False) -> Upgrade:
        """Bring the database to the form of the schemas, in one transaction; make it where it is empty.

        Args:
            drop: fields (``customer.fax``) and entities that may lose what is stored.
            dry_run: change nothing, and say which records the schemas would refuse.

        Raises:
            MigrationRefused: something stored would be lost that `drop` does not name.
            PluginError: a plugin's ``crm_migrate`` failed.
        """
        from crmcore.store import migrate  # noqa: PLC0415  # as in `status`

        done = migrate.upgrade(
            self.engine,
            self.runtime.tables,
            self.registry.entities,
            self.origins,
            now=self.now(),
            drop=drop,
            dry_run=dry_run,
            check=self._problems_of,
            migrate_plugin=self._migrate_plugin,
        )
        if done.origins and not dry_run:
            _upgrade_log.info("upgraded %s in %d statements", ", ".join(done.origins), len(done.statements))
        self._is_up_to_date = self._is_up_to_date or not dry_run
        return done

    def backup(self, path: Path) -> Archive:
        """Write everything that is stored into one archive, which either kind of database can be restored from."""
        return backup.backup(self._existing, path, now=self.now())

    def restore(self, path: Path) -> Archive:
        """Bring an archive back into this database, which must be empty."""
        return backup.restore(self.engine, path)

    def copy_database(
        self,
        target: Engine | str,
        *,
        source: Engine | str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sequence[CopiedTable]:
        """Copy everything that is stored into an empty database of either kind, and compare every row.

        Args:
            target: a database that holds no CRM.
            source: a database with the schemas of this CRM; by default the one that this CRM is on.
            progress: called with the number of rows that were written or compared, and how many will be.

        Raises:
            DatabaseError: the source is not up to date, the target not empty, or a row is not the same afterwards.
                Nothing was copied.
        """
        with _engine(source or self.engine) as read, _engine(target) as write:
            return copying.copy_database(read, write, self.origins, progress=progress)

    def plan_purge(self, plugin: str) -> Purge:
        """Return what `purge` would remove."""
        from crmcore.store import purging  # noqa: PLC0415  # as in `status`

        with reading(self._existing) as connection:
            self._demand_up_to_date(connection)
            return purging.plan_purge(connection, self.runtime.tables, self.registry.entities, self._enabled, plugin)

    def purge(self, plugin: str, path: Path) -> Purge:
        """Remove for good what a disabled plugin has stored, into an archive.

        Raises:
            UsageError: the plugin is enabled, has stored nothing, or another refers to what it has stored.
            DatabaseError: the archive cannot be written. Nothing was removed.
        """
        from crmcore.store import purging  # noqa: PLC0415  # as in `status`

        return purging.purge(
            self._existing,
            self.runtime.tables,
            self.registry.entities,
            self.origins,
            plugin,
            path,
            enabled=self._enabled,
            now=self.now(),
        )

    def undo_purge(self, plugin: str, path: Path) -> UndonePurge:
        """Bring back what a purge has removed, once the plugin is enabled and upgraded again."""
        from crmcore.store import purging  # noqa: PLC0415  # as in `status`

        return purging.undo_purge(self._existing, self.runtime.tables, self.origins, plugin, path)

    @property
    def _existing(self) -> Engine:
        """The engine, unless its database is a file that is not there: opening it would make an empty one."""
        refuse_missing(self.engine)
        return self.engine

    @property
    def _enabled(self) -> Collection[str]:
        """The origins that run, and the plugins that should."""
        return {*self.registry.documents, *self.registry.plugins, *self.registry.broken}

    def _problems_of(self, entity: str, values: Mapping[str, Any]) -> Sequence[Problem]:
        validator = self.registry.validator(entity)
        return () if validator.is_valid(values) else validator.problems(values)

    def _migrate_plugin(self, plugin: str, from_version: str, connection: Connection) -> None:
        session = Session(
            self.runtime, connection, now=self.now(), timezone=self.timezone, source=f"upgrade of {plugin}", crm=self
        )
        self.registry.call_plugin("crm_migrate", plugin, tx=session, from_version=from_version)

    def _transaction(self, connection: object | None, *, read_only: bool) -> AbstractContextManager[Connection]:
        if connection is None:
            return reading(self._existing) if read_only else self._writing()
        return self._borrowing(connection, read_only=read_only)

    @contextmanager
    def _borrowing(self, connection: object, *, read_only: bool) -> Iterator[Connection]:
        """Work in the application's transaction, which is the one for writing of this thread meanwhile."""
        thread = threading.get_ident()
        is_first = not read_only and thread not in self._writers
        if is_first:
            self._writers.add(thread)
        try:
            with borrowed(connection, self.engine, self._dressing) as used:
                yield used
        finally:
            if is_first:
                self._writers.discard(thread)

    def _dressing(self, backend: str) -> Dressing:
        return self.registry.derived(f"dressing of {backend}", lambda: dressing(backend))

    def _actor(self, connection: Connection, login: str) -> Actor:
        return find_actor(connection, self.runtime.tables.entity["user"], login)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction for writing; on SQLite a thread that has one already would wait for itself."""
        thread = threading.get_ident()
        if self.engine.dialect.name == "sqlite" and thread in self._writers:
            raise UsageError(
                _("this thread has a session for writing open already"),
                hint=_("Work with that one, or open the other with read_only=True."),
            )
        self._writers.add(thread)
        try:
            with writing(self._existing) as connection:
                yield connection
        finally:
            # The thread that opened it, whichever one closes it: web frameworks leave a block where they please.
            self._writers.discard(thread)

    def _demand_up_to_date(self, connection: Connection) -> None:
        if self._is_up_to_date:
            return
        demand_up_to_date(connection, self.runtime.tables, self.origins)
        self._is_up_to_date = True


@contextmanager
def _engine(given: Engine | str) -> Iterator[Engine]:
    """Yield an engine, which is disposed of if it was made here."""
    if isinstance(given, Engine):
        yield adopt(given)
        return
    engine = create_store_engine(given)
    try:
        yield engine
    finally:
        engine.dispose()


def _wall_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
