"""A file of customers with 12 columns, the same on every machine, and what a bare table for it looks like.

Five of the columns are indexed in crmcore's table ``crm_customer``: code, name, phone and email (there by their folded
texts, which matching looks customers up by) and expected_order_date, each where it is filled. A bare table has exactly
these five indexes, on the columns themselves; the one on the date, which three rows in four lack, is partial as well.
The other indexes of ``crm_customer`` are on columns that the file does not fill (owner, parent, registration number,
labels of plugins): nobody would make them for a table of these twelve.

Of 1,000 rows about one is refused (a day that does not exist), and two say something new of a customer further up.
"""

from __future__ import annotations

import csv
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["COLUMNS", "INDEXED", "bare_indexes", "bare_table", "customers_file", "rows"]

COLUMNS = {
    "code": "TEXT",
    "name": "TEXT",
    "kind": "TEXT",
    "status": "TEXT",
    "phone": "TEXT",
    "email": "TEXT",
    "region": "TEXT",
    "city": "TEXT",
    "industry": "TEXT",
    "employees": "INTEGER",
    "annual_revenue": "NUMERIC",
    "expected_order_date": "DATE",
}
INDEXED = ("code", "name", "phone", "email", "expected_order_date")

REGIONS = {
    "华东": ("上海", "杭州", "苏州", "南京", "宁波", "合肥"),
    "华南": ("广州", "深圳", "佛山", "东莞", "厦门"),
    "华北": ("北京", "天津", "石家庄", "太原"),
    "西南": ("成都", "重庆", "昆明"),
    "东北": ("沈阳", "大连", "哈尔滨"),
    "Europe": ("Hamburg", "Rotterdam", "Milano", "Lyon", "Göteborg"),
}
WEIGHTS = (34, 26, 15, 10, 7, 8)
"""Of the regions: a company sells most near its home."""
INDUSTRIES = ("电子", "机械", "仪器", "光电", "汽车", "医疗", "化工", "物流", "零售", "Optics", "Food", "Textiles")
STATUSES = ("potential", "target", "current", "loyal", "lost")
FIRST = "华德信宏泰瑞嘉恒盛康永兴鑫达立诚金万新联合创智慧"
SECOND = "源丰通利明远博安和顺祥飞龙腾海天星光宇科辰美佳成"
THIRD = "昌茂业贸工达创联汇众友邦"
SEED = 20_261_121


def customers_file(folder: Path, count: int, *, flawless: bool = False) -> Path:
    """Return the file with so many rows, made unless it is there."""
    file = folder / f"customers-{count}{'-flawless' if flawless else ''}.csv"
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        with partial.open("w", encoding="utf-8", newline="") as output:
            writer = csv.writer(output)
            writer.writerow(COLUMNS)
            writer.writerows(rows(count, flawless=flawless))
        partial.rename(file)
    return file


def rows(count: int, *, flawless: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield customers in the form of the file; flawless ones are neither refused nor repeated."""
    draw = random.Random(SEED)
    regions = draw.choices([*REGIONS], WEIGHTS, k=count)
    for number in range(count):
        repeats = number > 100 and number % 500 == 0 and not flawless
        who = number - 97 if repeats else number
        # Steps that share no factor with the range visit every phone and every name once, in no order.
        phone = f"1{(who * 7_368_787 + 30_000_000_019) % 10_000_000_000:010d}"
        person = who % 7 == 3
        city = draw.choice(REGIONS[regions[who]])
        industry = draw.choice(INDUSTRIES)
        yield (
            f"C{who:07d}",
            _name(who, city, person=person),
            "person" if person else "organisation",
            draw.choices(STATUSES, (50, 20, 20, 5, 5))[0],
            phone,
            f"{'' if person else 'info@'}c{who * 7919 % 10_000_019}{'@mail' if person else ''}.example.com",
            regions[who],
            city,
            industry,
            "" if person else str(int(draw.paretovariate(0.9)) % 100_000),
            "" if number % 3 == 0 else f"{draw.lognormvariate(13, 2):.2f}",
            "" if number % 4 else "2026-02-30" if number % 1000 == 900 and not flawless else _day(draw),
        )


def _name(who: int, city: str, *, person: bool) -> str:
    place = who * 1_299_709 % 10_000_019
    first, place = FIRST[place % len(FIRST)], place // len(FIRST)
    second, place = SECOND[place % len(SECOND)], place // len(SECOND)
    third, place = THIRD[place % len(THIRD)], place // len(THIRD)
    if person:
        return f"{first}{second}{third}{place}"
    if city.isascii():
        return f"{city} {chr(65 + place % 26)}{who} Handels GmbH"
    return f"{city}{first}{second}{third}{place}有限公司"


def _day(draw: random.Random) -> str:
    return f"{draw.choice((2026, 2027))}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"


def bare_table() -> str:
    """Return the statement that makes the bare table; both databases understand it."""
    columns = ", ".join(f"{column} {kind}" for column, kind in COLUMNS.items())
    return f"CREATE TABLE customer ({columns});"


def bare_indexes(*, filled: str) -> str:
    """Return the statements that make the indexes of the bare table.

    Args:
        filled: SQL that says whether a row has a date: what is empty depends on who loaded it.
    """
    where = {"expected_order_date": f" WHERE {filled.format(column='expected_order_date')}"}
    return " ".join(
        f"CREATE INDEX ix_customer_{column} ON customer ({column}){where.get(column, '')};" for column in INDEXED
    )
