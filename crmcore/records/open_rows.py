"""Rows with only those columns that an actor may read; asking for another one by its name says that it is closed.

That is said where the column is asked for, and by an error of its own: a name that a plugin got wrong must stay the
plugin's mistake, whatever fields of that name its actor may not read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Alias, Subquery
from sqlalchemy.sql.base import ReadOnlyColumnCollection

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Select

    from crmcore.errors import AccessDenied

    Denial = Callable[[str], AccessDenied | None]
    """Returns the error for the name of a column, or None where it is not closed but unknown."""

__all__ = ["open_rows"]


def open_rows(statement: Select[Any], name: str, denial: Denial) -> Subquery:
    """Return a SELECT of the columns that are open as a subquery that knows about the others.

    ``name in rows.c`` tells whether a column is there; ``rows.c[name]`` and ``rows.c.name`` raise what `denial` gives.
    """
    rows = _Rows._construct(statement, name=name)  # noqa: SLF001  # what `Select.subquery` calls
    rows.denial = denial
    return rows


class _Columns(ReadOnlyColumnCollection[str, Any]):
    __slots__ = ("_denial",)

    def __init__(self, columns: Any, denial: Denial) -> None:
        object.__setattr__(self, "_denial", denial)  # the class forbids the usual way
        super().__init__(columns)

    def __getitem__(self, key: Any) -> Any:
        try:
            return super().__getitem__(key)
        except KeyError as error:
            raise self._denial(str(error.args[0])) or error from None

    def __getattr__(self, key: str) -> Any:
        try:
            return super().__getattr__(key)
        except AttributeError as error:
            raise self._denial(key) or error from None


class _Closing:
    """What a subquery and its aliases have in common."""

    denial: Denial

    @property
    def c(self) -> Any:
        return _Columns(super().c, self.denial)  # type: ignore[misc]  # of SQLAlchemy's class, which comes next

    def alias(self, name: str | None = None, flat: bool = False) -> Any:  # noqa: ARG002  # SQLAlchemy's signature
        alias = _Alias._construct(self, name=name)  # noqa: SLF001  # what `FromClause.alias` calls
        alias.denial = self.denial
        return alias


class _Rows(_Closing, Subquery):
    inherit_cache = True


class _Alias(_Closing, Alias):
    inherit_cache = True
