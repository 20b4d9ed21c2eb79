"""What a compiled condition needs to know when it runs: the moment, who asks, and how to reach other records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Mapping

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.schema.model import Relation
    from crmcore.types import Ref

__all__ = ["PythonContext", "SqlContext", "Viewpoint"]


@frozen(kw_only=True)
class Viewpoint:
    """The moment, and who asks."""

    today: dt.date
    """The day of `now` in `timezone`."""
    now: dt.datetime
    """Aware."""
    timezone: dt.tzinfo
    """Of the instance: where a day begins and ends for instants."""
    me: int | None = None
    """Id of the acting user; None is empty."""
    my_team: int | None = None


@frozen(kw_only=True)
class SqlContext(Viewpoint):
    """A viewpoint and the tables behind entities."""

    rows: Callable[[str], tuple[FromClause, ColumnElement[bool]]]
    """Gives a fresh alias of an entity's table, and the predicate that limits it to rows which count here."""
    metric: Callable[[str], ColumnElement[Any]] | None = None
    """Gives the column of a metric, in the form in which a field of its kind is stored."""


@frozen(kw_only=True)
class PythonContext(Viewpoint):
    """A viewpoint and a way to other records; values are in their Python form."""

    fetch: Callable[[str, int], Mapping[str, Any] | None]
    """Gives the values of a record by entity and id; None where it is not there or does not count here."""
    related: Callable[[Relation, Ref], Iterable[Mapping[str, Any]]]
    """Gives the values of the records that refer to a record by a relation."""
