"""The file of customers as somebody kept it by hand: GB18030, Chinese headers, dates and amounts as people write them.

Three of its rows cannot be taken: an import shows what becomes of them.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from random import Random
from typing import TYPE_CHECKING

from crmcore.cli.demo.companies import SEED, companies

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.cli.demo.companies import Company

__all__ = ["customers_csv"]

_HEADER = (
    "客户编号",
    "客户名称",
    "行业",
    "地区",
    "城市",
    "联系人",
    "电话",
    "成立日期",
    "员工人数",
    "年营业额",
    "预计下单日期",
    "负责人",
)
_WIDE = str.maketrans("0123456789-", "０１２３４５６７８９－")
_WRONG = (
    ("X901", "杭州错日贸易有限公司", "食品", "华东", "杭州", "吴敏", "0571-8765", "2005-02-30", "25", "", "", "王芳"),
    ("X902", "Dollar Trading", "五金", "海外", "Boston", "Ann Lee", "", "1999-04-01", "80", "$3,000,000", "", "李伟"),
    ("X903", "少格有限公司", "包装", "华中"),
)  # fmt: skip
"""A day that there is not, an amount in another currency, and a row without its last cells."""


def customers_csv(today: dt.date) -> bytes:
    """Return the file; the days on which orders are expected are counted from a day."""
    random = Random(SEED)  # noqa: S311  # invented figures, no secret
    rows: list[Sequence[str]] = [_row(company, today, random) for company in companies()]
    for place, wrong in zip((30, 61, 90), _WRONG, strict=True):
        rows.insert(place, wrong)
    rows.insert(50, ("",) * len(_HEADER))
    rows.append(rows[0])  # the first customer once more
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerows([_HEADER, *rows])
    return written.getvalue().encode("gb18030")


def _row(company: Company, today: dt.date, random: Random) -> Sequence[str]:
    phone = company.phone.translate(_WIDE) if random.random() < 0.1 and company.region != "海外" else company.phone
    return (
        company.code,
        company.name,
        company.industry,
        company.region,
        company.city,
        company.contact,
        phone,
        _day(company, random),
        f"{company.employees:,}",
        _amount(company.revenue, random),
        _expected(today, random),
        company.owner,
    )


def _day(company: Company, random: Random) -> str:
    year, month, day = company.founded
    return random.choice((f"{year}-{month:02}-{day:02}", f"{year}/{month}/{day}", f"{year}年{month}月{day}日"))


def _expected(today: dt.date, random: Random) -> str:
    """Return the day on which an order is expected of one customer in four."""
    return (today + dt.timedelta(days=random.randrange(1, 60))).isoformat() if random.random() < 0.25 else ""


def _amount(revenue: int, random: Random) -> str:
    return random.choice((f"{revenue // 10_000}万", f"¥{revenue:,}", f"{revenue}"))
