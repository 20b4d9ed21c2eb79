"""The reference page says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from crmcore.conditions import limits, parse, unparse
from crmcore.conditions.parser import is_condition

PAGE = Path(__file__).parents[2].joinpath("docs", "reference", "conditions.md").read_text(encoding="utf-8")


def test_the_examples_of_the_page_are_conditions() -> None:
    (block,) = re.findall(r"```condition\n(.*?)```", PAGE, re.DOTALL)
    for text in block.splitlines():
        assert unparse(parse(text)) == text


def test_the_calculations_of_the_page_are_calculations() -> None:
    (block,) = re.findall(r"```calculation\n(.*?)```", PAGE, re.DOTALL)
    for text in block.splitlines():
        assert unparse(parse(text)) == text
        assert not is_condition(parse(text))


def test_the_page_names_every_limit() -> None:
    written = [int(number) for number in re.findall(r"^\| [^|]+ \| ([0-9]+) \|$", PAGE, re.MULTILINE)]
    known = [
        limits.MAX_TEXT, limits.MAX_COMPARISONS, limits.MAX_DEPTH, limits.MAX_ANY, limits.MAX_LINKS, limits.MAX_LIST,
        limits.MAX_OPERANDS, limits.MAX_DIGITS, limits.MAX_DURATION, limits.MAX_ORDER_FIELDS,
    ]  # fmt: skip

    assert written == known
