"""Hooks that declare something: called once, while the registry is made."""

# mypy: disable-error-code="empty-body"
# Specifications have no body: pluggy reads their names and arguments.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.types import Importer, Metric, Permission, Pipeline, ReportType, ScoringRule

__all__ = [
    "crm_importers",
    "crm_metrics",
    "crm_permissions",
    "crm_pipelines",
    "crm_report_types",
    "crm_scoring_rules",
]


@hookspec
def crm_metrics(settings: Mapping[str, Any]) -> Iterable[Metric]:
    """Declare numbers and days that describe records, for scoring rules and for reports.

    Called once while the registry is made. An exception breaks the plugin: start is refused when it owns schemas,
    validation or access rules, else it is named in `Registry.broken` and the rest runs.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Metrics named ``<plugin>.<metric>``.

    Raises:
        Exception: becomes a `PluginError` with the plugin's name.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Metric
        >>> @hookimpl
        ... def crm_metrics(settings):
        ...     yield Metric(name="abc.revenue", entity="customer", relation="orders", aggregate="sum", field="amount")
        >>> [metric.name for metric in crm_metrics(settings={})]
        ['abc.revenue']
    """


@hookspec
def crm_scoring_rules(settings: Mapping[str, Any]) -> Iterable[ScoringRule]:
    """Declare rules that give records a label, a rank or a number.

    Called once while the registry is made. Each rule writes a field whose schema says that this plugin or rule
    computes it. Conditions and calculations are compiled at once; a mistake is reported
    with plugin, rule and label.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Rules named ``<plugin>.<rule>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Label, ScoringRule
        >>> @hookimpl
        ... def crm_scoring_rules(settings):
        ...     labels = [Label(name, condition) for name, condition in settings["classes"].items()]
        ...     return [ScoringRule(name="abc.class", entity="customer", field="abc_class", labels=labels)]
        >>> [rule] = crm_scoring_rules(settings={"classes": {"A": "revenue_365d >= 100000"}})
        >>> rule.labels[0].condition
        'revenue_365d >= 100000'
    """


@hookspec
def crm_pipelines(settings: Mapping[str, Any]) -> Iterable[Pipeline]:
    """Declare pipelines: the stages of a field, with win rates, required fields, allowed moves and ageing.

    Called once while the registry is made. From then on every save of such a record, an import included, is held to
    its pipeline: who moves it may only go where the stage allows, with the fields that the new stage requires.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Pipelines named ``<plugin>.<pipeline>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Pipeline, Stage
        >>> @hookimpl
        ... def crm_pipelines(settings):
        ...     stages = [Stage(name="asked", win_rate=0.2), Stage(name="given", kind="won", required=["amount"])]
        ...     yield Pipeline(name="grants.application", entity="application", field="stage", stages=stages)
        >>> [pipeline.stages[1].kind for pipeline in crm_pipelines(settings={})]
        ['won']
    """


@hookspec
def crm_importers() -> Iterable[Importer]:
    """Declare readers of file formats.

    Called once while the registry is made. Readers are named after their format (``csv``), not after the plugin.

    Returns:
        Readers; each yields the header, then rows, and a `Problem` for every row that it cannot read.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Importer, SourceHeader, SourceRow
        >>> def read(path, options):
        ...     yield SourceHeader(["name"])
        ...     for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        ...         yield SourceRow(number, {"name": line})
        >>> @hookimpl
        ... def crm_importers():
        ...     return [Importer(name="names", suffixes=[".txt"], read=read)]
        >>> crm_importers()[0].suffixes
        ('.txt',)
    """


@hookspec
def crm_report_types(settings: Mapping[str, Any]) -> Iterable[ReportType]:
    """Declare reports that ``crmcore report run`` offers; called once while the registry is made.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Report types named ``<plugin>.<report>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Column, Report, ReportType
        >>> def count(tx, parameters):
        ...     return Report(titles={"en": "Customers"}, columns=[Column(name="n", kind="integer")], rows=[[3]])
        >>> @hookimpl
        ... def crm_report_types(settings):
        ...     return [ReportType(name="abc.count", summary="How many customers there are.", compute=count)]
        >>> crm_report_types(settings={})[0].compute(None, {}).rows
        ([3],)
    """


@hookspec
def crm_permissions() -> Iterable[Permission]:
    """Declare named rights besides the four actions on entities, which roles in ``crm.toml`` may be granted.

    ``grants = ["abc.run"]`` in a role gives one; administrators have all. The plugin asks for it where it matters, with
    ``tx.granted("abc.run")``.

    Returns:
        Permissions named ``<plugin>.<permission>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore import hookimpl
        >>> from crmcore.types import Permission
        >>> @hookimpl
        ... def crm_permissions():
        ...     return [Permission("abc.run", "Run the classification.")]
        >>> crm_permissions()[0].name
        'abc.run'
    """
