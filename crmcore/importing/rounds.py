"""The rows of a file in chunks through the first door, each chunk committed with its position; then those that wait.

What becomes of one row is :mod:`crmcore.importing.passage`, of a page of them :mod:`crmcore.importing.saving`.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from crmcore.importing import register
from crmcore.importing.linking import REFERENCE_SELF
from crmcore.importing.passage import Passage
from crmcore.importing.progress import Stopwatch
from crmcore.importing.register import ImportJob, RejectedRow
from crmcore.importing.result import LEFT_OUT, created_key
from crmcore.importing.saving import Saving
from crmcore.records.saving import IMPORT
from crmcore.store.imports import iterate_rejects
from crmcore.store.statistics import refresh_statistics
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from crmcore.app import CRM
    from crmcore.importing.linking import Row
    from crmcore.importing.plan import Plan
    from crmcore.importing.progress import ShowProgress
    from crmcore.importing.sources import Item, Source
    from crmcore.records.saving import OnMatch
    from crmcore.records.session import Session
    from crmcore.types import Actor

    Page = Sequence[tuple[Item, Row | None]]

__all__ = ["Rounds", "Settings"]

_ROWS_PER_PAGE = 1000
"""Rows that are saved together, few enough to stay in a processor's cache."""
_PAGES_PER_CHUNK = 5
"""Pages that are one transaction: a commit writes every page of an index anew that its rows touch, so many small ones
cost a large table dear, and a long one keeps other writers waiting."""
_PROBLEMS_KEPT = 100


@frozen
class Settings:
    """What a chunk is saved with."""

    actor: Actor | str
    on_match: OnMatch
    create_missing: bool
    connection: Connection | None
    """Of a rehearsal."""


