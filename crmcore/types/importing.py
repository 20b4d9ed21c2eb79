"""Declarations of file formats, and what their readers yield."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import attrs
from attrs import frozen
from attrs.validators import matches_re

from crmcore.types.names import NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore.types.values import Problem

__all__ = ["Importer", "SourceHeader", "SourceRow", "WriteRows"]


@frozen
class SourceHeader:
    """The headers of an imported file, which its reader yields before anything else."""

    names: Sequence[str] = attrs.field(converter=tuple)
    lines: int | None = None
    """Number of the last line or row, where the reader knows it; by default the line ends of the file are counted."""
    form: str = ""
    """How the file was read, for people: ``CSV, GB18030, semicolons``."""


@frozen
class SourceRow:
    """One record of an imported file: where it starts and its cells by header."""

    line: int
    """Line of the file where the row starts, from 1."""
    cells: Mapping[str, Any]
    """Header -> text, number, boolean, date, list, or None where there is nothing."""


class WriteRows(Protocol):
    """Writes a file that the importer of the same format reads."""

    def __call__(
        self, path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], options: Mapping[str, Any]
    ) -> None:
        """Write a file, replacing what is there.

        Args:
            path: of the file.
            headers: of the columns.
            rows: their cells: text, numbers, ``Decimal``, booleans, dates, instants, lists, or None. A rejected row has
                as many as it came with, which may be more or fewer than there are headers.
            options: of the importer, defaults filled in.
        """


@frozen(kw_only=True)
class Importer:
    """A reader, and mostly a writer, of one file format."""

    name: str = attrs.field(validator=matches_re(NAME))
    suffixes: Sequence[str] = attrs.field(converter=tuple)
    """Lower-case file name endings with the dot (``.csv``)."""
    read: Callable[[Path, Mapping[str, Any]], Iterator[SourceHeader | SourceRow | Problem]]
    """Called with the path and the options, defaults filled in. Yields the header, then rows, and a Problem for every
    row that cannot be read, with its line, and as `Problem.value` its cells as a list, or its text where it has none. A
    Problem before any header says why the file cannot be read at all. Reading a file twice gives the same."""
    write: WriteRows | None = None
    """Writes exports, and rejected rows in the format that they came in; without it these go to CSV."""
    options: Mapping[str, Any] = attrs.field(factory=dict)
    """JSON Schema of an object: what the reader and the writer can be told (``encoding``, ``sheet``), each optional."""
    for_programs: bool = False
    """Whether exports have names of fields and codes in it, rather than titles."""
    for_people: bool = False
    """Whether exports call other records by their names in it, rather than by their codes: address books."""
    titles: Mapping[str, str] = attrs.field(factory=dict)
