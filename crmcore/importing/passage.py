"""One passage through a file, from its first row: what can be told of each row from the file alone.

An import that goes on in the middle passes the rows before once more, so that everything that depends on earlier rows
is as it would have been. Nothing here looks into the database.
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.i18n import gettext as _
from crmcore.importing.grouping import join_record
from crmcore.importing.linking import Row
from crmcore.importing.mapping import UNREAD, added_headers
from crmcore.importing.row_keys import may_lack_key
from crmcore.importing.seen import Seen
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Self

    from crmcore.importing.plan import Plan, PlannedRow
    from crmcore.importing.sources import Item, Source
    from crmcore.schema.model import Entity

__all__ = ["Passage"]

_ITEMS_PER_PAGE = 1000
"""Rows that are read together, column by column."""


class Passage:
    """A passage through a file.

    Args:
        source: the file.
        plan: what its rows become.
        entities: all entities by name.
    """

    def __init__(self, source: Source, plan: Plan, entities: Mapping[str, Entity]) -> None:
        self.cleaned: Counter[tuple[str, str, str]] = Counter()
        """Header, cell, and what a mapping file has in its place -> number of rows."""
        self._source, self._plan, self._entities = source, plan, entities
        self._added = added_headers(source.header.names)
        self._may_lack_key = may_lack_key(plan, entities)
        # Whether rows that are done with tell anything about later ones, or about the file, but by their keys.
        self._telling = plan.lines is not None or any(column.style.values for column in plan.columns)
        self._seen = Seen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._seen.__exit__()

    def rows(self, done: int = 0) -> Iterator[tuple[Item, Row | None]]:
        """Yield every item with its row; None for a row that is left out on purpose.

        Args:
            done: number of items that are passed and not yielded.
        """
        items = self._source.items()
        while page := list(islice(items, _ITEMS_PER_PAGE)):
            if page[-1].position > done or self._telling:
                yield from (pair for pair in zip(page, self._rows(page), strict=True) if pair[0].position > done)
                continue
            for item in page:
                if item.problem is None:
                    self._row_key(item.cells)

    def _rows(self, items: Sequence[Item]) -> Iterator[Row | None]:
        planned = iter(self._plan.read_all([item.cells for item in items if item.problem is None]))
        for item in items:
            if item.problem is not None:
                unread = item.problem.value if isinstance(item.problem.value, list | str) else []
                yield Row(item.position, item.line, unread, {}, [evolve(item.problem, line=item.line)], str)
            else:
                yield self._row(item, next(planned))

    def _row(self, item: Item, planned: PlannedRow) -> Row | None:
        if planned.skipped:
            return None
        if planned.cleaned:
            self.cleaned.update(planned.cleaned)
        problems = planned.problems and [evolve(problem, line=item.line) for problem in planned.problems]
        if self._is_unread(item.cells):
            message = _("the text of a row that could not be read is still without its values")
            hint = _("Write them into the other columns.")
            problems = [Problem(message=message, hint=hint, field=UNREAD, line=item.line, code="unreadable")]
        row = Row(item.position, item.line, item.cells, planned.values, problems, self._row_key(item.cells))
        if self._plan.lines is not None and not row.problems:
            join_record(self._seen, self._entities, self._plan, self._plan.lines, row)
        return row

    def _row_key(self, cells: Mapping[str, Any]) -> Callable[[], str]:
        """Count a row that may need a key, and return what gives it."""
        if not self._may_lack_key(cells):
            return lambda: self._seen.row_key(self._own(cells))
        key = self._seen.row_key(self._own(cells))
        return lambda: key

    def _is_unread(self, cells: Mapping[str, Any]) -> bool:
        return UNREAD in self._added and bool(cells[UNREAD]) and not any(self._own(cells).values())

    def _own(self, cells: Mapping[str, Any]) -> dict[str, Any]:
        return {name: cell for name, cell in cells.items() if name not in self._added}
