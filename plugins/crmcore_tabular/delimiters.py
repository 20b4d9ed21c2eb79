"""The delimiter of a CSV file, found by the first rows: they have as many cells as their header."""

from __future__ import annotations

import csv
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_DELIMITERS = (",", ";", "\t", "|")


def delimiter_of(lines: Sequence[str], quote: str | None, *, likely: str) -> str:
    """Return the delimiter by which most rows have as many cells as the header.

    Among equals the one that makes more columns wins: ``date;amount, net;quantity`` over rows such as ``x;1,5;2``.

    Args:
        lines: the first lines, from the header on.
        quote: inside of which a delimiter does not count; None where quotes mean nothing.
        likely: the answer where no delimiter splits the header, or nothing tells two of them apart.
    """
    ordered = sorted(_DELIMITERS, key=lambda delimiter: delimiter != likely)
    best = max(ordered, key=lambda delimiter: _fit(lines, delimiter, quote))  # of equals, the first
    return best if _fit(lines, best, quote) > (0.0, 1) else likely


def _fit(lines: Sequence[str], delimiter: str, quote: str | None) -> tuple[float, int]:
    """Return the share of the rows that have as many cells as the header, and how many these are."""
    marks: dict[str, Any] = {"quoting": csv.QUOTE_NONE} if quote is None else {"quotechar": quote}
    if delimiter == quote:
        return (0.0, 1)
    widths: list[int] = []
    with suppress(csv.Error):  # a quote that swallows too much: what came before it counts
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, **marks)
        widths.extend(len(cells) for cells in rows if any(cells))
    if not widths or widths[0] == 1:
        return (0.0, 1)
    header, *others = widths
    return (sum(width == header for width in others) / len(others) if others else 1.0, header)
