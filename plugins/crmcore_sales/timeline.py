"""What the timeline tells of sales: moves from stage to stage, and a customer's deals and orders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, null, select

from crmcore import gettext as _
from crmcore import ngettext, stage_moves, stage_titles
from crmcore.errors import AccessDenied
from crmcore.types import Ref, TimelineEntry
from crmcore_sales.settings import pipelines_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Subquery

    from crmcore import Session
    from crmcore.types import Pipeline

CUSTOMER = "customer"


def timeline(tx: Session, entity: str, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Yield what happened to records of an entity; of what the actor may not read nothing is told."""
    for pipeline in pipelines_in(tx.settings("sales")).values():
        records = tx.table(pipeline.entity)
        if pipeline.entity == entity:
            yield from _stage_moves(tx, pipeline, entity, records.c.id, ids)
        elif entity == CUSTOMER and CUSTOMER in records.c:
            yield from _stage_moves(tx, pipeline, entity, records.c.customer, ids)
    if entity == CUSTOMER:
        yield from _deals(tx, ids)
    for field in (CUSTOMER, "opportunity"):
        if entity == field and field in tx.table("order").c:
            yield from _orders(tx, field, ids)


def called(table: Subquery) -> ColumnElement[str]:
    """Return what people call a record: its name, its code or its number, as far as the actor may read them."""
    columns = [table.c[name] for name in ("name", "code", "number") if name in table.c]
    return func.coalesce(*columns, "") if columns else literal("")


def shown(table: Subquery, name: str) -> ColumnElement[Any]:
    """Return a column, empty where there is none or the actor may not read it."""
    return table.c[name] if name in table.c else null()


def money(amount: Any) -> str:
    """Return an amount as people read it; nothing where there is none."""
    return "" if amount is None else f"{amount:,.2f}"


def _stage_moves(
    tx: Session, pipeline: Pipeline, entity: str, about: ColumnElement[int], ids: Sequence[int]
) -> Iterator[TimelineEntry]:
    records = about.table
    try:
        moves = stage_moves(tx, pipeline, select(records.c.id).where(about.in_(ids)))
    except AccessDenied:
        return
    statement = select(moves, about.label("about"), called(records).label("called")).join_from(
        moves, records, records.c.id == moves.c.id
    )
    titles = stage_titles(tx, pipeline)
    for row in tx.execute(statement):
        ref = Ref(pipeline.entity, row.id)
        change = " → ".join(titles.get(stage, stage or "–") for stage in (row.from_stage, row.to_stage))
        own = pipeline.entity == entity
        yield TimelineEntry(
            about=Ref(entity, row.about),
            at=row.at,
            kind="stage",
            title=change if own else f"{row.called or ref}: {change}",
            detail=ngettext("after {days} day", "after {days} days", row.days).format(days=f"{row.days:,}"),
            ref=None if own else ref,
            actor=row.actor,
        )


def _deals(tx: Session, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Yield when deals of customers began; what became of them is in their moves."""
    deal = tx.table("opportunity")
    if CUSTOMER not in deal.c:
        return
    statement = select(
        deal.c.id,
        deal.c.customer,
        called(deal).label("called"),
        shown(deal, "start_date").label("started"),
        deal.c.created_at,
        shown(deal, "amount").label("amount"),
    ).where(deal.c.customer.in_(ids))
    for row in tx.execute(statement):
        ref = Ref("opportunity", row.id)
        yield TimelineEntry(
            about=Ref(CUSTOMER, row.customer),
            at=row.started or row.created_at,
            kind="opportunity",
            title=_("Opportunity {name}").format(name=row.called or ref),
            detail=money(row.amount),
            ref=ref,
        )


def _orders(tx: Session, field: str, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Yield the orders of customers, or of opportunities."""
    order = tx.table("order")
    statement = select(
        order.c.id,
        order.c[field].label("about"),
        called(order).label("called"),
        shown(order, "order_date").label("day"),
        order.c.created_at,
        shown(order, "amount").label("amount"),
    ).where(order.c[field].in_(ids))
    for row in tx.execute(statement):
        ref = Ref("order", row.id)
        yield TimelineEntry(
            about=Ref(field, row.about),
            at=row.day or row.created_at,
            kind="order",
            title=_("Order {number}").format(number=row.called or ref),
            detail=money(row.amount),
            ref=ref,
        )
