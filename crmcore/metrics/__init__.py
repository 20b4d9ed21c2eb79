"""Metrics as SQL: numbers and days that describe records, made from related ones when they are asked for.

Aggregates are :mod:`crmcore.metrics.aggregates`', SELECTs of plugins :mod:`crmcore.metrics.queries`'; both become
columns in :mod:`crmcore.metrics.table`. Nothing is stored here.
"""

from crmcore.metrics.queries import query_tables
from crmcore.metrics.table import MetricTable, metric_named, metric_table, metric_values

__all__ = ["MetricTable", "metric_named", "metric_table", "metric_values", "query_tables"]
