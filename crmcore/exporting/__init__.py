"""Exporting: records of an entity as a file that importing reads."""

from crmcore.exporting.run import Exported, export_file

__all__ = ["Exported", "export_file"]
