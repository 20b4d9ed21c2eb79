"""The customers of the demonstration: invented companies, Chinese and foreign, a few large and many small.

Everything comes from one seed: the demonstration is the same on every machine, and only its dates move with the day.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SALES", "SEED", "Company", "Habit", "companies"]

SEED = 20_261_113
_CHINESE, _FOREIGN = 96, 24


@frozen
class Habit:
    """How a group of customers buys."""

    name: str
    every: int
    """Days between two orders."""
    least: int
    most: int
    """Amounts of an order, in the currency of the instance."""
    stopped: tuple[int, int] = (0, 0)
    """Days since the last order, at least and at most; (0, 0) where they go on."""
    falling: bool = False
    """Whether the last orders are much smaller than those before."""


_LARGE = Habit("large", 21, 24_000, 90_000)
_REGULAR = Habit("regular", 45, 5_000, 22_000)
_SMALL = Habit("small", 110, 600, 6_000)
_LATE = Habit("late", 38, 6_000, 20_000, stopped=(110, 170))
_GONE = Habit("gone", 40, 4_000, 18_000, stopped=(300, 500))
_FALLING = Habit("falling", 40, 8_000, 24_000, falling=True)
_NEVER = Habit("never", 0, 0, 0)
_SHARES = ((_LARGE, 6), (_REGULAR, 20), (_SMALL, 46), (_LATE, 8), (_GONE, 8), (_FALLING, 8), (_NEVER, 24))
"""How many of the 120 companies have each habit."""


@frozen
class Company:
    """One customer."""

    code: str
    name: str
    industry: str
    region: str
    city: str
    contact: str
    phone: str
    founded: tuple[int, int, int]
    owner: str
    employees: int
    revenue: int
    """Of a year, in the currency of the instance."""
    habit: Habit


_CITIES = (
    ("华南", "佛山", "0757"), ("华南", "深圳", "0755"), ("华南", "广州", "020"), ("华南", "厦门", "0592"),
    ("华东", "上海", "021"), ("华东", "苏州", "0512"), ("华东", "杭州", "0571"), ("华东", "南京", "025"),
    ("华东", "宁波", "0574"), ("华东", "青岛", "0532"), ("华北", "北京", "010"), ("华北", "天津", "022"),
    ("华北", "太原", "0351"), ("华中", "武汉", "027"), ("华中", "长沙", "0731"), ("华中", "郑州", "0371"),
    ("西南", "成都", "028"), ("西南", "重庆", "023"), ("西南", "昆明", "0871"), ("西北", "西安", "029"),
    ("西北", "兰州", "0931"), ("东北", "沈阳", "024"), ("东北", "大连", "0411"), ("东北", "哈尔滨", "0451"),
)  # fmt: skip
_WORDS = (
    "永兴", "明锐", "海岸", "浦江", "太湖", "西溪", "紫金", "惠山", "科达", "云图", "滨海", "燕赵", "并州", "黄海",
    "锦里", "山城", "春城", "东湖", "橘洲", "中原", "长安", "黄河", "浑河", "金石", "松江", "南粤", "鹭江", "北仑",
    "恒信", "瑞丰", "华泰", "鑫源", "博远", "嘉禾", "天成", "宏图", "启明", "盛达", "新联", "安泰",
)  # fmt: skip
_BRANCHES = (
    ("电子", "电子"), ("光电", "光电"), ("五金制品", "五金"), ("食品", "食品"), ("医疗器械", "医疗"), ("纺织", "纺织"),
    ("精密仪器", "仪器"), ("自动化设备", "机械"), ("软件技术", "软件"), ("物流", "物流"), ("新材料", "材料"),
    ("汽车零部件", "汽车"), ("包装", "包装"), ("家电", "家电"),
)  # fmt: skip
_FORMS = ("有限公司", "有限公司", "有限公司", "股份有限公司", "实业有限公司")
_FAMILY = "陈黄梁何郑林周沈吴徐朱蒋方刘张郭赵孙唐罗杨田胡彭宋高马佟曲关李王"
_GIVEN = (
    "志强", "丽华", "建国", "秀英", "海涛", "晓燕", "建平", "志远", "敏", "国华", "文静", "大勇", "洋", "宝林", "春梅",
    "立军", "小雨", "刚", "丽萍", "野", "明亮", "志勇", "建华", "鹏", "建军", "波", "海燕", "雪", "思远", "子涵",
)  # fmt: skip
_ABROAD = (
    ("Nordlicht Optik GmbH", "光电", "Hamburg", "Anna Petersen", "+49 40 5550"),
    ("Acme Industrial Supply Inc.", "五金", "Chicago", "John Miller", "+1 312 555"),
    ("Société Lyonnaise d'Automatismes", "机械", "Lyon", "Élodie Moreau", "+33 4 5550"),
    ("株式会社あおば計測", "仪器", "大阪", "田中 健一", "+81 6 5550"),
    ("Hanbit Electronics Co. Ltd.", "电子", "Seoul", "Kim Ji-woo", "+82 2 555"),
    ("Kopparberg Verktyg AB", "五金", "Göteborg", "Lars Öberg", "+46 31 555"),
    ("Tasman Foods Pty Ltd", "食品", "Melbourne", "Grace Nguyen", "+61 3 5550"),
    ("Oresund Packaging A/S", "包装", "København", "Mette Holm", "+45 33 55"),
    ("Iberia Componentes S.A.", "汽车", "Zaragoza", "Carlos Ruiz", "+34 976 55"),
    ("Cedar Ridge Instruments LLC", "仪器", "Portland", "Emily Carter", "+1 503 555"),
    ("Straits Logistics Pte. Ltd.", "物流", "Singapore", "Tan Wei Ling", "+65 6555"),
    ("Bosporus Tekstil A.Ş.", "纺织", "Bursa", "Ayşe Demir", "+90 224 555"),
)
SALES = {"li.wei": "李伟", "wang.fang": "王芳", "chen.jing": "陈静", "liu.yang": "刘洋"}
"""Login -> name of the sales people, who share the customers."""


@cache
def companies() -> Sequence[Company]:
    """Return the customers, in the order of their numbers."""
    random = Random(SEED)  # noqa: S311  # invented figures, no secret
    habits = [habit for habit, count in _SHARES for _each in range(count)]
    random.shuffle(habits)
    rows = [*_chinese(random), *_foreign(random)]
    first = ("佛山企业电子有限公司", "电子", "华南", "佛山", "陈志强", "0757-8288 1001")
    return tuple(
        Company(
            f"C{number:03}",
            *(first if number == 1 else row),
            founded=(random.randrange(1978, 2022), random.randrange(1, 13), random.randrange(1, 29)),
            owner=[*SALES.values()][number % len(SALES)],
            employees=int(random.paretovariate(0.9) * 30),
            revenue=int(random.paretovariate(1.0) * 300) * 10_000,
            habit=_LARGE if number == 1 else habit,
        )
        for number, (row, habit) in enumerate(zip(rows, habits, strict=True), start=1)
    )


def _chinese(random: Random) -> list[tuple[str, str, str, str, str, str]]:
    named = [(word, branch) for word in _WORDS for branch in _BRANCHES]
    found = []
    for number, (word, (made, industry)) in enumerate(random.sample(named, _CHINESE), start=1):
        region, city, code = random.choice(_CITIES)
        name = f"{city}{word}{made}{random.choice(_FORMS)}"
        contact = random.choice(_FAMILY) + random.choice(_GIVEN)
        found.append((name, industry, region, city, contact, f"{code}-{random.randrange(2000, 9000)} {1000 + number}"))
    return found


def _foreign(random: Random) -> list[tuple[str, str, str, str, str, str]]:
    found = []
    for number in range(_FOREIGN):
        name, industry, city, contact, phone = _ABROAD[number % len(_ABROAD)]
        subsidiary = number >= len(_ABROAD)
        name = f"{name} ({random.choice(('Service', 'Trading'))})" if subsidiary else name
        found.append((name, industry, "海外", city, contact, f"{phone} {1000 + number}"))
    return found
