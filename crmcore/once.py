"""Things that are made when they are first asked for, and kept."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define, field

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["Once"]

_T = TypeVar("_T")


@define(eq=False)
class Once:
    """What was made so far, by key; two threads that ask at once get the same thing."""

    _made: dict[Hashable, Any] = field(factory=dict, init=False, repr=False)
    _making: RLock = field(factory=RLock, init=False, repr=False)

    def get(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """Return what is kept under a key; make it first where nothing is."""
        if key not in self._made:
            with self._making:
                if key not in self._made:
                    self._made[key] = make()
        made: _T = self._made[key]
        return made
