"""Running rules: in an order in which none reads what another is about to write, each in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from crmcore.access import live
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.registry.rule_parts import rule_order
from crmcore.scoring.calculations import select_calculation, summary
from crmcore.scoring.ground import ground
from crmcore.scoring.labels import select_labels
from crmcore.scoring.ranks import select_bands
from crmcore.scoring.results import ScoringRun

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.scoring.ground import Ground
    from crmcore.types import ScoringRule

__all__ = ["rules", "run"]

RUN = "scoring.run"
"""The permission to run rules; whoever runs them writes values of all records, also of those they may not see."""


def rules(registry: Registry, names: Sequence[str] = ()) -> tuple[ScoringRule, ...]:
    """Return rules by name, full or after the dot, or all of them, each after those that write what it reads.

    Raises:
        UsageError: there is no rule of that name.
    """
    wanted = {_full_name(registry, name) for name in names}

    def ordered() -> tuple[str, ...]:
        return rule_order(registry.scoring_rules, registry.entities, registry.metrics)[0]

    order = registry.derived("order of scoring rules", ordered)
    return tuple(registry.scoring_rules[name] for name in order if not names or name in wanted)


def _full_name(registry: Registry, name: str) -> str:
    found = [full for full in registry.scoring_rules if name in (full, full.partition(".")[2])]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(registry.scoring_rules)) or _("none: enable a plugin that declares one")
    message = _("there is more than one scoring rule {name!r}") if found else _("there is no scoring rule {name!r}")
    raise UsageError(message.format(name=name), hint=_("Known: {known}").format(known=known))


def run(session: Session, rule: ScoringRule, as_of: dt.date | None = None) -> ScoringRun:
    """Give every live record of the rule's entity its value, and write those that differ.

    Args:
        session: its actor needs the permission ``scoring.run``.
        rule: one of `rules`.
        as_of: day on which metrics and ``today()`` are taken; today by default. Fields are as they are now.

    Raises:
        AccessDenied: the actor may not run rules.
    """
    session.access.demand_permission(session.actor, RUN)
    on = ground(session, rule, as_of)
    if rule.expression is not None:
        values = select_calculation(on)
    else:
        values = select_bands(on) if rule.rank is not None else select_labels(on)
    changed = session.write_computed(rule.entity, [rule.field], values)
    if rule.expression is not None:
        return ScoringRun(rule, changed, summary=summary(on))
    return ScoringRun(rule, changed, _counts(on))


def _counts(on: Ground) -> tuple[tuple[str | None, int], ...]:
    rule, table = on.rule, on.metrics.table
    field = table.c[rule.field]
    counted = select(field, func.count()).where(live(table)).group_by(field)
    found: dict[str | None, int] = {row[0]: row[1] for row in on.session.connection.execute(counted)}
    bands = rule.rank.bands if rule.rank else ()
    ordered = [*(label.value for label in rule.labels), *(band.value for band in bands), rule.otherwise]
    names = [*dict.fromkeys(ordered), *sorted(str(name) for name in found if name not in ordered and name is not None)]
    return tuple((name, found.get(name, 0)) for name in names)
