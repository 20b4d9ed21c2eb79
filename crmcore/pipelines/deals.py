"""The open records of a pipeline one by one, as they stand under their stages on a board."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen
from sqlalchemy import not_, select

from crmcore.pipelines.scope import scope_of
from crmcore.types import Ref

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

    from crmcore.records.session import Session
    from crmcore.types import Pipeline, Stage

__all__ = ["Deal", "open_deals"]


@frozen(kw_only=True)
class Deal:
    """An open record and where it stands."""

    ref: Ref
    stage: Stage
    amount: Decimal | None
    owner: int | None
    """Id of the user whose it is; None where nobody's, or where the actor may not read that."""
    expected: dt.date | None
    """When it is expected to be won."""
    days: int
    """For how long it has been in the stage."""

    @property
    def stale(self) -> bool:
        """Whether it has been in the stage for longer than the stage allows."""
        return self.stage.max_days is not None and self.days > self.stage.max_days


def open_deals(
    tx: Session,
    pipeline: Pipeline,
    where: str | None = None,
    as_of: dt.date | None = None,
    *,
    owner: int | None = None,
) -> tuple[Deal, ...]:
    """Return the open records that the actor may see, stage by stage, those that have been there longest first.

    Args:
        tx: the transaction.
        pipeline: the pipeline.
        where: a condition on its records; None for all.
        as_of: the day up to which ages are counted; today by default.
        owner: only records of this user.

    Raises:
        AccessDenied, ConditionError, UsageError: as for `board`.
    """
    scope = scope_of(tx, pipeline, where, owner, as_of or tx.today)
    entity = tx.runtime.entity(pipeline.entity)
    shown = {"amount": pipeline.amount, "owner": entity.owner_field, "expected": pipeline.expected}
    columns = {as_: name for as_, name in shown.items() if name and (entity.name, name) not in tx.hidden}
    chosen = select(
        scope.table.c.id,
        scope.ages.c.stage,
        scope.ages.c.days,
        *(scope.table.c[name].label(as_) for as_, name in columns.items()),
    )
    rows = tx.execute(scope.over(chosen).where(not_(scope.is_closed))).mappings()
    deals = [
        Deal(
            ref=Ref(entity.name, row["id"]),
            stage=stage,
            amount=row.get("amount"),
            owner=row.get("owner"),
            expected=row.get("expected"),
            days=row["days"],
        )
        for row in rows
        if (stage := pipeline.stage(row["stage"])) is not None
    ]
    order = {stage.name: number for number, stage in enumerate(pipeline.stages)}
    return tuple(sorted(deals, key=lambda deal: (order[deal.stage.name], -deal.days, deal.ref.id)))
