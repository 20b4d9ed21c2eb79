"""The register of imports: which files were imported by whom, how far each one is, and which rows wait as rejects.

A chunk's records, its rejected rows and the new position are committed together, so that an import that was killed goes
on where it stopped. Writing rejected rows to a file at the end is :mod:`crmcore.importing.rejects`.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from crmcore.errors import ImportTaken, UsageError
from crmcore.i18n import gettext as _
from crmcore.store import imports as store
from crmcore.store.imports import ImportRecord, RejectedRow

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from crmcore.app import CRM
    from crmcore.records.session import Session
    from crmcore.types import Actor

__all__ = [
    "ImportJob",
    "ImportRecord",
    "RejectedRow",
    "SourceFile",
    "advance",
    "check_unchanged",
    "imports",
    "open_job",
    "source_file",
    "taken",
    "waiting",
]

_log = logging.getLogger("crmcore.importing")
_BYTES_PER_READ = 1 << 20


@frozen
class SourceFile:
    """A file to be imported, as it is now."""

    path: Path
    digest: str
    """SHA-256 of its bytes, in hexadecimal."""
    size: int
    lines: int
    """Number of its lines: what progress is measured by where a reader does not know better."""
    modified: int | None = None
    """When it was last changed, in nanoseconds; None where nobody looked."""


@frozen
class ImportJob:
    """An import that is under way."""

    id: int
    entity: str
    file: SourceFile
    position: int
    """Number of the reader's rows and problems that are done with."""
    outcomes: Counter[str]
    """Outcome -> number of rows, since the import first began."""
    resumed: bool
    """Whether an earlier run had begun it."""
    started_at: dt.datetime


def source_file(path: Path) -> SourceFile:
    """Read a file once, and return what identifies it.

    Raises:
        UsageError: it cannot be read.
    """
    digest, size, lines, last = hashlib.sha256(), 0, 0, b""
    try:
        str(path.absolute()).encode()
        modified = path.stat().st_mtime_ns
        with path.open("rb") as file:
            while block := file.read(_BYTES_PER_READ):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
                last = block
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)) from error
    except UnicodeEncodeError as error:
        raise UsageError(
            _("the name of {path} is not written in UTF-8").format(path=ascii(str(path))), hint=_("Rename the file.")
        ) from error
    return SourceFile(path, digest.hexdigest(), size, lines + (not last.endswith(b"\n") and size > 0), modified)


def check_unchanged(file: SourceFile) -> None:
    """Refuse to end the import of a file that was changed meanwhile: nobody knows which of its rows were read.

    Raises:
        UsageError: it was, or it is gone.
    """
    try:
        now = file.path.stat()
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {reason}").format(path=file.path, reason=error.strerror)) from error
    if file.modified is not None and (now.st_mtime_ns, now.st_size) != (file.modified, file.size):
        raise UsageError(
            _("{path} was changed while it was imported").format(path=file.path),
            hint=_("Import it again as it is now: rows that are there already change nothing."),
        )


def open_job(
    crm: CRM,
    file: SourceFile,
    entity: str,
    fingerprint: str,
    *,
    actor: Actor | str,
    connection: Connection | None = None,
    restart: bool = False,
) -> ImportJob:
    """Begin an import, or take up the one of the same file that was never finished.

    Args:
        crm: whose register it is.
        file: what `source_file` returned.
        entity: name of the entity.
        fingerprint: stands for everything else that decides what becomes of the file: mapping, options, `on_match`.
        actor: who imports. A colleague's unfinished import is not taken up: their rights may have been others.
        connection: of a rehearsal; otherwise a transaction of its own is committed.
        restart: close an unfinished one as it is, and begin anew.

    Raises:
        UsageError: there is no such entity.
        AccessDenied: no active user has that login.
    """
    crm.runtime.entity(entity)
    with crm.session(actor, connection=connection) as session:
        tables, who = session.runtime.tables, session.actor
        found = store.find_running(
            session.connection, tables, entity=entity, digest=file.digest, fingerprint=fingerprint, actor=who.login
        )
        if found is not None and not restart:
            return ImportJob(found.id, entity, file, found.position, found.outcomes, True, found.started_at)
        if found is None:
            _tell_of_stopped(session, file, entity)
        else:
            store.close(session.connection, tables, found.id, state="finished", now=session.now)
        id = store.begin(
            session.connection,
            tables,
            entity=entity,
            file=str(file.path),
            digest=file.digest,
            size=file.size,
            fingerprint=fingerprint,
            actor=who,
            now=session.now,
        )
    return ImportJob(id, entity, file, 0, Counter(), False, session.now)


