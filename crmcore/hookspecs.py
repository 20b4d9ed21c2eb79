"""The hooks: every function that a plugin may implement, and when the core calls it.

Specifications only; :mod:`crmcore.registry` calls them, plugin by plugin, in the order of start-up. Three kinds:
declarations are collected once and frozen, lifecycle hooks are called with batches of records, questions are asked
when an answer is needed. A hook in `LISTENED` is called only for the entities that the plugin's ``plugin.json`` names
under ``listens``.

An exception that is not a `crmcore.errors.CRMError` becomes a `crmcore.errors.PluginError`, which names plugin,
version and hook. A `CRMError` that a hook raises on purpose (`ValidationError`, `AccessDenied`) reaches the caller
unchanged. Wrappers and ``tryfirst``/``trylast`` are refused: the order of plugins is ``after`` in ``plugin.json``.
"""

# mypy: disable-error-code="empty-body"
# Specifications have no body: pluggy reads their names and arguments.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from crmcore.types import AccessRule, Importer, Metric, Permission, Problem, ReportType, ScoringRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.types import Action, Actor, Batch, Event, Transaction

__all__ = ["DECLARATIONS", "HOOKS", "ISOLATED", "LISTENED", "PROJECT", "RETURNS", "hookimpl", "hookspec"]

PROJECT = "crmcore"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

DECLARATIONS: Mapping[str, type] = {
    "crm_metrics": Metric,
    "crm_scoring_rules": ScoringRule,
    "crm_importers": Importer,
    "crm_report_types": ReportType,
    "crm_permissions": Permission,
}
"""Hooks that are called once, while the registry is made, and what each returns an iterable of."""

RETURNS: Mapping[str, type] = {**DECLARATIONS, "crm_validate": Problem, "crm_access_rules": AccessRule}
"""Hooks that return an iterable, and of what; all others return nothing."""

ISOLATED = frozenset({"crm_committed", "crm_shutdown"})
"""Hooks whose failure is logged and reported, and stops nothing else: what they follow has already happened."""

_WRITING = frozenset({"crm_before_validate", "crm_validate", "crm_before_save", "crm_after_save", "crm_computed"})
LISTENED = _WRITING | {"crm_committed", "crm_access_rules"}
"""Hooks that are called for one entity, and only where ``listens`` names it (or ``*``)."""


@hookspec
def crm_metrics(settings: Mapping[str, Any]) -> Iterable[Metric]:
    """Declare aggregates of related records, for conditions of scoring rules and for reports.

    Called once while the registry is made. An exception breaks the plugin: start is refused when it owns schemas,
    validation or access rules, else it is named in `Registry.broken` and the rest runs.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Metrics named ``<plugin>.<metric>``.

    Raises:
        Exception: becomes a `PluginError` with the plugin's name.

    Example:
        >>> @hookimpl
        ... def crm_metrics(settings):
        ...     yield Metric(name="abc.revenue", entity="customer", relation="orders", aggregate="sum", field="amount")
        >>> [metric.name for metric in crm_metrics(settings={})]
        ['abc.revenue']
    """


@hookspec
def crm_scoring_rules(settings: Mapping[str, Any]) -> Iterable[ScoringRule]:
    """Declare rules that give records a label.

    Called once while the registry is made. Each rule writes a field whose schema says that this plugin or rule
    computes it. Conditions are compiled at once; a mistake is reported with plugin, rule and label.

    Args:
        settings: the plugin's table in ``crm.toml``, defaults filled in.

    Returns:
        Rules named ``<plugin>.<rule>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore.types import Label
        >>> @hookimpl
        ... def crm_scoring_rules(settings):
        ...     labels = [Label(name, condition) for name, condition in settings["classes"].items()]
        ...     return [ScoringRule(name="abc.class", entity="customer", field="abc_class", labels=labels)]
        >>> [rule] = crm_scoring_rules(settings={"classes": {"A": "revenue_365d >= 100000"}})
        >>> rule.labels[0].condition
        'revenue_365d >= 100000'
    """


@hookspec
def crm_importers() -> Iterable[Importer]:
    """Declare readers of file formats.

    Called once while the registry is made. Readers are named after their format (``csv``), not after the plugin.

    Returns:
        Readers; each yields rows, and a `Problem` for every row that it cannot read.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> from crmcore.types import SourceRow
        >>> def read(path):
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
        >>> from crmcore.types import Column, Report
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

    Returns:
        Permissions named ``<plugin>.<permission>``.

    Raises:
        Exception: becomes a `PluginError` and breaks the plugin, as in `crm_metrics`.

    Example:
        >>> @hookimpl
        ... def crm_permissions():
        ...     return [Permission("abc.run", "Run the classification.")]
        >>> crm_permissions()[0].name
        'abc.run'
    """


@hookspec
def crm_before_validate(tx: Transaction, batch: Batch) -> None:
    """Bring values into the form in which they shall be judged and stored (`Change.set`).

    Called for every batch of an entity in ``listens``, before validation, inside the transaction.

    Args:
        tx: the transaction: it reads and saves, and cannot commit.
        batch: the records; a batch of one for a single save.

    Raises:
        Exception: nothing of the batch is written.

    Example:
        >>> @hookimpl
        ... def crm_before_validate(tx, batch):
        ...     for change in batch:
        ...         if change.after.get("code"):
        ...             change.set("code", change.after["code"].upper())
    """


