"""Decoding a whole file in blocks, strictly: where its lines end, and the byte that does not fit.

Which encoding to try is :mod:`crmcore.encodings.detection`'s.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from typing import TYPE_CHECKING

from attrs import define

from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["EncodingError", "LineCount", "Undecodable", "decoded"]

_BLOCK = 1 << 20


class EncodingError(ValueError):
    """A text file that cannot be read, as a sentence for people.

    Attributes:
        code: of the problem that it makes: ``option`` (there is no such encoding), ``encoding`` (the file is in
            another one) or ``unreadable`` (a line is too long).
        line: of the file, from 1, or None where it is no line's fault.
    """

    def __init__(self, message: str, *, code: str, line: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.line = line


class Undecodable(EncodingError):
    """A byte that is no text in an encoding."""


@define
class LineCount:
    """The lines of a text that comes in blocks."""

    limit: int | None = None
    """Characters of the longest line that may be; None for any."""
    _feeds: int = 0
    _returns: int = 0
    _unfinished: int = 0
    """Characters since the last line end."""

    def add(self, text: str) -> None:
        """Count the lines that end in a block.

        Raises:
            EncodingError: the line that goes on behind it is too long already.
        """
        self._feeds += text.count("\n")
        if not self._feeds:
            self._returns += text.count("\r")
        end = max(text.rfind("\n"), text.rfind("\r"))
        self._unfinished = len(text) - end - 1 if end >= 0 else self._unfinished + len(text)
        if self.limit is not None and self._unfinished > self.limit:
            message = _("the line has more than {number:,} characters").format(number=self.limit)
            raise EncodingError(message, code="unreadable", line=self.ended + 1)

    @property
    def ended(self) -> int:
        """Lines that have an end."""
        return self._feeds or self._returns  # returns alone end the lines of old Macintosh files

    @property
    def begun(self) -> int:
        """All lines: the last may have no end."""
        return self.ended + bool(self._unfinished)


def decoded(path: Path, codec: str, label: str, lines: LineCount) -> Iterator[str]:
    """Yield the text of a file in blocks and count its lines.

    Args:
        path: of the file.
        codec: the encoding as Python knows it.
        label: the same for people, in errors.
        lines: what they are counted in.

    Raises:
        Undecodable: a byte cannot be decoded; the message says which.
        EncodingError: a line is too long.
    """
    # With the mark left in, which its own decoder does not count among the bytes.
    decoder = codecs.getincrementaldecoder(codec.removesuffix("-sig"))()
    before = 0
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            state = decoder.getstate()
            waiting = len(state[0])
            try:
                text = decoder.decode(block, final=not block)
            except UnicodeError as error:
                fitting = getattr(error, "start", 0) - waiting
                with suppress(UnicodeError):  # of what has no mark where it should have one nothing fits
                    decoder.setstate(state)
                    lines.add(decoder.decode(block[: max(fitting, 0)]))
                message = _("byte {number:,} is not {encoding}").format(number=before + fitting + 1, encoding=label)
                raise Undecodable(message, code="encoding", line=lines.ended + 1) from None
            lines.add(text)
            yield text
            before += len(block)
            if not block:
                return
