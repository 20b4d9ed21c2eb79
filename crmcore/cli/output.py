"""Tables and JSON on stdout, remarks on stderr, files written whole. How a value looks is :mod:`crmcore.cli.cells`'."""

from __future__ import annotations

import json
import os
import shutil
import sys
from contextlib import suppress
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

__all__ = [
    "Heading",
    "fits",
    "json_option",
    "print_json",
    "print_pairs",
    "print_table",
    "remark",
    "screen_width",
    "write_file",
]

_GAP = 2
"""Blanks between two columns."""
_CONTROL = dict.fromkeys(map(ord, "\a\b\v\f\r")) | {ord("\t"): " "}
"""What would move a cell out of its column."""


@frozen
class Heading:
    """The head of a column."""

    title: str
    right: bool = False
    """Whether its cells are numbers, aligned at their right end."""
    whole: bool = False
    """Whether its cells are never broken into lines: references are copied from the screen."""


def json_option(help: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:  # noqa: A002  # click's word
    """Return the option ``--json`` of a command that lists something."""
    return click.option("--json", "as_json", is_flag=True, help=help)


def print_table(headings: Sequence[Heading], rows: Iterable[Sequence[str]], title: str | None = None) -> None:
    """Print a table; ruled in a terminal, plain columns elsewhere."""
    if sys.stdout.isatty():
        _print_ruled(headings, rows, title)
        return
    if title:
        click.echo(title)
    for line in _plain_lines(headings, rows):
        click.echo(line)


def _plain_lines(headings: Sequence[Heading], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table whose cells are never broken; rich would take a minute for fifty thousand rows."""
    texts = ([heading.title for heading in headings], *rows)
    cells = [[text.translate(_CONTROL).splitlines() or [""] for text in row] for row in texts]
    widths = [max(max(map(screen_width, cell), default=0) for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        for parts in zip_longest(*row, fillvalue=""):
            padded = (
                " " * (width - screen_width(part)) + part
                if heading.right
                else part + " " * (width - screen_width(part))
                for heading, part, width in zip(headings, parts, widths, strict=True)
            )
            yield (" " * _GAP).join(padded).rstrip()


def _print_ruled(headings: Sequence[Heading], rows: Iterable[Sequence[str]], title: str | None) -> None:
    # Here, because rich takes as long to import as a whole command without tables.
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(file=sys.stdout, highlight=False, emoji=False)
    # The rule brings a blank column between two others, so that both are two apart.
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, _GAP - 1, 0, 0))
    for heading in headings:
        justify: Literal["left", "right"] = "right" if heading.right else "left"
        table.add_column(Text(heading.title), justify=justify, no_wrap=heading.whole, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    with console.capture() as printed:
        if title:
            console.print(Text(title, "bold"), soft_wrap=True)
        console.print(table)
    # Rich pads every line to the width of the table, which wraps in terminals.
    click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


def fits(headings: Sequence[Heading], rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a table can be printed without breaking cells into lines; where there is no terminal it can."""
    if not sys.stdout.isatty():
        return True
    columns = zip([heading.title for heading in headings], *rows, strict=True)
    needed = sum(max(map(screen_width, column)) + _GAP for column in columns) - _GAP
    return needed <= shutil.get_terminal_size().columns


def print_pairs(pairs: Sequence[tuple[str, str]], *, indent: int = 0, err: bool = False) -> None:
    """Print names and values in two columns; further lines of a value stand under its first."""
    width = max((screen_width(name) for name, _value in pairs), default=0)
    for name, value in pairs:
        start = " " * indent + name + " " * (width - screen_width(name) + 2)
        first, *further = value.splitlines() or [""]
        click.echo((start + first).rstrip(), err=err)
        for line in further:
            click.echo((" " * (indent + width + 2) + line).rstrip(), err=err)


def print_json(value: Any) -> None:
    """Print a value as JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def remark(text: str) -> None:
    """Print on stderr what is not part of the output: where the next page starts, how many there were."""
    click.echo(text, err=True)


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; one that is there is replaced once the new one is complete.

    Raises:
        UsageError: it cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_bytes(content.encode() if isinstance(content, str) else content)
        unfinished.replace(path)
    except OSError as error:
        with suppress(OSError):
            unfinished.unlink()
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=error.strerror or error)
        ) from error


def screen_width(text: str) -> int:
    """Return the width of a text on the screen; Chinese characters take two cells."""
    from rich.cells import cell_len  # noqa: PLC0415  # as above

    return cell_len(text)
