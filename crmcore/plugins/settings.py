"""The settings of a plugin: its table in ``crm.toml``, judged by its manifest, defaults filled in, frozen."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from crmcore.conformance import breaches, with_defaults

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.config import Config
    from crmcore.manifest import Manifest
    from crmcore.types import Problem

__all__ = ["settings_of"]


def settings_of(manifest: Manifest, config: Config) -> tuple[Mapping[str, Any], tuple[Problem, ...]]:
    """Return the settings of a plugin as its hooks are given them, and what is wrong with them.

    Objects are read-only mappings and arrays are tuples: a registry is shared by threads and tenants.
    """
    table = config.plugin_settings.get(manifest.name, {})
    written = config.written_settings.get(manifest.name, table)
    settings = with_defaults(table, manifest.config)
    shown = with_defaults(written, manifest.config)
    problems = breaches(settings, manifest.config, config.source, at=("plugins", manifest.name), shown=shown)
    return _frozen(settings), tuple(problems)


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType({key: _frozen(inner) for key, inner in value.items()})
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
