"""Whether what is declared fits the entities, and the entities that hooks listen to.

What is asked of metrics, rules, pipelines and reports is :mod:`crmcore.registry.metric_checks`',
:mod:`crmcore.registry.rule_checks`', :mod:`crmcore.registry.pipeline_checks`' and
:mod:`crmcore.registry.report_checks`'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.conformance import did_you_mean
from crmcore.i18n import gettext as _
from crmcore.registry.metric_checks import metric_problems
from crmcore.registry.pipeline_checks import pipeline_problems
from crmcore.registry.report_checks import report_problems
from crmcore.registry.rule_checks import rule_problems

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.config import Config
    from crmcore.manifest import Manifest
    from crmcore.registry.declarations import Declarations
    from crmcore.schema.model import Entity
    from crmcore.types import Problem

__all__ = ["declaration_problems", "listening_problems"]


def declaration_problems(declared: Declarations, entities: Mapping[str, Entity], config: Config) -> Iterator[Problem]:
    """Yield what is wrong with what is declared, each problem with the plugin that it belongs to, if with any."""
    sound = {}
    for name, metric in declared.metrics.items():
        problems = [*metric_problems(metric, entities, config)]
        yield from problems
        if not problems:
            sound[name] = metric
    yield from rule_problems(declared.scoring_rules, entities, sound, config)
    yield from pipeline_problems(declared.pipelines, entities, config)
    yield from report_problems(declared.report_types)


def listening_problems(
    manifest: Manifest, entities: Mapping[str, Entity], running: Mapping[str, object]
) -> tuple[list[Problem], list[Problem]]:
    """Return the entities under ``listens`` that there are not, as problems or as warnings.

    They are warnings where the plugin comes ``after`` one that is not enabled: the entity may be that plugin's.
    """
    found = []
    for hook, names in manifest.listens.items():
        for index, name in enumerate(names):
            if name != "*" and name not in entities:
                message = _("`{hook}` listens to `{name}`, which is no entity").format(hook=hook, name=name)
                hint = did_you_mean(name, entities)
                found.append(manifest.source.problem(("listens", hook, index), message, code="entity", hint=hint))
    optional = any(other not in running for other in manifest.after)
    return ([], found) if optional else (found, [])
