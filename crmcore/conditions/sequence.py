"""An order in SQL: what to sort by, and what comes after a place in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, and_, false, or_, type_coerce

from crmcore.conditions.expressions import parameter
from crmcore.conditions.functions import by_code_point
from crmcore.conditions.order import FILLED
from crmcore.schema.model import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, FromClause

    from crmcore.conditions.order import OrderKey

__all__ = ["following", "ordering"]


def ordering(keys: Sequence[OrderKey], target: FromClause) -> list[ColumnElement[Any]]:
    """Return the elements of ``ORDER BY``, empty values last."""
    ordered: list[ColumnElement[Any]] = []
    for key in keys:
        column = _column(key, target)
        directed = column.desc() if key.descending else column.asc()
        ordered.append(directed if key.field.name in FILLED else directed.nulls_last())
    return ordered


def following(keys: Sequence[OrderKey], place: Sequence[Any], target: FromClause) -> ColumnElement[bool]:
    """Return which rows come after a place: beyond it in one field, and equal in all fields before."""
    alternatives: list[ColumnElement[bool]] = []
    equal: list[ColumnElement[bool]] = []
    for key, value in zip(keys, place, strict=True):
        column = _column(key, target)
        if value is None:  # nothing comes after an empty value
            equal.append(column.is_(None))
            continue
        bound = parameter(key.domain, value, column)
        beyond = column < bound if key.descending else column > bound
        last = [] if key.field.name in FILLED else [column.is_(None)]
        alternatives.append(and_(*equal, or_(beyond, *last)))
        equal.append(column == bound)
    return or_(false(), *alternatives)


def _column(key: OrderKey, target: FromClause) -> ColumnElement[Any]:
    name = key.field.name
    if key.field.kind is Kind.TEXT:
        return by_code_point(target.c[f"{name}__folded" if key.field.folded else name])
    column: ColumnElement[Any] = target.c[name]
    return type_coerce(column, BigInteger()) if key.field.kind is Kind.MONEY else column
