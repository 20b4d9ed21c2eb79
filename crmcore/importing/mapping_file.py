"""The mapping file as it is read: what has the shape that ``schemas/meta/mapping.json`` asks for, and what has not.

What its headers and fields mean, and the error that reports everything at once, are in `crmcore.importing.declaring`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.config.toml_file import read_toml
from crmcore.conformance import Source, breaches
from crmcore.i18n import gettext as _
from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from crmcore.types import Problem

__all__ = ["MappingFile", "read_mapping_file"]

_TABLES = ("columns", "fill", "totals", "skip")
"""Tables whose entries are judged one by one, so that one that is wrong hides nothing of the others."""


@frozen(kw_only=True)
class MappingFile:
    """A mapping file as it was read; what its headers and fields mean is not asked yet."""

    source: Source
    tables: Mapping[str, Any]
    """What has the shape that it should have."""
    problems: tuple[Problem, ...] = ()
    """What has not, to be reported together with the rest."""

    @property
    def entity(self) -> str | None:
        """The entity that it says to be for."""
        return self.tables.get("entity")

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of the reader, from table ``[file]``; which ones there are is the reader's to say."""
        options: Mapping[str, Any] = self.tables.get("file", {})
        return options


def read_mapping_file(path: Path) -> MappingFile:
    """Read a mapping file.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    document, source = read_toml(path, missing=_("`crmcore import mapping` prints one to start from."))
    schema = meta_schema("mapping")
    tables: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in document.items():
        whole = name not in _TABLES or not isinstance(value, dict)
        entries = [({name: value}, ())] if whole else [({key: inner}, (name,)) for key, inner in value.items()]
        for entry, at in entries:
            wrong = breaches(entry, _part(schema, at), source, at=at)
            problems += wrong
            if not wrong:
                (tables.setdefault(name, {}) if at else tables).update(entry)
    return MappingFile(source=source, tables=tables, problems=tuple(problems))


def _part(schema: Mapping[str, Any], at: Sequence[str]) -> Mapping[str, Any]:
    return {**schema["properties"][at[0]], "$defs": schema["$defs"]} if at else schema
