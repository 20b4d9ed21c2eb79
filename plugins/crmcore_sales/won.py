"""The report ``sales.won``: what was won, by quarter, month or year and by owner, team, product or customer."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import define
from sqlalchemy import extract, func, select

from crmcore import gettext as _
from crmcore import ngettext, stage_since
from crmcore.errors import ValidationError
from crmcore.types import Chart, Column, Fact, Problem, Ref, Report
from crmcore_sales.parameters import DAY, pipeline_of, pipeline_parameter, refuse_backwards

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Mapping

    from crmcore import Session
    from crmcore.types import Pipeline

TITLES: Mapping[str, Mapping[str, str]] = {
    "owner": {"en": "Owner", "zh-CN": "负责人"},
    "team": {"en": "Team", "zh-CN": "团队"},
    "product": {"en": "Product", "zh-CN": "产品"},
    "customer": {"en": "Customer", "zh-CN": "客户"},
}
ENTITIES = {"owner": "user"}
"""What a field refers to, where that is not called like the field."""
PERIODS: Mapping[str, Mapping[str, str]] = {
    "month": {"en": "Month", "zh-CN": "月份"},
    "quarter": {"en": "Quarter", "zh-CN": "季度"},
    "year": {"en": "Year", "zh-CN": "年份"},
}
MOST_COLOURS = 12
"""More names than this cannot be told apart by colour."""


@define
class _Sum:
    deals: int = 0
    amount: Decimal = Decimal(0)


def parameters(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the parameters of the report as a JSON Schema."""
    return {
        "type": "object",
        "properties": {
            "by": {
                "type": "string",
                "title": "Whose deals are added up",
                "x-crm": {"titles": {"zh-CN": "汇总对象"}},
                "enum": [*TITLES],
                "default": "owner",
            },
            "period": {
                "type": "string",
                "title": "Length of a period",
                "x-crm": {"titles": {"zh-CN": "期间长度"}},
                "enum": [*PERIODS],
                "default": "quarter",
            },
            "from": {**DAY, "title": "First day; by default all", "x-crm": {"titles": {"zh-CN": "起始日（默认全部）"}}},
            "to": {**DAY, "title": "Last day; by default all", "x-crm": {"titles": {"zh-CN": "截止日（默认全部）"}}},
            "pipeline": pipeline_parameter(settings),
        },
    }


def won(tx: Session, parameters: Mapping[str, Any]) -> Report:
    """Add up the deals that were won, by the day of closing, over the records that the actor may see."""
    pipeline, by, period = pipeline_of(tx, parameters), parameters["by"], parameters["period"]
    since, until = parameters.get("from"), parameters.get("to")
    refuse_backwards(since, until)
    sums, undated = _sums(tx, pipeline, by, period, since, until)
    refs = {key: Ref(ENTITIES.get(by, by), key) for _period, key in sums if key is not None}
    names = tx.names(refs.values())
    rows = [
        (label, names.get(refs[key], str(refs[key])) if key is not None else None, each.deals, each.amount)
        for (label, key), each in sums.items()
    ]
    rows.sort(key=lambda row: (row[0], -row[3], row[1] or ""))
    deals, amount = sum(row[2] for row in rows), sum((row[3] for row in rows), Decimal(0))
    return Report(
        titles={
            "en": f"Won deals by {period} and {by}",
            "zh-CN": f"赢单统计（按{PERIODS[period]['zh-CN']}和{TITLES[by]['zh-CN']}）",
        },
        columns=[
            Column(name="period", titles=PERIODS[period]),
            Column(name="name", titles=TITLES[by]),
            Column(name="deals", titles={"en": "Deals", "zh-CN": "赢单数"}, kind="integer"),
            Column(name="amount", titles={"en": "Won amount", "zh-CN": "赢单金额"}, kind="money"),
        ],
        rows=rows,
        facts=[
            Fact(name="amount", value=amount, titles={"en": "Won amount", "zh-CN": "赢单金额"}, kind="money"),
            Fact(name="deals", value=deals, titles={"en": "Won deals", "zh-CN": "赢单数"}, kind="integer"),
            Fact(
                name="average",
                value=(amount / deals).quantize(Decimal("0.01")) if deals else None,
                titles={"en": "Average amount", "zh-CN": "平均金额"},
                kind="money",
            ),
        ],
        charts=[_chart(coloured=len({row[1] for row in rows}) <= MOST_COLOURS)],
        notes=[*_notes(undated)],
    )


