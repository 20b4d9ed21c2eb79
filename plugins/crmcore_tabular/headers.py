"""Names of columns where the header row has none, or the same one twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Sequence


def column_name(number: int) -> str:
    """Return the name of a column without one; it stands in mapping files, so it is the same in every language."""
    return f"column {number}"


def column_names(header: Sequence[str], filled: Container[int]) -> list[str]:
    """Return the names under which the cells of each column are found.

    A column without a name is ``column 7`` where it has cells; where it has none its name is empty: it is left out. The
    second column of one name is ``name (2)``, so that no cell hides another.

    Args:
        header: the cells of the header row, stripped.
        filled: positions (from 0) of nameless columns that have cells.
    """
    given, taken = set(header), set[str]()
    names: list[str] = []
    for position, cell in enumerate(header):
        name = cell or (column_name(position + 1) if position in filled else "")
        if name in taken or (name and not cell and name in given):
            name = _numbered(name, taken | given)
        if name:
            taken.add(name)
        names.append(name)
    return names


def _numbered(name: str, taken: Container[str]) -> str:
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
