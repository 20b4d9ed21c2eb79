"""Reading a file as the core does, and judging what a reader yields: a header and rows, or the reason why not."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from fuzzing import in_time

from crmcore.types import Problem, SourceHeader, SourceRow

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    Reader = Callable[[Path, Mapping[str, Any]], Iterable[SourceHeader | SourceRow | Problem]]

__all__ = ["judge"]

_MOST = 3_000
"""Rows that are looked at: an edit may have multiplied them."""


def judge(reader: Reader, path: Path, content: bytes, options: Mapping[str, Any] | None = None) -> None:
    """Write a file, read it, and check that what comes is what the core can work with."""
    path.write_bytes(content)
    with in_time():
        first, *rest = islice(reader(path, options or {}), _MOST)
    if isinstance(first, Problem):
        assert rest == []
        _judge_problem(first)
        return
    assert isinstance(first, SourceHeader)
    assert len(set(first.names)) == len(first.names) > 0
    _storable([*first.names, first.form])
    for found in rest:
        if isinstance(found, Problem):
            _judge_problem(found)
            continue
        assert isinstance(found, SourceRow)
        assert found.line >= 1
        assert set(found.cells) == set(first.names)
        _storable(found.cells)


def _judge_problem(problem: Problem) -> None:
    assert problem.message
    assert problem.file is not None
    assert problem.line is None or problem.line >= 1
    _storable([problem.message, problem.hint, problem.value])


def _storable(value: Any) -> None:
    """Check that every text in a value can be shown and stored."""
    if isinstance(value, str):
        value.encode()
        assert "\0" not in value
    elif isinstance(value, dict):
        for key, part in value.items():
            _storable(key)
            _storable(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _storable(part)