@define(kw_only=True)
class Rounds:
    """An import under way."""

    crm: CRM
    plan: Plan
    source: Source
    settings: Settings
    job: ImportJob
    progress: ShowProgress | None
    problems: list[Problem] = field(factory=list)
    cleaned: Counter[tuple[str, str, str]] = field(factory=Counter)

    def recall_problems(self) -> None:
        """Take up the problems that an interrupted run has found."""
        if not self.job.resumed:
            return
        with self._session() as session:
            found = iterate_rejects(session.connection, session.runtime.tables, self.job.id)
            self.problems = [
                Problem(message=row.reason, code=row.code, line=row.line, file=self.source.path)
                for row in islice(found, _PROBLEMS_KEPT)
            ]

    def first_round(self) -> None:
        """Save the rows that are not done with yet."""
        resumed, stopwatch = self.job.position, None
        with Passage(self.source, self.plan, self.crm.registry.entities) as passage:
            pages = _pages(passage.rows(resumed))
            # The first page of a chunk is read before its transaction begins, so that other writers find a gap.
            for first in pages:
                if stopwatch is None:
                    stopwatch = self._stopwatch(first[0][0].line)
                    self._show(stopwatch, resumed, first[0][0].line)
                line = self._save_chunk(chain([first], islice(pages, _PAGES_PER_CHUNK - 1)))
                self._show(stopwatch, self.job.position, line)
            if stopwatch is None:  # no rows, or none that an interrupted run had left
                self._show(self._stopwatch(self.job.file.lines), resumed, self.job.file.lines)
            self.cleaned = passage.cleaned

    def later_rounds(self) -> None:
        """Save rows that have waited for records of later rows: again and again, as long as some get in.

        What is missing all the same is created at the end, where that is wished.
        """
        while self._later_round(waits=True):
            pass
        if self.settings.create_missing:
            self._later_round(waits=False)

    def _save_chunk(self, pages: Iterable[Page]) -> int:
        """Save pages in one transaction, and return the line of the last row."""
        job, bad, line = self.job, [], 0
        with self._session() as session:
            for page in pages:
                rows = [row for _item, row in page if row is not None]
                job = self._save_page(session, job, page, rows)
                bad += [row for row in rows if row.problems]
                line = page[-1][0].line
        self.job = job
        self._note_problems(bad)
        return line

    def _save_page(self, session: Session, job: ImportJob, page: Page, rows: Sequence[Row]) -> ImportJob:
        saving = self._saving(session, waits=True)
        saving.save(rows)
        outcomes = Counter(row.outcome for row in rows)
        outcomes.update({created_key(entity): n for entity, n in saving.created.items()})
        outcomes[LEFT_OUT] = len(page) - len(rows)
        if job.position == 0 and len(page) == _ROWS_PER_PAGE:
            entities = {self.plan.entity.name, *saving.created}
            refresh_statistics(session.connection, [session.runtime.tables.entity[name] for name in entities])
        return register.advance(
            session,
            job,
            position=page[-1][0].position,
            outcomes=outcomes,
            rejected=[_rejected(row) for row in rows if row.outcome == "rejected"],
        )

    def _later_round(self, *, waits: bool) -> bool:
        """Try rows that wait once more, and return whether any got in."""
        waiting = self._waiting()
        first = next(waiting, None)
        if first is None:
            return False
        before = self.job.outcomes["rejected"]
        # The file is read again: how often a row had come before is told by the rows before it.
        with Passage(self.source, self.plan, self.crm.registry.entities) as passage:
            for pairs in _pages(_again(passage.rows(), chain([first], waiting))):
                self._save_again(pairs, waits=waits)
        return self.job.outcomes["rejected"] < before

    def _waiting(self) -> Iterator[RejectedRow]:
        """Yield the rows that wait, page by page, in the order of the file; no session is open meanwhile."""
        last = 0
        while True:
            with self._session() as session:
                page = register.waiting(session, self.job, REFERENCE_SELF, last)
            if not page:
                return
            yield from page
            last = page[-1].id or last

    def _save_again(self, pairs: Sequence[tuple[Row, RejectedRow]], *, waits: bool) -> None:
        rows, waiting = [row for row, _waiting in pairs], {row.position: before for row, before in pairs}
        with self._session() as session:
            saving = self._saving(session, waits=waits)
            saving.save(rows)
            saved = [row for row in rows if row.outcome != "rejected"]
            outcomes = Counter(row.outcome for row in saved)
            outcomes.update({created_key(entity): n for entity, n in saving.created.items()})
            now = ((_rejected(row), waiting[row.position]) for row in rows if row.outcome == "rejected")
            still = [evolve(row, id=before.id) for row, before in now if row.reason != before.reason]
            job = register.taken(
                session,
                self.job,
                [waiting[row.position] for row in saved],
                outcomes,
                still,
            )
        self.job = job
        self._replace_problems(rows)

    def _session(self) -> AbstractContextManager[Session]:
        return self.crm.session(self.settings.actor, source=IMPORT, connection=self.settings.connection)

    def _saving(self, session: Session, *, waits: bool) -> Saving:
        return Saving(
            session=session,
            plan=self.plan,
            import_id=self.job.id,
            on_match=self.settings.on_match,
            create_missing=self.settings.create_missing,
            waits=waits,
        )

    def _note_problems(self, rows: Iterable[Row]) -> None:
        for row in rows:
            left = _PROBLEMS_KEPT - len(self.problems)
            self.problems.extend(evolve(problem, file=self.source.path) for problem in row.problems[:left])

    def _replace_problems(self, rows: Iterable[Row]) -> None:
        """Forget what was wrong with rows before, and note what is wrong with them now, in the order of the file."""
        lines = {row.line for row in rows}
        self.problems = [problem for problem in self.problems if problem.line not in lines]
        self._note_problems(rows)
        self.problems.sort(key=lambda problem: problem.line or 0)

    def _stopwatch(self, line: int) -> Stopwatch:
        lines = self.source.header.lines or self.job.file.lines
        return Stopwatch(import_id=self.job.id, resumed=self.job.position, lines=lines, first_line=line)

    def _show(self, stopwatch: Stopwatch, rows: int, line: int) -> None:
        if self.progress is not None:
            self.progress(stopwatch.at(rows, line))


def _rejected(row: Row) -> RejectedRow:
    codes = [problem.code for problem in row.problems if problem.code != REFERENCE_SELF]
    reasons = "; ".join(str(evolve(problem, file=None, line=None)) for problem in row.problems)
    return RejectedRow(row.line, reasons, codes[0] if codes else REFERENCE_SELF, row.cells)


def _again(
    rows: Iterable[tuple[Item, Row | None]], waiting: Iterable[RejectedRow]
) -> Iterator[tuple[Row, RejectedRow]]:
    """Yield the rows that wait with what was noted of them; both come in the order of the file."""
    read = (row for _item, row in rows if row is not None)
    for one in waiting:
        row = next((row for row in read if row.line == one.line), None)
        if row is not None:
            yield row, one


def _pages(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while page := list(islice(remaining, _ROWS_PER_PAGE)):
        yield page
