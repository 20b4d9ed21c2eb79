"""Calls one hook of one plugin: exceptions become a `PluginError` that says whose they are, results are checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import hookspecs
from crmcore.errors import CRMError, PluginError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pluggy

__all__ = ["Listener", "listeners"]


@frozen(eq=False)
class Listener:
    """One plugin's implementation of one hook."""

    plugin: str
    version: str
    hook: str
    caller: pluggy.HookCaller

    def __call__(self, **arguments: Any) -> Any:
        """Call the implementation.

        Returns:
            What it returned; a tuple where the hook returns an iterable, so that a generator has run when this returns.

        Raises:
            CRMError: raised by the plugin on purpose.
            PluginError: anything else that it raised, or a result of another type than the hook asks for.
        """
        try:
            results = self.caller(**arguments)
            wanted = hookspecs.RETURNS.get(self.hook)
            return _elements(results[0] if results else (), wanted) if wanted else None
        except CRMError as error:
            if isinstance(error, UsageError):  # a call that cannot be meant is a mistake of whoever called
                raise PluginError(self.plugin, self.version, self.hook, error) from error
            raise
        except (Exception, SystemExit) as error:
            raise PluginError(self.plugin, self.version, self.hook, error) from error


def _elements(result: Iterable[Any], wanted: type) -> tuple[Any, ...]:
    elements = tuple(result)
    for element in elements:
        if not isinstance(element, wanted):
            found = type(element).__name__
            raise TypeError(f"an iterable of {wanted.__name__} was expected, {found} was found in it")
    return elements


def listeners(
    manager: pluggy.PluginManager, hook: str, running: Iterable[tuple[str, str, object]]
) -> tuple[Listener, ...]:
    """Return the implementations of a hook in the order of the plugins, each with a caller of its own.

    pluggy itself calls last in, first out, and does not say whose an exception is.

    Args:
        manager: the manager with which the plugins are registered.
        hook: name of the hook.
        running: name, version and registered object of each plugin, in their order.
    """
    everyone = list(running)
    implementing = {implementation.plugin_name for implementation in getattr(manager.hook, hook).get_hookimpls()}
    return tuple(
        Listener(
            name,
            version,
            hook,
            manager.subset_hook_caller(hook, [other for _, _, other in everyone if other is not holder]),
        )
        for name, version, holder in everyone
        if name in implementing
    )
