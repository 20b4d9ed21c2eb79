"""Which rules run together: those of one entity, as long as none reads what another is about to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.metrics import query_tables
from crmcore.registry.rule_parts import rule_reads
from crmcore.scoring.ground import rule_metrics

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from crmcore.records.session import Session
    from crmcore.types import ScoringRule

__all__ = ["together"]


def together(session: Session, rules: Sequence[ScoringRule], day: dt.date) -> Iterator[list[ScoringRule]]:
    """Split rules where one has to wait for those before it.

    Args:
        session: gives the entities and metrics.
        rules: each after those that write what it reads.
        day: on which the SELECTs of plugins look.
    """
    registry = session.runtime.registry
    some: list[ScoringRule] = []
    for rule in rules:
        written = {(one.entity, one.field) for one in some}
        waits = written & rule_reads(rule, registry.entities, registry.metrics)
        if some and (waits or some[0].entity != rule.entity or rule.entity in _looked_at(session, rule, day)):
            yield some
            some = []
        some.append(rule)
    if some:
        yield some


def _looked_at(session: Session, rule: ScoringRule, day: dt.date) -> set[str]:
    """Return the entities that SELECTs of plugins look at for a rule: which of their fields, nobody can tell."""
    system, found = session.as_system(), set[str]()
    for metric in rule_metrics(session.runtime.registry, rule).values():
        if metric.query is not None:
            found |= query_tables(system, metric.query, [metric], day)
    return found
