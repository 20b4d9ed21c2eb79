"""The registry: what was loaded, frozen, shared by threads and tenants; and the way in which hooks are called."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import field, frozen

from crmcore.errors import CRMError, PluginError, UsageError
from crmcore.once import Once
from crmcore.schema.documents import CORE
from crmcore.schema.model import relations
from crmcore.schema.records import record_class
from crmcore.schema.validation import Validator
from crmcore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from crmcore.config import Config
    from crmcore.plugins.calling import Listener
    from crmcore.plugins.loading import LoadedPlugin
    from crmcore.registry.declarations import Declarations
    from crmcore.schema.compose import Composition, Setting
    from crmcore.schema.model import Entity, Relation
    from crmcore.schema.records import Record
    from crmcore.types import Importer, Metric, Permission, Pipeline, Problem, ReportType, ScoringRule

__all__ = ["Registry"]

_log = logging.getLogger("crmcore.plugins")
_T = TypeVar("_T")


@frozen(kw_only=True, eq=False)
class Registry:
    """Plugins, entities and declarations, made by :func:`crmcore.registry.load`.

    It is made for one configuration (roles, settings, time zone) and knows no database, so that one registry serves
    any number of CRMs.
    """

    config: Config
    plugins: Mapping[str, LoadedPlugin]
    """Plugins that run, in the order in which they started."""
    broken: Mapping[str, tuple[Problem, ...]]
    """Plugins that are enabled and do not run, and why; the core may run without them."""
    warnings: tuple[Problem, ...]
    """What somebody should look at, although nothing depends on it."""
    composition: Composition = field(repr=False)
    documents: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """Origin (``core``, each plugin that runs, ``instance``, each of its rules) -> file name -> schema document."""
    declarations: Declarations = field(repr=False)
    implementing: Mapping[str, tuple[Listener, ...]] = field(repr=False)
    """Hook -> every implementation, in the order of the plugins."""
    listening: Mapping[tuple[str, str], tuple[Listener, ...]] = field(repr=False)
    """Hook and entity -> implementations that listen; only where there are some."""
    _derived: Once = field(factory=Once, init=False, repr=False)

    @property
    def entities(self) -> Mapping[str, Entity]:
        """Entities by name."""
        return self.composition.entities

    @property
    def provenance(self) -> Mapping[str, Mapping[str, tuple[Setting, ...]]]:
        """Entity -> field -> which file set each keyword."""
        return self.composition.provenance

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Metrics by name, ``<plugin>.<metric>``."""
        return self.declarations.metrics

    @property
    def scoring_rules(self) -> Mapping[str, ScoringRule]:
        """Scoring rules by name, ``<plugin>.<rule>``."""
        return self.declarations.scoring_rules

    @property
    def pipelines(self) -> Mapping[str, Pipeline]:
        """Pipelines by name, ``<plugin>.<pipeline>``."""
        return self.declarations.pipelines

    @property
    def importers(self) -> Mapping[str, Importer]:
        """Importers by the name of their format."""
        return self.declarations.importers

    @property
    def report_types(self) -> Mapping[str, ReportType]:
        """Report types by name, ``<plugin>.<report>``."""
        return self.declarations.report_types

    @property
    def permissions(self) -> Mapping[str, Permission]:
        """Permissions by name, ``<plugin>.<permission>``, and the core's own."""
        return self.declarations.permissions

    @property
    def versions(self) -> Mapping[str, str]:
        """Origin -> version; empty for the instance, which has none."""
        of_plugins = {name: plugin.manifest.version for name, plugin in self.plugins.items()}
        return {origin: of_plugins.get(origin, "") for origin in self.documents} | {CORE: __version__}

    def validator(self, entity: str) -> Validator:
        """Return the validator of an entity; made once."""
        return self._once("validator", entity, Validator)

    def record_class(self, entity: str) -> type[Record]:
        """Return the record class of an entity; made once."""
        return self._once("record_class", entity, record_class)

    def relations(self, entity: str) -> Mapping[str, Relation]:
        """Return the ways from an entity to those that refer to it, by name; found once."""
        return self._once("relations", entity, lambda found: relations(self.entities, found.name))

    def derived(self, name: str, make: Callable[[], _T]) -> _T:
        """Return what a layer above makes of the registry when it is first asked for, and keep it with the registry."""
        return self._derived.get(name, make)

    def listeners(self, hook: str, entity: str | None = None) -> tuple[str, ...]:
        """Return the plugins that a hook is called on, in their order.

        Args:
            hook: name of the hook.
            entity: only plugins that listen to it. Where nobody does, the answer costs one look into a dict.
        """
        return tuple(listener.plugin for listener in self._asked(hook, entity))

    def call(self, hook: str, entity: str | None = None, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a hook, plugin by plugin, in the order of start-up.

        Args:
            hook: name of the hook.
            entity: only plugins that listen to it are called; given on to a hook that takes an ``entity``.
            **arguments: of the hook.

        Returns:
            Plugin and result; a tuple for a hook that returns an iterable.

        Raises:
            CRMError: raised by a plugin on purpose.
            PluginError: a plugin failed; those after it are not called.
        """
        if entity is not None and hook == "crm_access_rules":
            arguments["entity"] = entity
        return [(listener.plugin, listener(**arguments)) for listener in self._asked(hook, entity)]

    def call_plugin(self, hook: str, plugin: str, **arguments: Any) -> Any:
        """Call a hook of one plugin and return its result; None where the plugin does not implement it.

        Raises:
            CRMError: raised by the plugin on purpose.
            PluginError: the plugin failed.
        """
        for listener in self.implementing[hook]:
            if listener.plugin == plugin:
                return listener(**arguments)
        return None

    def call_isolated(self, hook: str, plugin: str | None = None, **arguments: Any) -> tuple[PluginError, ...]:
        """Call a hook of one plugin or of all; failures are logged and returned, and stop nobody else.

        Args:
            hook: name of the hook.
            plugin: only this plugin.
            **arguments: of the hook.
        """
        failures = []
        for listener in self.implementing[hook]:
            if plugin is not None and listener.plugin != plugin:
                continue
            try:
                listener(**arguments)
            except CRMError as error:
                failures.append(self.failure(listener.plugin, hook, error))
                _log.error("%s", failures[-1].message, exc_info=failures[-1].cause)
        return tuple(failures)

    def failure(self, plugin: str, hook: str, error: CRMError) -> PluginError:
        """Return an error of an isolated hook in its plugin's name: on purpose or not, nobody above handles it."""
        return error if isinstance(error, PluginError) else PluginError(plugin, self.versions[plugin], hook, error)

    def attributed(self, name: str, function: Callable[..., _T], *arguments: Any) -> _T:
        """Call a function that belongs to a declaration, a report's for instance, in its plugin's name.

        Args:
            name: of the declaration.
            function: what to call.
            *arguments: of the function.

        Raises:
            CRMError: raised by the plugin on purpose.
            PluginError: anything else that it raised.
        """
        try:
            return function(*arguments)
        except CRMError as error:
            if not isinstance(error, UsageError):
                raise
            raise self._failed(name, error) from error
        except (Exception, SystemExit) as error:
            raise self._failed(name, error) from error

    def _failed(self, name: str, error: BaseException) -> PluginError:
        plugin = self.declarations.plugin_of(name)
        return PluginError(plugin, self.versions.get(plugin, ""), name, error)

    def _asked(self, hook: str, entity: str | None) -> tuple[Listener, ...]:
        return self.implementing[hook] if entity is None else self.listening.get((hook, entity), ())

    def _once(self, what: str, entity: str, make: Callable[[Entity], _T]) -> _T:
        return self.composition.once.get((what, entity), lambda: make(self.entities[entity]))
