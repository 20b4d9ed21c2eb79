"""The scoring rules of the plugin, made from its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import gettext as _
from crmcore.errors import UsageError
from crmcore.types import Band, Label, Rank, ScoringRule

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

PYRAMID = (Band("vip", 0.01), Band("major", 0.20), Band("ordinary", 0.50), Band("small", 1.0))
"""R11: the top 1 %, the next 19 %, the next 30 %, the last 50 %."""


def rules(settings: Mapping[str, Any]) -> Iterator[ScoringRule]:
    """Yield the rules of R8, R9, R11 and R12."""
    yield ScoringRule(
        name="abc.class",
        entity="customer",
        field="abc_class",
        labels=[Label(name, settings[name]) for name in ("A", "B")],
        otherwise="C",
        titles={"en": "Customer class", "zh-CN": "客户等级"},
    )
    yield ScoringRule(
        name="abc.purchase",
        entity="customer",
        field="purchase_grade",
        labels=[*_purchase(settings["purchase_days"], settings["purchase_overdue_days"])],
        otherwise="C",
        titles={"en": "Purchase grade", "zh-CN": "意向等级"},
    )
    yield ScoringRule(
        name="abc.pyramid",
        entity="customer",
        field="pyramid_tier",
        rank=Rank(by=settings["pyramid_by"], bands=PYRAMID),
        titles={"en": "Customer pyramid", "zh-CN": "客户金字塔"},
    )
    a, b = settings["pareto"]
    yield ScoringRule(
        name="abc.pareto",
        entity="customer",
        field="pareto_class",
        rank=Rank(by=settings["pareto_by"], bands=[Band("A", a), Band("B", b), Band("C", 1.0)], of="value"),
        titles={"en": "Pareto class", "zh-CN": "二八分类"},
    )


def _purchase(days: Sequence[int], overdue: int) -> Iterator[Label]:
    """Yield the grades of R9; a day that has long passed says nothing of what is to come.

    Raises:
        UsageError: the days do not ascend, so that a grade would never be given.
    """
    if [*days] != sorted(set(days)):
        raise UsageError(_("purchase_days ascend, and these do not: {days}").format(days=", ".join(map(str, days))))
    first = f"expected_order_date >= today() - {overdue} days"
    for grade, within in zip("HAB", days, strict=True):
        yield Label(grade, f"{first} and expected_order_date <= today() + {within} days")
