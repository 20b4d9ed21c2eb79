"""Metrics as SQL: numbers and days that describe records, made from related ones when they are asked for.

Aggregates are :mod:`crmcore.metrics.aggregates`', SELECTs of plugins :mod:`crmcore.metrics.queries`'; both become
columns, of one statement in :mod:`crmcore.metrics.table`, of all those of a run in :mod:`crmcore.metrics.kept`. Nothing
stays stored.
"""

from crmcore.metrics.kept import kept_metrics
from crmcore.metrics.queries import query_tables
from crmcore.metrics.scans import MetricTable
from crmcore.metrics.table import metric_named, metric_table, metric_values

__all__ = ["MetricTable", "kept_metrics", "metric_named", "metric_table", "metric_values", "query_tables"]
