"""Where things stand in a JSON text: the line of every JSON pointer, duplicate names, the depth of nesting.

The text must be JSON that :mod:`json` has read already; nothing is judged here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from attrs import Factory, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Positions", "positions", "step"]

_MARK = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|\n')


@frozen
class Positions:
    """Lines of a JSON text, from 1."""

    lines: Mapping[str, int]
    """JSON pointer -> the line where the name, or the item of an array, starts."""
    duplicates: tuple[str, ...]
    """Pointers of names that stand more than once in one object."""
    depth: int
    """How deep objects and arrays are nested."""


@frozen
class _Open:
    """An object or array that the scan is inside of."""

    pointer: str
    is_array: bool
    members: dict[str, None] = Factory(dict)
    """Pointers of the members so far, in order; the last one is being read."""

    def names(self, before: str) -> bool:
        """Tell whether the next mark begins a member: any item, but only the name of a pair."""
        return self.is_array or before in ("{", ",")

    def member(self, mark: str) -> str:
        return step(self.pointer, len(self.members) if self.is_array else json.loads(mark))


def step(pointer: str, name: str | int) -> str:
    """Return the pointer of a member, its name escaped as RFC 6901 asks."""
    return f"{pointer}/{str(name).replace('~', '~0').replace('/', '~1')}"


def positions(text: str) -> Positions:
    """Scan a JSON text once and return the line of every pointer in it."""
    lines = {"": 1}
    duplicates: list[str] = []
    stack: list[_Open] = []
    depth, before = 0, ""
    for line, mark in _marks(text):
        if mark in ("}", "]"):
            stack.pop()
        elif mark not in (",", ":"):
            pointer = ""
            if stack and stack[-1].names(before):
                pointer = stack[-1].member(mark)
                if pointer in stack[-1].members:
                    duplicates.append(pointer)
                    del stack[-1].members[pointer]  # so that it goes to the end, where its value looks for it
                stack[-1].members[pointer] = None
                lines[pointer] = line
            elif stack:
                pointer = next(reversed(stack[-1].members))
            if mark in ("{", "["):
                stack.append(_Open(pointer, mark == "["))
                depth = max(depth, len(stack))
        before = mark
    return Positions(lines, tuple(duplicates), depth)


def _marks(text: str) -> Iterator[tuple[int, str]]:
    line = 1
    for match in _MARK.finditer(text):
        if match[0] == "\n":
            line += 1
        else:
            yield line, match[0]
