"""How a CSV file is laid out: encoding, delimiter, quotes, and where its header stands; told by options or found."""

from __future__ import annotations

import csv
import re
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import gettext as _
from crmcore_tabular.delimiters import delimiter_of
from crmcore_tabular.texts import open_text, text_encoding
from crmcore_tabular.unreadable import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from crmcore import Encoding

OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "encoding": {
            "type": "string",
            "minLength": 1,
            "description": "For instance gb18030, cp1252, utf-16. Found where it can be proved; written as UTF-8.",
        },
        "delimiter": {
            "type": "string",
            "pattern": "^(tab|[^\\r\\n])$",
            "description": "One character, or `tab`. Found among , ; | and tab; written as a comma.",
        },
        "quote": {
            "type": "string",
            "pattern": "^(none|[^\\r\\n])$",
            "description": 'One character, or `none` where quotes mean nothing. By default ".',
        },
        "header": {
            "type": "integer",
            "minimum": 1,
            "description": "The line of the header. By default the first that is not empty.",
        },
    },
}
_SAMPLE = 200
"""Lines by which the delimiter is found."""
_SAMPLED = 1_000_000
"""Characters of them."""
_EXCEL_SAYS = re.compile(r"sep=(.)\r?\n?")
"""The line by which files tell Excel their delimiter."""


@frozen
class CsvForm:
    """How a file is laid out."""

    text: Encoding
    delimiter: str
    quote: str | None
    """None where quotes mean nothing."""
    start: int
    """The line of the header, or the first line at which it may stand."""
    declared: bool
    """Whether `start` is the line of the header."""

    @property
    def dialect(self) -> dict[str, Any]:
        """What `csv.reader` and `csv.writer` are told."""
        if self.quote is None:
            return {"delimiter": self.delimiter, "quoting": csv.QUOTE_NONE, "strict": True}
        # A blank before a quote is one that people put behind the comma.
        blanks = self.delimiter != " "
        return {"delimiter": self.delimiter, "quotechar": self.quote, "strict": True, "skipinitialspace": blanks}

    @property
    def shown(self) -> str:
        """The form as people say it."""
        names = {",": _("commas"), ";": _("semicolons"), "\t": _("tabs"), "|": _("bars")}
        delimiter = names.get(self.delimiter, repr(self.delimiter))
        return _("CSV, {encoding}, {delimiter}").format(encoding=self.text.label, delimiter=delimiter)


def csv_form(path: Path, options: Mapping[str, Any]) -> CsvForm:
    """Find out how a file is laid out.

    Raises:
        Unreadable: its encoding cannot be proved, it has no header, or an option cannot be meant.
    """
    delimiter, quote = csv_marks(path, options)
    text = text_encoding(path, options.get("encoding"))
    declared = options.get("header")
    start = declared or 1
    with open_text(path, text) as file:
        sample = list(_beginning(islice(file, start - 1, start - 1 + _SAMPLE)))
    if declared and not "".join(sample[:1]).strip():
        raise no_header(path, declared)
    if not declared and sample and (said := _EXCEL_SAYS.fullmatch(sample[0])):
        delimiter = delimiter or said[1]
        start = 2
    delimiter = delimiter or delimiter_of(sample, quote, likely="\t" if path.suffix.lower() == ".tsv" else ",")
    return CsvForm(text, delimiter, quote, start, declared is not None)


def _beginning(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines, and no more of them than tells enough."""
    left = _SAMPLED
    for line in lines:
        yield line[:left]
        left -= len(line)
        if left <= 0:
            return


def no_header(path: Path, line: int) -> Unreadable:
    """Return the error for a declared header that is not there."""
    return Unreadable(path, _("there is no header in line {line}").format(line=line), line=line, code="option")


def csv_marks(path: Path, options: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the delimiter that the options name, or None, and the quote, None where quotes mean nothing.

    Raises:
        Unreadable: they cannot be meant.
    """
    delimiter, quote = options.get("delimiter"), options.get("quote", '"')
    delimiter = "\t" if delimiter == "tab" else delimiter
    quote = None if quote == "none" else quote
    for name, mark in (("delimiter", delimiter), ("quote", quote)):
        if mark is not None and (len(mark) != 1 or mark in "\r\n"):
            message = _("{name} {mark!r} is not one character").format(name=name, mark=mark)
            raise Unreadable(path, message, code="option")
    if delimiter is not None and delimiter == quote:
        message = _("delimiter and quote are both {mark!r}").format(mark=quote)
        raise Unreadable(path, message, code="option")
    return delimiter, quote