@hookspec
def crm_validate(tx: Transaction, batch: Batch) -> Iterable[Problem]:
    """Judge records beyond what their schema says.

    Called for every batch of an entity in ``listens``; its problems are reported together with the schema's own.

    Args:
        tx: the transaction.
        batch: the records.

    Returns:
        What `Change.problem` made; nothing where all is well.

    Raises:
        Exception: nothing of the batch is written.

    Example:
        >>> @hookimpl
        ... def crm_validate(tx, batch):
        ...     for change in batch:
        ...         if change.after["order_date"] > tx.today:
        ...             yield change.problem("lies in the future", field="order_date")
        >>> list(crm_validate(tx=None, batch=[]))
        []
    """


@hookspec
def crm_before_save(tx: Transaction, batch: Batch) -> None:
    """Act on records that are valid and about to be stored.

    Called for every batch of an entity in ``listens``. It may set more; what it touches is validated again.

    Args:
        tx: the transaction.
        batch: the records.

    Raises:
        Exception: the save is aborted and nothing of the batch is written.

    Example:
        >>> @hookimpl
        ... def crm_before_save(tx, batch):
        ...     for change in batch:
        ...         change.set("checked_on", tx.today)
    """


@hookspec
def crm_after_save(tx: Transaction, batch: Batch) -> None:
    """Follow a save with more work in the same transaction.

    Called for every batch of an entity in ``listens``, when its rows are written and not yet committed.

    Args:
        tx: the transaction.
        batch: the records, with their ids.

    Raises:
        Exception: the transaction is rolled back, the save included.

    Example:
        >>> @hookimpl
        ... def crm_after_save(tx, batch):
        ...     for change in batch:
        ...         tx.create("activity", {"subject": f"{batch.entity}:{change.id}", "kind": batch.action})
    """


@hookspec
def crm_computed(tx: Transaction, batch: Batch) -> None:
    """Follow a change of labels and scores, in the same transaction.

    Called for every batch of an entity in ``listens`` whose computed fields a rule has written.

    Args:
        tx: the transaction.
        batch: the records whose values differ; action ``computed``.

    Raises:
        Exception: the transaction is rolled back, the computed values included.

    Example:
        >>> @hookimpl
        ... def crm_computed(tx, batch):
        ...     for change in batch:
        ...         tx.update(batch.entity, change.id, {"follow_up": tx.today})
    """


@hookspec
def crm_committed(crm: Any, events: Sequence[Event]) -> None:
    """Tell the world outside what was committed: mail, webhooks, search indexes.

    Called from the outbox after the commit, at least once for each event of an entity in ``listens``; a receiver that
    keeps the ids it has seen handles each once. Isolated: a failure is logged, and the events are delivered again.

    Args:
        crm: the CRM.
        events: events of one entity, oldest first.

    Raises:
        Exception: logged with the plugin's name; other plugins are called all the same.

    Example:
        >>> @hookimpl
        ... def crm_committed(crm, events):
        ...     print(*(event.action for event in events))
    """


@hookspec
def crm_migrate(tx: Transaction, from_version: str) -> None:
    """Bring a plugin's own records into the form that its new version expects.

    Called inside ``crmcore db upgrade``, after the tables have changed, when the installed version differs.

    Args:
        tx: the transaction of the upgrade.
        from_version: version of the plugin that wrote the records.

    Raises:
        Exception: the upgrade is rolled back.

    Example:
        >>> @hookimpl
        ... def crm_migrate(tx, from_version):
        ...     tx.update_where("visit", "kind is empty", {"kind": "call"})
    """


@hookspec
def crm_access_rules(actor: Actor, action: Action, entity: str) -> Iterable[AccessRule]:
    """Allow or forbid an actor rows of an entity, beside the roles in ``crm.toml``.

    Called when an actor's rights on an entity in ``listens`` are worked out. The conditions may not use metrics.

    Args:
        actor: who acts; never the system, which no rule restricts.
        action: ``create``, ``read``, ``update`` or ``delete``.
        entity: name of the entity.

    Returns:
        Rules. A row is admitted where a rule or role allows it and no rule forbids it.

    Raises:
        Exception: access is denied: nothing is read or written.

    Example:
        >>> @hookimpl
        ... def crm_access_rules(actor, action, entity):
        ...     if action == "delete":
        ...         yield AccessRule(where="locked = true", effect="forbid", reason="locked by accounting")
        >>> [rule.effect for rule in crm_access_rules(actor=None, action="delete", entity="order")]
        ['forbid']
    """


@hookspec
def crm_startup(crm: Any) -> None:
    """Prepare what the plugin needs while a CRM is open.

    Called once for every CRM that is opened, when its database is up to date.

    Args:
        crm: the CRM.

    Raises:
        Exception: the CRM is not opened.

    Example:
        >>> @hookimpl
        ... def crm_startup(crm):
        ...     print("ready")
        >>> crm_startup(crm=None)
        ready
    """


@hookspec
def crm_shutdown(crm: Any) -> None:
    """Let go of what `crm_startup` took.

    Called once for every CRM that is closed. Isolated: every plugin is called, whatever the others do.

    Args:
        crm: the CRM.

    Raises:
        Exception: logged with the plugin's name.

    Example:
        >>> @hookimpl
        ... def crm_shutdown(crm):
        ...     print("closed")
    """


HOOKS = frozenset(name for name in globals() if name.startswith("crm_"))
"""Names of all hooks."""
