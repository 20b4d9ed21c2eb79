"""One line for the seven parts of an address, in the order in which its country writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CHINESE", "written_address"]

CHINESE = re.compile(r"[\u3007\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
"""A Chinese character."""
_PARTS = 7


def written_address(parts: Sequence[Sequence[str]]) -> str:
    """Return an address as it is written: China's from the country to the door, others from the door to the country.

    Args:
        parts: of ADR: post office box, extended address, street, locality, region, postal code, country.
    """
    filled = [", ".join(part) for part in parts[:_PARTS]] + [""] * (_PARTS - len(parts))
    box, extended, street, locality, region, code, country = filled
    if CHINESE.search(street + locality + region):
        line = "".join((country, region, locality, street, extended, box))
        return f"{line} {code}".strip()
    place = " ".join(part for part in (region, code) if part)
    return ", ".join(part for part in (box, extended, street, locality, place, country) if part)
