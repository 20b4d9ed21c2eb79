"""Running rules: in an order in which none reads what another is about to write, in as few statements as it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, true

from crmcore.access import live
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.metrics import kept_metrics
from crmcore.records.computed import write_computed
from crmcore.registry.rule_parts import rule_order
from crmcore.scoring.ground import ground, rule_metrics
from crmcore.scoring.labels import label_column
from crmcore.scoring.outcome import runs
from crmcore.scoring.ranks import band_column
from crmcore.scoring.together import together
from crmcore.store.planner import interpreted
from crmcore.types.names import is_called

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Select

    from crmcore.metrics import MetricTable
    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.scoring.ground import Ground
    from crmcore.scoring.results import ScoringRun
    from crmcore.types import ScoringRule

__all__ = ["rules", "run", "run_all", "run_rules"]

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
    found = [full for full in registry.scoring_rules if is_called(full, name)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(sorted(registry.scoring_rules)) or _("none: enable a plugin that declares one")
    message = _("there is more than one scoring rule {name!r}") if found else _("there is no scoring rule {name!r}")
    raise UsageError(message.format(name=name), hint=_("Known: {known}").format(known=known))


def run_rules(session: Session, names: Sequence[str] = (), as_of: dt.date | None = None) -> tuple[ScoringRun, ...]:
    """Run scoring rules by name, or all of them, and write the values that changed, as ``crmcore score run`` does.

    Args:
        session: its actor needs the permission ``scoring.run``.
        names: of rules, full (``abc.class``) or after the dot.
        as_of: day on which metrics and ``today()`` are taken; today by default. Fields are as they are now.

    Returns:
        What each rule did, each after those that write what it reads.

    Raises:
        UsageError: there is no rule of that name.
        AccessDenied: the actor may not run rules.
    """
    return run_all(session, rules(session.runtime.registry, names), as_of)


def run(session: Session, rule: ScoringRule, as_of: dt.date | None = None) -> ScoringRun:
    """Run one rule; see `run_all`."""
    return run_all(session, [rule], as_of)[0]


def run_all(session: Session, rules: Sequence[ScoringRule], as_of: dt.date | None = None) -> tuple[ScoringRun, ...]:
    """Give every live record of the rules' entities its values, and write those that differ.

    Args:
        session: its actor needs the permission ``scoring.run``.
        rules: in the order of `crmcore.scoring.rules`. Those that do not read each other's fields run together.
        as_of: day on which metrics and ``today()`` are taken; today by default. Fields are as they are now.

    Returns:
        What each rule did, in their order.

    Raises:
        AccessDenied: the actor may not run rules.
    """
    session.access.demand_permission(session.actor, RUN)
    day = as_of or session.today
    return tuple(run for some in together(session, rules, day) for run in _run(session, some, day))


def _run(session: Session, rules: Sequence[ScoringRule], day: dt.date) -> Iterator[ScoringRun]:
    """Run rules of one entity that do not read each other's fields."""
    registry, entity, fields = session.runtime.registry, rules[0].entity, [rule.field for rule in rules]
    read = {metric.name: metric for rule in rules for metric in rule_metrics(registry, rule).values()}
    with (
        session.savepoint(),
        interpreted(session.connection),
        kept_metrics(session, entity, read.values(), day) as kept,
    ):
        grounds = [ground(session, rule, day, kept) for rule in rules]
        changes = write_computed(session, session.runtime.entity(entity), fields, _values(kept, grounds))
    yield from runs(session, rules, changes.fields)


def _values(kept: MetricTable, grounds: Sequence[Ground]) -> Select[Any]:
    """Return a SELECT of the id and all values of every live record."""
    source, columns = kept.source, [kept.table.c.id]
    for on in grounds:
        if on.rule.rank is not None:
            value, limits = band_column(on)
            source = source.join(limits, true())
        else:
            value = label_column(on) if on.rule.expression is None else on.value()
        columns.append(value.label(on.rule.field))
    return select(*columns).select_from(source).where(live(kept.table))
