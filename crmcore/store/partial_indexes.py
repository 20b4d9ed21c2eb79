"""Partial indexes: which rows an index covers, told by the columns that have to be empty or filled.

Each database writes a condition down in words of its own, so what is compared and kept is what it says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from sqlalchemy import and_

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import ColumnElement, FromClause, Index
    from sqlalchemy.engine.interfaces import ReflectedIndex

__all__ = ["Covered", "condition", "declared_rows", "reflected_rows"]

Covered = dict[str, Literal["empty", "filled"]]
"""Column -> what it has to be, each of them, for a row to be in the index; none where all rows are."""

_TESTS: Mapping[str, Callable[[ColumnElement[object]], ColumnElement[bool]]] = {
    "empty": lambda column: column.is_(None),
    "filled": lambda column: column.is_not(None),
}
_TEST = re.compile(r'\s*(?:\w+\.)?"?(\w+)"?\s+IS\s+(NOT\s+)?NULL\s*', re.IGNORECASE)
_AND = re.compile(r"\sAND\s", re.IGNORECASE)


def declared_rows(index: Index) -> Covered | None:
    """Return which rows an index that we ask for covers."""
    where = index.dialect_options["sqlite"]["where"]  # the same for both
    return {} if where is None else _read(str(where))


def reflected_rows(index: ReflectedIndex) -> Covered | None:
    """Return which rows an index of a database covers; None where its condition is none of ours."""
    options = index.get("dialect_options", {})
    written = [str(options[name]) for name in options if name.endswith("_where")]
    return _read(written[0]) if written else {}


def condition(table: FromClause, covered: Mapping[str, str]) -> ColumnElement[bool] | None:
    """Return the condition of an index, for rows of its table; None where it covers all.

    Raises:
        KeyError: there is no such column, or nothing of the kind that it could have to be.
    """
    tests = [_TESTS[wanted](table.c[name]) for name, wanted in covered.items()]
    return and_(*tests) if tests else None


def _read(written: str) -> Covered | None:
    # Without parentheses nothing else can be meant: only tests of single columns, joined by AND, are read at all.
    tests = [_TEST.fullmatch(part) for part in _AND.split(re.sub(r"[()]", " ", written))]
    found = [test for test in tests if test]
    return {test[1]: "filled" if test[2] else "empty" for test in found} if len(found) == len(tests) else None
