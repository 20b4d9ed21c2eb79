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
from sqlalchemy import Connection, Engine, select

from crmcore import delivery
from crmcore.access import live
from crmcore.config import read_config
from crmcore.errors import AccessDenied, CRMError, DatabaseError, UsageError
from crmcore.i18n import gettext as _
from crmcore.records.runtime import build_runtime
from crmcore.records.session import Session
from crmcore.registry import load
from crmcore.schema.values import fold
from crmcore.store import backup
from crmcore.store.engine import adopt, check_connection, create_store_engine, reading, writing
from crmcore.store.failures import database_errors
from crmcore.store.installed import Origin, check_up_to_date
from crmcore.types import SYSTEM, Actor

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from crmcore.delivery import Delivery
    from crmcore.registry import Registry
    from crmcore.store.backup import Archive
    from crmcore.store.migrate import OriginStatus, Upgrade
    from crmcore.types import Plugin, Problem

__all__ = ["CRM"]

_log = logging.getLogger("crmcore.delivery")


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
        self, registry: Registry, engine: Engine | str | None = None, *, clock: Callable[[], dt.datetime] | None = None
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
        connection: Connection | None = None,
        read_only: bool = False,
        source: str = "api",
    ) -> Iterator[Session]:
        """Open a session; it is committed at the end of the block and rolled back on any error.

        Args:
            actor: who works: a user's login, an actor, or the system, to whom no access rule applies.
            connection: the application's own, in a transaction that the application commits; it calls
                `Session.committed` afterwards, so that plugins hear of it.
            read_only: take no write lock; saving is refused.
            source: where writes come from, as hooks and history see it.

        Raises:
            AccessDenied: no active user has that login.
            DatabaseError: the database cannot be opened or is not up to date.
        """
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
        with reading(self.engine) as connection:
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
            _log.warning("events wait for the next delivery: %s", error.message)

    def tenant(self, engine: Engine | str) -> CRM:
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

        return migrate.status(self.engine, self.runtime.tables, self.origins)

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
        self._is_up_to_date = self._is_up_to_date or not dry_run
        return done

    def backup(self, path: Path) -> Archive:
        """Write everything that is stored into one archive, which either kind of database can be restored from."""
        return backup.backup(self.engine, path, now=self.now())

    def restore(self, path: Path) -> Archive:
        """Bring an archive back into this database, which must be empty."""
        return backup.restore(self.engine, path)

    def _problems_of(self, entity: str, values: Mapping[str, Any]) -> Sequence[Problem]:
        validator = self.registry.validator(entity)
        return () if validator.is_valid(values) else validator.problems(values)

    def _migrate_plugin(self, plugin: str, from_version: str, connection: Connection) -> None:
        session = Session(
            self.runtime, connection, now=self.now(), timezone=self.timezone, source=f"upgrade of {plugin}", crm=self
        )
        self.registry.call_plugin("crm_migrate", plugin, tx=session, from_version=from_version)

    def _transaction(self, connection: Connection | None, *, read_only: bool) -> AbstractContextManager[Connection]:
        if connection is None:
            return reading(self.engine) if read_only else self._writing()
        if not isinstance(connection, Connection):
            raise UsageError(
                _("`connection` is a SQLAlchemy connection, not {found}").format(found=type(connection).__name__),
                hint=_("Pass an engine to CRM(registry, engine)."),
            )
        if not connection.in_transaction():
            raise UsageError(_("the connection has no transaction"), hint=_("Begin one, and commit it afterwards."))
        check_connection(connection)
        return _borrowed(connection)

    def _actor(self, connection: Connection, login: str) -> Actor:
        user = self.runtime.tables.entity["user"]
        found = connection.execute(select(user).where(live(user), user.c.login__folded == fold(login))).first()
        if found is None or found.active is False:
            raise AccessDenied(
                _("no active user has the login {login!r}").format(login=login),
                hint=_("An administrator can create one: crmcore create user --set login={login}").format(login=login),
            )
        return Actor(login=found.login, id=found.id, roles=tuple(found.roles or ()), team=found.team)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        """Open a transaction for writing; on SQLite a thread that has one already would wait for itself."""
        if self.engine.dialect.name == "sqlite" and getattr(self._local, "writing", False):
            raise UsageError(
                _("this thread has a session for writing open already"),
                hint=_("Work with that one, or open the other with read_only=True."),
            )
        self._local.writing = True
        try:
            with writing(self.engine) as connection:
                yield connection
        finally:
            self._local.writing = False

    def _demand_up_to_date(self, connection: Connection) -> None:
        if self._is_up_to_date:
            return
        behind = check_up_to_date(connection, self.runtime.tables, self.origins)
        if behind:
            raise DatabaseError(
                _("the database is not up to date for: {origins}").format(origins=", ".join(behind)),
                hint=_("Run `crmcore db upgrade` (with --dry-run to see first what it would do)."),
            )
        self._is_up_to_date = True


@contextmanager
def _borrowed(connection: Connection) -> Iterator[Connection]:
    # An error inside the block takes back what the session did; the rest is the application's to decide.
    with database_errors(connection.engine.url), connection.begin_nested():
        yield connection


def _wall_clock() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
