"""Which plugins there are, and where: installed packages, folders in ``plugin_dirs``, objects given in code.

Nothing is imported here. An entry point of the group ``crmcore.plugins`` names a top-level package, which the import
system can find without running it.
"""

from __future__ import annotations

import configparser
import glob
import importlib.util
import json
import sys
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import entrypoints
from attrs import frozen

from crmcore.errors import ManifestError
from crmcore.i18n import gettext as _
from crmcore.manifest import FILE_NAME, Manifest, manifest_of, read_manifest
from crmcore.types import Plugin, Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crmcore.config import Config

__all__ = ["GROUP", "Found", "discover", "installed", "manifest_at"]

GROUP = "crmcore.plugins"
_UNREADABLE = (configparser.Error, UnicodeError, OSError, zipfile.BadZipFile, entrypoints.BadEntryPoint, Warning)


@frozen(kw_only=True)
class Found:
    """A plugin that could be enabled. It has been neither read nor imported."""

    name: str
    origin: str
    """Where it comes from, as people read it."""
    package: str | None = None
    """The package to import; None for an object given in code."""
    folder: Path | None = None
    """The folder in one of ``plugin_dirs``; None for an installed package."""
    given: Plugin | None = None

    @property
    def location(self) -> Path | None:
        """The folder of the plugin's files; None for an object, and where the package cannot be found."""
        return self.folder or (_package_folder(self.package) if self.package else None)


def discover(config: Config, given: Iterable[Plugin] = ()) -> tuple[tuple[Found, ...], tuple[Problem, ...]]:
    """Find every plugin, enabled or not.

    Returns:
        The plugins by name, then origin, and a warning for each file that may hide one because it cannot be read.
    """
    entry_points, problems = installed()
    found = [*entry_points, *map(_given, given)]
    for folder in config.plugin_dirs:
        for inner in sorted(folder.glob("*/")):
            if (inner / FILE_NAME).is_file():
                found += _unless_installed(_in_folder(inner), entry_points)
            elif (inner / "__init__.py").is_file():
                message = _("this package is no plugin: it has no {file}").format(file=FILE_NAME)
                problems.append(Problem(message=message, code="no_manifest", file=inner))
    return tuple(sorted(found, key=lambda plugin: (plugin.name, plugin.origin))), tuple(problems)


def manifest_at(found: Found) -> Manifest:
    """Read the manifest of a plugin that was found.

    Raises:
        ManifestError: the package cannot be found, or its manifest is wrong.
    """
    if found.given is not None:
        return manifest_of(found.given.manifest, owns_schemas=bool(found.given.schemas))
    folder = found.location
    if folder is None:
        message = _("{origin}: there is no package `{package}` with a file {file}").format(
            origin=found.origin, package=found.package, file=FILE_NAME
        )
        hint = _("The entry point names a top-level package. Install the distribution again, or disable the plugin.")
        raise ManifestError([Problem(message=message, hint=hint, code="no_package", plugin=found.name)])
    manifest = read_manifest(folder)
    if manifest.name != found.name:
        message = _("the entry point calls the plugin `{entry}`, its manifest `{name}`").format(
            entry=found.name, name=manifest.name
        )
        raise ManifestError([manifest.source.problem(("name",), message, code="name")])
    return manifest


def installed(path: Sequence[str] | None = None) -> tuple[list[Found], list[Problem]]:
    """Read the entry points of installed distributions.

    One malformed ``entry_points.txt`` anywhere on the path makes `entrypoints` and `importlib.metadata` raise. Then
    every file is read by itself: the bad ones are reported, the others count.

    Args:
        path: folders to look in; ``sys.path`` by default.

    Returns:
        The plugins, and a warning for each file that cannot be read.
    """
    folders = list(sys.path if path is None else path)
    problems: list[Problem] = []
    read = _attempt(lambda: entrypoints.get_group_all(GROUP, folders))
    if isinstance(read, BaseException):
        read, problems = _one_by_one(folders)
    found: dict[tuple[str, str], Found] = {}
    for entry in read:
        named = entry.module_name + (f":{entry.object_name}" if entry.object_name else "")
        distribution = " ".join(part for part in (entry.distro.name, entry.distro.version) if part)
        plugin = Found(name=entry.name, origin=_("distribution {name}").format(name=distribution), package=named)
        found.setdefault((entry.name, named), plugin)  # one package seen through two distributions is no clash
    return list(found.values()), problems


