"""Where the keys and elements of a TOML text stand, so that an error in ``crm.toml`` can name the line.

Values come from :mod:`tomllib`; the scanner here follows the same text a second time and keeps only lines. It expects
a text that tomllib accepts and judges nothing. The tests compare the keys that it finds with tomllib's.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING

from crmcore.schema.positions import step

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["toml_lines"]


def toml_lines(text: str) -> Mapping[str, int]:
    """Return JSON pointer -> line, from 1, of every key and element; tables count where their header stands."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


_BLANKS = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"[A-Za-z0-9_-]+|\"(?:[^\"\\\n]|\\.)*\"|'[^'\n]*'")
_STRING = re.compile(
    # Up to two quotes may stand before the closing three of a multi-line string, so five may end it.
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})' + r"|'''.*?'''(?:'{0,2})" + r'|"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE = re.compile(r"[^,\]}#\r\n]*")


class _Scanner:
    """A cursor over a valid TOML text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines = {"": 1}
        self._starts = [0, *(found.end() for found in re.finditer("\n", text))]
        self._last: dict[str, int] = {}  # array of tables -> index of its last table

    def document(self) -> None:
        table = ""
        while self._skip(_GAP):
            table = self._header() if self.text[self.at] == "[" else self._pair(table)

    def _header(self) -> str:
        start = self.at
        brackets = 2 if self.text.startswith("[[", start) else 1
        self.at += brackets
        parts = self._key()
        self.at += brackets
        path = ""
        for part in parts[:-1]:
            path = step(path, part)
            self._mark(path, start)
            if path in self._last:
                path = step(path, self._last[path])
        path = step(path, parts[-1])
        if brackets == 2:
            self._mark(path, start)
            self._last[path] = self._last.get(path, -1) + 1
            path = step(path, self._last[path])
        self.lines[path] = self._line(start)  # a header says more than an earlier [table.below]
        return path

    def _pair(self, table: str) -> str:
        start = self.at
        path = table
        for part in self._key():
            path = step(path, part)
            self._mark(path, start)
        self.at += 1  # the sign
        self._value(path)
        return table

    def _key(self) -> list[str]:
        parts = []
        while True:
            self._skip(_BLANKS)
            found = _KEY.match(self.text, self.at)
            assert found, "a text that tomllib accepts has a key here"  # noqa: S101  # the module's contract
            self.at = found.end()
            part = found.group()
            parts.append(tomllib.loads(f"key = {part}")["key"] if part[0] in "\"'" else part)
            self._skip(_BLANKS)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def _value(self, path: str) -> None:
        self._skip(_BLANKS)
        opening = self.text[self.at]
        if opening in "{[":
            self.at += 1
            self._elements(path, "}" if opening == "{" else "]")
            return
        found = _STRING.match(self.text, self.at) or _BARE.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _elements(self, path: str, closing: str) -> None:
        index = 0
        while self._skip(_GAP):
            if self.text[self.at] == closing:
                break
            if closing == "}":
                self._pair(path)
            else:
                self._mark(step(path, index), self.at)
                self._value(step(path, index))
                index += 1
            self._skip(_GAP)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        found = pattern.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at < len(self.text)

    def _mark(self, path: str, start: int) -> None:
        self.lines.setdefault(path, self._line(start))

    def _line(self, start: int) -> int:
        return bisect_right(self._starts, start)
