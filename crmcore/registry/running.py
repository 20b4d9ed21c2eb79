"""The part of start-up in which plugins run: import, registration, declarations; who fails is broken or stops all.

A plugin that is essential (:attr:`crmcore.manifest.Manifest.essential`) stops the start when it fails. Another is
named in `Registry.broken`, together with those that require it, and the rest runs.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import hookspecs
from crmcore.errors import CRMError, PluginError
from crmcore.i18n import gettext as _
from crmcore.plugins.calling import Listener, listeners
from crmcore.plugins.loading import (
    LoadedPlugin,
    failure,
    hook_problems,
    import_plugin,
    missing_packages,
    new_manager,
    register,
)
from crmcore.registry.checks import declaration_problems
from crmcore.registry.declarations import Declarations, merged
from crmcore.registry.instance import instance_declarations
from crmcore.schema.documents import INSTANCE
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.config import Config
    from crmcore.manifest import Manifest
    from crmcore.plugins.discovery import Found
    from crmcore.schema.model import Entity

__all__ = ["Candidate", "Running"]

_log = logging.getLogger("crmcore.plugins")


@frozen
class Candidate:
    """A plugin about which nothing was found wrong before it is imported."""

    manifest: Manifest
    found: Found
    settings: Mapping[str, Any]


class Running:
    """Plugins as they come up.

    Attributes:
        loaded: those that run, in their order.
        broken: those that do not run, and need not.
        refused: why the start is refused; empty where it is not.
        failures: exceptions behind `refused`.
        raised: every exception of a plugin, also of one that need not run.
        declarations: what the plugins that run declared.
    """

    def __init__(self, candidates: Mapping[str, Candidate]) -> None:
        self.loaded: dict[str, LoadedPlugin] = {}
        self.broken: dict[str, tuple[Problem, ...]] = {}
        self.refused: list[Problem] = []
        self.failures: list[PluginError] = []
        self.raised: list[PluginError] = []
        self.declarations = Declarations()
        self._candidates = candidates
        self._manager = new_manager()
        self._holders: dict[str, object] = {}
        self._declared: dict[str, dict[str, tuple[Any, ...]]] = {}

    def start(self) -> None:
        """Import the plugins in their order, register their hooks, and collect what they declare."""
        for candidate in self._candidates.values():
            self._import(candidate)
        for hook in hookspecs.DECLARATIONS:
            takes_settings = "settings" in inspect.signature(getattr(hookspecs, hook)).parameters
            for listener in self.implementations(hook):
                if listener.plugin in self.loaded:  # it may have broken in this very loop
                    settings = {"settings": self.loaded[listener.plugin].settings} if takes_settings else {}
                    self._declare(listener, settings)

    def judge(self, entities: Mapping[str, Entity] | None, config: Config) -> None:
        """Merge the declarations, the instance's own too, and check them against the entities.

        Args:
            entities: None where they could not be composed.
            config: what the instance declares itself, and where settings were written.
        """
        while True:
            self.declarations, merging = merged({**self._declared, INSTANCE: instance_declarations(config)})
            fitting = () if entities is None else declaration_problems(self.declarations, entities, config)
            problems = [*merging, *fitting]
            # Two plugins in conflict are both right by themselves: neither can be left out for the other.
            unfit = {p.plugin for p in problems if p.plugin and p.code != "conflict"} - self._essential()
            if not unfit:
                self.refused += problems
                return
            for name in sorted(unfit):
                self._break(name, [problem for problem in problems if problem.plugin == name])

    def implementations(self, hook: str) -> tuple[Listener, ...]:
        """Return the implementations of a hook by the plugins that run, in their order."""
        running = [(name, each.manifest.version, self._holders[name]) for name, each in self.loaded.items()]
        return listeners(self._manager, hook, running)

    def _essential(self) -> set[str]:
        return {name for name, candidate in self._candidates.items() if candidate.manifest.essential}

    def _import(self, candidate: Candidate) -> None:
        manifest = candidate.manifest
        if any(name not in self._candidates for name in manifest.requires):
            return  # what is wrong with those has been said
        lost = [name for name in manifest.requires if name not in self.loaded]
        missing = [_lost(manifest, lost[0])] if lost else [*missing_packages(manifest)]
        if missing:
            self._break(manifest.name, missing)
            return
        try:
            module = import_plugin(candidate.found, manifest.version)
        except PluginError as error:
            self._break(manifest.name, [_raised(error)], error)
            return
        self._register(candidate, module)

    def _register(self, candidate: Candidate, module: object) -> None:
        """Register hooks. A mistake here stops the start: what a hook that is never called was for, nobody can tell."""
        manifest = candidate.manifest
        try:
            holder = register(self._manager, manifest, module)
        except PluginError as error:
            self.refused.append(_raised(error))
            self.failures.append(error)
            self.raised.append(error)
            return
        problems = [*hook_problems(self._manager, manifest, holder)]
        self.refused += problems
        if problems:
            self._manager.unregister(holder)
            return
        self._holders[manifest.name] = holder
        self.loaded[manifest.name] = LoadedPlugin(
            manifest=manifest, origin=candidate.found.origin, settings=candidate.settings, module=module
        )

    def _declare(self, listener: Listener, arguments: Mapping[str, Any]) -> None:
        try:
            declared = listener(**arguments)
        except PluginError as error:
            self._break(listener.plugin, [_raised(error)], error)
        except CRMError as error:
            wrapped = PluginError(listener.plugin, listener.version, listener.hook, error)
            self._break(listener.plugin, [_raised(wrapped)], wrapped)
        else:
            self._declared.setdefault(listener.plugin, {})[listener.hook] = declared

    def _break(self, name: str, problems: Iterable[Problem], error: PluginError | None = None) -> None:
        """Take a plugin out, and those that require it; refuse the start where one of them is essential."""
        problems = tuple(problems)
        self._take_out(name)
        self.raised += [error] if error else []
        if self._candidates[name].manifest.essential:
            self.refused += problems
            self.failures += [error] if error else []
            return
        self.broken[name] = problems
        for problem in problems:
            _log.warning("plugin %s does not run: %s", name, problem, exc_info=error.cause if error else None)
        for other in list(self.loaded):
            if other in self.loaded and name in self.loaded[other].manifest.requires:
                self._break(other, [_lost(self.loaded[other].manifest, name)])

    def _take_out(self, name: str) -> None:
        self.loaded.pop(name, None)
        self._declared.pop(name, None)
        if name in self._holders:
            self._manager.unregister(self._holders.pop(name))


def _lost(manifest: Manifest, name: str) -> Problem:
    message = _("plugin {plugin} requires {name}, which does not run").format(plugin=manifest.name, name=name)
    return failure(manifest, message, code="requires")


def _raised(error: PluginError) -> Problem:
    return Problem(
        message=error.said, hint=error.hint, code=error.code, plugin=error.plugin, file=error.file, line=error.line
    )