def _attempt(read: Callable[[], list[Any]]) -> list[Any] | BaseException:
    """Return what was read, or why it could not be: `entrypoints` warns of single entries that it cannot parse."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return read()
        except _UNREADABLE as error:
            return error


def _one_by_one(folders: Iterable[str]) -> tuple[list[Any], list[Problem]]:
    found: list[Any] = []
    problems: list[Problem] = []
    seen: set[str] = set()  # a distribution hides one of the same name further down the path
    for folder in folders:
        for file, read in _sources(folder):
            result = _attempt(read)
            if isinstance(result, BaseException):
                problems.append(_malformed(file, result))
            else:
                found += [entry for entry in result if entry.distro.name not in seen]
        seen |= {entry.distro.name for entry in found}
    return found, problems


def _sources(folder: str) -> Iterator[tuple[Path, Callable[[], list[Any]]]]:
    files = [
        Path(file)
        for pattern in ("*.dist-info", "*.egg-info")
        for file in sorted(glob.glob(f"{glob.escape(folder or '.')}/{pattern}/entry_points.txt"))  # noqa: PTH207  # pathlib cannot escape
    ]
    for file in files:
        yield file, lambda file=file: list(_entries(file))  # type: ignore[misc]  # bound now, not when called
    if not files:  # a zip, an egg, or nothing
        yield Path(folder), lambda: entrypoints.get_group_all(GROUP, [folder])


def _entries(file: Path) -> Iterator[Any]:
    parser = entrypoints.CaseSensitiveConfigParser(delimiters=("=",))
    parser.read_string(file.read_text(encoding="utf-8"), source=str(file))
    distribution = entrypoints.Distribution.from_name_version(file.parent.stem)
    if parser.has_section(GROUP):
        for name, named in parser[GROUP].items():
            yield entrypoints.EntryPoint.from_string(named, name, distribution)


def _malformed(file: Path, error: BaseException) -> Problem:
    return Problem(
        message=_("cannot be read: {reason}").format(reason=" ".join(str(error).split())),
        hint=_("Plugins of this distribution are not seen. Install it again or remove it."),
        code="entry_points",
        file=file,
    )


def _given(plugin: Plugin) -> Found:
    return Found(name=str(plugin.manifest.get("name", "")), origin=_("given in code"), given=plugin)


def _in_folder(folder: Path) -> Found:
    """Take a plugin under the name that its manifest gives, as far as that can be read; else under its folder's."""
    try:
        name = json.loads((folder / FILE_NAME).read_text(encoding="utf-8-sig"))["name"]
    except (OSError, ValueError, LookupError, TypeError):
        name = folder.name
    named = name if isinstance(name, str) else folder.name
    return Found(name=named, origin=_("folder {folder}").format(folder=folder), package=folder.name, folder=folder)


def _unless_installed(found: Found, entry_points: Iterable[Found]) -> Iterator[Found]:
    """Yield a plugin in a folder, unless it is installed from there (``pip install -e``): then it is one, not two."""
    places = (other.location for other in entry_points if other.name == found.name)
    if found.folder is not None and not any(place and place.samefile(found.folder) for place in places):
        yield found


def _package_folder(package: str) -> Path | None:
    if not package.isidentifier():  # `find_spec` would import the parent of a dotted name
        return None
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return None
    places = (spec.submodule_search_locations or ()) if spec else ()
    return next((Path(place) for place in places if (Path(place) / FILE_NAME).is_file()), None)
