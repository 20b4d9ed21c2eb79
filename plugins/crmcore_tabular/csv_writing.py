"""Writing CSV files that spreadsheets open as they are, and that the reader gives back cell by cell."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from crmcore import gettext as _
from crmcore.errors import UsageError
from crmcore_tabular.cells import as_text
from crmcore_tabular.csv_form import csv_marks
from crmcore_tabular.formulas import guarded
from crmcore_tabular.replacing import replacing
from crmcore_tabular.texts import known_codec
from crmcore_tabular.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

__all__ = ["write_csv"]

_DEFAULT_ENCODING = "utf-8-sig"
"""With the mark without which Excel takes a file for one in the local encoding."""


def write_csv(path: Path, headers: Sequence[str], rows: Iterable[Sequence[Any]], options: Mapping[str, Any]) -> None:
    """Write a CSV file that the reader, given the same options, reads.

    Raises:
        UsageError: an option cannot be meant, or a character is not in the encoding that they name.
    """
    try:
        delimiter, quote = csv_marks(path, options)
        encoding = known_codec(path, options["encoding"]) if options.get("encoding") else _DEFAULT_ENCODING
    except Unreadable as error:
        raise UsageError(error.problem.message, hint=error.problem.hint) from error
    delimiter = delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    marks: dict[str, Any] = {"quoting": csv.QUOTE_NONE, "quotechar": None} if quote is None else {"quotechar": quote}
    with replacing(path) as new, new.open("w", encoding=encoding, newline="") as file:
        file.write("\r\n" * (options.get("header", 1) - 1))
        writer = csv.writer(file, delimiter=delimiter, **marks)
        try:
            writer.writerow(map(guarded, headers))
            for row in rows:
                writer.writerow([_cell(value) for value in row])
        except UnicodeEncodeError as error:
            message = _("{character!r} is not in {encoding}").format(
                character=error.object[error.start], encoding=encoding.upper()
            )
            raise UsageError(message, hint=_("Write the file in UTF-8 or GB18030.")) from error
        except csv.Error as error:
            message = _("a cell has the delimiter or a line break in it, and quotes were switched off")
            raise UsageError(message) from error


def _cell(value: Any) -> str:
    text = as_text(value)
    return guarded(text) if isinstance(value, str | list | tuple) else text
