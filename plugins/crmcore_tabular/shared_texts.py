"""How much text the cells of a sheet of an XLSX file come to: a text is stored once, and copied into each cell."""

from __future__ import annotations

import re
from array import array
from typing import TYPE_CHECKING

from crmcore_tabular.sheet_marks import MOST_TEXT, cut_at_tags

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["texts_fit"]

_TEXT_ENDS = re.compile(rb"</(?:[A-Za-z0-9_]+:)?si[ \t\r\n]*>|<(?:[A-Za-z0-9_]+:)?si[ \t\r\n]*/>")
_MARKS = (b't="s"', b"t='s'")
_CELL = re.compile(rb"""<c[^>]* t=["']s["'][^>]*>[ \t\r\n]*<v[^>]*>[ \t\r\n]*([0-9]{1,10})""")
_LONGEST_CELL = 4096


def texts_fit(texts: Iterable[bytes], sheet: Callable[[], Iterator[bytes]]) -> bool:
    """Tell whether the texts of a sheet's cells fit into memory.

    Args:
        texts: the part of the package that holds them.
        sheet: gives the part that holds the cells, from its beginning; it is read twice where the cells are many.
    """
    lengths = _lengths(texts)
    cells = sum(part.count(mark) for part in cut_at_tags(sheet()) for mark in _MARKS)
    if cells * max(lengths, default=0) <= MOST_TEXT:
        return True
    counted, total = 0, 0
    for part in _cut_at_cells(sheet()):
        for found in _CELL.finditer(part):
            counted += 1
            number = int(found[1])
            total += lengths[number] if number < len(lengths) else 0
        if total > MOST_TEXT:
            return False
    return counted >= cells  # cells that are written in a way of their own could be any


def _lengths(chunks: Iterable[bytes]) -> array[int]:
    """Return how many bytes each text takes, its tags included."""
    lengths = array("Q")
    before = 0
    for part in cut_at_tags(chunks):
        start = 0
        for found in _TEXT_ENDS.finditer(part):
            lengths.append(before + found.end() - start)
            before, start = 0, found.end()
        before += len(part) - start
    return lengths


def _cut_at_cells(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the chunks, cut where a cell begins, so that none is in two of them."""
    before = b""
    for chunk in chunks:
        part = before + chunk
        cut = part.rfind(b"<c")
        if cut < 0 or len(part) - cut > _LONGEST_CELL:
            cut = len(part)
        yield part[:cut]
        before = part[cut:]
    yield before
