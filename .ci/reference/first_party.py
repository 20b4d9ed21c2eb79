"""What each first-party plugin brings: settings, fields, metrics, rules, pipelines, reports, file formats, rights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entities import fields
from keys import keys_of
from markdown import code, table

from crmcore import Config, load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore import Registry
    from crmcore.types import Importer, Metric, ReportType, ScoringRule

__all__ = ["plugin"]

FOLDER = Path(__file__).resolve().parents[2] / "plugins"


def plugin(name: str) -> str:
    """Return what a plugin declares, with its default settings."""
    manifest = json.loads((FOLDER / f"crmcore_{name}" / "plugin.json").read_text(encoding="utf-8"))
    registry = load(Config(enabled=(name,)))
    mine = f"{name}."
    rules = [rule for rule_name, rule in registry.scoring_rules.items() if rule_name.startswith(mine)]
    parts = [
        manifest["summary"],
        _titled("Settings", _settings(manifest.get("config", {}))),
        _titled("Fields", _fields(registry, name)),
        _titled("Metrics", _metrics(registry.metrics.values())),
        _titled("Scoring rules", _rules(rules)),
        _titled("Pipelines", _pipelines(registry)),
        _titled("Reports and their parameters", _reports(registry.report_types.values())),
        _titled("File formats and their options", _importers(registry.importers.values())),
        _titled("Permissions", _permissions(registry, mine)),
        _titled("Hooks that listen", _listens(manifest.get("listens", {}))),
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def _titled(title: str, body: str) -> str:
    return f"**{title}**\n\n{body}" if body else ""


def _settings(config: Mapping[str, Any], within: str = "") -> str:
    """Return a table for an object of settings, and one for each object inside it."""
    tables = [keys_of(config, config, within=within)]
    for name, one in config.get("properties", {}).items():
        inner = one.get("items", one)
        if inner.get("properties"):
            tables.append(_settings(inner, f"{within}{name}."))
    return "\n".join(tables)


def _fields(registry: Registry, name: str) -> str:
    mine = [
        (entity.name, [field for field in entity.fields.values() if field.origin == name])
        for entity in registry.entities.values()
    ]
    return "\n".join(f"Of {entity}:\n\n{fields(found)}" for entity, found in mine if found)


def _metrics(metrics: Iterable[Metric]) -> str:
    rows = [(code(one.name), one.titles.get("en", ""), one.titles.get("zh-CN", ""), _made(one)) for one in metrics]
    return table(("metric", "title", "标题", "what it is"), rows)


def _made(metric: Metric) -> str:
    if metric.query is not None:
        return "computed by a query of the plugin"
    what = f"{metric.aggregate} of {code(metric.field)}" if metric.field else metric.aggregate
    when = f" in {metric.days} days" if metric.days else ""
    where = f", where {code(metric.where)}" if metric.where else ""
    return f"{what} over {code(metric.relation)}{when}{where}"


def _rules(rules: Iterable[ScoringRule]) -> str:
    rows = [(code(one.name), code(f"{one.entity}.{one.field}"), "; ".join(_said(one))) for one in rules]
    return table(("rule", "writes", "by"), rows)


def _said(rule: ScoringRule) -> Iterator[str]:
    for label in rule.labels:
        yield f"{code(label.value)} where {code(label.condition)}"
    if rule.rank is not None:
        bands = ", ".join(f"{code(band.value)} up to {band.upto:g}" for band in rule.rank.bands)
        yield f"rank by {code(rule.rank.by)}, shares of the {rule.rank.of}: {bands}"
    if rule.expression:
        yield code(rule.expression)
    if rule.otherwise is not None:
        yield f"else {code(rule.otherwise)}"


def _pipelines(registry: Registry) -> str:
    return "\n".join(
        f"{code(one.name)} of {code(f'{one.entity}.{one.field}')}:\n\n"
        + table(
            ("stage", "kind", "win rate", "stale after days", "needs"),
            [
                (code(s.name), s.kind, f"{s.win_rate:g}", str(s.max_days or ""), ", ".join(map(code, s.required)))
                for s in one.stages
            ],
        )
        for one in registry.pipelines.values()
    )


def _reports(reports: Iterable[ReportType]) -> str:
    return "\n".join(f"{code(one.name)}: {one.summary}\n\n{keys_of(one.parameters, one.parameters)}" for one in reports)


def _importers(importers: Iterable[Importer]) -> str:
    return "\n".join(
        f"{code(one.name)}: {', '.join(map(code, one.suffixes))}, {'read and written' if one.write else 'read'}\n\n"
        f"{keys_of(one.options, one.options)}"
        for one in importers
    )


def _permissions(registry: Registry, mine: str) -> str:
    found = [one for name, one in registry.permissions.items() if name.startswith(mine)]
    return table(("permission", "allows"), [(code(one.name), one.summary) for one in found])


def _listens(listens: Mapping[str, list[str]]) -> str:
    rows = [(f"[`{hook}`](hooks.md#{hook})", ", ".join(map(code, names))) for hook, names in listens.items()]
    return table(("hook", "entities"), rows)
