"""The file behind a workbook, judged before it is opened: what kind it is, whether it is whole, and how large inside.

A workbook is an archive of XML, and a small one may unpack to more than any memory holds.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, Literal

from attrs import frozen

from crmcore import gettext as _
from crmcore_tabular.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXTRA = "pip install 'crmcore[xlsx]'"
CHUNK = 1 << 20
_MOST_BYTES = 2_000_000_000
_SMALL = 64_000_000
"""Bytes that may be packed as tightly as they like."""
_DENSEST = 300
"""Times that a part may be larger than it is packed; tables of real figures are around 20."""
_MOST_PARTS = 5_000
_MOST_DIRECTORY = 2_000_000
"""Bytes of the list of parts, which is in memory as a whole."""
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")

_LONGEST_REASON = 200
_LAST = 70_000
"""Bytes that hold the end of an archive, whose comment has at most 65,535."""

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError)
"""What reading an archive raises where it is not whole."""

Kind = Literal["XLSX", "ODS", "XLS"]


@frozen
class Package:
    """A workbook's file, found whole."""

    path: Path
    kind: Kind
    parts: tuple[str, ...]

    def chunks(self, part: str) -> Iterator[bytes]:
        """Yield what a part unpacks to.

        Raises:
            Unreadable: there is no such part, it is damaged, or larger than it says.
        """
        try:
            with zipfile.ZipFile(self.path) as archive, archive.open(part) as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except KeyError:
            raise damaged(self.path, _("{part} is missing").format(part=part)) from None
        except _BROKEN as error:
            raise damaged(self.path, str(error)) from error


def open_package(path: Path) -> Package:
    """Judge a file.

    Raises:
        Unreadable: it is no workbook, encrypted, damaged, or unpacks to too much.
    """
    with path.open("rb") as file:
        head = file.read(len(_OLD))
    if head == _OLD:
        if _mentions(path, _ENCRYPTED):
            raise encrypted(path)
        return Package(path, "XLS", ())
    if _directory_size(path) > _MOST_DIRECTORY:
        raise _too_many_parts(path)
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except _BROKEN:
        message = _("it is no workbook")
        hint = _("Open it in a spreadsheet program and save it as .xlsx, or give it the ending .csv if it is text.")
        raise Unreadable(path, message, hint=hint) from None
    _check_sizes(path, parts)
    names = tuple(part.filename for part in parts)
    package = Package(path, "ODS" if "content.xml" in names else "XLSX", names)
    for name in names:  # sheets and pictures are many times larger; the former are read whole when they are chosen
        if name.endswith((".xml", ".rels")) and "worksheets/" not in name and name != "content.xml":
            for _chunk in package.chunks(name):
                pass
    return package


def damaged(path: Path, reason: str) -> Unreadable:
    """Return the error for a workbook that is not whole."""
    # The reader's own words, which may repeat any bytes of the file.
    readable = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in reason[:_LONGEST_REASON])
    return Unreadable(path, _("the workbook is damaged: {reason}").format(reason=readable))


def encrypted(path: Path) -> Unreadable:
    """Return the error for a workbook with a password."""
    hint = _("Open it in a spreadsheet program and save it without the password.")
    return Unreadable(path, _("the workbook is protected by a password"), hint=hint)


def too_large(path: Path, sheet: str) -> Unreadable:
    """Return the error for a sheet that does not fit into memory."""
    message = _("sheet {sheet!r} is too large to be read").format(sheet=sheet)
    return Unreadable(path, message, hint=_("Save it as CSV, or delete what stands far beside the table."))


def _directory_size(path: Path) -> int:
    """Return how large the list of an archive's parts says it is; 0 where there is none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(size - _LAST, 0))
        end = file.read()
    at = end.rfind(b"PK\x05\x06")
    return int.from_bytes(end[at + 12 : at + 16], "little") if at >= 0 else 0


def _too_many_parts(path: Path) -> Unreadable:
    message = _("the workbook has more than {most:,} parts").format(most=_MOST_PARTS)
    return Unreadable(path, message, hint=_("Save the sheet as CSV."))


def _check_sizes(path: Path, parts: list[zipfile.ZipInfo]) -> None:
    if len(parts) > _MOST_PARTS:
        raise _too_many_parts(path)
    total = sum(part.file_size for part in parts)
    dense = any(part.file_size > max(_SMALL, _DENSEST * part.compress_size) for part in parts)
    if total > _MOST_BYTES or dense:
        message = _("the workbook unpacks to {size:,} bytes, too many for an honest table").format(size=total)
        raise Unreadable(path, message, hint=_("Save the sheet as CSV."))


def _mentions(path: Path, words: bytes) -> bool:
    before = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if words in before + chunk:
                return True
            before = chunk[-len(words) :]
    return False
