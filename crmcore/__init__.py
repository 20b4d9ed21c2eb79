"""crmcore: the CRM that you extend instead of fork.

Plugins and applications import from here, from :mod:`crmcore.types`, :mod:`crmcore.errors` and
:mod:`crmcore.testing`; everything else may change without notice. Names are loaded when they are first used, so that
``import crmcore`` costs nothing: SQLAlchemy and jsonschema come with the first CRM that is opened.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from crmcore.version import __version__

if TYPE_CHECKING:
    from crmcore.app import CRM
    from crmcore.conditions.functions import day_number
    from crmcore.config import Config, read_config
    from crmcore.encodings import Encoding, EncodingError, codec_name, detect_encoding
    from crmcore.exporting import Exported, export_file
    from crmcore.hookspecs import hookimpl
    from crmcore.i18n import gettext, ngettext, speaking
    from crmcore.importing import ImportResult, RejectReason, UndoResult, import_file, undo_import
    from crmcore.metrics import metric_values
    from crmcore.pipelines import Board, StageFigures, board, stage_moves, stage_since, stage_titles
    from crmcore.records.session import Session
    from crmcore.registry import Registry, load
    from crmcore.reporting import run_report
    from crmcore.schema.records import Record
    from crmcore.scoring import ScoringRun, run_rules

__all__ = [
    "CRM",
    "Board",
    "Config",
    "Encoding",
    "EncodingError",
    "Exported",
    "ImportResult",
    "Record",
    "Registry",
    "RejectReason",
    "ScoringRun",
    "Session",
    "StageFigures",
    "UndoResult",
    "__version__",
    "board",
    "codec_name",
    "day_number",
    "detect_encoding",
    "export_file",
    "gettext",
    "hookimpl",
    "import_file",
    "load",
    "metric_values",
    "ngettext",
    "read_config",
    "run_report",
    "run_rules",
    "speaking",
    "stage_moves",
    "stage_since",
    "stage_titles",
    "undo_import",
]

_HOMES = {
    "day_number": "crmcore.conditions.functions",
    "Board": "crmcore.pipelines",
    "CRM": "crmcore.app",
    "Config": "crmcore.config",
    "Encoding": "crmcore.encodings",
    "EncodingError": "crmcore.encodings",
    "Exported": "crmcore.exporting",
    "ImportResult": "crmcore.importing",
    "Record": "crmcore.schema.records",
    "Registry": "crmcore.registry",
    "RejectReason": "crmcore.importing",
    "ScoringRun": "crmcore.scoring",
    "Session": "crmcore.records.session",
    "StageFigures": "crmcore.pipelines",
    "UndoResult": "crmcore.importing",
    "board": "crmcore.pipelines",
    "codec_name": "crmcore.encodings",
    "detect_encoding": "crmcore.encodings",
    "export_file": "crmcore.exporting",
    "gettext": "crmcore.i18n",
    "hookimpl": "crmcore.hookspecs",
    "import_file": "crmcore.importing",
    "load": "crmcore.registry",
    "metric_values": "crmcore.metrics",
    "ngettext": "crmcore.i18n",
    "read_config": "crmcore.config",
    "run_report": "crmcore.reporting",
    "run_rules": "crmcore.scoring",
    "speaking": "crmcore.i18n",
    "stage_moves": "crmcore.pipelines",
    "stage_since": "crmcore.pipelines",
    "stage_titles": "crmcore.pipelines",
    "undo_import": "crmcore.importing",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
