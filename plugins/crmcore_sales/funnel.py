"""The report ``sales.funnel``: stages, forecast, progress through the funnel, and sales outside it (R20, R21)."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from crmcore import board, ngettext, stage_moves
from crmcore import gettext as _
from crmcore.types import Chart, Column, Fact, Report
from crmcore_sales.parameters import DAY, owner_of, pipeline_of, pipeline_parameter, refuse_backwards

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore import Board, Session, StageFigures
    from crmcore.types import Pipeline

Moves = Counter[tuple[str | None, str | None]]
"""From stage and to stage -> how many records went that way."""

COLUMNS = (
    Column(name="stage", titles={"en": "Stage", "zh-CN": "阶段"}),
    Column(name="deals", titles={"en": "Deals", "zh-CN": "商机数"}, kind="integer"),
    Column(name="amount", titles={"en": "Amount", "zh-CN": "金额"}, kind="money"),
    Column(name="win_rate", titles={"en": "Win rate", "zh-CN": "赢率"}, kind="share"),
    Column(name="weighted", titles={"en": "Weighted amount", "zh-CN": "加权金额"}, kind="money"),
    Column(name="moved_in", titles={"en": "Moved in", "zh-CN": "进入"}, kind="integer"),
    Column(name="moved_on", titles={"en": "Moved on", "zh-CN": "推进"}, kind="integer"),
    Column(name="conversion", titles={"en": "Conversion", "zh-CN": "转化率"}, kind="share"),
    Column(name="median_days", titles={"en": "Median days", "zh-CN": "停留天数中位数"}, kind="number"),
)
CHART = Chart(
    titles={"en": "Amount and weighted amount by stage", "zh-CN": "各阶段金额与加权金额"},
    spec={
        "encoding": {"y": {"field": "stage", "type": "nominal", "sort": None}},
        "layer": [
            {
                "mark": {"type": "bar", "opacity": 0.35},
                "encoding": {"x": {"field": "amount", "type": "quantitative"}},
            },
            {
                "mark": {"type": "bar", "size": 10},
                "encoding": {"x": {"field": "weighted", "type": "quantitative"}},
            },
        ],
    },
)


def parameters(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of the report as a JSON Schema."""
    return {
        "type": "object",
        "properties": {
            "from": {
                **DAY,
                "title": "First day; by default the first of the year",
                "x-crm": {"titles": {"zh-CN": "起始日（默认当年第一天）"}},
            },
            "to": {**DAY, "title": "Last day; today by default", "x-crm": {"titles": {"zh-CN": "截止日（默认今天）"}}},
            "owner": {
                "type": "string",
                "title": "Login of the owner whose deals count; by default all",
                "x-crm": {"titles": {"zh-CN": "只统计该负责人（登录名；默认全部）"}},
            },
            "pipeline": pipeline_parameter(settings),
        },
    }


def funnel(tx: Session, parameters: Mapping[str, Any]) -> Report:
    """Compute the funnel as it is today, and what moved in it in a period, over the records that the actor may see."""
    pipeline, owner = pipeline_of(tx, parameters), owner_of(tx, parameters)
    until = parameters.get("to") or tx.today
    since = parameters.get("from") or dt.date(until.year, 1, 1)
    refuse_backwards(since, until)
    seen = board(tx, pipeline, owner=owner, since=since, until=until)
    moves = _moves(tx, pipeline, owner, since, until)
    outside = _outside(tx, owner, since, until) if pipeline.entity == "opportunity" else None
    return Report(
        titles={"en": f"Sales funnel, {since} to {until}", "zh-CN": f"销售漏斗（{since} 至 {until}）"},
        columns=COLUMNS,
        rows=[_row(pipeline, figures, moves) for figures in seen.stages],
        facts=[*_facts(seen), *_progress(pipeline, moves), *(_outside_facts(*outside) if outside else ())],
        charts=[CHART],
        notes=[*_notes(seen)],
    )


def _row(pipeline: Pipeline, figures: StageFigures, moves: Moves) -> tuple[Any, ...]:
    """Return one stage; a closed one shows what was closed in the period, and has no weight and no age."""
    name, is_open = figures.stage.name, figures.stage.kind == "open"
    left = sum(n for (old, _new), n in moves.items() if old == name)
    on = sum(n for (old, new), n in moves.items() if old == name and _direction(pipeline, old, new) == "forward")
    return (
        figures.title,
        figures.count,
        figures.amount,
        figures.stage.win_rate,
        figures.weighted if is_open else None,
        sum(n for (_old, new), n in moves.items() if new == name),
        on if is_open else None,
        on / left if left and is_open else None,
        figures.median_days if is_open else None,
    )


