"""The end of an import: its rejected rows become a file that can be mended and imported again.

A file of somebody's is never overwritten. Killed at any moment, ending the import once more gives the same file, and
not a second one: the file's name and its digest are in the register before the file gets its name.
"""

from __future__ import annotations

import csv
import hashlib
import re
from contextlib import suppress
from itertools import chain, count
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.errors import ImportTaken, UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.mapping import REJECTED, UNREAD, added_headers
from crmcore.store import imports as store
from crmcore.types import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from crmcore.app import CRM
    from crmcore.importing.register import ImportJob
    from crmcore.records.session import Session
    from crmcore.store.imports import RejectedRow
    from crmcore.types import Importer

__all__ = ["check_rejects", "finish"]

_ENDING = re.compile(r"\.rejects(\.[0-9]+)?$")


def check_rejects(crm: CRM, path: Path) -> None:
    """Refuse a name for a rejects file before the import begins, or goes on.

    Raises:
        UsageError: such a file is there, perhaps the one to be imported, or its folder is not.
    """
    if path.exists() and not _is_of_unfinished_import(crm, path):
        raise UsageError(_("{path} is there already").format(path=path), hint=_("Name a new file for the rejects."))
    if not path.parent.is_dir():
        raise UsageError(_("there is no folder {path}").format(path=path.parent))


def _is_of_unfinished_import(crm: CRM, path: Path) -> bool:
    """Return whether an import was stopped after writing the file, and will want it again."""
    with crm.session(SYSTEM, read_only=True) as session:
        known = store.records(session.connection, session.runtime.tables)
    return any(record.state == "running" and record.rejects == path.absolute() for record in known)


def finish(
    crm: CRM,
    job: ImportJob,
    importer: Importer,
    headers: Sequence[str],
    rejects: Path | None,
    *,
    options: Mapping[str, Any] | None = None,
    connection: Connection | None = None,
) -> Path | None:
    """End an import, and write its rejected rows to a file: line and reason, then the columns that they came in.

    Args:
        crm: whose register the import is in.
        job: the import, after its last chunk.
        importer: of the file's format; where it cannot write, rejected rows go to a CSV file.
        headers: of the imported file.
        rejects: where they go; by default to ``<file>.rejects<suffix>`` beside the file. The next free number is
            added to the name of a file that is there already.
        options: of the importer, defaults filled in.
        connection: of a rehearsal.

    Returns:
        The file, or None where every row was taken.

    Raises:
        ImportTaken: somebody else has ended the import meanwhile.
        UsageError: the file cannot be written. The rows still wait; ending the import once more tries again.
    """
    with crm.session(SYSTEM, connection=connection) as session:
        has_rejects = next(store.iterate_rejects(session.connection, session.runtime.tables, job.id), None) is not None
    written = None
    if has_rejects:
        path = (rejects or _beside(job.file.path, importer)).absolute()
        try:
            written = _write(crm, job, path, _Form(importer, tuple(headers), options or {}), connection)
        except OSError as error:
            raise UsageError(
                _("the rejected rows cannot be written to {path}: {reason}").format(
                    path=path, reason=error.strerror or error
                ),
                hint=_("They are kept. Start the import again, with --rejects and another place."),
            ) from error
    with crm.session(SYSTEM, connection=connection) as session:
        _running(session, job)
        store.close(session.connection, session.runtime.tables, job.id, state="finished", now=session.now)
    return written


@frozen
class _Form:
    """How a rejects file is written."""

    importer: Importer
    headers: tuple[str, ...]
    options: Mapping[str, Any]

    def write(self, path: Path, rows: Iterator[RejectedRow], *, texts: bool) -> None:
        """Write rows, with a column for texts without cells where there are any, or have been."""
        before = added_headers(self.headers)
        own = self.headers[len(before) :]
        added = (*REJECTED, UNREAD) if texts or UNREAD in before else REJECTED
        lines = (
            [row.line, row.reason, *self._texts(row.cells)[: len(added) - len(REJECTED)], *self._cells(row.cells, own)]
            for row in rows
        )
        (self.importer.write or _write_csv)(path, [*added, *own], lines, self.options)

    def _texts(self, cells: Mapping[str, Any] | list[Any] | str) -> Sequence[Any]:
        if isinstance(cells, str):
            return [cells]
        known = UNREAD in added_headers(self.headers)
        return [cells.get(UNREAD) if known and not isinstance(cells, list) else None]

    def _cells(self, cells: Mapping[str, Any] | list[Any] | str, own: Sequence[str]) -> Iterable[Any]:
        if isinstance(cells, str):
            return [None] * len(own)
        if isinstance(cells, list):
            return cells[len(self.headers) - len(own) :]
        return [cells.get(header) for header in own]


def _write(crm: CRM, job: ImportJob, wanted: Path, form: _Form, connection: Connection | None) -> Path:
    """Write the file under a name of its own, tell the register what it will be called, and call it so."""
    with crm.session(SYSTEM, connection=connection) as session:
        before = _running(session, job)
    # The suffix last: a writer may go by it.
    unfinished = wanted.with_name(f".{wanted.stem}.{job.id}.part{wanted.suffix}")
    # A run that was killed may have left it, as another name of what is now somebody's file.
    unfinished.unlink(missing_ok=True)
    if before.rejects is not None and _digest(before.rejects) == before.rejects_digest:
        return before.rejects  # an earlier run was stopped after writing it
    try:
        with crm.session(SYSTEM, connection=connection, read_only=connection is None) as session:
            where = (session.connection, session.runtime.tables, job.id)
            form.write(unfinished, store.iterate_rejects(*where), texts=store.has_texts(*where))
        digest = _digest(unfinished) or ""
        while True:
            path = next(path for path in _names(wanted) if not path.exists())
            with crm.session(SYSTEM, connection=connection) as session:
                _running(session, job)
                store.set_rejects_file(session.connection, session.runtime.tables, job.id, path, digest)
            if _name_new(unfinished, path):
                return path
    finally:
        unfinished.unlink(missing_ok=True)


def _running(session: Session, job: ImportJob) -> store.ImportRecord:
    found = store.lock(session.connection, session.runtime.tables, job.id)
    if found is None or found.state != "running":
        raise ImportTaken(
            _("import {id} was ended by somebody else meanwhile").format(id=job.id),
            hint=_("`crmcore import list` shows what became of it."),
        )
    return found


def _beside(file: Path, importer: Importer) -> Path:
    """Return the name of a file's rejects; those of a mended rejects file are called like the first ones."""
    suffix = file.suffix if importer.write else ".csv"
    return file.with_name(f"{_ENDING.sub('', file.stem)}.rejects{suffix}")


def _names(wanted: Path) -> Iterator[Path]:
    return chain([wanted], (wanted.with_name(f"{wanted.stem}.{n}{wanted.suffix}") for n in count(2)))


def _name_new(unfinished: Path, path: Path) -> bool:
    """Give a file its name, unless somebody was faster with a file of that name."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        return False
    except OSError:
        # A file system without links: here it takes a look first, which somebody could come after.
        if path.exists():
            return False
        unfinished.rename(path)
    return True


def _digest(path: Path) -> str | None:
    with suppress(OSError), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
    return None


def _write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], _options: Mapping[str, Any]) -> None:
    # With the mark by which Excel knows UTF-8.
    with path.open("w", encoding="utf-8-sig", errors="backslashreplace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(headers)
        writer.writerows(rows)
