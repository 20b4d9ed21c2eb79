"""Commands of plugins as help pages list them: names and summaries, from manifests as they lie.

Help is asked for more often than anything else and must be there when the configuration or a plugin is broken: so
nothing is judged here, nor imported. Who calls a command gets it from :mod:`crmcore.cli.plugin_commands`, which reads
with care; what is found there and not here, in a zip for instance, is missing in the list only.
"""

from __future__ import annotations

import glob
import json
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["announced"]

_MANIFEST = "plugin.json"
_SECTION = "[crmcore.plugins]"


def announced(config_file: Path) -> Mapping[str, str]:
    """Return the names of the commands of enabled plugins with their summaries."""
    try:
        written = tomllib.loads(config_file.read_text(encoding="utf-8-sig"))["plugins"]
        enabled = {name for name in written["enabled"] if isinstance(name, str)}
        inner = [config_file.parent / folder for folder in written.get("plugin_dirs", ())]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}
    folders = (
        [path for folder in inner for path in sorted(folder.glob("*/"))] + [*_installed(enabled)] if enabled else []
    )
    return {name: summary for folder in folders for name, summary in _commands(folder / _MANIFEST, enabled)}


def _commands(manifest: Path, enabled: set[str]) -> Iterator[tuple[str, str]]:
    try:
        written: Any = json.loads(manifest.read_text(encoding="utf-8-sig"))
        if written["name"] in enabled:
            yield from ((command["name"], command["summary"]) for command in written.get("commands", ()))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return


def _installed(enabled: set[str]) -> Iterator[Path]:
    """Yield the folders of enabled plugins that entry points name."""
    for folder in sys.path:
        for file in sorted(glob.glob(f"{glob.escape(folder or '.')}/*-info/entry_points.txt")):  # noqa: PTH207  # pathlib cannot escape
            yield from _named(Path(file), enabled)


def _named(file: Path, enabled: set[str]) -> Iterator[Path]:
    try:
        section = file.read_text(encoding="utf-8").partition(_SECTION)[2].partition("\n[")[0]
        for line in section.splitlines():
            name, _equals, package = (part.strip() for part in line.partition("="))
            found = find_spec(package) if name in enabled and package.isidentifier() else None
            yield from (Path(place) for place in (found and found.submodule_search_locations) or ())
    except (OSError, ValueError, ImportError):
        return
