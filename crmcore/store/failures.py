"""What a failing database says to people: driver errors become `DatabaseError`, without secrets and without SQL.

Broken constraints are the exception: the record doors explain them, with :func:`read_violation`.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from attrs import frozen
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError, IntegrityError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from sqlalchemy import URL, MetaData

__all__ = ["Violation", "database_errors", "gave_way", "read_violation", "shown"]

_GONE = ("no such savepoint", "no transaction is active")
_GIVING_WAY = ("40P01", "40001")
"""States of PostgreSQL in which a transaction was ended for another's sake."""
_ROOM = 1_000_000
"""Bytes without which a disk counts as full."""


def shown(url: URL) -> str:
    """Return a database URL as people may see it: passwords hidden, wherever they stand."""
    secret = [name for name in url.query if "password" in name or name == "passfile"]
    return url.difference_update_query(secret).render_as_string(hide_password=True)


@contextmanager
def database_errors(url: URL) -> Iterator[None]:
    """Turn what SQLAlchemy and the drivers raise inside the block into `DatabaseError`.

    Args:
        url: the database, named in the message without its password.

    Raises:
        DatabaseError: instead of SQLAlchemy's errors.
    """
    try:
        yield
    except DBAPIError as error:
        raise _translated(_first(error), url) from error
    except (exc.StatementError, exc.CompileError, exc.TimeoutError, exc.DisconnectionError) as error:
        message = _("the database {url} failed: {reason}")
        raise DatabaseError(message.format(url=shown(url), reason=_first_line(error))) from error


def gave_way(error: BaseException) -> bool:
    """Tell whether the transaction was ended for another's sake, so that the same again may well succeed."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, DBAPIError) and getattr(cause.orig, "sqlstate", None) in _GIVING_WAY:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


@frozen
class Violation:
    """A constraint that a statement broke."""

    kind: Literal["unique", "foreign_key", "other"]
    table: str | None = None
    """Name of the table; None where the database does not say (foreign keys on SQLite)."""
    columns: tuple[str, ...] = ()
    """Columns of a unique index."""


def read_violation(error: IntegrityError, metadata: MetaData) -> Violation:
    """Return which constraint a statement broke, the same on both databases as far as they tell."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:
        return _read_postgresql(error, state, metadata)
    message = str(error.orig)
    unique = re.match(r"UNIQUE constraint failed: (.+)", message)
    if unique:
        qualified = [part.strip().partition(".") for part in unique[1].split(",")]
        return Violation("unique", qualified[0][0], tuple(column for _table, _dot, column in qualified))
    return Violation("foreign_key" if message.startswith("FOREIGN KEY") else "other")


def _read_postgresql(error: IntegrityError, state: str, metadata: MetaData) -> Violation:
    diagnostics = error.orig.diag  # type: ignore[union-attr]  # an error with a state is psycopg's
    table = diagnostics.table_name
    if state == "23503":
        return Violation("foreign_key", table)
    if state != "23505" or table not in metadata.tables:
        return Violation("unique" if state == "23505" else "other", table)
    found = metadata.tables[table]
    columns = {str(index.name): tuple(index.columns.keys()) for index in found.indexes}
    return Violation("unique", table, columns.get(diagnostics.constraint_name, tuple(found.primary_key.columns.keys())))


def _first(error: DBAPIError) -> DBAPIError:
    """Return the failure that another one hides.

    On a full disk SQLite takes the whole transaction back, and with it the savepoint that one would return to.
    """
    before = error.__context__
    while before is not None and any(words in str(error.orig) for words in _GONE):
        if isinstance(before, DBAPIError):
            return _first(before)
        before = before.__context__
    return error


def _translated(error: DBAPIError, url: URL) -> DatabaseError:
    if url.get_backend_name() == "sqlite":
        message, hint = _sqlite(str(error.orig), url)
    else:
        message, hint = _postgresql(error, url)
    return DatabaseError(message, hint=hint)


_Said = tuple[str, str | None]


