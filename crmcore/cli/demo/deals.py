"""The deals of the demonstration, in the stages of the sales pipeline."""

from __future__ import annotations

import csv
import datetime as dt
import io
from random import Random

from crmcore.cli.demo.companies import SEED, companies

__all__ = ["deals_csv"]

_HEADER = (
    "商机编号",
    "商机名称",
    "客户",
    "阶段",
    "预计金额",
    "立项日期",
    "预计成交日期",
    "成交日期",
    "负责人",
    "丢单原因",
)
_STAGES = (
    ("prospecting", 16), ("engaging", 12), ("qualified", 9), ("proposal", 8), ("negotiation", 6), ("contract", 4),
    ("won", 22), ("lost", 18),
)  # fmt: skip
"""How many deals are in each stage."""
_WHAT = ("产线改造", "视觉检测", "年度框架", "新厂设备", "备件", "升级服务")
_WHY_LOST = ("价格", "交期", "竞争对手", "预算取消")


def deals_csv(today: dt.date) -> str:
    """Return a file of deals, UTF-8."""
    random = Random(SEED)  # noqa: S311  # invented figures, no secret
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_HEADER)
    stages = [stage for stage, count in _STAGES for _each in range(count)]
    for number, stage in enumerate(stages, start=1):
        company = random.choice(companies())
        closed = stage in ("won", "lost")
        age = random.randrange(30, 360) if closed else random.randrange(2, 120)
        started = today - dt.timedelta(days=age)
        amount = int(random.paretovariate(1.3) * 20_000) // 100 * 100
        closed_on = started + dt.timedelta(days=age * random.randrange(3, 9) // 10)
        expected = today + dt.timedelta(days=random.randrange(-10, 90))
        writer.writerow(
            (
                f"D{number:04}",
                f"{company.city}{random.choice(_WHAT)}",
                company.code,
                stage,
                amount,
                started.isoformat(),
                "" if closed else expected.isoformat(),
                closed_on.isoformat() if closed else "",
                company.owner,
                random.choice(_WHY_LOST) if stage == "lost" else "",
            )
        )
    return written.getvalue()
