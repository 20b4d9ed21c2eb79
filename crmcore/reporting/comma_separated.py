"""A report as CSV, for other programs: the table only, values as they are, titles as headers."""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any

from crmcore.i18n import title_in
from crmcore.reporting.outcomes import Computed
from crmcore.reporting.values import json_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.reporting.outcomes import Imprint, Outcome

__all__ = ["render"]

_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_PHONE_NUMBER = re.compile(r"[\d +\-()./]+", re.ASCII)


def render(outcomes: Sequence[Outcome], imprint: Imprint) -> str:  # noqa: ARG001  # every form's signature
    """Return the table of one report; a file of this form holds no more than one.

    A text that a program for tables would take for a formula gets an apostrophe before it, as such programs write it.
    """
    written = io.StringIO(newline="")
    writer = csv.writer(written)
    for outcome in outcomes:
        if isinstance(outcome, Computed):
            writer.writerow(_harmless(title_in(column.titles, column.name)) for column in outcome.report.columns)
            writer.writerows(map(_cell, row) for row in outcome.report.rows)
    return written.getvalue()


def _cell(value: Any) -> Any:
    return _harmless(value) if isinstance(value, str) else json_value(value)


def _harmless(text: str) -> str:
    # An apostrophe that was there already gets one more, so that whoever takes one away has the text again.
    return f"'{text}" if _FORMULA.match(text) and not _PHONE_NUMBER.fullmatch(text) else text
