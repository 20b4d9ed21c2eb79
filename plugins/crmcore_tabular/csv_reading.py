"""Reading CSV files: the header, then a record for every row that fits it and a problem for every one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.csv_form import csv_form, no_header
from crmcore_tabular.csv_rows import bad_row, csv_rows
from crmcore_tabular.formulas import may_be_guarded, unguarded
from crmcore_tabular.headers import column_names
from crmcore_tabular.unreadable import MOST_COLUMNS, Unreadable, nul_character

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore_tabular.csv_form import CsvForm

__all__ = ["read_csv"]

_MARK = "\ufeff"


def read_csv(path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the header and the rows of a CSV file, with the lines where they start.

    A cell is text, stripped, and None where there is nothing in it. Rows without any text, and repeats of the header,
    are passed over.
    """
    try:
        form = csv_form(path, options)
        rows = csv_rows(path, form)
        table = _table(path, form, rows)
    except Unreadable as error:
        yield error.problem
        return
    names = [name for name in table.names if name]
    yield SourceHeader(names, lines=form.text.lines, form=form.shown)
    yield from _records(table, rows)


@frozen
class _Table:
    path: Path
    raw: list[str]
    """The cells of the header row as they stand there."""
    header: list[str | None]
    """The same, read."""
    names: Sequence[str]
    width: int = field(init=False)
    """Cells up to the last column that is not left out: what is behind them is empty."""

    def __attrs_post_init__(self) -> None:
        named = [position for position, name in enumerate(self.names, start=1) if name]
        object.__setattr__(self, "width", max(named, default=0))


def _table(path: Path, form: CsvForm, rows: Iterator[tuple[int, list[str], str] | Problem]) -> _Table:
    """Read up to the header, and on to the end once more where a column has no name but may have cells."""
    for found in rows:
        if isinstance(found, Problem):
            raise Unreadable(path, found.message, hint=found.hint, line=found.line)
        line, raw, _text = found
        header = [_cell(cell) for cell in raw]
        if not any(header):
            if form.declared:
                raise no_header(path, line)
            continue
        if len(raw) > MOST_COLUMNS or any("\0" in cell for cell in raw):
            message = nul_character() if len(raw) <= MOST_COLUMNS else _too_wide(len(raw))
            raise Unreadable(path, message, line=line)
        nameless = {position for position, cell in enumerate(header) if not cell}
        names = column_names([cell or "" for cell in header], _filled(path, form, nameless))
        return _Table(path, raw, header, names)
    raise Unreadable(path, _("there is nothing in the file"), code="empty")


def _filled(path: Path, form: CsvForm, nameless: set[int]) -> set[int]:
    """Return the columns among some that have text in any row."""
    filled: set[int] = set()
    if not nameless:
        return filled
    for found in csv_rows(path, form):
        if not isinstance(found, Problem):
            cells = found[1]
            filled |= {at for at in nameless - filled if at < len(cells) and cells[at].strip()}
            if filled == nameless:
                break
    return filled


def _records(table: _Table, rows: Iterator[tuple[int, list[str], str] | Problem]) -> Iterator[SourceRow | Problem]:
    names, raw, wanted = table.names, table.raw, len(table.names)
    nameless = "" in names
    for found in rows:
        if isinstance(found, Problem):
            yield found
            continue
        line, cells, text = found
        # Nearly every row goes this way, so it is kept short: half its time is the record itself.
        if len(cells) != wanted or "\0" in text or _MARK in text or ("'" in text and may_be_guarded(text)):
            yield from _unusual(table, line, cells)
            continue
        record = {name: cell.strip() or None for name, cell in zip(names, cells, strict=False)}
        if nameless:
            del record[""]
        if cells != raw and any(record.values()):
            yield SourceRow(line, record)


def _unusual(table: _Table, line: int, cells: list[str]) -> Iterator[SourceRow | Problem]:
    """Yield what a row of another length is, or one with apostrophes, zeros, or a mark where files were joined."""
    if any("\0" in cell for cell in cells):
        yield bad_row(table.path, line, nul_character(), cells)
        return
    cells[0] = cells[0].removeprefix(_MARK)
    values = [_cell(cell) for cell in cells]
    if not any(values) or values == table.header:
        return
    if len(cells) < table.width or any(values[table.width :]):
        yield _ragged(table, line, cells)
        return
    record = {name: value for name, value in zip(table.names, values, strict=False) if name}
    yield SourceRow(line, record)


def _cell(cell: str) -> str | None:
    return unguarded(cell.strip()) or None


def _ragged(table: _Table, line: int, cells: list[str]) -> Problem:
    if len(cells) > MOST_COLUMNS:
        return bad_row(table.path, line, _too_wide(len(cells)), cells)
    message = _("{found} cells where the header has {wanted}").format(found=len(cells), wanted=len(table.names))
    hint = None
    if table.width == 1:
        hint = _("If the header stands further down, name its line: --option header=3.")
    names = [*table.names, *["beyond"] * len(cells)]
    kept = [_cell(cell) or "" for name, cell in zip(names, cells, strict=False) if name or cell]
    return bad_row(table.path, line, message, kept, hint=hint)


def _too_wide(found: int) -> str:
    return _("{found:,} columns; at most {most:,} are read").format(found=found, most=MOST_COLUMNS)
