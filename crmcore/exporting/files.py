"""The file of an export: which plugin writes it, with which options, and that it is whole or not there."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from crmcore.conformance import Source, breaches, with_defaults
from crmcore.errors import UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.importing.sources import options_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crmcore.registry import Registry
    from crmcore.types import Importer

__all__ = ["checked_options", "format_of", "whole"]


def format_of(registry: Registry, path: Path, name: str | None = None) -> Importer:
    """Return the importer that writes a file.

    Args:
        registry: knows the importers.
        path: whose ending says the format where `name` does not.
        name: of the importer.

    Raises:
        UsageError: there is none, or it only reads.
    """
    writing = [importer for importer in registry.importers.values() if importer.write is not None]
    for importer in writing:
        if importer.name == name or (name is None and path.suffix.lower() in importer.suffixes):
            return importer
    known = ", ".join(importer.name for importer in writing)
    raise UsageError(
        _("no enabled plugin writes {format} files").format(format=name or path.suffix or path.name),
        hint=_("Formats that can be written: {known}").format(known=known)
        if known
        else _("Enable one, for instance: crmcore plugins enable tabular"),
    )


def checked_options(importer: Importer, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of an importer, defaults filled in.

    Raises:
        ValidationError: it has no such option, or not such a value of it.
    """
    schema = options_schema(importer)
    given = with_defaults(options, schema)
    problems = breaches(given, schema, Source(toml=True))
    if problems:
        raise ValidationError(problems)
    return given


@contextmanager
def whole(path: Path, *, replace: bool) -> Iterator[Path]:
    """Give the path to write to; what was written there becomes the file once it is complete.

    Raises:
        UsageError: the file is there already and not to be replaced, or it cannot be written.
    """
    if path.exists() and not path.is_file():  # a pipe or a terminal is written to directly
        yield path
        return
    if path.exists() and not replace:
        raise _there_already(path)
    # With its ending, from which writers may take more than the format.
    unfinished = path.with_name(f".{path.stem[:100]}.{os.getpid()}.part{path.suffix}")
    try:
        yield unfinished
        if replace or not _linked(unfinished, path):
            unfinished.replace(path)
    except FileExistsError:
        raise _there_already(path) from None
    except OSError as error:
        raise UsageError(
            _("{path} cannot be written: {reason}").format(path=path, reason=error.strerror or error)
        ) from error
    finally:
        unfinished.unlink(missing_ok=True)


def _linked(unfinished: Path, path: Path) -> bool:
    """Give a file its name if nobody has a file of that name; return whether the file system can do that."""
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        raise
    except OSError:
        return False
    return True


def _there_already(path: Path) -> UsageError:
    return UsageError(_("{path} is there already").format(path=path), hint=_("--force replaces it."))
