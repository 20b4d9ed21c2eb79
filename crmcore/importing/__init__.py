"""Importing: a file's rows through a plan, coercion and matching into the first write door; and taking it back."""

from crmcore.importing.mapping import field_called
from crmcore.importing.plan import Plan, as_mapping_file
from crmcore.importing.planning import plan_file
from crmcore.importing.progress import Progress
from crmcore.importing.result import ImportResult
from crmcore.importing.run import import_file
from crmcore.importing.undo import UndoResult, undo_import
from crmcore.store.imports import RejectReason

__all__ = [
    "ImportResult",
    "Plan",
    "Progress",
    "RejectReason",
    "UndoResult",
    "as_mapping_file",
    "field_called",
    "import_file",
    "plan_file",
    "undo_import",
]
