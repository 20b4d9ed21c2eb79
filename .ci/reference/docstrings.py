"""Docstrings in the style of the project, taken apart: what it is, more of it, and the sections below."""

from __future__ import annotations

import inspect
import re

from attrs import frozen
from markdown import from_docstring, one_line

__all__ = ["Docstring", "read"]

HEADING = re.compile(r"^(Args|Attributes|Example|Raises|Returns|Since|Yields):\n", re.MULTILINE)
ENTRY = re.compile(r"^(\*{0,2}\w[\w, .]*): ", re.MULTILINE)


@frozen
class Docstring:
    """What a docstring says."""

    summary: str
    body: str
    sections: dict[str, str]
    """Heading -> text, without the indentation."""

    def entries(self, heading: str) -> list[tuple[str, str]]:
        """Return the names that a section explains, each with its text on one line."""
        parts = ENTRY.split(self.sections.get(heading, ""))
        return [(name, from_docstring(one_line(text))) for name, text in zip(parts[1::2], parts[2::2], strict=True)]

    def text(self, heading: str) -> str:
        """Return a section as one paragraph, empty where there is none."""
        return from_docstring(one_line(self.sections.get(heading, "")))


def read(thing: object) -> Docstring:
    """Take the docstring of a thing apart."""
    before, *rest = HEADING.split(inspect.getdoc(thing) or "")
    summary, _, body = before.partition("\n\n")
    sections = {name: inspect.cleandoc(text) for name, text in zip(rest[::2], rest[1::2], strict=True)}
    return Docstring(from_docstring(one_line(summary)), from_docstring(body.strip()), sections)
