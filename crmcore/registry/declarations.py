"""What plugins declared, merged by name: equal declarations are one, different ones under one name are a conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import Factory, frozen

from crmcore.i18n import gettext as _
from crmcore.types import Importer, Metric, Permission, Pipeline, Problem, ReportType, ScoringRule
from crmcore.types.names import own_name, plugin_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["CORE_PERMISSIONS", "Declarations", "merged"]


@frozen(kw_only=True)
class Declarations:
    """Declarations by name, in the order of the plugins."""

    metrics: Mapping[str, Metric] = Factory(dict)
    scoring_rules: Mapping[str, ScoringRule] = Factory(dict)
    pipelines: Mapping[str, Pipeline] = Factory(dict)
    importers: Mapping[str, Importer] = Factory(dict)
    report_types: Mapping[str, ReportType] = Factory(dict)
    permissions: Mapping[str, Permission] = Factory(dict)
    importer_plugins: Mapping[str, str] = Factory(dict)
    """Importer -> the plugin that declared it; all other names begin with their plugin's."""

    def plugin_of(self, name: str) -> str:
        """Return the plugin that made a declaration."""
        return self.importer_plugins.get(name) or plugin_name(name)


CORE_PERMISSIONS: Mapping[str, Permission] = {
    permission.name: permission
    for permission in (
        Permission("scoring.run", "Run scoring rules, which write labels of all records."),
        Permission("users.administer", "Set logins, roles and whether a user is active."),
        Permission("records.erase", "Erase all that is held about somebody, for good."),
    )
}
"""Permissions of the core's own; their first word is no plugin's name."""

_KEPT = {
    "crm_metrics": "metrics",
    "crm_scoring_rules": "scoring_rules",
    "crm_pipelines": "pipelines",
    "crm_importers": "importers",
    "crm_report_types": "report_types",
    "crm_permissions": "permissions",
}


def merged(declared: Mapping[str, Mapping[str, Iterable[Any]]]) -> tuple[Declarations, tuple[Problem, ...]]:
    """Merge what plugins declared.

    Args:
        declared: plugin -> hook -> what the hook returned.

    Returns:
        The declarations, and a problem for each name that is not the plugin's to give, or was given to something else.
    """
    kept: dict[str, dict[str, Any]] = {kind: {} for kind in _KEPT.values()}
    owners: dict[tuple[str, str], str] = {}
    problems: list[Problem] = []
    for plugin, by_hook in declared.items():
        for hook, declarations in by_hook.items():
            names = kept[_KEPT[hook]]
            for declaration in declarations:
                name = declaration.name
                if hook != "crm_importers" and plugin_name(name) != plugin:
                    problems.append(_foreign(plugin, name))
                elif names.setdefault(name, declaration) != declaration:
                    problems.append(_conflict(plugin, owners[hook, name], name))
                owners.setdefault((hook, name), plugin)
    taken = kept["permissions"].keys() & CORE_PERMISSIONS.keys()
    problems.extend(_conflict(owners["crm_permissions", name], "core", name) for name in sorted(taken))
    kept["permissions"] = {**CORE_PERMISSIONS, **kept["permissions"]}
    importer_plugins = {name: owners["crm_importers", name] for name in kept["importers"]}
    return Declarations(**kept, importer_plugins=importer_plugins), tuple(problems)


def _foreign(plugin: str, name: str) -> Problem:
    return Problem(
        message=_("`{name}` is not a name that plugin {plugin} can give").format(name=name, plugin=plugin),
        hint=_("Call it `{plugin}.{own}`.").format(plugin=plugin, own=own_name(name)),
        code="foreign_name",
        plugin=plugin,
    )


def _conflict(plugin: str, other: str, name: str) -> Problem:
    if plugin == other:
        message = _("declares two different things as `{name}`").format(name=name)
    else:
        message = _("declares `{name}` as well, and not as plugin {other} does").format(name=name, other=other)
    return Problem(message=message, hint=_("Rename or disable one of them."), code="conflict", plugin=plugin)
