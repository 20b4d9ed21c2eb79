"""Archives: zip files with a manifest and files of JSON lines, written whole or not at all and checked when read.

What is in one, and where it goes, is decided by :mod:`crmcore.store.backup` and :mod:`crmcore.store.purge`. Every
line is the portable row (:mod:`crmcore.store.portable`); the manifest has the number of lines of each file and the
SHA-256 of its bytes.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
import zlib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import NoReferenceError

from crmcore.errors import DatabaseError
from crmcore.i18n import gettext as _
from crmcore.store.portable import ROWS_PER_BATCH
from crmcore.store.rows import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

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
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
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


def write_lines(archive: zipfile.ZipFile, name: str, batches: Iterable[Iterable[Sequence[Any]]]) -> dict[str, Any]:
    """Write portable rows into a file of an archive, and return its entry for the manifest: ``rows``, ``sha256``."""
    digest, count = hashlib.sha256(), 0
    with archive.open(name, "w", force_zip64=True) as file:
        for rows in batches:
            lines = [json_text(row) for row in rows]
            text = ("\n".join(lines) + "\n").encode() if lines else b""
            digest.update(text)
            file.write(text)
            count += len(lines)
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


def read_manifest(archive: zipfile.ZipFile, newest: int) -> dict[str, Any]:
    """Return what is in an archive.

    Raises:
        DatabaseError: its format is newer than `newest`.
    """
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    if manifest["format"] > newest:
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


def _unwritable(path: Path, error: OSError) -> DatabaseError:
    message = _("the archive {path} cannot be written: {reason}")
    return DatabaseError(message.format(path=path, reason=error.strerror or error))
