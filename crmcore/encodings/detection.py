"""Which encoding a text file is in, by proof over the whole of it: a mark, a pattern, or that every byte of it fits.

Nothing is guessed from names or languages: where two encodings would fit, or none, the file is not read until somebody
says which it is.
"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from crmcore.encodings.chinese import count_characters, looks_chinese
from crmcore.encodings.decoding import EncodingError, LineCount, Undecodable, decoded
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Encoding", "EncodingError", "codec_name", "detect_encoding"]

_START = 1 << 16
"""Bytes by which marks and patterns are told."""
_FEWEST_ZEROS = 4
_READABLE = 0.98
"""Share of letters, signs and blanks in a text of UTF-16 or UTF-32 without a mark."""


@frozen
class Encoding:
    """An encoding, as Python and as people call it, and what reading the whole file in it showed."""

    name: str
    """For `open`; a byte order mark is taken away where there is one."""
    label: str
    """For people: ``GB18030``."""
    lines: int = 0
    """Lines of the text; the last may have no end."""


_UTF_8 = Encoding("utf-8-sig", "UTF-8")
_GB18030 = Encoding("gb18030", "GB18030")
_MARKS = (
    (codecs.BOM_UTF8, _UTF_8),
    # UTF-32 first: its little-endian mark begins with the one of UTF-16.
    (codecs.BOM_UTF32_LE, Encoding("utf-32", "UTF-32")),
    (codecs.BOM_UTF32_BE, Encoding("utf-32", "UTF-32")),
    (codecs.BOM_UTF16_LE, Encoding("utf-16", "UTF-16")),
    (codecs.BOM_UTF16_BE, Encoding("utf-16", "UTF-16")),
)
_NO_FILES = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"})
"""What Python calls encodings of text and no file is in: of names of hosts, of its own literals, of nothing; and one
that makes halves of characters."""
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030"}
"""What is called GB2312 mostly has characters of its successors, which read it all the same."""


def detect_encoding(path: Path, declared: str = "", *, longest_line: int | None = None) -> Encoding:
    """Return the encoding of a text file, which is read as a stream: once, or twice where it is not UTF-8.

    In this order: a byte order mark; the zero bytes of UTF-32 and UTF-16 without one; UTF-8; GB18030, where what it
    makes of the file is Chinese. Nothing else is guessed: one-byte encodings fit every file.

    Args:
        path: of the file.
        declared: the encoding that somebody says it is in; then only this one is tried.
        longest_line: the most characters of a line, for readers that have lines in memory as a whole. Found within a
            block of reading, of a million characters.

    Raises:
        EncodingError: a `ValueError`: the file is in none of these encodings, not in the declared one, or there is no
            such encoding; or a line of it is too long.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    told = _declared(declared, start) if declared else _marked(start) or _with_zeros(start)
    if told:
        return _read_through(path, told, longest_line)
    try:
        return _read_through(path, _UTF_8, longest_line)
    except Undecodable as error:
        chinese = _read_as_chinese(path, longest_line)
        if chinese:
            return chinese
        if b"\0" in start:
            raise EncodingError(_("it is no text file: it has zero bytes"), code="encoding") from None
        message = _("{what}, and the file does not read as Chinese (GB18030) either").format(what=error)
        raise EncodingError(message, code="encoding", line=error.line) from None


def codec_name(name: str) -> str:
    """Return the name under which Python knows an encoding; those of older Chinese standards mean the newest.

    Raises:
        EncodingError: it knows none of that name, or none of text.
    """
    try:
        "".encode(name)  # what is no encoding of text, `hex` for instance, is refused here and not by the next line
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = ""
    if not codec or codec in _NO_FILES:
        raise EncodingError(_("there is no encoding {name!r}").format(name=name), code="option")
    return _WIDER.get(codec, codec)


def _marked(start: bytes) -> Encoding | None:
    return next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)


def _declared(declared: str, start: bytes) -> Encoding:
    name = codec_name(declared)
    marked, pattern = _marked(start), _with_zeros(start)
    if marked and name.startswith(marked.name.removesuffix("-sig")):
        return marked  # also for "utf-16-le", where the mark would be the first character
    if marked:
        message = _("the file begins with the mark of {found}").format(found=marked.label)
        raise EncodingError(message, code="encoding", line=1)
    if pattern and pattern.name.startswith(name):
        return pattern  # "utf-16" does not say which of the two
    known = {"utf-8": _UTF_8, _UTF_8.name: _UTF_8, _GB18030.name: _GB18030}
    return known.get(name) or Encoding(name, declared.upper())


def _with_zeros(start: bytes) -> Encoding | None:
    """Return the encoding without a mark in which zero bytes are halves of characters."""
    even, odd = start[0::2].count(0), start[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    if most < _FEWEST_ZEROS:
        return None
    for name in ("utf-32-le", "utf-32-be"):
        if _reads(start, name):
            return Encoding(name, "UTF-32")
    # Line ends, digits and commas are one character in eight of any table. A zero on the other side is a character
    # such as U+4E00; both sides alike, or very few, are zeros that do not belong into a text.
    name = "utf-16-le" if odd > even else "utf-16-be"
    if most * 16 >= len(start) and least * 2 <= most and _reads(start, name):
        return Encoding(name, "UTF-16")
    return None


def _reads(start: bytes, codec: str) -> bool:
    """Tell whether the beginning of a file is readable text in an encoding."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(start)
    except UnicodeError:
        return False
    readable = sum(character.isprintable() or character.isspace() for character in text)
    return readable >= _READABLE * len(text) > 0


def _read_through(path: Path, encoding: Encoding, longest_line: int | None) -> Encoding:
    lines = LineCount(longest_line)
    for _text in decoded(path, encoding.name, encoding.label, lines):
        pass
    return evolve(encoding, lines=lines.begun)


def _read_as_chinese(path: Path, longest_line: int | None) -> Encoding | None:
    lines, counts = LineCount(longest_line), Counter[str]()
    try:
        for text in decoded(path, _GB18030.name, _GB18030.label, lines):
            count_characters(text, counts)
    except Undecodable:
        return None
    return evolve(_GB18030, lines=lines.begun) if looks_chinese(counts) else None
