"""What the records have after a run: how many have each label, from where to where numbers go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from crmcore.access import live
from crmcore.scoring.results import ScoringRun, Summary

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Table

    from crmcore.records.session import Session
    from crmcore.types import ScoringRule

__all__ = ["runs"]


def runs(session: Session, rules: Sequence[ScoringRule], changed: Mapping[str, int]) -> Iterator[ScoringRun]:
    """Yield what rules of one entity did.

    Args:
        session: in which they ran.
        rules: which ran.
        changed: field -> number of records whose value differs now.
    """
    for rule in rules:
        table = session.runtime.tables.entity[rule.entity]
        if rule.expression is not None:
            yield ScoringRun(rule, changed[rule.field], summary=_summary(session, table, rule))
        else:
            yield ScoringRun(rule, changed[rule.field], _counts(session, table, rule))


def _counts(session: Session, table: Table, rule: ScoringRule) -> tuple[tuple[str | None, int], ...]:
    field = table.c[rule.field]
    counted = select(field, func.count()).where(live(table)).group_by(field)
    found: dict[str | None, int] = {row[0]: row[1] for row in session.connection.execute(counted)}
    bands = rule.rank.bands if rule.rank else ()
    ordered = [*(label.value for label in rule.labels), *(band.value for band in bands), rule.otherwise]
    names = [*dict.fromkeys(ordered), *sorted(str(name) for name in found if name not in ordered and name is not None)]
    return tuple((name, found.get(name, 0)) for name in names)


def _summary(session: Session, table: Table, rule: ScoringRule) -> Summary:
    field = table.c[rule.field]
    counted = select(func.count(field), func.count(), func.min(field), func.max(field)).where(live(table))
    filled, every, least, most = session.connection.execute(counted).one()
    return Summary(filled, every - filled, least, most)
