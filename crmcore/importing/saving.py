"""One page of rows through the first door: references found, records saved, lines with them, totals from the lines.

It decides nothing about the file and commits nothing: :mod:`crmcore.importing.rounds` does.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen
from sqlalchemy import func, select

from crmcore.access import live
from crmcore.importing.grouping import Grouped, group
from crmcore.importing.linking import Linking, Row, Values, header_of
from crmcore.importing.overwriting import find_overwriting
from crmcore.records.incoming import read_rows
from crmcore.records.matching import find_candidates
from crmcore.store.chunks import chunks

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore.importing.plan import Plan
    from crmcore.records.drafts import RowResult, SaveResult
    from crmcore.records.saving import OnMatch
    from crmcore.records.session import Session
    from crmcore.schema.model import Relation
    from crmcore.types import Problem

__all__ = ["Saving"]

_SAVED = ("created", "updated", "unchanged")


@frozen(kw_only=True)
class Saving:
    """Saves rows in one session."""

    session: Session
    plan: Plan
    import_id: int
    since: dt.datetime
    """When the import began."""
    on_match: OnMatch
    create_missing: bool
    waits: bool
    """Whether rows may wait for records that later rows bring."""
    created: Counter[str] = field(factory=Counter)
    """Entity -> number of records that were created besides the rows themselves."""

    def save(self, rows: Sequence[Row]) -> None:
        """Save rows; each gets its outcome, and problems where it was rejected."""
        good = [row for row in rows if not row.problems]
        if self.plan.lines is None:
            self._save_plain(rows)
        else:
            self._save_lines(good, self.plan.lines)
        for row in rows:
            row.outcome = row.outcome or "rejected"

    def _save_plain(self, rows: Sequence[Row]) -> None:
        pointing = {field.name for field in self.plan.entity.fields.values() if field.ref}
        described = [Values(row.values, [row]) for row in rows if not row.values.keys().isdisjoint(pointing)]
        self._linking().link(self.plan.entity, described)  # rows with problems too: all that is wrong is reported
        good = [row for row in rows if not row.problems]
        saved = self._save_many(self.plan.entity.name, [{**row.values, "row_key": row.row_key} for row in good])
        for row, result in zip(good, saved.rows, strict=True):
            self._note(row, result, ())
        self._note_overwriting(self.plan.entity.name, zip(good, saved.rows, strict=True))

    def _save_lines(self, rows: Sequence[Row], lines: Relation) -> None:
        linking, line_entity = self._linking(), self.session.runtime.entity(lines.entity)
        linking.link(line_entity, [Values(row.values.get(lines.name) or {}, [row], (lines.name,)) for row in rows])
        records = group([row for row in rows if not row.problems], lines.name)
        linking.link(self.plan.entity, [Values(record.values, record.rows) for record in records])
        records = self._save_records([record for record in records if not any(row.problems for row in record.rows)])
        touched = self._save_each_line(records, lines)
        self._save_totals(records, touched, lines)

    def _save_records(self, records: Sequence[Grouped]) -> Sequence[Grouped]:
        """Save records once each and return those whose lines may be saved; the others' rows share their fate."""
        self._recognise_own(records)
        saved = self._save_many(self.plan.entity.name, [record.values for record in records])
        self.created[self.plan.entity.name] += saved.count("created")
        for record, result in zip(records, saved.rows, strict=True):
            record.id, record.outcome = result.id, result.outcome
            if result.outcome not in _SAVED:
                for row in record.rows:
                    self._note(row, result, ())
        return [record for record in records if record.outcome in _SAVED]

    def _recognise_own(self, records: Sequence[Grouped]) -> None:
        """Give records that an earlier chunk of this import has created their id: they were not there before it."""
        if self.on_match == "update":
            return
        entity, table = self.plan.entity, self.session.runtime.tables.entity[self.plan.entity.name]
        drafts = [draft for draft in read_rows(entity, [record.values for record in records]) if draft.id is None]
        found = find_candidates(self.session.connection, entity, table, [d for d in drafts if not d.problems])
        candidates = {one.id for some in found.values() for one in some}
        own = select(table.c.id).where(live(table), table.c.import_id == self.import_id)
        ids = {id for some in chunks(candidates) for id in self._scalars(own.where(table.c.id.in_(some)))}
        for number, some in found.items():
            if len(some) == 1 and some[0].id in ids:
                records[number].values["id"] = some[0].id

    def _save_each_line(self, records: Sequence[Grouped], lines: Relation) -> set[int]:
        """Save the lines of records and return the ids of the records whose lines have changed."""
        pairs: list[tuple[Grouped, Row]] = []
        values: list[dict[str, Any]] = []
        for record in records:
            for row in record.rows:
                line = {n: v for n, v in (row.values.get(lines.name) or {}).items() if v is not None}
                if not line:
                    row.outcome = record.outcome if row is record.rows[0] else "unchanged"
                    continue
                pairs.append((record, row))
                values.append({**line, lines.field: record.id, "row_key": row.row_key})
        saved = self._save_many(lines.entity, values)
        self.created[lines.entity] += saved.count("created")
        touched = set()
        for (record, row), result in zip(pairs, saved.rows, strict=True):
            self._note(row, result, (lines.name,))
            if result.outcome in ("created", "updated") and record.id is not None:
                touched.add(record.id)
            elif result.outcome == "unchanged" and record.outcome == "updated" and row is record.rows[0]:
                row.outcome = "updated"
        rows = [row for _record, row in pairs]
        self._note_overwriting(lines.entity, zip(rows, saved.rows, strict=True))
        return touched

    def _save_totals(self, records: Sequence[Grouped], touched: Iterable[int], lines: Relation) -> None:
        """Add up the lines of records, in one statement for all of them."""
        ids = set(touched)
        if not (self.plan.totals and ids):
            return
        table = self.session.runtime.tables.entity[lines.entity]
        parent = table.c[lines.field]
        sums = [func.sum(table.c[of]).label(name) for name, (_relation, of) in self.plan.totals.items()]
        rows: list[dict[str, Any]] = []
        for some in chunks(sorted(ids)):
            statement = select(parent.label("id"), *sums).where(live(table), parent.in_(some)).group_by(parent)
            found = self.session.connection.execute(statement).mappings()
            rows.extend({name: value for name, value in row.items() if value is not None} for row in found)
        saved = self.session.save_many(
            self.plan.entity.name, rows, on_match="update", on_problem="reject", import_id=self.import_id
        )
        last = {record.id: record.rows[-1] for record in records}
        for result in saved.rows:
            if result.id in last:
                last[result.id].problems.extend(self._placed(last[result.id], result, ()))

    def _linking(self) -> Linking:
        return Linking(
            session=self.session,
            plan=self.plan,
            create_missing=self.create_missing,
            waits=self.waits,
            import_id=self.import_id,
            created=self.created,
        )

    def _save_many(self, entity: str, rows: Sequence[Mapping[str, Any]]) -> SaveResult:
        return self.session.save_many(
            entity, rows, on_match=self.on_match, on_problem="reject", import_id=self.import_id
        )

    def _note(self, row: Row, result: RowResult, prefix: tuple[str, ...]) -> None:
        row.outcome = result.outcome
        row.problems.extend(self._placed(row, result, prefix))

    def _note_overwriting(self, entity: str, saved: Iterable[tuple[Row, RowResult]]) -> None:
        for row in find_overwriting(self.session, entity, self.import_id, self.since, saved):
            row.overwrites = True

    def _placed(self, row: Row, result: RowResult, prefix: tuple[str, ...]) -> Iterator[Problem]:
        """Yield the problems of a row with the header and the line of the file."""
        for problem in result.problems:
            header = header_of(self.plan, (*prefix, problem.field)) if problem.field else None
            yield evolve(problem, row=None, line=row.line, field=header or problem.field)

    def _scalars(self, statement: Any) -> Iterable[Any]:
        return self.session.connection.execute(statement).scalars()
