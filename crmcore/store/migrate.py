"""Upgrades: bringing a database from what is installed to what the schemas say, in one transaction, or not at all.

Killed at any moment the database is the old or the new one. A dry run does everything and rolls back, so what it says
is what would happen. The steps are in :mod:`crmcore.store.plans`, :mod:`crmcore.store.alter` and
:mod:`crmcore.store.convert`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import Connection, Engine, event
from sqlalchemy.schema import CreateIndex

from crmcore.store import alter
from crmcore.store.checks import RefusedRecords, find_refused_records, refuse_broken_references, refuse_duplicates
from crmcore.store.convert import convert_fields, fill_folded, rename_in_rows
from crmcore.store.engine import reading, restructuring
from crmcore.store.filling import no_empty_file
from crmcore.store.installed import (
    Installed,
    check_up_to_date,
    read_installed,
    refuse_newer,
    stored_fields,
    write_installed,
)
from crmcore.store.plans import make_plan, refusal
from crmcore.store.tables import table_name

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from crmcore.schema.model import Entity
    from crmcore.store.installed import Origin
    from crmcore.store.plans import Plan
    from crmcore.store.tables import Tables
    from crmcore.types import Problem

__all__ = ["OriginStatus", "RefusedRecords", "Upgrade", "status", "upgrade"]

_DDL = ("CREATE", "ALTER", "DROP")


@frozen
class OriginStatus:
    """Where an origin stands in a database."""

    name: str
    installed: str | None
    """Version in the database; None before its first upgrade."""
    running: str | None
    """Version of the program; None for a disabled plugin."""
    needs_upgrade: bool


@frozen(kw_only=True)
class Upgrade:
    """What an upgrade did, or in a dry run would do."""

    origins: tuple[str, ...]
    """Origins that were not up to date."""
    statements: tuple[str, ...]
    """The DDL, in order."""
    kept: tuple[str, ...]
    """Fields and entities of disabled plugins, which stay stored."""
    refused: RefusedRecords
    """Filled in by a dry run with a check."""


def status(engine: Engine, tables: Tables, origins: Sequence[Origin]) -> tuple[OriginStatus, ...]:
    """Return where the program's origins stand in a database, and then the disabled plugins'."""
    with reading(engine) as connection:
        installed = read_installed(connection, tables)
        behind = check_up_to_date(connection, tables, origins)
    versions = {name: origin.version for name, origin in installed.items()}
    running = {origin.name: origin.version for origin in origins}
    known = [OriginStatus(name, versions.get(name), running[name], name in behind) for name in running]
    return (*known, *(OriginStatus(name, versions[name], None, False) for name in versions if name not in running))


def upgrade(
    engine: Engine,
    tables: Tables,
    entities: Mapping[str, Entity],
    origins: Sequence[Origin],
    *,
    now: dt.datetime,
    drop: Collection[str] = (),
    dry_run: bool = False,
    check: Callable[[str, Mapping[str, Any]], Iterable[Problem]] | None = None,
    migrate_plugin: Callable[[str, str, Connection], None] | None = None,
) -> Upgrade:
    """Bring a database to the form of the schemas.

    Args:
        engine: of the database.
        tables: built from `entities`.
        entities: the composed entities.
        origins: where they come from: the core, the enabled plugins, the instance.
        now: the instant that is noted as that of the installation.
        drop: fields (``customer.fax``) and entities (``ticket``) that may lose what is stored.
        dry_run: roll everything back at the end. Others wait for the database meanwhile, as in an upgrade.
        check: returns the problems of a record (entity, values in JSON form); asked in a dry run for live records.
        migrate_plugin: called with plugin, installed version and connection for every origin whose version changed.

    Raises:
        MigrationRefused: something stored would be lost that `drop` does not name, or records share a value that
            is to be unique.
        DatabaseError: the database is newer than the program, or cannot be worked with.
        UsageError: `drop` names something that the upgrade would not drop.
    """
    statements: list[str] = []
    with no_empty_file(engine), restructuring(engine, commit=not dry_run) as connection:
        event.listen(connection, "before_cursor_execute", _collector(statements))
        installed = read_installed(connection, tables)
        refuse_newer({name: origin.version for name, origin in installed.items()}, origins)
        behind = check_up_to_date(connection, tables, origins)
        plan = make_plan(installed, entities, {origin.name for origin in origins}, drop)
        if behind or drop:
            if plan.refused:
                raise refusal(plan.refused, plan.refused)
            _apply(connection, tables, entities, plan, drop)
            _migrate_plugins(connection, installed, origins, migrate_plugin)
            current = [_installed(origin, entities, now) for origin in origins]
            write_installed(connection, tables, [*current, *plan.installed.values()])
            refuse_broken_references(connection)
        refused = find_refused_records(connection, tables, entities, check) if dry_run and check else RefusedRecords()
    return Upgrade(origins=tuple(behind), statements=tuple(statements), kept=plan.kept, refused=refused)


def _apply(
    connection: Connection, tables: Tables, entities: Mapping[str, Entity], plan: Plan, drop: Collection[str]
) -> None:
    alter.rename(connection, plan)
    alter.set_aside(connection, plan.conversions)
    if len(alter.create_tables(connection, tables)) == len(tables.metadata.tables):
        return  # a new database has nothing to compare with
    renamed = [(entity, old, new) for entity, old, new, _stored in plan.fields]
    rename_in_rows(connection, tables, plan.stored, plan.entities, renamed)
    going = alter.going_columns(tables, plan)
    difference = alter.find_difference(connection, tables, going)
    alter.add_columns(connection, difference.columns)
    convert_fields(connection, tables, entities, plan.conversions, drop)
    fill_folded(connection, tables, plan, difference.columns)
    changed = difference.changed_indexes
    alter.drop_indexes(connection, [*difference.old_indexes, *(str(index.name) for index in changed)])
    alter.drop_columns(connection, going)
    alter.drop_tables(connection, [table_name(name) for name in plan.dropped_entities])
    refuse_duplicates(connection, [*difference.new_indexes, *changed])
    for index in (*difference.new_indexes, *changed):
        connection.execute(CreateIndex(index))


def _collector(statements: list[str]) -> Callable[..., None]:
    def collect(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.lstrip().upper().startswith(_DDL):
            statements.append(statement.strip())

    return collect


def _migrate_plugins(
    connection: Connection,
    installed: Mapping[str, Installed],
    origins: Iterable[Origin],
    migrate: Callable[[str, str, Connection], None] | None,
) -> None:
    for origin in origins:
        before = installed.get(origin.name)
        if migrate is not None and before is not None and before.version != origin.version:
            migrate(origin.name, before.version, connection)


def _installed(origin: Origin, entities: Mapping[str, Entity], now: dt.datetime) -> Installed:
    return Installed(
        name=origin.name,
        version=origin.version,
        digest=origin.digest,
        installed_at=now,
        documents=origin.documents,
        fields=stored_fields(entities, origin.name),
    )
