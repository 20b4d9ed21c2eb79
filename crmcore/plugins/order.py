"""The order in which plugins start: what a plugin requires or comes after is first, ties go by name."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

from crmcore.conformance import did_you_mean
from crmcore.i18n import gettext as _
from crmcore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.manifest import Manifest
    from crmcore.types import Problem

__all__ = ["ordered", "unmet"]


def unmet(manifests: Mapping[str, Manifest], known: Iterable[str], core: str = __version__) -> Iterator[Problem]:
    """Yield what plugins require and do not get: another core, or plugins that are not enabled.

    Args:
        manifests: the enabled plugins by name.
        known: names of all plugins that could be enabled.
        core: version of the core.
    """
    known = set(known)
    for manifest in manifests.values():
        yield from _wrong_core(manifest, core)
        for index, name in enumerate(manifest.requires):
            if name in manifests:
                continue
            if name in known:
                hint: str | None = _("`crmcore plugins enable {name}` switches it on.").format(name=name)
            else:
                hint = did_you_mean(name, known)
            message = _("plugin {plugin} requires {name}, which is not enabled").format(plugin=manifest.name, name=name)
            yield manifest.source.problem(("requires", index), message, code="requires", hint=hint)


def _wrong_core(manifest: Manifest, core: str) -> Iterator[Problem]:
    if not manifest.requires_core:
        return
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415  # only where a plugin asks

    if not SpecifierSet(manifest.requires_core).contains(core, prereleases=True):
        message = _("plugin {plugin} works with crmcore {wanted}; this is {core}").format(
            plugin=f"{manifest.name} {manifest.version}", wanted=manifest.requires_core, core=core
        )
        hint = _("Install a version of the plugin, or of crmcore, that fits the other.")
        yield manifest.source.problem(("requires_core",), message, code="requires_core", hint=hint)


def ordered(manifests: Mapping[str, Manifest]) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """Sort plugins so that what one requires or comes after is before it, ties by name.

    Returns:
        The names in order, without those on a cycle, and a problem for each cycle, which it names as a chain.
    """
    waits = {name: {*each.requires, *each.after} & manifests.keys() for name, each in manifests.items()}
    problems: list[Problem] = []
    while True:
        order = _sorted(waits)
        if len(order) == len(waits):
            return tuple(order), tuple(problems)
        cycle = _cycle({name: others - set(order) for name, others in waits.items() if name not in order})
        problems.append(_circular(cycle, manifests))
        waits = {name: others - set(cycle) for name, others in waits.items() if name not in cycle}


def _sorted(waits: Mapping[str, set[str]]) -> list[str]:
    open_ = {name: len(others) for name, others in waits.items()}
    ready = [name for name, count in open_.items() if not count]
    heapq.heapify(ready)
    order = []
    while ready:
        name = heapq.heappop(ready)
        order.append(name)
        for other in waits:
            if name in waits[other]:
                open_[other] -= 1
                if not open_[other]:
                    heapq.heappush(ready, other)
    return order


def _cycle(waits: Mapping[str, set[str]]) -> list[str]:
    """Return the names on a cycle; everybody here waits for somebody here, so that walking on must come round."""
    walked: list[str] = []
    name = min(waits)
    while name not in walked:
        walked.append(name)
        name = min(waits[name])
    cycle = walked[walked.index(name) :]
    first = cycle.index(min(cycle))
    return cycle[first:] + cycle[:first]


def _circular(cycle: list[str], manifests: Mapping[str, Manifest]) -> Problem:
    manifest, following = manifests[cycle[0]], [*cycle[1:], cycle[0]][0]
    message = _("plugins wait for each other: {chain}").format(chain=" -> ".join([*cycle, cycle[0]]))
    key = "requires" if following in manifest.requires else "after"
    hint = _("Take one of them out of `requires` or `after`.")
    return manifest.source.problem((key,), message, code="cycle", hint=hint)
