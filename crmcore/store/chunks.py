"""Values in portions that fit one statement: databases bound the number of its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["chunks"]

_VALUES_PER_STATEMENT = 1000

T = TypeVar("T")


def chunks(values: Iterable[T]) -> Iterator[list[T]]:
    """Split values into lists that fit one statement."""
    ordered = list(values)
    return (ordered[start : start + _VALUES_PER_STATEMENT] for start in range(0, len(ordered), _VALUES_PER_STATEMENT))
