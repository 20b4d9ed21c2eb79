"""Archives: zip files with a manifest and files of JSON lines, written whole or not at all and checked when read.

What is in one, and where it goes, is decided by :mod:`crmcore.store.backup` and :mod:`crmcore.store.purging`. Every
line is the portable row (:mod:`crmcore.store.portable`); the manifest has the number of lines of each file and the
SHA-256 of its bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zipfile
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import NoReferenceError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.portable import ROWS_PER_BATCH, is_unwritable
from crmcore.store.rows import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Column

__all__ = [
    "publish",
    "read_lines",
    "read_manifest",
    "reading_archive",
    "unfinished_archive",
    "write_lines",
    "write_manifest",
]

_MANIFEST = "manifest.json"

# What unpacking, reading and building raise where bytes are not those that were written.
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    NotImplementedError,
    NoReferenceError,
)


@contextmanager
def unfinished_archive(path: Path) -> Iterator[Path]:
    """Yield the path beside `path` where an archive is written before `publish`; what is left there is removed.

    Raises:
        DatabaseError: a file cannot be written.
    """
    # Of this thread alone: whoever else writes to the same path may finish first or last, and is whole either way.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_native_id()}.part")
    try:
        yield unfinished
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def publish(unfinished: Path, path: Path, *, overwrite: bool) -> None:
    """Give a complete archive its name, once all of it is on the disk.

    Raises:
        DatabaseError: there is a file of that name, and it is not to be overwritten.
    """
    _sync(unfinished)
    if overwrite:
        unfinished.replace(path)
    else:
        _name_new(unfinished, path)
    with suppress(OSError):  # not every system can do this for a folder
        _sync(path.parent)


def write_lines(
    archive: zipfile.ZipFile, name: str, columns: Sequence[Column[Any]], batches: Iterable[Sequence[Sequence[Any]]]
) -> dict[str, Any]:
    """Write portable rows into a file of an archive, and return its entry for the manifest: ``rows``, ``sha256``.

    Args:
        archive: that is written.
        name: of the file.
        columns: of the rows, the key first.
        batches: the rows.

    Raises:
        DatabaseError: names a value that no file can hold.
    """
    digest, count = hashlib.sha256(), 0
    with archive.open(name, "w", force_zip64=True) as file:
        for rows in batches:
            try:
                text = "".join(f"{json_text(row)}\n" for row in rows).encode()
            except (UnicodeEncodeError, TypeError) as error:
                raise _unwritable_value(columns, rows) from error
            digest.update(text)
            file.write(text)
            count += len(rows)
    return {"rows": count, "sha256": digest.hexdigest()}


def write_manifest(archive: zipfile.ZipFile, manifest: Mapping[str, Any]) -> None:
    """Write what says what is in an archive; the last thing that is written."""
    archive.writestr(_MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False))


@contextmanager
def reading_archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open an archive; what is wrong with its bytes becomes an error that says so.

    Raises:
        DatabaseError: it cannot be read, or it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except OSError as error:
        message = _("the archive {path} cannot be read: {reason}")
        raise DatabaseError(message.format(path=path, reason=error.strerror or error)) from error
    except _DAMAGES as error:
        raise DatabaseError(
            _("{path} is no archive of a CRM, or it is damaged: {reason}").format(path=path, reason=error),
            hint=_("Nothing was written."),
        ) from error


def read_manifest(archive: zipfile.ZipFile, newest: int, *, kind: str | None = None) -> dict[str, Any]:
    """Return what is in an archive; one of another kind, which counts its formats by itself, is returned as it is.

    Args:
        archive: that is read.
        newest: the newest format of the kind that is known.
        kind: what the manifest says that it is; that of a backup says nothing.

    Raises:
        DatabaseError: its format is newer.
    """
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    if manifest["format"] > newest and manifest.get("kind") == kind:
        raise DatabaseError(
            _("the archive was written by a newer version of crmcore"), hint=_("Install that version to restore it.")
        )
    return manifest


def read_lines(archive: zipfile.ZipFile, name: str, described: Mapping[str, Any]) -> Iterator[list[list[Any]]]:
    """Yield the rows of a file of an archive in batches; at the end they are as many, and the same, as were written.

    Raises:
        ValueError: they are not.
    """
    digest, count = hashlib.sha256(), 0
    batch: list[list[Any]] = []
    with archive.open(name) as file:
        for line in file:
            digest.update(line)
            count += 1
            batch.append(json.loads(line))
            if len(batch) == ROWS_PER_BATCH:
                yield batch
                batch = []
    if batch:
        yield batch
    if (count, digest.hexdigest()) != (described["rows"], described["sha256"]):
        raise ValueError(name)


def _name_new(unfinished: Path, path: Path) -> None:
    try:
        path.hardlink_to(unfinished)  # fails where the name is taken, whoever took it a moment ago
    except FileExistsError as error:
        raise DatabaseError(_("{path} is there already").format(path=path), hint=_("Name a new file.")) from error
    except OSError:
        # A file system without hard links.
        if path.exists():
            raise DatabaseError(_("{path} is there already").format(path=path), hint=_("Name a new file.")) from None
        unfinished.rename(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable_value(columns: Sequence[Column[Any]], rows: Sequence[Sequence[Any]]) -> DatabaseError:
    found = (
        (row[0], column) for row in rows for column, value in zip(columns, row, strict=True) if is_unwritable(value)
    )
    key, column = next(found)
    return DatabaseError(
        _("{table}, row {key}: the value of {column} does not fit into an archive").format(
            table=column.table.name, key=key, column=column.name
        ),
        hint=_("It is no text, or holds half of a character. Change it where it is, then try again."),
    )


def _unwritable(path: Path, error: OSError) -> DatabaseError:
    message = _("the archive {path} cannot be written: {reason}")
    return DatabaseError(message.format(path=path, reason=error.strerror or error))
