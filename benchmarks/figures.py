"""Figures: what was measured, as ratios of one side to the other, held against a bar and an aim."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any, Literal

from attrs import asdict, field, frozen

__all__ = ["Figure", "Options"]

MEGABYTE = 1_000_000


@frozen(kw_only=True)
class Options:
    """How to measure."""

    scale: float = 1.0
    """Share of the full size: 1,000,000 customers and 10,000,000 orders."""
    rounds: int | None = None
    """How often each side is measured; by default what the work says."""
    cache: Path = field(converter=Path)
    """Folder for what is made once: files, databases, results."""

    @property
    def customers(self) -> int:
        """Number of customers."""
        return max(100, round(1_000_000 * self.scale))

    @property
    def orders(self) -> int:
        """Number of orders, roughly: each customer's own number is drawn."""
        return 10 * self.customers

    def or_rounds(self, default: int) -> int:
        """Return how often a side is measured."""
        return self.rounds or default


@frozen(kw_only=True)
class Figure:
    """One row of the table."""

    work: str
    against: str
    ours: list[float]
    """Seconds, round by round."""
    theirs: list[float]
    form: Literal["time", "rate", "cost"] = "time"
    """How the two are compared: our time over theirs, our rate over theirs, or what we add for `each`, as a share."""
    each: int = 1
    bar: float | None = None
    """At most, or of a rate at least. None: measured for orientation."""
    aim: float | None = None
    slack: float = 0.0
    """Seconds that are added to the bar."""
    peak: int | None = None
    """The largest peak resident memory of ours, in bytes."""
    peak_bar: int | None = None
    units: int | None = None
    """How many records were worked on, to tell rates."""
    checks: dict[str, bool] = field(factory=dict)
    """What else has to be so."""
    notes: list[str] = field(factory=list)

    @property
    def ratios(self) -> list[float]:
        """The comparison, round by round: what was measured one after the other is compared."""
        return [self._compare(ours, theirs) for ours, theirs in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median of the ratios."""
        return statistics.median(self.ratios)

    def reaches(self, limit: float | None) -> bool | None:
        """Return whether a limit is kept, None where there is none."""
        if limit is None:
            return None
        if self.form == "rate":
            return self.ratio >= limit
        within = self.ratio <= limit
        return within or statistics.median(self.ours) <= limit * statistics.median(self.theirs) + self.slack

    @property
    def passes(self) -> bool | None:
        """Whether it keeps its bar, that of its memory, and all else that has to be so; None where nothing is asked."""
        judged = [self.reaches(self.bar), *self.checks.values()]
        if self.peak_bar is not None and self.peak is not None:
            judged.append(self.peak <= self.peak_bar)
        asked = [one for one in judged if one is not None]
        return all(asked) if asked else None

    def _compare(self, ours: float, theirs: float) -> float:
        if self.form == "cost":
            return (ours / theirs - 1) / self.each
        return theirs / ours if self.form == "rate" else ours / theirs

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON, what is calculated from it included."""
        return {**asdict(self), "ratios": self.ratios, "ratio": self.ratio, "passes": self.passes}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Figure:
        """Return what `as_json` was made of."""
        return cls(**{name: value for name, value in document.items() if name not in ("ratios", "ratio", "passes")})
