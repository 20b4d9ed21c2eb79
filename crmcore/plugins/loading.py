"""Imports plugins and registers their hooks. A failure is attributed to the plugin that caused it."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy
from attrs import field, frozen

from crmcore import hookspecs
from crmcore.conformance import did_you_mean
from crmcore.errors import PluginError
from crmcore.i18n import gettext as _
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crmcore.manifest import Manifest
    from crmcore.plugins.discovery import Found

__all__ = ["LoadedPlugin", "failure", "hook_problems", "import_plugin", "missing_packages", "new_manager", "register"]


@frozen(kw_only=True, eq=False)
class LoadedPlugin:
    """A plugin that runs."""

    manifest: Manifest
    origin: str
    """Where it comes from, as people read it."""
    settings: Mapping[str, Any] = field(repr=False)
    """Its table in ``crm.toml``, defaults filled in; read-only."""
    module: object
    """What its hooks are attributes of."""

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.manifest.name


def missing_packages(manifest: Manifest) -> Iterator[Problem]:
    """Yield the Python packages that a plugin needs and that are not installed; none is imported."""
    for package, requirement in manifest.needs.items():
        try:
            found = importlib.util.find_spec(package)
        except (ImportError, ValueError):  # a module that is half there
            found = None
        if found is None:
            message = _("plugin {plugin} needs the Python package `{package}`, which is not installed").format(
                plugin=manifest.name, package=package
            )
            hint = _('pip install "{requirement}"').format(requirement=requirement)
            yield manifest.source.problem(("needs", package), message, code="missing_package", hint=hint)


def import_plugin(found: Found, version: str | None = None) -> object:
    """Import a plugin and return what its hooks are attributes of.

    Raises:
        PluginError: the import raised something, `SystemExit` included.
    """
    if found.given is not None:
        return found.given.module
    package = str(found.package)
    try:
        return _import_folder(package, found.folder) if found.folder else importlib.import_module(package)
    except (Exception, SystemExit) as error:
        raise PluginError(found.name, version, "import", error) from error


def _import_folder(package: str, folder: Path) -> ModuleType:
    """Import a package that is not on ``sys.path``, and leave ``sys.path`` alone."""
    init = folder / "__init__.py"
    loaded = sys.modules.get(package)
    if loaded is not None and getattr(loaded, "__file__", None) == str(init):
        return loaded
    other = importlib.util.find_spec(package)
    if other is not None and other.origin != str(init):
        message = _("{folder} hides another package of that name, {other}: rename the folder")
        raise ImportError(message.format(folder=folder, other=other.origin))
    spec = importlib.util.spec_from_file_location(package, init, submodule_search_locations=[str(folder)])
    if spec is None or spec.loader is None:
        raise ImportError(_("{file} cannot be imported").format(file=init))
    module = importlib.util.module_from_spec(spec)
    sys.modules[package] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[package]
        raise
    return module


def new_manager() -> pluggy.PluginManager:
    """Return a manager that knows the hooks and no plugin; every registry has its own."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def register(manager: pluggy.PluginManager, manifest: Manifest, module: object) -> object:
    """Register the hooks of a plugin and return the object under which the manager knows it.

    Raises:
        PluginError: pluggy refuses a hook, for instance for an argument that the specification does not have.
    """
    try:
        holder = _hashable(manifest.name, module)
        manager.register(holder, manifest.name)
    except Exception as error:
        cause = TypeError(str(error).splitlines()[-1]) if isinstance(error, pluggy.PluginValidationError) else error
        raise PluginError(manifest.name, manifest.version, "register", cause) from error
    return holder


def _hashable(name: str, module: object) -> object:
    """Return the object, or a module with its hooks: pluggy keeps plugins in sets, where a namespace cannot be."""
    if type(module).__hash__ is not None:
        return module
    holder = ModuleType(name)
    marker = f"{hookspecs.PROJECT}_impl"
    members = {attribute: getattr(module, attribute) for attribute in dir(module)}
    holder.__dict__.update({attribute: member for attribute, member in members.items() if hasattr(member, marker)})
    return holder


def hook_problems(manager: pluggy.PluginManager, manifest: Manifest, holder: object) -> Iterator[Problem]:
    """Yield hooks that would never be called, or not as the plugin means: each makes the core fail open."""
    callers = manager.get_hookcallers(holder) or []
    for caller in callers:
        [implementation] = [each for each in caller.get_hookimpls() if each.plugin is holder]
        if not caller.has_spec():
            message = _("there is no hook `{hook}`").format(hook=caller.name)
            hint = did_you_mean(caller.name, hookspecs.HOOKS)
            yield failure(manifest, message, code="unknown_hook", hint=hint)
        if implementation.wrapper or implementation.hookwrapper:
            message = _("`{hook}` is a wrapper; plugins cannot wrap each other's hooks").format(hook=caller.name)
            yield failure(manifest, message, code="wrapper", hint=_("Use `@hookimpl` without arguments."))
        elif implementation.tryfirst or implementation.trylast:
            message = _("`{hook}` asks to be called first or last, which has no effect").format(hook=caller.name)
            yield failure(manifest, message, code="order", hint=_("The order is `after` in plugin.json."))
    yield from _listening({caller.name for caller in callers}, manifest)


def _listening(implemented: set[str], manifest: Manifest) -> Iterator[Problem]:
    for hook in sorted(implemented & hookspecs.LISTENED - manifest.listens.keys()):
        message = _("`{hook}` is implemented and not listed under `listens`, so it would never be called")
        hint = _('Write in plugin.json: "listens": {{"{hook}": ["customer"]}}, with your entities, or "*" for all.')
        yield manifest.source.problem(
            ("listens",), message.format(hook=hook), code="listens", hint=hint.format(hook=hook)
        )
    for hook in sorted(manifest.listens.keys() - implemented):
        message = _("`{hook}` is listed under `listens` and not implemented").format(hook=hook)
        hint = _("Implement it with `@hookimpl def {hook}(...)`, or take the line out.").format(hook=hook)
        yield manifest.source.problem(("listens", hook), message, code="listens", hint=hint)


def failure(manifest: Manifest, message: str, *, code: str, hint: str | None = None) -> Problem:
    """Return a problem of a plugin that has no place in a file."""
    return Problem(message=message, hint=hint, code=code, plugin=manifest.name)
