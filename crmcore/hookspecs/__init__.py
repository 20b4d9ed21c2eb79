"""The hooks: every function that a plugin may implement, and when the core calls it.

Specifications only; :mod:`crmcore.registry` calls them, plugin by plugin, in the order of start-up. Four kinds:
declarations are collected once and frozen, hooks around writing are called with batches of records, questions are
asked when an answer is needed, and the rest go with the life of a CRM. A hook in `LISTENED` is called only for the
entities that the plugin's ``plugin.json`` names under ``listens``.

An exception that is not a `crmcore.errors.CRMError` becomes a `crmcore.errors.PluginError`, which names plugin,
version and hook. A `CRMError` that a hook raises on purpose (`ValidationError`, `AccessDenied`) reaches the caller
unchanged. Wrappers and ``tryfirst``/``trylast`` are refused: the order of plugins is ``after`` in ``plugin.json``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.hookspecs.declarations import (
    crm_importers,
    crm_metrics,
    crm_permissions,
    crm_pipelines,
    crm_report_types,
    crm_scoring_rules,
)
from crmcore.hookspecs.lifecycle import crm_committed, crm_migrate, crm_shutdown, crm_startup
from crmcore.hookspecs.markers import PROJECT, hookimpl, hookspec
from crmcore.hookspecs.questions import crm_access_rules, crm_reminders, crm_timeline
from crmcore.hookspecs.writing import (
    crm_after_save,
    crm_before_save,
    crm_before_validate,
    crm_check_transition,
    crm_computed,
    crm_validate,
)
from crmcore.types import (
    AccessRule,
    Importer,
    Metric,
    Permission,
    Pipeline,
    Problem,
    Reminder,
    ReportType,
    ScoringRule,
    TimelineEntry,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "DECLARATIONS",
    "HOOKS",
    "ISOLATED",
    "LISTENED",
    "PROJECT",
    "RETURNS",
    "crm_access_rules",
    "crm_after_save",
    "crm_before_save",
    "crm_before_validate",
    "crm_check_transition",
    "crm_committed",
    "crm_computed",
    "crm_importers",
    "crm_metrics",
    "crm_migrate",
    "crm_permissions",
    "crm_pipelines",
    "crm_reminders",
    "crm_report_types",
    "crm_scoring_rules",
    "crm_shutdown",
    "crm_startup",
    "crm_timeline",
    "crm_validate",
    "hookimpl",
    "hookspec",
]

DECLARATIONS: Mapping[str, type] = {
    "crm_metrics": Metric,
    "crm_scoring_rules": ScoringRule,
    "crm_pipelines": Pipeline,
    "crm_importers": Importer,
    "crm_report_types": ReportType,
    "crm_permissions": Permission,
}
"""Hooks that are called once, while the registry is made, and what each returns an iterable of."""

RETURNS: Mapping[str, type] = {
    **DECLARATIONS,
    "crm_validate": Problem,
    "crm_check_transition": Problem,
    "crm_access_rules": AccessRule,
    "crm_timeline": TimelineEntry,
    "crm_reminders": Reminder,
}
"""Hooks that return an iterable, and of what; all others return nothing."""

ISOLATED = frozenset({"crm_committed", "crm_reminders", "crm_shutdown", "crm_timeline"})
"""Hooks whose failure is logged and reported, and stops nothing else."""

_WRITING = frozenset(
    {
        "crm_before_validate",
        "crm_validate",
        "crm_check_transition",
        "crm_before_save",
        "crm_after_save",
        "crm_computed",
    }
)
LISTENED = _WRITING | {"crm_committed", "crm_access_rules"}
"""Hooks that are called for one entity, and only where ``listens`` names it (or ``*``)."""

HOOKS = frozenset(name for name in globals() if name.startswith("crm_"))
"""Names of all hooks."""
