"""Reading a file of cards: its headers, then a row for each card, or a problem where it cannot be read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import detect_encoding
from crmcore import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_vcard.cards import BYTES, Fault, raw_cards, unfolded
from crmcore_vcard.contact import cells_of, is_group
from crmcore_vcard.entries import entries_of
from crmcore_vcard.properties import parsed
from crmcore_vcard.vocabulary import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crmcore_vcard.cards import RawCard
    from crmcore_vcard.properties import Property

__all__ = ["read_vcards"]

MOST_PROPERTIES = 1_000
"""Of one card; people have a dozen."""
MOST_HEADERS = 10_000
"""Of one file."""
LONGEST_VALUE = 1_000_000
"""Characters of one property, and of what a card that cannot be read is shown with."""
_PICTURE = re.compile(r"[ \t]*(?:[A-Za-z0-9_-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)\b", re.IGNORECASE)
_VERSIONS_SHOWN = 5


@frozen
class _Charset:
    """How the bytes of a file become text."""

    file: str
    """Encoding that its lines are told apart in."""
    values: str
    """Encoding of values that name no charset; empty where each names its own."""
    label: str


def read_vcards(path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the headers that the cards of a file fill, then a row for each card.

    A card without an end or a name is a problem, its text the only cell. The file is read twice, first for its
    headers; one card at a time is in memory.
    """
    try:
        charset = _charset(path, str(options.get("encoding") or ""))
    except ValueError as error:
        hint = _("Say which it is in, for instance: --option encoding=gb18030")
        yield Problem(message=str(error), hint=hint, file=path, code="encoding")
        return
    filled: dict[str, None] = {}
    versions: dict[str, None] = {}
    last = 0
    for raw in raw_cards(path, charset.file):
        last = raw.line + len(raw.lines) - 1
        if raw.fault is not Fault.OUTSIDE:
            versions[raw.version] = None
        if isinstance(row := _row(path, raw, charset), SourceRow):
            filled |= dict.fromkeys(row.cells)
        if len(filled) > MOST_HEADERS:
            message = _("the cards have more than {most:,} different headers").format(most=MOST_HEADERS)
            yield Problem(message=message, file=path, line=raw.line, code="unreadable")
            return
    if not versions:
        yield Problem(message=_("there is no vCard in it"), file=path, code="empty")
        return
    further = [header for header in filled if header not in HEADERS]
    headers = [*(header for header in HEADERS if header in filled or header == "name"), *further]
    empty = dict.fromkeys(headers)
    yield SourceHeader(headers, lines=last, form=f"vCard {', '.join([*versions][:_VERSIONS_SHOWN])}, {charset.label}")
    for raw in raw_cards(path, charset.file):
        row = _row(path, raw, charset)
        yield SourceRow(row.line, {**empty, **row.cells}) if isinstance(row, SourceRow) else row


def _charset(path: Path, declared: str) -> _Charset:
    """Return what a file is in.

    Raises:
        ValueError: nobody knows; a reason, for people.
    """
    try:
        found = detect_encoding(path, declared)
    except ValueError:
        if declared or (by_line := _by_line(path)) is None:
            raise
        return by_line
    # Lines of UTF-16 are cut as text and brought into UTF-8, since their line ends have zero bytes.
    unicode = found.name.startswith("utf")
    return _Charset(found.name, "utf-8" if unicode else found.name, found.label)


def _by_line(path: Path) -> _Charset | None:
    """Return how to read a file of unfolded UTF-8, or of properties that say their charsets; None for any other."""
    unicode = named = True
    for raw in raw_cards(path, BYTES):
        lines = [line for _number, line in unfolded(raw) if not line.isascii()]
        unicode = unicode and all(map(_is_utf_8, lines))
        named = named and all("CHARSET=" in line.partition(":")[0].upper() for line in lines)
    if unicode:
        return _Charset(BYTES, "utf-8", "UTF-8")
    return _Charset(BYTES, "", _("charsets as the cards say")) if named else None


def _is_utf_8(line: str) -> bool:
    try:
        line.encode(BYTES).decode()
    except UnicodeDecodeError:
        return False
    return True


def _row(path: Path, raw: RawCard, charset: _Charset) -> SourceRow | Problem:
    reason = _fault(raw)
    cells: dict[str, Any] = {}
    if not reason:
        try:
            entries = entries_of(_properties(raw, charset), charset.values)
            cells = cells_of(entries)
            reason = _unusable(cells, group=is_group(entries))
        except ValueError as error:
            reason = str(error)
    if not reason:
        return SourceRow(raw.line, cells)
    text = "\n".join(raw.lines)[:LONGEST_VALUE].encode(BYTES).decode(charset.values or "utf-8", errors="replace")
    return Problem(message=_shown(reason), code="vcard", value=[_shown(text)], file=path, line=raw.line)


def _shown(text: str) -> str:
    """Return a text of a card as it may be kept: no database takes NUL."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")


def _properties(raw: RawCard, charset: _Charset) -> list[Property]:
    """Return the properties of a card.

    Raises:
        ValueError: one cannot be read, or there are more than any card has.
    """
    found: list[Property] = []
    for number, line in unfolded(raw):
        if len(line) > LONGEST_VALUE:
            if _PICTURE.match(line):  # version 4.0 writes it as a `data:` address; nobody asks for it
                continue
            message = _("line {number} has more than {most:,} characters")
            raise ValueError(message.format(number=number, most=LONGEST_VALUE))
        if len(found) == MOST_PROPERTIES:
            raise ValueError(_("the card has more than {most:,} properties").format(most=MOST_PROPERTIES))
        found.append(parsed(number, line, raw.version, charset.values))
    return found


def _fault(raw: RawCard) -> str:
    if raw.fault is Fault.NO_END:
        return _("the card has no end: END:VCARD is missing")
    if raw.fault is Fault.TOO_LARGE:
        return _("the card is too large: END:VCARD may be missing")
    return _("this is outside of any card") if raw.fault else ""


def _unusable(cells: Mapping[str, Any], *, group: bool) -> str:
    if group:
        return _("the card is a list of others, not a person")
    return "" if cells.get("name") else _("the card has no name: neither FN nor N")
