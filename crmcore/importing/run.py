"""Running an import: the plan of a file, its rows in rounds, and its end.

An import that was stopped at any moment goes on where it was when it is run again.
"""

from __future__ import annotations

import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from crmcore.importing.overwriting import overwriting, overwriting_lines
from crmcore.importing.planning import fingerprint, plan_file
from crmcore.importing.register import check_unchanged, open_job, source_file
from crmcore.importing.rehearsal import rehearsal
from crmcore.importing.rejects import check_rejects, finish
from crmcore.importing.result import LEFT_OUT, ImportResult, created_besides, row_outcomes
from crmcore.importing.rounds import Rounds, Settings
from crmcore.store.imports import reasons
from crmcore.types import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sqlalchemy import Connection

    from crmcore.app import CRM
    from crmcore.importing.plan import Plan
    from crmcore.importing.progress import ShowProgress
    from crmcore.importing.register import ImportJob
    from crmcore.records.saving import OnMatch
    from crmcore.store.imports import RejectReason
    from crmcore.types import Actor, SourceHeader

__all__ = ["import_file"]

_REASONS_KEPT = 100

_log = logging.getLogger("crmcore.importing")


def import_file(
    crm: CRM,
    path: Path,
    entity: str,
    *,
    actor: Actor | str = SYSTEM,
    mapping: Path | None = None,
    on_match: OnMatch = "update",
    create_missing: bool = False,
    dry_run: bool = False,
    date_format: str | None = None,
    options: Mapping[str, Any] | None = None,
    rejects: Path | None = None,
    restart: bool = False,
    progress: ShowProgress | None = None,
    before: Callable[[Plan, SourceHeader], None] | None = None,
) -> ImportResult:
    """Import the rows of a file as records of an entity.

    Every chunk of 8,000 rows is committed with its position: the same call goes on where an interrupted one stopped,
    and changes nothing where it had ended. A bad row goes with its line and reason to the rejects file, which can be
    mended and imported again; the good ones stay.

    Args:
        crm: with a plugin that reads such files.
        path: of the file.
        entity: name of the entity.
        actor: who imports.
        mapping: a mapping file; without one, headers are understood by names, titles and aliases of fields.
        on_match: what becomes of a row that a matching rule recognises.
        create_missing: whether records that rows refer to and that are not there are created.
        dry_run: do it all, and throw it away; only the rejects file is written, where `rejects` names one.
        date_format: of date columns that the mapping file says nothing of: ``dd-mm-yyyy``.
        options: of the reader, besides those in the mapping file.
        rejects: where rejected rows go; by default beside the file.
        restart: begin anew instead of going on with an interrupted import of the same file.
        progress: called when it begins and after every chunk.
        before: called with the plan before anything is written.

    Raises:
        UsageError: no enabled plugin reads such files, the file cannot be read or has changed meanwhile, it has no
            known header, its dates can be read in two ways, or its numbers have a decimal comma that nobody declared.
        ConfigError: the mapping file is wrong.
        AccessDenied: the actor may save no such record.
        ValidationError: an option that the reader does not have.
        ImportTaken: another process is working on the same import.
    """
    if rejects is not None:
        check_rejects(crm, rejects)
    plan, source = plan_file(crm, path, entity, mapping=mapping, date_format=date_format, options=options)
    if before is not None:
        before(plan, source.header)
    _demand_rights(crm, plan, actor)
    file = source_file(path)
    same = fingerprint(plan, source, on_match, create_missing=create_missing)
    tried: AbstractContextManager[Connection | None] = rehearsal(crm) if dry_run else nullcontext()
    with tried as connection:
        job = open_job(crm, file, entity, same, actor=actor, connection=connection, restart=restart)
        _log.info("import %d of %s into %s begins at row %d", job.id, path.name, entity, job.position)
        rounds = Rounds(
            crm=crm,
            plan=plan,
            source=source,
            settings=Settings(actor, on_match, create_missing, connection),
            job=job,
            progress=progress,
        )
        rounds.run()
        found = _reasons(crm, rounds.job, connection)
        written = None
        if not dry_run:
            check_unchanged(file)
        if rejects is not None or not dry_run:
            written = finish(
                crm,
                rounds.job,
                source.importer,
                source.header.names,
                rejects,
                options=source.options,
                connection=connection,
            )
    _log.info("import %d has ended: %s", job.id, dict(rounds.job.outcomes))
    return ImportResult(
        id=job.id,
        plan=plan,
        outcomes=row_outcomes(rounds.job.outcomes),
        skipped=rounds.job.outcomes[LEFT_OUT],
        created=created_besides(rounds.job.outcomes),
        cleaned=rounds.cleaned,
        overwriting=overwriting(rounds.job.outcomes),
        overwriting_lines=overwriting_lines(rounds.job.outcomes),
        problems=rounds.problems,
        reasons=found,
        rejects=written,
        resumed=job.position if job.resumed else 0,
        form=source.header.form,
        dry_run=dry_run,
    )


def _demand_rights(crm: CRM, plan: Plan, actor: Actor | str) -> None:
    """Refuse whoever could save no row, before the import is in the register; rows with an id change what is there."""
    who, access = crm.actor(actor) if isinstance(actor, str) else actor, crm.runtime.access
    saved = [(plan.entity.name, ("id",)), *([(plan.lines.entity, (plan.lines.name, "id"))] if plan.lines else ())]
    for entity, id in saved:
        has_ids = any(column.path == id for column in plan.columns)
        if not (has_ids and access.can(who, "update", entity)):
            access.demand(who, "create", entity)


def _reasons(crm: CRM, job: ImportJob, connection: Connection | None) -> tuple[RejectReason, ...]:
    """Return why rows were rejected, of what waits in the register until the import is ended."""
    if not job.outcomes["rejected"]:
        return ()
    with crm.session(SYSTEM, connection=connection, read_only=connection is None) as session:
        return reasons(session.connection, session.runtime.tables, job.id, _REASONS_KEPT)
