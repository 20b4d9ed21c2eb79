"""How far an import is, and how long it will take: measured by lines, because nobody knows the number of rows."""

from __future__ import annotations

import time
from collections.abc import Callable

from attrs import define, field, frozen

__all__ = ["Progress", "ShowProgress", "Stopwatch"]

_SHORTEST = 0.2
"""Seconds before a rate is more than a guess."""


@frozen(kw_only=True)
class Progress:
    """How far an import is; everything in it is committed."""

    import_id: int
    rows: int
    """Rows of the file that are done with, those of an interrupted run included."""
    resumed: int
    """Rows that an interrupted run had done."""
    fraction: float | None
    """Share of the file, 0 to 1; None where its length is not known."""
    rate: float | None
    """Rows per second of this run; None at its start."""
    seconds_left: float | None


ShowProgress = Callable[[Progress], None]
"""Is called when the import begins, and after every chunk."""


@define
class Stopwatch:
    """Measures one run of an import."""

    import_id: int
    resumed: int
    lines: int
    """Lines of the whole file; 0 where nobody knows."""
    first_line: int
    """Line where this run begins."""
    _began: float = field(factory=time.monotonic, init=False)

    def at(self, rows: int, line: int) -> Progress:
        """Return the progress after so many rows, at a line."""
        elapsed = time.monotonic() - self._began
        measured = elapsed >= _SHORTEST and rows > self.resumed
        fraction = min(line / self.lines, 1.0) if self.lines else None
        passed, ahead = line - self.first_line, self.lines - line
        return Progress(
            import_id=self.import_id,
            rows=rows,
            resumed=self.resumed,
            fraction=fraction,
            rate=(rows - self.resumed) / elapsed if measured else None,
            seconds_left=elapsed * max(ahead, 0) / passed if measured and self.lines and passed > 0 else None,
        )
