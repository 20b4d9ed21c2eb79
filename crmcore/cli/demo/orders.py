"""The orders of the demonstration, as lines of a workbook: each customer buys in its own rhythm, some have stopped.

The amounts are the same on every day; the dates move with the day, so that a report of the last year is the same too.
"""

from __future__ import annotations

import csv
import datetime as dt
from random import Random
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.cli.demo.companies import SEED, companies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from crmcore.cli.demo.companies import Habit

__all__ = ["write_orders"]

_HEADER = ("订单编号", "客户编号", "订单日期", "状态", "产品编号", "产品名称", "数量", "单价", "金额")
_DAYS = 730
_OPEN_DAYS = 14
"""Days after which an order is completed."""
_CANCELLED = 0.03
_PRODUCTS = (
    ("P-100", "激光传感器", 1_280), ("P-110", "光电开关", 86), ("P-120", "编码器", 640), ("P-200", "工业相机", 8_900),
    ("P-210", "镜头", 2_150), ("P-220", "光源", 460), ("P-300", "控制器", 3_400), ("P-310", "触摸屏", 2_700),
    ("P-320", "电源模块", 320), ("P-900", "现场调试（天）", 1_500),
)  # fmt: skip


@frozen
class _Order:
    customer: str
    days_ago: int
    amount: int


def write_orders(path: Path, today: dt.date) -> None:
    """Write the file: a workbook, or CSV where its name says so. The last three rows cannot be taken."""
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows([_HEADER, *_rows(today)])
        return
    from xlsxwriter import Workbook  # noqa: PLC0415  # it may not be installed

    with Workbook(path, {"default_date_format": "yyyy-mm-dd"}) as workbook:
        sheet = workbook.add_worksheet("订单明细")
        for number, row in enumerate([_HEADER, *_rows(today)]):
            sheet.write_row(number, 0, row)


def _rows(today: dt.date) -> list[Sequence[Any]]:
    random = Random(SEED)  # noqa: S311  # invented figures, no secret
    # Numbered in the order of their dates, as a shop numbers them.
    orders = sorted(_orders(random), key=lambda order: (-order.days_ago, order.customer))
    rows: list[Sequence[Any]] = []
    for number, order in enumerate(orders, start=1):
        day = today - dt.timedelta(days=order.days_ago)
        status = "已取消" if random.random() < _CANCELLED else "已完成" if order.days_ago > _OPEN_DAYS else "已确认"
        rows += [(f"SO{number:05}", order.customer, day, status, *line) for line in _lines(order.amount, random)]
    last = len(orders)
    rows.append((f"SO{last + 1:05}", "C003", today, "在路上", "P-100", "激光传感器", 1, 1_280, 1_280))
    rows.append((f"SO{last + 2:05}", "C001", today, "已确认", "P-110", "光电开关", 20, 86, "待定"))
    rows.append((f"SO{last + 3:05}", "C002", "13/45/2026", "已确认", "P-120", "编码器", 2, 640, 1_280))
    return rows


def _orders(random: Random) -> Iterator[_Order]:
    for company in companies():
        habit = company.habit
        if not habit.every:
            continue
        days_ago = random.randrange(*habit.stopped) if any(habit.stopped) else random.randrange(habit.every)
        number = 0
        while days_ago < _DAYS:
            yield _Order(company.code, days_ago, _amount(habit, number, random))
            number += 1
            days_ago += max(1, round(random.gauss(habit.every, habit.every / 6)))


def _amount(habit: Habit, number: int, random: Random) -> int:
    amount = random.randrange(habit.least, habit.most, 10)
    return amount // 4 if habit.falling and number < 3 else amount


def _lines(amount: int, random: Random) -> Iterator[tuple[str, str, int, int, int]]:
    """Yield products that come to about an amount."""
    for code, name, price in random.sample(_PRODUCTS, random.randrange(1, 4)):
        quantity = max(1, amount // (2 * price))
        yield code, name, quantity, price, quantity * price
