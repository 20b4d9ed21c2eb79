"""Writing rows as cards of version 4.0 (RFC 6350), which the reader gives back under the same headers."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from crmcore import gettext as _
from crmcore.errors import UsageError
from crmcore_vcard.contact import FIELD, FIELD_HEADER
from crmcore_vcard.vocabulary import GENDERS, KINDS, header_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

__all__ = ["write_vcards"]

REJECTED = {"line": "X-CRMCORE-LINE", "reason": "X-CRMCORE-REASON"}
"""Columns of rejected rows -> properties, which the reader passes over."""
_LINE = 75
"""Octets of a line without its end (RFC 6350, 3.2)."""
_CARETS = {"^": "^^", "\n": "^n", '"': "^'"}
_LETTERS = {value: letter for letter, value in GENDERS.items()} | {"男": "M", "女": "F", "其他": "O", "保密": "U"}
_KIND_WORDS = {value: kind for kind, value in KINDS.items()} | {"个人": "individual", "企业": "org"}
_LIST = re.compile(r"[,;，；、]")
_BROKEN = re.compile(r"\s*BEGIN[ \t]*:[ \t]*VCARD", re.IGNORECASE)


def write_vcards(
    path: Path,
    headers: Sequence[str],
    rows: Iterable[Sequence[Any]],
    options: Mapping[str, Any],  # noqa: ARG001  # every writer is called alike; the standard leaves no choice
) -> None:
    """Write a file of cards in UTF-8.

    Args:
        path: of the file.
        headers: names or titles of a contact's fields; any other column is kept under its header.
        rows: their cells. A row that is the text of a broken card is written as it was read.
        options: of the importer, which are for reading.

    Raises:
        UsageError: no column has names.
    """
    properties = _properties(headers)
    if "name" not in properties and not set(REJECTED) <= set(headers):
        raise UsageError(
            _("a vCard is of somebody, and no column is a name: {headers}").format(headers=", ".join(headers)),
            hint=_("Write it in another format, CSV for instance."),
        )
    with path.open("w", encoding="utf-8", newline="") as file:
        for row in rows:
            broken = next((cell for cell in row if isinstance(cell, str) and _BROKEN.match(cell)), None)
            if broken is None:
                _write(file, ("BEGIN:VCARD", "VERSION:4.0", *_card(properties, row), "END:VCARD"))
            else:
                _write_broken(file, broken, properties, row)


def _properties(headers: Sequence[str]) -> list[str]:
    """Return for each column the header that the reader knows it by; the second of the same keeps its own."""
    found: list[str] = []
    for written in headers:
        header = header_of(written)
        found.append(header if header and header not in found else written)
    return found


def _card(headers: Sequence[str], row: Sequence[Any]) -> Iterator[str]:
    cells = {header: cell for header, cell in zip(headers, row, strict=False) if not _is_empty(cell)}
    cells.setdefault("name", "")
    company, department = cells.pop("customer", None), cells.pop("department", None)
    if company or department:
        yield f"ORG:{_escaped(company or '')}" + (f";{_escaped(department)}" if department else "")
    for header, cell in cells.items():
        write = _WRITERS.get(header)
        line = write(cell) if write else None
        yield line or f"{FIELD};{FIELD_HEADER}={_parameter(header)}:{_escaped(cell)}"


def _write_broken(file: TextIO, text: str, headers: Sequence[str], row: Sequence[Any]) -> None:
    """Write the text of a broken card as it was read, with where it was and what is wrong below its first line."""
    begin, *lines = text.strip().splitlines()
    said = [f"{REJECTED[name]}:{_escaped(cell)}" for name, cell in zip(headers, row, strict=False) if name in REJECTED]
    of_old = tuple(f"{name}:" for name in REJECTED.values())
    # Neither folded nor escaped: its own lines are.
    for line in (begin, *map(_folded, said), *(line for line in lines if not line.startswith(of_old))):
        file.write(f"{line}\r\n")


def _write(file: TextIO, lines: Iterable[str]) -> None:
    for line in lines:
        file.write(f"{_folded(line)}\r\n")


def _folded(line: str) -> str:
    """Return a line broken so that none is longer than the standard says, and no character is broken."""
    parts = [""]
    room = _LINE
    for character in line:
        size = len(character.encode())
        if size > room:
            parts.append("")
            room = _LINE - 1  # the blank that a folded line begins with
        parts[-1] += character
        room -= size
    return "\r\n ".join(parts)


def _escaped(cell: Any) -> str:
    text = _said(cell).replace("\\", "\\\\").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\n", "\\n").replace(",", "\\,").replace(";", "\\;")


def _said(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, list | tuple):
        return ", ".join(map(_said, cell))
    return cell.isoformat() if isinstance(cell, dt.date) else str(cell)


def _parameter(text: str) -> str:
    return '"' + "".join(_CARETS.get(character, character) for character in text) + '"'


def _is_empty(cell: Any) -> bool:
    return cell is None or cell == "" or cell == []


def _day(cell: Any) -> str | None:
    """Return a day as the standard writes it, or None where the cell is no day."""
    if isinstance(cell, str):
        try:
            cell = dt.date.fromisoformat(cell)
        except ValueError:
            return None
    if isinstance(cell, dt.datetime):
        cell = cell.date()
    return cell.isoformat().replace("-", "") if isinstance(cell, dt.date) else None


def _birthday(cell: Any) -> str | None:
    return (day := _day(cell)) and f"BDAY:{day}"


def _anniversary(cell: Any) -> str | None:
    return (day := _day(cell)) and f"ANNIVERSARY:{day}"


def _gender(cell: Any) -> str:
    letter = _LETTERS.get(str(cell).lower())
    return f"GENDER:{letter}" if letter else f"GENDER:;{_escaped(cell)}"


def _kind(cell: Any) -> str | None:
    return (kind := _KIND_WORDS.get(str(cell).lower())) and f"KIND:{kind}"


def _tags(cell: Any) -> str:
    items = cell if isinstance(cell, list | tuple) else _LIST.split(str(cell))
    return "CATEGORIES:" + ",".join(_escaped(item) for item in items)


def _text(start: str, end: str = "") -> Callable[[Any], str]:
    return lambda cell: f"{start}{_escaped(cell)}{end}"


_WRITERS: Mapping[str, Callable[[Any], str | None]] = {
    "name": _text("FN:"),
    "kind": _kind,
    "salutation": _text("N:;;;", ";"),
    "job_title": _text("TITLE:"),
    "phone": _text('TEL;TYPE="work,voice":'),
    "mobile": _text("TEL;TYPE=cell:"),
    "email": _text("EMAIL:"),
    "wechat": _text("X-WECHAT:"),
    "address": _text("ADR:;;", ";;;;"),
    "gender": _gender,
    "birthday": _birthday,
    "anniversary": _anniversary,
    "hobbies": _text("HOBBY:"),
    "tags": _tags,
    "notes": _text("NOTE:"),
    **{name: _text(f"{written}:") for name, written in REJECTED.items()},
}
