"""Markdown that a forge and the site show alike: tables, code, and what docstrings say."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING

from crmcore.types import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

__all__ = ["code", "from_docstring", "listed", "one_line", "signature", "table"]

ROLE = re.compile(r":\w+:`~?([^`]+)`")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table without the columns that are empty in every row; nothing where there are no rows."""
    filled = [tuple(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    shown = [number for number, _ in enumerate(headings) if any(row[number] for row in filled)]
    if not shown:
        return ""
    lines = [[headings[number] for number in shown], ["---"] * len(shown)]
    lines += [[row[number] for number in shown] for row in filled]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def listed(facts: Iterable[tuple[str, str]]) -> str:
    """Return a list of facts, those left out about which there is nothing to say."""
    return "\n".join(f"- {name}: {text}" for name, text in facts if text)


def code(text: object) -> str:
    """Return a text in the type of code."""
    return f"`{text}`"


def from_docstring(text: str) -> str:
    """Return what a docstring says as Markdown: code has one backtick there, names of modules have no role."""
    return ROLE.sub(r"`\1`", text).replace("``", "`")


def signature(function: Callable[..., object], *, method: bool = False) -> str:
    """Return the signature of a function as people write it, that of a method without `self`."""
    found = inspect.signature(function)
    shown = list(found.parameters.values())[1 if method else 0 :]
    return str(found.replace(parameters=[_bare(one) for one in shown], return_annotation=_As(found.return_annotation)))


class _As(str):
    """A text that is shown as it is: an annotation, which is a text already."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _bare(parameter: inspect.Parameter) -> inspect.Parameter:
    default = _As("SYSTEM") if parameter.default is SYSTEM else parameter.default
    annotation = parameter.annotation
    return parameter.replace(default=default, annotation=_As(annotation) if isinstance(annotation, str) else annotation)


def one_line(text: str) -> str:
    """Return a text without line breaks."""
    return " ".join(text.split())
