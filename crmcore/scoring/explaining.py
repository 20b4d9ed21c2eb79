"""Why a record has its value: what the rule looked at, for somebody who may look at it too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.errors import NotFound
from crmcore.scoring.calculations import explain_calculation
from crmcore.scoring.ground import ground
from crmcore.scoring.labels import explain_labels
from crmcore.scoring.ranks import explain_rank

if TYPE_CHECKING:
    import datetime as dt

    from crmcore.records.session import Session
    from crmcore.scoring.results import Explanation
    from crmcore.types import ScoringRule

__all__ = ["explain"]


def explain(session: Session, rule: ScoringRule, id: int, as_of: dt.date | None = None) -> Explanation:
    """Return what gives a record its value, and the values it was decided on.

    Args:
        session: its actor is told of fields and entities that it may read, and of the value alone otherwise.
        rule: one of `crmcore.scoring.rules`.
        id: of a record of the rule's entity.
        as_of: day on which metrics and ``today()`` are taken; today by default. Fields are as they are now.

    Raises:
        NotFound: there is no such record that the actor may see.
        AccessDenied: the actor may not read the field.
    """
    if not session.sees(rule.entity, id):
        raise NotFound(rule.entity, id)
    if (rule.entity, rule.field) in session.hidden:
        raise session.access.denied(session.actor, "read", f"{rule.entity}.{rule.field}")
    on = ground(session, rule, as_of or session.today)
    values = on.values_of(id)
    if rule.expression is not None:
        return explain_calculation(on, values)
    return explain_rank(on, values) if rule.rank is not None else explain_labels(on, values)