def _direction(pipeline: Pipeline, old: str | None, new: str | None) -> str:
    """Return where a move leads: ``forward`` to a later stage or a win, ``backward``, or ``lost``."""
    stage, names = pipeline.stage(new), [stage.name for stage in pipeline.stages]
    if stage is None or stage.kind == "lost":
        return "lost" if stage else "out"
    if stage.kind == "won" or old not in names:
        return "forward"
    left = pipeline.stage(old)
    reopened = left is not None and left.kind != "open"
    return "backward" if reopened or names.index(stage.name) < names.index(str(old)) else "forward"


def _moves(tx: Session, pipeline: Pipeline, owner: int | None, since: dt.date, until: dt.date) -> Moves:
    moves = stage_moves(tx, pipeline)
    counted = select(moves.c.from_stage, moves.c.to_stage, func.count()).where(moves.c.day.between(since, until))
    if owner is not None:
        records = tx.table(pipeline.entity)
        own = records.c[str(tx.owner_field(pipeline.entity))] == owner  # `board` has asked whether there is one
        counted = counted.join_from(moves, records, records.c.id == moves.c.id).where(own)
    grouped = counted.group_by(moves.c.from_stage, moves.c.to_stage)
    return Counter({(old, new): n for old, new, n in tx.execute(grouped)})


def _outside(tx: Session, owner: int | None, since: dt.date, until: dt.date) -> tuple[int, Decimal]:
    """Return number and amount of the orders of a period that belong to no opportunity; cancelled ones do not count."""
    order = tx.table("order")
    counted = select(func.count(), func.sum(order.c.amount)).where(
        order.c.opportunity.is_(None),
        order.c.order_date.between(since, until),
        func.coalesce(order.c.status, "") != "cancelled",
    )
    found = tx.execute(counted if owner is None else counted.where(order.c.owner == owner)).one()
    return found[0], found[1] or Decimal(0)


def _facts(seen: Board) -> Iterator[Fact]:
    yield Fact(name="forecast", value=seen.forecast, titles={"en": "Forecast", "zh-CN": "销售预测"}, kind="money")
    titles = {"en": "Closed revenue", "zh-CN": "已成交金额"}
    yield Fact(name="closed_revenue", value=seen.closed, titles=titles, kind="money")
    titles = {"en": "Weighted open amount", "zh-CN": "在途加权金额"}
    yield Fact(name="weighted_open", value=seen.weighted, titles=titles, kind="money")
    titles = {"en": "Open amount", "zh-CN": "在途金额"}
    yield Fact(name="open_amount", value=seen.open_amount, titles=titles, kind="money")
    yield Fact(
        name="open_deals", value=seen.open_count, titles={"en": "Open deals", "zh-CN": "在途商机数"}, kind="integer"
    )
    titles = {"en": "Open deals without amount", "zh-CN": "无金额的在途商机"}
    yield Fact(name="without_amount", value=seen.without_amount, titles=titles, kind="integer")


def _progress(pipeline: Pipeline, moves: Moves) -> Iterator[Fact]:
    counted: Counter[str] = Counter()
    for (old, new), n in moves.items():
        counted[_direction(pipeline, old, new)] += n
    for name, titles in (
        ("forward", {"en": "Moves forward", "zh-CN": "向前推进次数"}),
        ("backward", {"en": "Moves backward", "zh-CN": "后退次数"}),
        ("lost", {"en": "Lost", "zh-CN": "输单次数"}),
    ):
        yield Fact(name=f"moves_{name}", value=counted[name], titles=titles, kind="integer")


def _outside_facts(orders: int, amount: Decimal) -> Iterator[Fact]:
    titles = {"en": "Orders outside the funnel", "zh-CN": "漏斗外订单数"}
    yield Fact(name="orders_outside", value=orders, titles=titles, kind="integer")
    titles = {"en": "Sales outside the funnel", "zh-CN": "漏斗外销售额"}
    yield Fact(name="sales_outside", value=amount, titles=titles, kind="money")


def _notes(seen: Board) -> Iterator[str]:
    yield _("Forecast = closed revenue + amount x win rate of the open deals. What its reader may see is counted.")
    if seen.without_amount:
        yield ngettext(
            "{n} open deal has no amount and counts with 0.",
            "{n} open deals have no amount and count with 0.",
            seen.without_amount,
        ).format(n=f"{seen.without_amount:,}")
    if seen.undated:
        yield ngettext(
            "{n} closed deal has no day of closing and is in no period.",
            "{n} closed deals have no day of closing and are in no period.",
            seen.undated,
        ).format(n=f"{seen.undated:,}")
    if seen.elsewhere:
        yield ngettext(
            "{n} deal is in no stage of the pipeline.", "{n} deals are in no stage of the pipeline.", seen.elsewhere
        ).format(n=f"{seen.elsewhere:,}")
