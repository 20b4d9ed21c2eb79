"""Declarations that cross the plugin boundary: what plugins return to the core and what hooks are given.

Frozen values without behaviour and without I/O. A plugin builds them, the core collects them once and freezes
them in the registry. Importing this package costs attrs and nothing else.
"""

from crmcore.types.batches import Batch, Change, Transaction
from crmcore.types.following import Reminder, TimelineEntry
from crmcore.types.importing import Importer, SourceHeader, SourceRow, WriteRows
from crmcore.types.pipelines import Pipeline, Stage
from crmcore.types.plugin import Plugin
from crmcore.types.reports import AS_OF, Chart, Column, Fact, Report, ReportType, ValueKind
from crmcore.types.rights import AccessRule, Permission
from crmcore.types.scoring import Band, Label, Metric, MetricQuery, Rank, ScoringRule
from crmcore.types.values import HIDDEN, SYSTEM, Action, Actor, Event, Hidden, Problem, Ref

__all__ = [
    "AS_OF",
    "HIDDEN",
    "SYSTEM",
    "AccessRule",
    "Action",
    "Actor",
    "Band",
    "Batch",
    "Change",
    "Chart",
    "Column",
    "Event",
    "Fact",
    "Hidden",
    "Importer",
    "Label",
    "Metric",
    "MetricQuery",
    "Permission",
    "Pipeline",
    "Plugin",
    "Problem",
    "Rank",
    "Ref",
    "Reminder",
    "Report",
    "ReportType",
    "ScoringRule",
    "SourceHeader",
    "SourceRow",
    "Stage",
    "TimelineEntry",
    "Transaction",
    "ValueKind",
    "WriteRows",
]