def _sqlite(said: str, url: URL) -> _Said:
    path = Path(url.database or "")
    known: Mapping[str, Callable[[], _Said]] = {
        "unable to open database file": lambda: _cannot_open(path),
        "readonly database": lambda: (
            _("the database {path} may only be read").format(path=path),
            _("Writing needs permission for the file and for its folder."),
        ),
        "file is not a database": lambda: (_("{path} is not an SQLite database").format(path=path), None),
        "malformed": lambda: (
            _("the database {path} is damaged").format(path=path),
            _("Restore a backup into a new file with `crmcore db restore`."),
        ),
        "locked": lambda: (
            _("the database {path} is locked by another process").format(path=path),
            _("Try again when it has finished."),
        ),
        "disk is full": lambda: _disk_full(path),
        "disk I/O error": lambda: _disk_failed(path, said),
        "no such": lambda: _not_up_to_date(path, said),
    }
    for part, tell in known.items():
        if part in said:
            return tell()
    return _("the database {url} failed: {reason}").format(url=path, reason=said), None


def _cannot_open(path: Path) -> _Said:
    folder = path.resolve().parent
    if not folder.is_dir():
        return _("the folder {folder} of the database does not exist").format(folder=folder), None
    if not os.access(folder, os.W_OK):
        return (
            _("the folder {folder} of the database may only be read").format(folder=folder),
            _("Reading, too, needs to write files beside it. Copy the database into a folder that may be written."),
        )
    return (
        _("the database {path} cannot be opened").format(path=path),
        _("Check the permissions of the file and of its folder."),
    )


def _disk_full(path: Path) -> _Said:
    return (
        _("the disk of {path} is full; nothing was written").format(path=path),
        _make_room(),
    )


def _make_room() -> str:
    return _("Make room and run the command again. An import goes on where it stopped.")


def _disk_failed(path: Path, said: str) -> _Said:
    # On a full disk SQLite cannot make the file that readers and writers share, and says no more than this.
    with suppress(OSError):
        if shutil.disk_usage(path.resolve().parent).free < _ROOM:
            return _disk_full(path)
    return (
        _("the disk of {path} failed: {reason}").format(path=path, reason=said),
        _("Look whether the disk is sound and still there. Nothing was written."),
    )


def _not_up_to_date(place: object, reason: str) -> _Said:
    return (
        _("the tables of {place} do not fit the schemas: {reason}").format(place=place, reason=reason),
        _("Run `crmcore db upgrade`."),
    )


def _postgresql(error: DBAPIError, url: URL) -> _Said:
    state = getattr(error.orig, "sqlstate", None) or ""
    said = _first_line(error)
    if state in ("42P01", "42703"):
        return _not_up_to_date(shown(url), said)
    if state == "54000":
        return (
            _("a value is too long for an index of {url}: {reason}").format(url=shown(url), reason=said),
            _("Give the field a maxLength of at most 600."),
        )
    reasons = {
        "53100": _("the disk of the server is full"),
        "25006": _("the database may only be read"),
        "25P02": _("the transaction has failed before, and can only be rolled back"),
        "42501": _("the database user lacks a right: {reason}").format(reason=said),
        "40P01": _("two transactions waited for each other; try again"),
        "40001": _("somebody else changed the same rows; try again"),
        "55P03": _("another session holds a lock that is needed; try again when it has finished"),
    }
    hints = {"53100": _make_room(), "25006": _("A replica, or a server in recovery, only reads: name the primary.")}
    if state in reasons:
        return f"{shown(url)}: {reasons[state]}", hints.get(state)
    if error.connection_invalidated or not state:
        return _cannot_connect(said, url)
    return _("the database {url} failed: {reason}").format(url=shown(url), reason=said), None


def _cannot_connect(said: str, url: URL) -> _Said:
    # A failed connection has no SQLSTATE, only the text that libpq or the server gives.
    reasons = {
        "password authentication failed": _("wrong user or password"),
        "no password supplied": _("a password is needed"),
        "does not exist": _("no such database or user"),
        "no pg_hba.conf entry": _("this host or user is not admitted"),
        "too many": _("too many connections"),
    }
    reason = next((meaning for part, meaning in reasons.items() if part in said), _("is the server running?"))
    return _("no connection to {url}: {reason}").format(url=shown(url), reason=f"{reason} ({said})"), None


def _first_line(error: exc.SQLAlchemyError) -> str:
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return next(iter(text.strip().splitlines()), type(error).__name__)
