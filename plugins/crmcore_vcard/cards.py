"""Cutting a file into cards: which lines are whose. What a line says is :mod:`crmcore_vcard.properties`'.

Lines are byte strings in the guise of text, one character for each byte, so that a property can say its own charset
and a fold may fall inside a character.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import TextIO

__all__ = ["BYTES", "Fault", "RawCard", "raw_cards", "unfolded"]

BYTES = "latin-1"
"""The encoding that gives each byte one character."""
LARGEST = 16_000_000
"""Bytes of one card, its photograph included; a card that is never ended would otherwise fill the memory."""
MOST_LINES = 250_000
"""Of one card: those of such a photograph."""

_MARK = "\ufeff".encode().decode(BYTES)
_BEGIN = re.compile(r"BEGIN[ \t]*:[ \t]*VCARD[ \t]*", re.IGNORECASE)
_END = re.compile(r"END[ \t]*:[ \t]*VCARD[ \t]*", re.IGNORECASE)
_AGENT = re.compile(r"AGENT[^:]*:[ \t]*", re.IGNORECASE)
_VERSION = re.compile(r"VERSION[^:]*:[ \t]*([0-9.]{1,8})[ \t]*", re.IGNORECASE)


class Fault(enum.Enum):
    """Why lines are no whole card."""

    NO_END = "no end"
    TOO_LARGE = "too large"
    OUTSIDE = "outside"


@frozen
class RawCard:
    """The lines of a card from BEGIN to END, or lines that are none."""

    line: int
    """Of its first line, from 1."""
    lines: Sequence[str] = field(repr=False)
    fault: Fault | None = None

    @property
    def version(self) -> str:
        """What the card says it is; 3.0 where it does not say."""
        for line in self.lines:
            if found := _VERSION.fullmatch(line):
                return found[1]
        return "3.0"


def raw_cards(path: Path, encoding: str) -> Iterator[RawCard]:
    """Yield the cards of a file in their order, and what lies between them where it is not blank.

    Args:
        path: of the file.
        encoding: of the file; it matters where characters have more than one byte of which some are zero.
    """
    begun, depth, size, line = 0, 0, 0, ""
    held: list[str] = []
    lost = False  # in what was too large: the rest of it is nobody's card
    for number, line, before in _lines(path, encoding):
        begins, ends = _BEGIN.fullmatch(line), _END.fullmatch(line)
        if lost and not begins:
            lost = not ends
            continue
        lost = False
        nested = depth and begins and _AGENT.fullmatch(before)
        if begins and not nested and held:
            yield RawCard(begun, held, Fault.NO_END if depth else Fault.OUTSIDE)
            held, depth = [], 0
        if not held:
            begun, size = number, 0
        if held or line.strip():
            held.append(line)
            size += len(line)
        if size > LARGEST or len(held) > MOST_LINES:
            yield RawCard(begun, held[:1], Fault.TOO_LARGE)
            held, depth, lost = [], 0, True
            continue
        depth += 1 if begins else -1 if ends and depth else 0
        if ends and depth == 0 and held:
            yield RawCard(begun, held, None if _BEGIN.fullmatch(held[0]) else Fault.OUTSIDE)
            held = []
    if held:
        yield RawCard(begun, held, Fault.NO_END if depth else Fault.OUTSIDE)


def unfolded(card: RawCard) -> Iterator[tuple[int, str]]:
    """Yield the properties of a card as whole lines, each with the number of its first.

    Lines that go on the one before begin with a blank, which versit's 2.1 keeps and its successors take away; they
    follow a line of quoted-printable that ends with an equals sign; or they are base64, which is left out.
    """
    keeps_blank = card.version.startswith("2")
    parts: list[str] = []
    start, quoted, encoded = card.line, False, False
    for number, line in _own(card):
        soft = quoted and parts[-1].endswith("=")
        folded = bool(parts) and line.startswith((" ", "\t"))
        if soft:
            parts[-1] = parts[-1][:-1]
            parts.append(line)
        elif folded or (encoded and ":" not in line):
            if not encoded:
                parts.append(line if keeps_blank else line[1:])
        elif line.strip():
            if parts:
                yield start, "".join(parts)
            head = line.partition(":")[0].upper()
            start, parts = number, [line]
            quoted, encoded = "QUOTED-PRINTABLE" in head, bool(re.search(r"ENCODING=B\b|BASE64", head))
    if parts:
        yield start, "".join(parts)


def _own(card: RawCard) -> Iterator[tuple[int, str]]:
    """Yield the lines between BEGIN and END without those of cards inside."""
    depth = 0
    for number, line in enumerate(card.lines, start=card.line):
        depth -= 1 if _END.fullmatch(line) else 0
        if depth == 1 and not _BEGIN.fullmatch(line) and not _END.fullmatch(line):
            yield number, line
        depth += 1 if _BEGIN.fullmatch(line) else 0


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str, str]]:
    """Yield the number, the text and the line before of every line."""
    wide = encoding.startswith(("utf-16", "utf-32"))
    before = ""
    with path.open(encoding=encoding if wide else BYTES) as file:
        for number, line in enumerate(_whole_lines(file), start=1):
            text = line.rstrip("\n")
            # A mark may stand inside too: files of cards are often made by joining files.
            text = (text.encode().decode(BYTES) if wide else text).removeprefix(_MARK)
            yield number, text, before
            before = text or before


def _whole_lines(file: TextIO) -> Iterator[str]:
    """Yield the lines of a file; of one that is too long for any card, the beginning."""
    while line := file.readline(LARGEST + 1):
        yield line
        while len(line) > LARGEST and not line.endswith("\n"):
            line = file.readline(LARGEST + 1)
