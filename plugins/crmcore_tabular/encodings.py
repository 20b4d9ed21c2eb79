"""The encoding of a text file, by proof over the whole of it: a mark, a pattern, or that every byte of it fits.

Nothing is guessed from names or languages: where two encodings would fit, or none, the file is not read until somebody
says which it is.
"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, frozen

from crmcore import gettext as _
from crmcore_tabular.chinese import count_characters, looks_chinese
from crmcore_tabular.unreadable import LONGEST_LINE, Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

_CHUNK = 1 << 20
_MARK = "\ufeff"
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_FEWEST_ZEROS = 4
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030"}
"""What is called GB2312 mostly has characters of its successors, which read it all the same."""


@frozen
class TextForm:
    """How the text of a file is written."""

    encoding: str
    lines: int

    @property
    def shown(self) -> str:
        """The encoding as people know it."""
        return self.encoding.upper()


class _Undecodable(Exception):
    def __init__(self, byte: int, line: int) -> None:
        super().__init__(byte, line)
        self.byte, self.line = byte, line


def text_form(path: Path, declared: str | None = None) -> TextForm:
    """Find out how a file is written, reading all of it once.

    Raises:
        Unreadable: the file is in no encoding that can be proved, or not in the one that was declared.
    """
    codec = known_codec(path, declared) if declared else _marked(path)
    try:
        return _read_through(path, codec or "utf-8")
    except _Undecodable as error:
        if codec is None and _is_chinese(path):
            return _read_through(path, "gb18030")
        raise _refusal(path, codec, error) from None


def known_codec(path: Path, name: str) -> str:
    """Return the name under which Python knows an encoding.

    Raises:
        Unreadable: it knows none of that name.
    """
    try:
        "".encode(name)  # what is no encoding of text, `hex` for instance, is refused here and not by the next line
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        message = _("there is no encoding {name!r}").format(name=name)
        hint = _("Encodings are called utf-8, utf-16, gb18030, big5, cp1252, shift_jis, for instance.")
        raise Unreadable(path, message, hint=hint, code="option") from None
    return _WIDER.get(codec, codec)


def open_text(path: Path, form: TextForm) -> TextIO:
    """Open a file behind its byte order mark; line ends stay as they are."""
    file = path.open(encoding=form.encoding, newline="")
    if file.read(1) != _MARK:
        file.seek(0)
    return file


def _marked(path: Path) -> str | None:
    """Return the encoding that the first bytes prove: a byte order mark, or the zeros of ASCII in UTF-16."""
    with path.open("rb") as file:
        head = file.read(1 << 16)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    even, odd = head[0::2].count(0), head[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    # Line ends, digits and commas are one character in eight of any table. A zero on the other side is a character
    # such as U+4E00; both sides alike, or very few, are zeros that do not belong into a text.
    if most >= _FEWEST_ZEROS and most * 16 >= len(head) and least * 4 <= most:
        return "utf-16-le" if odd > even else "utf-16-be"
    return None


def _read_through(path: Path, codec: str) -> TextForm:
    count = _LineCount()
    for text in _decoded(path, codec):
        count.add(text)
        if count.unfinished > LONGEST_LINE:
            message = _("the line has more than {number:,} characters").format(number=LONGEST_LINE)
            raise Unreadable(path, message, line=count.ended + 1)
    return TextForm(codec, count.ended + bool(count.unfinished))


def _decoded(path: Path, codec: str) -> Iterator[str]:
    """Yield the text of a file in chunks; raise where a byte does not fit."""
    decoder = codecs.getincrementaldecoder(codec)()
    count, read = _LineCount(), 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            read += len(chunk)
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                count.add(error.object[: error.start].decode(codec, "replace"))
                raise _Undecodable(read - len(error.object) + error.start, count.ended + 1) from None
            count.add(text)
            yield text
            if not chunk:
                return


def _is_chinese(path: Path) -> bool:
    counts: Counter[str] = Counter()
    try:
        for text in _decoded(path, "gb18030"):
            count_characters(text, counts)
    except _Undecodable:
        return False
    return looks_chinese(counts)


def _refusal(path: Path, codec: str | None, error: _Undecodable) -> Unreadable:
    name = "UTF-8" if codec is None else codec.upper()
    message = _("byte {number:,} is not {encoding}").format(number=error.byte, encoding=name)
    if codec is None:
        message = _("{what}, and the file does not read as Chinese (GB18030) either").format(what=message)
    hint = _(
        'Say how it is written, Western European for instance: encoding = "cp1252" under [file] in the mapping file,'
        " or --option encoding=cp1252."
    )
    return Unreadable(path, message, hint=hint, line=error.line, code="encoding")


@define
class _LineCount:
    """Lines of a text that comes in chunks, and how long its last one is so far."""

    unfinished: int = 0
    _feeds: int = 0
    _returns: int = 0

    def add(self, text: str) -> None:
        self._feeds += text.count("\n")
        self._returns += text.count("\r")
        end = max(text.rfind("\n"), text.rfind("\r"))
        self.unfinished = len(text) - end - 1 if end >= 0 else self.unfinished + len(text)

    @property
    def ended(self) -> int:
        return self._feeds or self._returns  # returns alone end the lines of old Macintosh files
