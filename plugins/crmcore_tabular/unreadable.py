"""The reason for which a file, or one of its rows, cannot be read, on its way to whoever reads the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import gettext as _
from crmcore.types import Problem

if TYPE_CHECKING:
    from pathlib import Path

LONGEST_CELL = 1_000_000
"""Characters. A missing closing quote would otherwise swallow the rest of a large file into one cell."""
LONGEST_LINE = 4_000_000
"""Characters, also of a row over many lines. Text is read line by line, and a line is in memory as a whole."""
MOST_COLUMNS = 10_000


class Unreadable(Exception):
    """A file that cannot be read at all; readers yield its problem in place of a header."""

    def __init__(
        self, path: Path, message: str, *, hint: str | None = None, line: int | None = None, code: str = "unreadable"
    ) -> None:
        super().__init__(message)
        self.problem = Problem(message=message, hint=hint, file=path, line=line, code=code)


def nul_character() -> str:
    """Return the reason for which a row with such a character is refused."""
    return _("there is a NUL character, as in a damaged file")


def shown(text: str) -> str:
    """Return a text of the file as a problem may carry it: not endless, and without NUL, which no database takes."""
    return text[:LONGEST_CELL].replace("\0", "\N{SYMBOL FOR NULL}")
