"""The file that is imported: which plugin reads it, with which options, and what comes out of it, item by item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from attrs import frozen

from crmcore.conformance import Source as Document
from crmcore.conformance import breaches, with_defaults
from crmcore.errors import UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crmcore.registry import Registry
    from crmcore.types import Importer

__all__ = ["Item", "Source", "importer_for", "open_source", "options_schema"]


class Item(NamedTuple):
    """What a reader yields after the header: a row, or a problem in place of one; millions of them are made."""

    position: int
    """Number of the item in the file, from 1."""
    line: int
    cells: Mapping[str, Any]
    problem: Problem | None = None


@frozen(kw_only=True)
class Source:
    """A file whose header was read."""

    path: Path
    importer: Importer
    options: Mapping[str, Any]
    """Of the importer, defaults filled in."""
    header: SourceHeader

    def items(self) -> Iterator[Item]:
        """Read the file from its beginning; every call reads it anew and gives the same."""
        found = _read(self.importer, self.path, self.options)
        next(found, None)
        for position, one in enumerate(found, start=1):
            if isinstance(one, SourceRow):
                yield Item(position, one.line, one.cells)
            elif isinstance(one, Problem):
                yield Item(position, one.line or position + 1, {}, one)
            else:
                problem = Problem(message=_("a second header"), value=list(one.names))
                yield Item(position, position + 1, {}, problem)

    def rows(self) -> Iterator[SourceRow]:
        """Read the rows that can be read."""
        return (one for one in _read(self.importer, self.path, self.options) if isinstance(one, SourceRow))


def open_source(registry: Registry, path: Path, options: Mapping[str, Any]) -> Source:
    """Choose the reader of a file by its name, check the options, and read the header.

    Args:
        registry: knows the importers.
        path: of the file.
        options: for the reader; defaults are filled in.

    Raises:
        UsageError: nobody reads such files, or this one cannot be read.
        ValidationError: an option that the reader does not have or cannot use.
    """
    importer = importer_for(registry, path)
    schema = options_schema(importer)
    given = with_defaults(options, schema)
    problems = breaches(given, schema, Document(toml=True))
    if problems:
        raise ValidationError(problems)
    header = next(_read(importer, path, given), None)
    if isinstance(header, Problem):
        raise UsageError(
            _("{path} cannot be read: {reason}").format(path=path, reason=header.message), hint=header.hint
        )
    if not isinstance(header, SourceHeader) or not header.names:
        raise UsageError(_("{path} has no header").format(path=path))
    return Source(path=path, importer=importer, options=given, header=header)


def options_schema(importer: Importer) -> Mapping[str, Any]:
    """Return the schema of an importer's options, which admits no others."""
    return {"type": "object", "additionalProperties": False, **importer.options}


def importer_for(registry: Registry, path: Path) -> Importer:
    """Return the importer that reads files with such a name.

    Raises:
        UsageError: there is none.
    """
    for importer in registry.importers.values():
        if path.suffix.lower() in importer.suffixes:
            return importer
    known = sorted(suffix for importer in registry.importers.values() for suffix in importer.suffixes)
    raise UsageError(
        _("no enabled plugin reads {suffix} files").format(suffix=path.suffix or path.name),
        hint=_("Files that can be read: {known}").format(known=", ".join(known))
        if known
        else _("Enable one, for instance: crmcore plugins enable tabular"),
    )


def _read(importer: Importer, path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    try:
        yield from importer.read(path, options)
    except OSError as error:
        raise UsageError(_("{path} cannot be read: {reason}").format(path=path, reason=error.strerror)) from error
