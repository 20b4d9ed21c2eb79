"""Words of a command line that has not been parsed yet: what language to speak, how to show a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["word_after"]


def word_after(option: str, arguments: Sequence[str]) -> str | None:
    """Return the value that an option has on a command line that was not parsed yet."""
    for position, word in enumerate(arguments):
        if word == option:
            return next(iter(arguments[position + 1 :]), None)
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return None
