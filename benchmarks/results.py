"""What was measured, kept as a file for each work and size, with the machine that it was measured on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import asdict, frozen

from benchmarks import machine
from benchmarks.figures import Figure
from benchmarks.works import OPTIONAL, WORKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.figures import Options

__all__ = ["Measured", "all_of", "from_json", "keep", "place", "read"]


@frozen
class Measured:
    """The figures of a work."""

    work: str
    machine: dict[str, str]
    figures: list[Figure]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {**asdict(self, recurse=False), "figures": [figure.as_json() for figure in self.figures]}


def place(options: Options, work: str) -> Path:
    """Return the file of a work's figures of this size."""
    return options.cache / f"results-{options.customers}" / f"{work}.json"


def keep(options: Options, work: str, figures: Sequence[Figure]) -> None:
    """Write the figures of a work."""
    file = place(options, work)
    file.parent.mkdir(parents=True, exist_ok=True)
    measured = Measured(work, machine.described(), [*figures])
    file.write_text(json.dumps(measured.as_json(), indent=1, ensure_ascii=False), encoding="utf-8")


def read(file: Path) -> Measured:
    """Return the figures in a file."""
    return from_json(json.loads(file.read_text(encoding="utf-8")))


def from_json(document: dict[str, Any]) -> Measured:
    """Return what `Measured.as_json` was made of."""
    return Measured(document["work"], document["machine"], [Figure.from_json(one) for one in document["figures"]])


def all_of(options: Options) -> list[Measured]:
    """Return all figures of this size, in the order of the works."""
    return [read(place(options, work)) for work in (*WORKS, *OPTIONAL) if place(options, work).exists()]
