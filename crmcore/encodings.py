"""Which encoding a text file is in: the one that somebody names, or one that can be told from its bytes.

For readers of files. Nothing here decodes for them; a file that passes decodes from its first to its last byte.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Encoding", "detect_encoding"]

_BLOCK = 1 << 18
_MOSTLY = 0.9
"""Share of characters other than ASCII that are in GB2312 where a file is taken for Chinese."""
_COMMON = 0.6
"""Share of those that are among the 3,755 characters of everyday use, or punctuation."""
_READABLE = 0.98
"""Share of characters that are assigned and no controls in a text of UTF-16 without a mark."""

_OTHER = re.compile(r"[^\x00-\x7f]+")
# "DESCRIÇÃO" in Windows-1252 reads as one Chinese character between Latin letters.
_INSIDE_WORD = re.compile(r"(?<=[A-Za-z])[^\x00-\x7f](?=[A-Za-z])")
_RARE_LEADS = bytes(range(0xD8, 0x100))
"""First bytes of the rarer half of GB2312, whose pairs are also pairs of accented small letters."""


@frozen
class Encoding:
    """An encoding, as Python and as people call it."""

    name: str
    """For `open`; a byte order mark is taken away where there is one."""
    label: str
    """For people: ``GB18030``."""


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
_WIDER = {"utf-8": _UTF_8, "ascii": _UTF_8, "gb2312": _GB18030, "gbk": _GB18030}
"""Encodings that are read as one that holds all of them and more."""


def detect_encoding(path: Path, declared: str = "") -> Encoding:
    """Return the encoding of a text file, which is read as a stream, once or twice.

    In this order: a byte order mark; the zero bytes of UTF-16 without one; UTF-8; GB18030, where what it makes of the
    file is overwhelmingly everyday Chinese. Nothing else is guessed: one-byte encodings fit every file.

    Args:
        path: of the file.
        declared: the encoding that somebody says it is in; then only this one is tried.

    Raises:
        ValueError: the file is in none of these encodings, not in the declared one, or there is no such encoding; the
            message is a sentence for people.
    """
    with path.open("rb") as file:
        start = file.read(_BLOCK)
    marked = next((encoding for mark, encoding in _MARKS if start.startswith(mark)), None)
    if declared:
        encoding = _named(declared)
        # "utf-16-le" for a file with a mark: the mark would be its first character.
        encoding = marked if marked and encoding.name.startswith(marked.name) else encoding
        _check(path, encoding)
        return encoding
    if marked:
        _check(path, marked)
        return marked
    if b"\0" in start:
        encoding = _without_mark(start)
        _check(path, encoding)
        return encoding
    try:
        _check(path, _UTF_8)
    except ValueError as error:
        if _reads_chinese(path):
            return _GB18030
        raise ValueError(_("{reason}, and it does not read as Chinese in GB18030").format(reason=error)) from None
    return _UTF_8


def _named(declared: str) -> Encoding:
    try:
        "".encode(declared)
    except (LookupError, ValueError):
        raise ValueError(_('there is no encoding "{name}"').format(name=declared)) from None
    name = codecs.lookup(declared).name
    return _WIDER.get(name) or Encoding(name, declared.upper())


def _check(path: Path, encoding: Encoding) -> None:
    for _text in _decoded(path, encoding):
        pass


def _decoded(path: Path, encoding: Encoding) -> Iterator[str]:
    """Yield the text in blocks.

    Raises:
        ValueError: a byte cannot be decoded; the message says which.
    """
    # With the mark left in, which its own decoder does not count among the bytes.
    decoder = codecs.getincrementaldecoder(encoding.name.removesuffix("-sig"))()
    before = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            waiting = len(decoder.getstate()[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                number = before - waiting + getattr(error, "start", 0) + 1
                raise ValueError(
                    _("byte {number} is not {encoding}").format(number=number, encoding=encoding.label)
                ) from None
            yield text
            before += len(block)
            if not block:
                return


def _without_mark(start: bytes) -> Encoding:
    """Return which UTF-16 a text with zero bytes is in: line ends and digits have theirs on one side."""
    little = start[1::2].count(0) >= start[0::2].count(0)
    encoding = Encoding("utf-16-le" if little else "utf-16-be", "UTF-16")
    text = start.decode(encoding.name, errors="replace")
    readable = sum(unicodedata.category(c) not in ("Cc", "Cn", "Co", "Cs") or c in "\t\r\n" for c in text)
    if readable < _READABLE * len(text):
        raise ValueError(_("it is no text file: it has zero bytes"))
    return encoding


def _reads_chinese(path: Path) -> bool:
    others = known = common = 0
    try:
        for text in _decoded(path, _GB18030):
            others += sum(map(len, _OTHER.findall(text)))
            chinese = "".join(_OTHER.findall(_INSIDE_WORD.sub("", text))).encode("gb2312", "ignore")
            known += len(chinese) // 2
            common += len(chinese[::2].translate(None, _RARE_LEADS))
    except ValueError:
        return False
    return known >= _MOSTLY * others and common >= _COMMON * others
