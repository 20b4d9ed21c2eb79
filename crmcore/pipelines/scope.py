"""The records of a pipeline that somebody looks at: what a condition selects and the actor may see, with ages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import func

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.pipelines.moves import demand_readable, stage_since
from crmcore.records.reading import matching

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select, Subquery, Table

    from crmcore.records.session import Session
    from crmcore.types import Pipeline

__all__ = ["Scope", "scope_of"]


@frozen
class Scope:
    """Records joined with the days that they have been in their stage."""

    tx: Session
    pipeline: Pipeline
    ages: Subquery
    wanted: Sequence[ColumnElement[bool]]

    @property
    def table(self) -> Table:
        """The table of the records."""
        return self.tx.runtime.tables.entity[self.pipeline.entity]

    @property
    def amount(self) -> ColumnElement[Any] | None:
        """The column with the amount, where the pipeline has one."""
        return self.table.c[self.pipeline.amount] if self.pipeline.amount else None

    @property
    def is_closed(self) -> ColumnElement[bool]:
        """Whether a record is in a stage that is not open."""
        closed = [stage.name for stage in self.pipeline.stages if stage.kind != "open"]
        return func.coalesce(self.ages.c.stage, "").in_(closed)

    @property
    def closing_day(self) -> ColumnElement[dt.date]:
        """The day of closing; where the pipeline has no field for it, that of the last move."""
        return self.table.c[self.pipeline.closed] if self.pipeline.closed else self.ages.c.since

    def over(self, chosen: Select[Any]) -> Select[Any]:
        """Return a selection narrowed down to the records."""
        return chosen.join_from(self.table, self.ages, self.ages.c.id == self.table.c.id).where(*self.wanted)


def scope_of(tx: Session, pipeline: Pipeline, where: str | None, owner: int | None, as_of: dt.date) -> Scope:
    """Return the records that a condition selects, of one owner or of all.

    Raises:
        AccessDenied: the actor may not read the stage, the amount, or the owner that is asked for.
        ConditionError: the condition cannot be understood, or names a field the actor may not read.
        UsageError: the records have no owner.
    """
    demand_readable(tx, pipeline, pipeline.amount)
    entity = tx.runtime.entity(pipeline.entity)
    wanted = [*matching(tx, entity, where)]
    if owner is not None:
        if entity.owner_field is None:
            raise UsageError(_("{entity} records have no owner").format(entity=entity.name))
        demand_readable(tx, pipeline, entity.owner_field)
        wanted.append(tx.runtime.tables.entity[entity.name].c[entity.owner_field] == owner)
    return Scope(tx, pipeline, stage_since(tx, pipeline, as_of), wanted)