def _tell_of_stopped(session: Session, file: SourceFile, entity: str) -> None:
    """Say it where an import of a file of this name was stopped and is not continued."""
    before = store.stopped(
        session.connection, session.runtime.tables, entity=entity, file=str(file.path), actor=session.actor.login
    )
    if before is None:
        return
    changed = (
        _("the file has changed") if before.digest != file.digest else _("its mapping or the options have changed")
    )
    _log.warning(
        _("import {id} of {path} stopped after row {position:,} and is not continued: {changed}").format(
            id=before.id, path=file.path, position=before.position, changed=changed
        )
    )


def advance(
    session: Session, job: ImportJob, *, position: int, outcomes: Mapping[str, int], rejected: Sequence[RejectedRow]
) -> ImportJob:
    """Note in the session of a chunk that the chunk is done.

    Args:
        session: the one that saved the chunk's records, so that all of it is committed together or nothing.
        job: as it was before the chunk.
        position: number of the reader's rows and problems that are done with, this chunk included.
        outcomes: outcome -> number of rows of the chunk.
        rejected: rows of the chunk for the rejects file.

    Raises:
        ImportTaken: another process has come further with this import, closed it, or undone it. Nothing may be
            committed; an error inside `crm.session` sees to that.
    """
    done = _counted(session, job, position, outcomes)
    store.add_rejects(session.connection, session.runtime.tables, job.id, rejected)
    return done


def waiting(session: Session, job: ImportJob, code: str, after: int = 0) -> Sequence[RejectedRow]:
    """Return the next page of rejected rows with a code, in the order of the file.

    Args:
        session: reads.
        job: the import.
        code: of the rows.
        after: id of the last row of the page before.
    """
    return store.rejects_of(session.connection, session.runtime.tables, job.id, code=code, after=after)


def taken(
    session: Session,
    job: ImportJob,
    rows: Sequence[RejectedRow],
    outcomes: Mapping[str, int],
    rejected: Sequence[RejectedRow] = (),
) -> ImportJob:
    """Note in a session that rejected rows were saved after all; they are rejects no more.

    Args:
        session: the one that saved them.
        job: as it was before.
        rows: what `waiting` returned of them.
        outcomes: outcome -> number of `rows`; they are counted as rejected no more.
        rejected: rows that `waiting` returned and that stay, with another reason or code.

    Raises:
        ImportTaken: another process was faster.
    """
    changed = Counter(outcomes)
    changed["rejected"] -= len(rows)
    done = _counted(session, job, job.position, changed)
    tables = session.runtime.tables
    if store.remove_rejects(session.connection, tables, rows) != len(rows):
        raise _taken_over(job)
    store.change_rejects(session.connection, tables, rejected)
    return done


def imports(session: Session) -> Sequence[ImportRecord]:
    """Return the imports into entities that the actor may read, the latest first."""
    found = store.records(session.connection, session.runtime.tables)
    known = session.runtime.registry.entities
    return [one for one in found if one.entity in known and session.access.can(session.actor, "read", one.entity)]


def _counted(session: Session, job: ImportJob, position: int, outcomes: Mapping[str, int]) -> ImportJob:
    connection, tables = session.connection, session.runtime.tables
    found = store.lock(connection, tables, job.id)
    if found is None:
        raise _taken_over(job)
    total = Counter(found.outcomes)
    total.update(outcomes)
    if not store.move(connection, tables, job.id, old=job.position, new=position, outcomes=total):
        raise _taken_over(job)
    return evolve(job, position=position, outcomes=total)


def _taken_over(job: ImportJob) -> ImportTaken:
    return ImportTaken(
        _("import {id} was continued, closed or undone by somebody else meanwhile").format(id=job.id),
        hint=_("Nothing is lost: `crmcore import list` shows how far it is."),
    )
