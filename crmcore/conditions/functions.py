"""The few SQL functions that the databases spell differently, as SQLAlchemy constructs."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from sqlalchemy import Boolean, Date, Double, Integer
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["by_code_point", "date_of_day", "day_number", "has_element", "has_text", "quotient"]


class day_number(FunctionElement[int]):  # noqa: N801  (SQLAlchemy names functions in lower case)
    """The number of a date's day, counted from 1 January of the year 1 as Python does."""

    type = Integer()
    inherit_cache = True


@compiles(day_number, "sqlite")
def _sqlite_day_number(element: day_number, compiler: SQLCompiler, **kw: Any) -> str:
    # A Julian day begins at noon, so that midnight is always exactly a half.
    return f"CAST(julianday({compiler.process(element.clauses, **kw)}) - 1721424.5 AS INTEGER)"


@compiles(day_number, "postgresql")
def _postgresql_day_number(element: day_number, compiler: SQLCompiler, **kw: Any) -> str:
    return f"({compiler.process(element.clauses, **kw)} - DATE '0001-01-01' + 1)"


class date_of_day(FunctionElement[dt.date]):  # noqa: N801
    """The date of a day's number, the inverse of `day_number`; the number has to be in the calendar."""

    type = Date()
    inherit_cache = True


@compiles(date_of_day, "sqlite")
def _sqlite_date_of_day(element: date_of_day, compiler: SQLCompiler, **kw: Any) -> str:
    return f"date({compiler.process(element.clauses, **kw)} + 1721424.5)"


@compiles(date_of_day, "postgresql")
def _postgresql_date_of_day(element: date_of_day, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(DATE '0001-01-01' + CAST({compiler.process(element.clauses, **kw)} AS INTEGER) - 1)"


class has_text(FunctionElement[bool]):  # noqa: N801
    """Whether the first text contains the second, character by character and without wildcards."""

    type = Boolean()
    inherit_cache = True


@compiles(has_text, "sqlite")
def _sqlite_has_text(element: has_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(instr({compiler.process(element.clauses, **kw)}) > 0)"


@compiles(has_text, "postgresql")
def _postgresql_has_text(element: has_text, compiler: SQLCompiler, **kw: Any) -> str:
    return f"(strpos({compiler.process(element.clauses, **kw)}) > 0)"


class has_element(FunctionElement[bool]):  # noqa: N801
    """Whether a JSON array of texts has a text among its elements."""

    type = Boolean()
    inherit_cache = True


@compiles(has_element, "sqlite")
def _sqlite_has_element(element: has_element, compiler: SQLCompiler, **kw: Any) -> str:
    array, text = (compiler.process(clause, **kw) for clause in element.clauses)
    # The two are SQL that SQLAlchemy made: a column and a bound parameter.
    return f"({text} IN (SELECT value FROM json_each({array})))"  # noqa: S608


@compiles(has_element, "postgresql")
def _postgresql_has_element(element: has_element, compiler: SQLCompiler, **kw: Any) -> str:
    array, text = (compiler.process(clause, **kw) for clause in element.clauses)
    return f"({array} ? {text})"


class by_code_point(FunctionElement[str]):  # noqa: N801
    """A text that is ordered by code points, which on PostgreSQL depends on the collation."""

    inherit_cache = True

    def __init__(self, text: Any) -> None:
        super().__init__(text)
        self.type = text.type


@compiles(by_code_point, "sqlite")
def _sqlite_by_code_point(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    return compiler.process(element.clauses, **kw)


@compiles(by_code_point, "postgresql")
def _postgresql_by_code_point(element: by_code_point, compiler: SQLCompiler, **kw: Any) -> str:
    return f'({compiler.process(element.clauses, **kw)} COLLATE "C")'


class quotient(FunctionElement[float]):  # noqa: N801
    """A double divided by a double, NULL where the divisor is zero."""

    type = Double()
    inherit_cache = True


@compiles(quotient, "sqlite")
def _sqlite_quotient(element: quotient, compiler: SQLCompiler, **kw: Any) -> str:
    dividend, divisor = (compiler.process(clause.self_group(), **kw) for clause in element.clauses)
    return f"({dividend} / {divisor})"


@compiles(quotient, "postgresql")
def _postgresql_quotient(element: quotient, compiler: SQLCompiler, **kw: Any) -> str:
    dividend, divisor = (compiler.process(clause.self_group(), **kw) for clause in element.clauses)
    return f"({dividend} / NULLIF({divisor}, 0))"
