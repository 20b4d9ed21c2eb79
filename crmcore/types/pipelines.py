"""Declarations of pipelines: stages that a record goes through, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import attrs
from attrs import frozen
from attrs.converters import optional
from attrs.validators import and_, ge, in_, le, matches_re

from crmcore.types.checked import each, elements, titles
from crmcore.types.names import QUALIFIED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Pipeline", "Stage"]


@frozen(kw_only=True)
class Stage:
    """One stage of a pipeline."""

    name: str
    """A value of the pipeline's field."""
    win_rate: float = attrs.field(default=0.0, validator=and_(ge(0.0), le(1.0)))
    """Share of the records in this stage that will be won, 0 to 1."""
    kind: Literal["open", "won", "lost"] = attrs.field(default="open", validator=in_(("open", "won", "lost")))
    required: Sequence[str] = attrs.field(default=(), converter=elements)
    """Fields that a record must have filled in to be in this stage."""
    moves: Sequence[str] | None = attrs.field(default=None, converter=optional(elements))
    """Stages that a record may go to from here; None for any."""
    max_days: int | None = None
    """Days after which a record in this stage is stale; None for never."""


@frozen(kw_only=True)
class Pipeline:
    """The stages of a field, in their order, and what a forecast needs to know of the records in them.

    Example:
        >>> Pipeline(name="sales.opportunity", entity="opportunity", field="stage",
        ...          stages=[Stage(name="prospecting", win_rate=0.05), Stage(name="won", kind="won")]).field
        'stage'
    """

    name: str = attrs.field(validator=matches_re(QUALIFIED))
    entity: str
    field: str
    """A text field with fixed values, each of which is a stage; a field belongs to one pipeline."""
    stages: Sequence[Stage] = attrs.field(converter=elements, validator=each(Stage))
    amount: str | None = None
    """The money field that a forecast weights."""
    started: str | None = None
    """The date field that says since when a record is in the stage it was created in; its creation by default."""
    expected: str | None = None
    """The date field that says when it is expected to be won."""
    closed: str | None = None
    """The date field that says when it was won or lost."""
    titles: Mapping[str, str] = attrs.field(factory=dict, validator=titles)

    def stage(self, name: str | None) -> Stage | None:
        """Return a stage by its name, or None."""
        return next((stage for stage in self.stages if stage.name == name), None)
