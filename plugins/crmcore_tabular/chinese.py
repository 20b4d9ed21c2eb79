"""Whether characters that GB18030 makes of a file are the ones that Chinese is written with.

Almost any bytes are some text in GB18030: "Société" in Western European encoding reads as rare characters between Latin
ones. Proof is what writing is made of: the 3,755 common characters of GB 2312, its rarer ones (a name, a company), and
punctuation.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import define

if TYPE_CHECKING:
    from collections import Counter

_ENOUGH = 1_000_000
"""Characters outside ASCII; more change nothing."""
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")

_KNOWN = 0.9
"""Share of GB 2312 in Chinese text of today; the rest are rare names and pictures."""
_COMMON = 0.7
"""Share of its common characters and punctuation; a list of names has the fewest."""

_PUNCTUATION = range(0xA1, 0xA4)  # rows of GB 2312 by lead byte: symbols, numbers in circles, full-width ASCII
_COMMON_CHARACTERS = range(0xB0, 0xD8)  # in the order of their sound, from a to z
_RARER_CHARACTERS = range(0xD8, 0xF8)
_KOREAN = range(0xB0, 0xC9)
"""Rows of the Korean syllables in EUC-KR. Chinese of more than a few words goes on to the sounds behind them."""
_FEW = 20


def count_characters(text: str, counts: Counter[str]) -> None:
    """Add the characters of a text that are not ASCII to those counted so far."""
    if not text.isascii() and counts.total() < _ENOUGH:
        counts.update("".join(_NOT_ASCII.findall(text)))


def looks_chinese(counts: Counter[str]) -> bool:
    """Tell whether text with these characters, read as GB18030, is Chinese."""
    rows = _Rows()
    for character, number in counts.items():
        rows.add(character, number)
    known = rows.common + rows.rarer
    korean = rows.different >= _FEW and rows.beyond_korean * 20 < rows.different
    return known >= _KNOWN * counts.total() and rows.common >= _COMMON * counts.total() > 0 and not korean


@define
class _Rows:
    common: int = 0
    rarer: int = 0
    different: int = 0
    beyond_korean: int = 0
    """Common characters, each once: all, and those whose rows Korean does not use."""

    def add(self, character: str, number: int) -> None:
        code = character.encode("gb18030", "replace")
        if len(code) != 2 or code[1] < 0xA1 or "\ue000" <= character <= "\uf8ff":  # extensions, or assigned to nothing
            return
        if code[0] in _COMMON_CHARACTERS:
            self.common += number
            self.different += 1
            self.beyond_korean += code[0] not in _KOREAN
        elif code[0] in _PUNCTUATION:
            self.common += number
        elif code[0] in _RARER_CHARACTERS:
            self.rarer += number
