"""What an import did, and how its figures are kept in the register."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from crmcore.importing.plan import Plan
    from crmcore.store.imports import RejectReason
    from crmcore.types import Problem

__all__ = ["LEFT_OUT", "ImportResult", "created_besides", "created_key", "row_outcomes"]

_OF_ROWS = ("created", "updated", "unchanged", "skipped", "rejected")
LEFT_OUT = "left_out"
"""Outcome of rows that a mapping file leaves out."""
_CREATED = "created:"
"""Beginning of the figures, among the outcomes of an import, of records that were created besides its rows."""


@frozen(kw_only=True)
class ImportResult:
    """What an import did, the part before an interruption included."""

    id: int
    """Number of the import; ``crmcore import undo`` takes it."""
    plan: Plan
    outcomes: Mapping[str, int]
    """Outcome (``created``, ``updated``, ``unchanged``, ``skipped``, ``rejected``) -> number of rows."""
    skipped: int
    """Rows left out on purpose."""
    created: Mapping[str, int]
    """Entity -> number of records created besides: missing ones that rows refer to, records and their lines."""
    cleaned: Mapping[tuple[str, str, str], int]
    """Header, cell, and what the mapping file has in its place -> number of rows."""
    overwriting: int
    """Rows that replaced a value which another row of the file had written: the one that was saved last has won."""
    overwriting_lines: tuple[int, ...]
    """The lines of the first five of them."""
    problems: tuple[Problem, ...]
    """The first hundred problems, each with file and line; the rejects file has them all."""
    reasons: tuple[RejectReason, ...]
    """The hundred most frequent reasons of rejected rows, with the number of rows and the line of the first."""
    rejects: Path | None
    """The file with the rejected rows and their reasons, or None where every row was taken."""
    resumed: int
    """Number of rows that an interrupted run had done; 0 where there was none."""
    form: str
    """How the file was read, for people."""
    dry_run: bool
    """Whether all of it was thrown away again."""


def created_key(entity: str) -> str:
    """Return the name under which the register counts records of an entity that were created besides the rows."""
    return _CREATED + entity


def row_outcomes(counted: Mapping[str, int]) -> dict[str, int]:
    """Return what became of rows, of the figures in the register."""
    return {name: n for name, n in counted.items() if n and name in _OF_ROWS}


def created_besides(counted: Mapping[str, int]) -> dict[str, int]:
    """Return how many records of which entity were created besides the rows, of the figures in the register."""
    return {name.removeprefix(_CREATED): n for name, n in counted.items() if n and name.startswith(_CREATED)}
