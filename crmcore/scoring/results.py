"""What a run and an explanation give. Frozen values; computing them is the other modules' part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from crmcore.conditions import Finding
    from crmcore.types import ScoringRule

__all__ = ["Decision", "Explanation", "Place", "ScoringRun", "Standing", "Summary"]


@frozen
class Summary:
    """The values that the records have after a run of an expression."""

    filled: int
    empty: int
    least: Any
    """In its Python form; None where no record has a value."""
    most: Any


@frozen
class ScoringRun:
    """What a run of one rule did."""

    rule: ScoringRule
    changed: int
    """Number of records whose value differs now."""
    labels: tuple[tuple[str | None, int], ...] = ()
    """Of labels and ranks: every value with the number of live records that have it, in the order of the rule."""
    summary: Summary | None = None
    """Of an expression."""


@frozen
class Decision:
    """A condition of a rule, tried on one record."""

    label: str | None
    """What it gives; None for the condition on the records that are ranked."""
    condition: str | None = None
    """None where it looks at what the actor may not: then neither its text nor its outcome is told."""
    holds: bool | None = None
    findings: tuple[Finding, ...] = ()
    """Every comparison of the condition with the values that it found."""


@frozen
class Place:
    """A band of a rank, as it falls on the records there are."""

    label: str
    upto: float
    """Where the band ends, as the rule says."""
    first: int | None
    """Of `records`: the band and those before it are the first so many, and their equals. None of ``value``."""
    reached: bool
    """Whether the record is not beyond its end."""


@frozen
class Standing:
    """Where a record stands among those that are ranked."""

    by: str
    """What they are ranked by, as the rule says."""
    value: Any
    """Of the record; None where it has none, or is not among those that are ranked."""
    inputs: tuple[tuple[str, Any], ...]
    """What the value was calculated from."""
    position: int | None
    """1 for the largest value; equal values share a position. None where the record is not ranked."""
    ranked: int
    """Number of records that are ranked."""
    before: float | None
    """Share of the records, or of the sum of all values above zero, that comes before it; None as for `position`, and
    where that sum is zero."""
    places: tuple[Place, ...]
    """The bands, from the best."""


@frozen
class Explanation:
    """Why a record has its value."""

    rule: ScoringRule
    label: Any
    """What the rule says as of the day asked for: a label, or the result of its expression."""
    stored: Any
    """What is stored in the field now."""
    decisions: tuple[Decision, ...] = ()
    """Of labels: all in order, up to the first that the actor sees to hold. Of a rank: its condition on the records, if
    it has one."""
    standing: Standing | None = None
    """Of a rank; None where it looks at what the actor may not."""
    inputs: tuple[tuple[str, Any], ...] = ()
    """Of an expression: the fields and metrics with their values; none where it looks at what the actor may not."""
