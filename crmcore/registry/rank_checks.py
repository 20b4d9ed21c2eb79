"""Whether the bands of a rank make sense, and what is asked of the value that it ranks by."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore.conditions import Condition, Expression
    from crmcore.types import Rank, ScoringRule

__all__ = ["SHARE_PLACES", "rank_faults"]

SHARE_PLACES = 6
"""Decimals of the end of a band: ends are compared as whole numbers, and a millionth of them still fits 64 bits."""


def rank_faults(rule: ScoringRule, by: Condition | Expression | None) -> Iterator[tuple[str, ...]]:
    """Yield what is wrong with the rank of a rule, each reason with the path in the rank's table that it is about.

    Args:
        rule: a rule with a rank.
        by: the value that it ranks by, compiled; None where that failed.
    """
    rank = rule.rank
    if rank is None:
        return
    yield from _band_faults(rank)
    if rank.bands and rank.bands[-1].upto < 1 and rule.otherwise is None:
        last = rank.bands[-1]
        message = _("band {band} ends at {upto}: let the last one end at 1.0, or say what the others get (`otherwise`)")
        yield message.format(band=last.value, upto=last.upto), "bands", last.value
    if rank.of == "value" and by is not None and getattr(by, "kind", None) is Kind.DATE:
        yield _("days cannot be added up; a rank of `records` orders by them"), "by"


def _band_faults(rank: Rank) -> Iterator[tuple[str, ...]]:
    if not rank.bands:
        yield _("a rank has at least one band"), "bands"
    for before, band in pairwise(rank.bands):
        if band.upto <= before.upto:
            message = _("bands ascend: {band} ends at {upto}, and {before} before it at {end}")
            message = message.format(band=band.value, upto=band.upto, before=before.value, end=before.upto)
            yield message, "bands", band.value
    for band in rank.bands:
        if 10**SHARE_PLACES % Fraction(str(band.upto)).denominator:
            message = _("band {band} ends at {upto}, which has more than {places} decimals")
            yield message.format(band=band.value, upto=band.upto, places=SHARE_PLACES), "bands", band.value
