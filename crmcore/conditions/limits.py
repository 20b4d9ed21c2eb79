"""How large a condition may be, and why. Every text within these bounds runs on both databases without an error.

The numbers are part of the language: docs/reference/conditions.md lists them, and the tests run a condition that
reaches each of them.
"""

from __future__ import annotations

__all__ = [
    "MAX_ANY",
    "MAX_COMPARISONS",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "MAX_DURATION",
    "MAX_LINKS",
    "MAX_LIST",
    "MAX_OPERANDS",
    "MAX_ORDER_FIELDS",
    "MAX_TEXT",
    "NUMBER_BITS",
]

MAX_TEXT = 20_000
"""Characters of a condition: a list of `MAX_LIST` codes fits."""

MAX_COMPARISONS = 200
"""Comparisons in one condition. SQLite refuses expressions more than 1000 levels deep, and a chain of ``or`` is
as deep as it is long; several access rules are joined into one such expression."""

MAX_DEPTH = 8
"""Levels of ``and``, ``or``, ``not``, ``any`` and arithmetic inside each other. SQLite's parser holds 100 open
symbols: three for each level, ten for ``any``, and those of the query and of the access rules around it."""

MAX_ANY = 2
"""``any`` inside ``any``."""

MAX_LINKS = 4
"""Links followed by one name: ``order.customer.owner.team.name`` follows four."""

MAX_LIST = 1_000
"""Values between the parentheses of ``in``."""

MAX_ORDER_FIELDS = 8
"""Fields in one order."""

MAX_DIGITS = 18
"""Digits of a number: what a 64-bit integer and a scaled amount of money hold."""

MAX_DURATION = 100_000
"""Largest count in a duration, whatever its unit."""

NUMBER_BITS = 53
"""Numbers that enter arithmetic are zero or of a size between 2**-53 and 2**53, else they are empty."""

MAX_OPERANDS = 16
"""Numbers in one arithmetic expression. Every operation adds at most the exponents of its operands, so that sixteen
numbers of 53 bits stay within 2**±848, and a double, which reaches 2**±1022, can neither overflow nor underflow.
PostgreSQL raises on both, SQLite on neither."""
