"""What a shell offers in place of names: entities, rules, reports and pipelines of the instance.

A shell cannot show an error: where the instance cannot be loaded, nothing is offered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.cli.instance import Instance
from crmcore.errors import CRMError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from crmcore.registry import Registry

__all__ = ["entities", "pipelines", "reports", "rules"]


def _offering(names: Callable[[Registry], Iterable[str]]) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    def offer(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        from crmcore.cli.logs import logs_hidden  # noqa: PLC0415  # only a shell that completes needs it
        from crmcore.cli.root import config_path  # noqa: PLC0415  # it declares the commands that ask this

        try:
            with logs_hidden():
                known = names(Instance(config_path(ctx.find_root())).registry)
        except CRMError:
            return []
        return sorted(name for name in known if name.startswith(incomplete))

    return offer


entities = _offering(lambda registry: [e.name for e in registry.entities.values() if not e.internal])
rules = _offering(lambda registry: registry.scoring_rules)
reports = _offering(lambda registry: registry.report_types)
pipelines = _offering(lambda registry: registry.pipelines)
