"""The report ``abc.pareto``: which share of the customers brings which share of a value (R12).

Customers are ordered from the largest value to the smallest and their values added up. Profits may be negative: the
curve then rises above 100 % and comes down again.
"""

from __future__ import annotations

import datetime as dt
from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, func, or_, select

from crmcore import gettext as _
from crmcore import ngettext
from crmcore.types import Chart, Column, Fact, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import CTE

    from crmcore.types import Transaction

TITLES = {"en": "Pareto curve", "zh-CN": "二八曲线"}
VALUES = {
    "revenue": ("amount", {"en": "Revenue", "zh-CN": "销售额"}),
    "profit": ("profit", {"en": "Profit", "zh-CN": "利润"}),
}
"""Parameter -> field of an order, and what people call it."""
STEPS = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Percents of the customers that have a row."""
TOP, LAST = 20, 30
"""The percents that R12 asks about: of the best customers, and of the worst."""


def pareto_table(tx: Transaction, parameters: Mapping[str, Any]) -> Report:
    """Return the curve of the customers who have ordered; a row counts the customers up to a percent of them.

    A percent of the customers is rounded up to whole ones. Shares are of the sum of all values; where that is zero or
    less, there are none.
    """
    field, titles = VALUES[parameters["by"]]
    curve = _curve(tx, field, parameters.get("days"), parameters.get("as_of") or tx.today)
    count, total, losing, lost = tx.execute(_summary(curve)).one()
    total = total or Decimal(0)
    taken = {percent: _customers(percent, count) for percent in STEPS} if count else {}
    # Sums have four decimals, so the limit may be the next value that has.
    limit = (total * Decimal(str(parameters["share"]))).quantize(Decimal("0.0001"), ROUND_CEILING)
    sums, needed = _sums_at(tx, curve, {*taken.values(), count - _customers(LAST, count)}, limit)
    facts = [Fact(name="total", value=total, titles=titles, kind="money")]
    facts += _facts(count, total, sums, parameters["share"], needed) if total > 0 else []
    facts += _losses(losing, lost) if losing else []
    return Report(
        titles={language: f"{name} · {titles[language]}" for language, name in TITLES.items()},
        columns=[
            Column(name="customer_share", titles={"en": "Best customers", "zh-CN": "前百分之"}, kind="share"),
            Column(name="customers", titles={"en": "Customers", "zh-CN": "客户数"}, kind="integer"),
            Column(name="value", titles=titles, kind="money"),
            Column(name="value_share", titles={"en": "Share of the whole", "zh-CN": "累计占比"}, kind="share"),
        ],
        rows=[
            (percent / 100, number, sums[number], float(sums[number] / total) if total > 0 else None)
            for percent, number in taken.items()
        ],
        facts=facts,
        charts=[_chart(titles)] if total > 0 else [],
        notes=[*_notes(tx, count, total)],
    )


def _curve(tx: Transaction, field: str, days: int | None, as_of: dt.date) -> CTE:
    """Return the customers who have ordered with their value, their place and the sum up to them; computed once."""
    order, customer = tx.table("order"), tx.table("customer")
    counted = [func.coalesce(order.c.status, "") != "cancelled", order.c.order_date <= as_of]
    if days is not None:
        counted.append(order.c.order_date > as_of - dt.timedelta(days=days))
    by_customer = (
        select(customer.c.id, func.coalesce(func.sum(order.c[field]), 0).label("value"))
        .join(order, and_(order.c.customer == customer.c.id, *counted))
        .group_by(customer.c.id)
        .subquery()
    )
    places = (by_customer.c.value.desc(), by_customer.c.id)
    return select(
        by_customer.c.value,
        func.row_number().over(order_by=places).label("place"),
        func.sum(by_customer.c.value).over(order_by=places, rows=(None, 0)).label("up_to"),
    ).cte("curve")


def _summary(curve: CTE) -> Any:
    negative = curve.c.value < 0
    return select(
        func.count(),
        func.sum(curve.c.value),
        func.count(case((negative, 1))),
        func.sum(case((negative, curve.c.value))),
    ).select_from(curve)


def _sums_at(tx: Transaction, curve: CTE, places: set[int], limit: Decimal) -> tuple[dict[int, Decimal], int | None]:
    """Return the sum of the values up to each place, nothing before the first; and the first place to reach a limit."""
    reached = select(func.min(curve.c.place)).where(curve.c.up_to >= limit).scalar_subquery()
    wanted = or_(curve.c.place.in_(places), curve.c.place == reached)
    found = tx.execute(select(curve.c.place, curve.c.up_to, reached.label("reached")).where(wanted)).all()
    return {0: Decimal(0), **{row.place: Decimal(row.up_to) for row in found}}, found[0].reached if found else None


def _facts(
    count: int, total: Decimal, sums: Mapping[int, Decimal], wanted: float, reached: int | None
) -> Iterator[Fact]:
    needed = {"en": f"Customers who bring {wanted:.0%}", "zh-CN": f"贡献{wanted:.0%}的客户数"}
    share = {"en": "Share of the customers", "zh-CN": "占客户比例"}
    top = {"en": f"Top {TOP} % bring", "zh-CN": f"前{TOP}%客户贡献"}
    last = {"en": f"Last {LAST} % bring", "zh-CN": f"后{LAST}%客户贡献"}
    before_last = sums[count - _customers(LAST, count)]
    yield Fact(name="customers_needed", value=reached, titles=needed, kind="integer")
    yield Fact(name="share_needed", value=reached / count if reached else None, titles=share, kind="share")
    yield Fact(name="top", value=float(sums[_customers(TOP, count)] / total), titles=top, kind="share")
    yield Fact(name="last", value=float((total - before_last) / total), titles=last, kind="share")


def _losses(losing: int, lost: Decimal) -> Iterator[Fact]:
    count = {"en": "Customers below zero", "zh-CN": "负值客户数"}
    yield Fact(name="losing", value=losing, titles=count, kind="integer")
    yield Fact(name="lost", value=lost, titles={"en": "Their sum", "zh-CN": "负值合计"}, kind="money")


def _customers(percent: int, count: int) -> int:
    """Return a percent of the customers, rounded up."""
    return -(-count * percent // 100)


def _notes(tx: Transaction, count: int, total: Decimal) -> Iterator[str]:
    customer = tx.table("customer")
    without = (tx.execute(select(func.count()).select_from(customer)).scalar() or 0) - count
    if without:
        said = ngettext(
            "{n} customer without orders is left out.", "{n} customers without orders are left out.", without
        )
        yield said.format(n=f"{without:,}")
    if count and total <= 0:
        yield _("The sum is not above zero, so there are no shares of it.")


def _chart(titles: Mapping[str, str]) -> Chart:
    share = {"type": "quantitative", "axis": {"format": "%"}}
    return Chart(
        titles={"en": f"{titles['en']} by share of the customers", "zh-CN": f"{titles['zh-CN']}随客户占比的累计"},
        spec={
            "mark": {"type": "line", "point": True},
            "encoding": {"x": {"field": "customer_share", **share}, "y": {"field": "value_share", **share}},
        },
    )