def _sums(
    tx: Session, pipeline: Pipeline, by: str, period: str, since: dt.date | None, until: dt.date | None
) -> tuple[Mapping[tuple[str, int | None], _Sum], int]:
    """Return deals and amounts by period and id, and how many deals do not say when they were won."""
    _refuse_unknown(tx, pipeline, by)
    records, ages = tx.table(pipeline.entity), stage_since(tx, pipeline)
    source = records.join(ages, ages.c.id == records.c.id)
    key = records.c[_field(tx, pipeline, by)]
    if by == "team":
        user = tx.table("user")
        source, key = source.outerjoin(user, user.c.id == key), user.c.team
    day = records.c[pipeline.closed] if pipeline.closed else ages.c.since
    year, month = extract("year", day).label("year"), extract("month", day).label("month")
    amount = func.sum(records.c[pipeline.amount]) if pipeline.amount else func.sum(0)
    counted = (
        select(year, month, key.label("key"), func.count().label("deals"), amount.label("amount"))
        .select_from(source)
        .where(ages.c.stage.in_([stage.name for stage in pipeline.stages if stage.kind == "won"]))
        .group_by(year, month, key)
    )
    counted = counted if since is None else counted.where(day >= since)
    counted = counted if until is None else counted.where(day <= until)
    sums: dict[tuple[str, int | None], _Sum] = defaultdict(_Sum)
    undated = 0
    for row in tx.execute(counted):
        if row.year is None:
            undated += row.deals
            continue
        each = sums[_label(int(row.year), int(row.month), period), row.key]
        each.deals += row.deals
        each.amount += row.amount or Decimal(0)
    return sums, undated


def _refuse_unknown(tx: Session, pipeline: Pipeline, by: str) -> None:
    """Raise where the records have no such field; one that is hidden is refused where it is read."""
    field = _field(tx, pipeline, by)
    if field not in tx.table(pipeline.entity).c and (pipeline.entity, field) not in tx.hidden:
        message = _("{entity} has no field {field!r}").format(entity=pipeline.entity, field=field)
        raise ValidationError([Problem(message=message, field="by", value=by)])


def _field(tx: Session, pipeline: Pipeline, by: str) -> str:
    """Return the field of the records that says what they are added up by."""
    return tx.owner_field(pipeline.entity) or "owner" if by in ("owner", "team") else by


def _label(year: int, month: int, period: str) -> str:
    if period == "year":
        return f"{year:04}"
    return f"{year:04}-{month:02}" if period == "month" else f"{year:04}-Q{(month + 2) // 3}"


def _chart(*, coloured: bool) -> Chart:
    encoding: dict[str, Any] = {
        "x": {"field": "period", "type": "ordinal"},
        "y": {"field": "amount", "type": "quantitative", "aggregate": "sum"},
    }
    if coloured:
        encoding["color"] = {"field": "name", "type": "nominal"}
    return Chart(titles={"en": "Won amount", "zh-CN": "赢单金额"}, spec={"mark": "bar", "encoding": encoding})


def _notes(undated: int) -> Iterator[str]:
    yield _("Won deals count on their day of closing. What its reader may see is counted.")
    if undated:
        yield ngettext(
            "{n} won deal has no day of closing and is in no period.",
            "{n} won deals have no day of closing and are in no period.",
            undated,
        ).format(n=f"{undated:,}")
