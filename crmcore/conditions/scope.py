"""What names may mean where a condition stands, and what it is used for."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from attrs import field, frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from crmcore.schema.model import Entity, Kind

__all__ = ["Scope", "Use"]


class Use(enum.Enum):
    """What a condition decides, which says what it may contain."""

    ACCESS = "access"
    """Who may do what. No metrics; what is negated must be known not to be empty."""
    FILTER = "filter"
    """Which records a list shows. No metrics: filter on the stored label."""
    SCORING = "scoring"
    """Which label a record gets. Everything is allowed."""


@frozen
class Scope:
    """The entity whose records are decided on, and the names that a condition over it may use."""

    entity: Entity
    entities: Mapping[str, Entity]
    metrics: Mapping[str, Kind] = field(factory=dict)
    """Metrics of the entity by every name that the text may use: ``revenue_365d`` and ``abc.revenue_365d``."""
    hidden: AbstractSet[tuple[str, str]] = frozenset()
    """(Entity, field) that whoever wrote the condition may not read."""
