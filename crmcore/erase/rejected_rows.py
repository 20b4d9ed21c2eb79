"""Rows that imports could not take and that name somebody who is to be erased: in the database, and in files.

Rejects files of lines of text are written again without those rows. Others are named, so that somebody deletes them.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import zipfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.erase.mentions import texts
from crmcore.store import imports as store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crmcore.erase.mentions import Mentions
    from crmcore.records.session import Session

__all__ = ["RejectedRowsErased", "erase_rejected_rows"]

_TABLES = (".csv", ".tsv", ".txt")
_JSON_LINES = (".jsonl", ".ndjson")
_HEADER = re.compile(r'\ufeff?"?line"?[^a-z]"?reason"?')
_ENCODINGS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@frozen
class RejectedRowsErased:
    """What became of rejected rows that name a record."""

    rows: int
    """Number of rows that waited in the database."""
    rewritten: tuple[Path, ...]
    """Rejects files that were written again without such rows."""
    by_hand: tuple[Path, ...]
    """Rejects files that name the record or cannot be read; somebody has to look at them."""


class _OtherForm(Exception):
    """A file does not look as the core writes rejects files."""


def erase_rejected_rows(session: Session, mentions: Mentions) -> RejectedRowsErased:
    """Remove the rejected rows of all imports that name a record.

    Files are written at once, also if the transaction should not be committed.
    """
    connection, tables = session.connection, session.runtime.tables
    named = [row for row in store.iterate_rejects(connection, tables) if _names(mentions, row)]
    store.remove_rejects(connection, tables, named)
    rewritten: list[Path] = []
    by_hand: list[Path] = []
    for record in store.records(connection, tables):
        path = record.rejects
        if path is None or path in (*rewritten, *by_hand):
            continue
        try:
            written = _rewrite(path, mentions)
        except (OSError, UnicodeError, _OtherForm, zipfile.BadZipFile, zlib.error):
            by_hand.append(path)
            continue
        if written is not None:
            rewritten.append(path)
            store.set_rejects_file(connection, tables, record.id, path, written)
    return RejectedRowsErased(len(named), tuple(rewritten), tuple(by_hand))


def _names(mentions: Mentions, row: store.RejectedRow) -> bool:
    return mentions.are_in("\n".join([row.reason, *texts(row.cells)]))


def _rewrite(path: Path, mentions: Mentions) -> str | None:
    """Write a file again without what names the record, and return its new digest; None where nothing does."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    if zipfile.is_zipfile(path):
        if mentions.are_in(_packed_text(path)):
            raise _OtherForm
        return None
    encoding = _encoding(content)
    text = content.decode(encoding)
    pieces = list(_pieces(path, text))
    kept = [piece for piece, plain in pieces if not mentions.are_in(plain)]
    if len(kept) == len(pieces):
        return None
    if path.suffix.lower() not in (*_TABLES, *_JSON_LINES):
        raise _OtherForm
    return _replace(path, "".join(kept).encode(encoding))


def _pieces(path: Path, text: str) -> Iterator[tuple[str, str]]:
    """Yield the rows of a file as they are written, and the text that each says."""
    suffix = path.suffix.lower()
    lines = re.split(r"(?<=\n)", text)
    if suffix in _JSON_LINES:
        for line in lines:
            try:
                yield line, "\n".join(texts(json.loads(line)))
            except ValueError:
                yield line, line
    elif suffix in _TABLES:
        yield from _table_rows(lines)
    else:
        yield text, text


def _table_rows(lines: list[str]) -> Iterator[tuple[str, str]]:
    if not _HEADER.match(lines[0].casefold()):
        raise _OtherForm
    row = ""
    for number, line in enumerate(lines):
        row += line
        # A cell may go on in the next line; inside one, a quotation mark is written twice.
        if row.count('"') % 2 == 0:
            yield row, "" if number == 0 else row.replace('""', '"')
            row = ""
    if row:
        raise _OtherForm


def _encoding(content: bytes) -> str:
    for mark, encoding in _ENCODINGS.items():
        if content.startswith(mark):
            return encoding
    with suppress(UnicodeDecodeError):
        content.decode("utf-8")
        return "utf-8"
    return "gb18030"


def _packed_text(path: Path) -> str:
    """Return the text of a workbook's parts, marks of XML and all."""
    with zipfile.ZipFile(path) as archive:
        parts = [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    return "\n".join(re.sub(r"<[^>]*>", "\n", part) for part in parts)


def _replace(path: Path, content: bytes) -> str:
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        unfinished.write_bytes(content)
        shutil.copymode(path, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()
