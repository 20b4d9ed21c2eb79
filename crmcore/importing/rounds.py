"""The rows of a file in chunks through the first door, each chunk committed with its position; then those that wait.

What becomes of one row is :mod:`crmcore.importing.passage`, of a page of them :mod:`crmcore.importing.saving`.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen

from crmcore.errors import CRMError
from crmcore.importing import register
from crmcore.importing.linking import REFERENCE_SELF, created_entities
from crmcore.importing.overwriting import count_overwriting
from crmcore.importing.passage import Passage
from crmcore.importing.progress import Stopwatch
from crmcore.importing.register import ImportJob, RejectedRow
from crmcore.importing.result import LEFT_OUT, created_key
from crmcore.importing.saving import Saving
from crmcore.store.failures import gave_way
from crmcore.store.imports import iterate_rejects
from crmcore.store.planner import refresh_statistics
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
_PAGES_PER_CHUNK = 8
"""Pages that are one transaction: a commit writes every page of an index anew that its rows touch, so many small ones
cost a large table dear, and a long one keeps other writers waiting."""
_PROBLEMS_KEPT = 100
_ATTEMPTS = 10
"""How often a chunk may be tried that has to give way to other transactions."""


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
    cleaned: Counter[tuple[str, str, str]] = field(factory=Counter)
    _problems: list[tuple[int, Problem]] = field(factory=list)
    """With the positions of their rows."""

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The first problems, in the order of the file."""
        return tuple(problem for _position, problem in self._problems)

    def run(self) -> None:
        """Save all rows that are not done with yet.

        A chunk that the database has ended, because it and another transaction waited for each other, begins again.
        """
        self._recall_problems()
        tried, begun = 0, self.job
        while True:
            try:
                self._first_round()
                self._later_rounds()
            except CRMError as error:
                tried, begun = tried + 1 if self.job is begun else 1, self.job
                if tried == _ATTEMPTS or self.settings.connection is not None or not gave_way(error):
                    raise
            else:
                return

    def _recall_problems(self) -> None:
        """Take up the problems that an interrupted run has found."""
        if not self.job.resumed:
            return
        with self._session() as session:
            found = iterate_rejects(session.connection, session.runtime.tables, self.job.id)
            for row in islice(found, _PROBLEMS_KEPT):
                problem = Problem(message=row.reason, code=row.code, line=row.line, file=self.source.path)
                self._problems.append((row.position or 0, problem))

    def _first_round(self) -> None:
        resumed, stopwatch = self.job.position, None
        with Passage(self.source, self.plan, self.crm.registry.entities) as passage:
            pages = _pages(passage.rows(resumed))
            # A chunk is read before its transaction begins, so that other writers need not wait for the reader.
            while chunk := list(islice(pages, _PAGES_PER_CHUNK)):
                if stopwatch is None:
                    first, _row = chunk[0][0]
                    stopwatch = self._stopwatch(first.line)
                    self._show(stopwatch, resumed, first.line)
                self._save_chunk(chunk)
                last, _row = chunk[-1][-1]
                self._show(stopwatch, last.position, last.line)
            if stopwatch is None:  # no rows, or none that an interrupted run had left
                self._show(self._stopwatch(self.job.file.lines), resumed, self.job.file.lines)
            self.cleaned = passage.cleaned

    def _later_rounds(self) -> None:
        """Save rows that have waited for records of later rows: again and again, as long as some get in.

        What is missing all the same is created at the end, where that is wished.
        """
        while self._later_round(waits=True):
            pass
        if self.settings.create_missing:
            self._later_round(waits=False)

    def _save_chunk(self, pages: Iterable[Page]) -> None:
        """Save pages in one transaction."""
        job, bad = self.job, []
        with self._saving_session() as session:
            for page in pages:
                rows = [row for _item, row in page if row is not None]
                job = self._save_page(session, job, page, rows)
                bad += [row for row in rows if row.problems]
        self.job = job
        self._note_problems(bad)

    def _save_page(self, session: Session, job: ImportJob, page: Page, rows: Sequence[Row]) -> ImportJob:
        saving = self._saving(session, waits=True)
        saving.save(rows)
        outcomes = Counter(row.outcome for row in rows)
        outcomes.update({created_key(entity): n for entity, n in saving.created.items()})
        outcomes.update(count_overwriting(rows, job.outcomes))
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
        with self._saving_session() as session:
            saving = self._saving(session, waits=waits)
            saving.save(rows)
            saved = [row for row in rows if row.outcome != "rejected"]
            outcomes = Counter(row.outcome for row in saved)
            outcomes.update({created_key(entity): n for entity, n in saving.created.items()})
            outcomes.update(count_overwriting(saved, self.job.outcomes))
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
        return self.crm.session(self.settings.actor, source="import", connection=self.settings.connection)

    @contextmanager
    def _saving_session(self) -> Iterator[Session]:
        """Give a session for a chunk: of two imports that create records of the same entities, one waits its turn."""
        with self._session() as session:
            entities = self.crm.registry.entities
            session.locks.lock_entities(created_entities(self.plan, entities, missing=self.settings.create_missing))
            yield session

    def _saving(self, session: Session, *, waits: bool) -> Saving:
        return Saving(
            session=session,
            plan=self.plan,
            import_id=self.job.id,
            since=self.job.started_at,
            on_match=self.settings.on_match,
            create_missing=self.settings.create_missing,
            waits=waits,
        )

    def _note_problems(self, rows: Iterable[Row]) -> None:
        for row in rows:
            left = _PROBLEMS_KEPT - len(self._problems)
            found = (evolve(problem, file=self.source.path) for problem in row.problems[:left])
            self._problems.extend((row.position, problem) for problem in found)

    def _replace_problems(self, rows: Iterable[Row]) -> None:
        """Forget what was wrong with rows before, and note what is wrong with them now, in the order of the file."""
        again = {row.position for row in rows}
        self._problems = [(position, problem) for position, problem in self._problems if position not in again]
        self._note_problems(rows)
        self._problems.sort(key=lambda one: one[0])

    def _stopwatch(self, line: int) -> Stopwatch:
        lines = self.source.header.lines or self.job.file.lines
        return Stopwatch(import_id=self.job.id, resumed=self.job.position, lines=lines, first_line=line)

    def _show(self, stopwatch: Stopwatch, rows: int, line: int) -> None:
        if self.progress is not None:
            self.progress(stopwatch.at(rows, line))


def _rejected(row: Row) -> RejectedRow:
    codes = [problem.code for problem in row.problems if problem.code != REFERENCE_SELF]
    reasons = "; ".join(str(evolve(problem, file=None, line=None)) for problem in row.problems)
    code = codes[0] if codes else REFERENCE_SELF
    return RejectedRow(row.line, reasons, code, row.cells, position=row.position)


def _again(
    rows: Iterable[tuple[Item, Row | None]], waiting: Iterable[RejectedRow]
) -> Iterator[tuple[Row, RejectedRow]]:
    """Yield the rows that wait with what was noted of them; both come in the order of the file."""
    read = (row for _item, row in rows if row is not None)
    for one in waiting:
        row = next((row for row in read if _is_same(row, one)), None)
        if row is not None:
            yield row, one


def _is_same(row: Row, waiting: RejectedRow) -> bool:
    return row.line == waiting.line if waiting.position is None else row.position == waiting.position


def _pages(rows: Iterable[Any]) -> Iterator[list[Any]]:
    remaining = iter(rows)
    while page := list(islice(remaining, _ROWS_PER_PAGE)):
        yield page
