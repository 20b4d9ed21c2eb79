"""Reports as an Excel workbook, a sheet for each, written by XlsxWriter where the extra ``xlsx`` is installed.

Numbers, amounts and days are cells of their kind; texts are never formulas.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.reporting.outcomes import Computed
from crmcore.reporting.values import json_value, titled_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

    from crmcore.reporting.outcomes import Imprint, Outcome
    from crmcore.types import Report
    from crmcore.types.reports import ValueKind

__all__ = ["render"]

_NUMBER_FORMATS: Mapping[ValueKind, str] = {
    "integer": "#,##0",
    "money": "#,##0.00",
    "share": "0.0%",
    "date": "yyyy-mm-dd",
}
_NAME_LENGTH = 31
"""Characters of a sheet's name, Excel's limit."""
_FORBIDDEN = re.compile(r"[\[\]:*?/\\]")
_COLUMN_WIDTH = 18
_MOST_ROWS = 1_048_576
_LONGEST_TEXT = 32_767
_FIRST_YEAR = 1900
"""Excel knows no day before it."""


@frozen
class _Sheet:
    """A sheet that is being filled, and the workbook's formats."""

    sheet: Worksheet
    heading: Format
    kinds: Mapping[ValueKind, Format]

    def put(self, row: int, column: int, value: Any, kind: ValueKind = "text", form: Format | None = None) -> None:
        form = form or self.kinds.get(kind)
        if isinstance(value, dt.date) and value.year >= _FIRST_YEAR:
            self.sheet.write_datetime(row, column, value, form)
        elif isinstance(value, int | float | Decimal):
            self.sheet.write_number(row, column, float(value), form)
        elif value is not None:
            self.sheet.write_string(row, column, str(json_value(value))[:_LONGEST_TEXT], form)


def render(outcomes: Sequence[Outcome], imprint: Imprint) -> bytes:
    """Return the workbook.

    Raises:
        UsageError: XlsxWriter is not installed, or a report has more rows than a sheet.
    """
    try:
        from xlsxwriter.workbook import Workbook  # noqa: PLC0415  # for this form only
    except ImportError as error:
        raise UsageError(
            _("workbooks need the package XlsxWriter, which is not installed"),
            hint=_('Run `pip install "crmcore[xlsx]"`.'),
        ) from error
    written = io.BytesIO()
    with Workbook(written, {"in_memory": True}) as workbook:
        workbook.set_properties({"author": imprint.instance, "created": imprint.at.replace(tzinfo=None)})
        heading = workbook.add_format({"bold": True})
        kinds = {kind: workbook.add_format({"num_format": form}) for kind, form in _NUMBER_FORMATS.items()}
        for number, outcome in enumerate(outcomes, start=1):
            _fill(_Sheet(_add_sheet(workbook, number, outcome.title), heading, kinds), outcome)
    return written.getvalue()


def _add_sheet(workbook: Workbook, number: int, title: str) -> Worksheet:
    name = base = _FORBIDDEN.sub(" ", title)[:_NAME_LENGTH].strip("' ")
    taken = {sheet.get_name().casefold() for sheet in workbook.worksheets()} | {"history", ""}
    while name.casefold() in taken:
        name = f"{base[: _NAME_LENGTH - 6]} {number}".strip()
        number += 1
    sheet = workbook.add_worksheet(name)
    sheet.set_column(0, 0, 2 * _COLUMN_WIDTH)
    sheet.set_column(1, 50, _COLUMN_WIDTH)
    return sheet


def _fill(sheet: _Sheet, outcome: Outcome) -> None:
    sheet.put(0, 0, outcome.title, form=sheet.heading)
    if not isinstance(outcome, Computed):
        reason = _("This report could not be computed: {reason}").format(reason=outcome.error.message)
        sheet.put(2, 0, reason)
        return
    report = outcome.report
    for row, fact in enumerate(report.facts, start=2):
        sheet.put(row, 0, title_in(fact.titles, fact.name))
        sheet.put(row, 1, fact.value, fact.kind)
    last = _fill_table(sheet, report, top=2 + len(report.facts) + bool(report.facts))
    for row, note in enumerate(report.notes, start=last + 2):
        sheet.put(row, 0, note)


def _fill_table(sheet: _Sheet, report: Report, top: int) -> int:
    """Write the table with its header in row `top` and return its last row."""
    last = top + len(report.rows)
    if last >= _MOST_ROWS:
        raise UsageError(
            _("{rows} rows are more than a sheet holds").format(rows=len(report.rows)), hint=_("Write CSV or JSON.")
        )
    for number, column in enumerate(report.columns):
        sheet.put(top, number, title_in(column.titles, column.name), form=sheet.heading)
    for row, values in enumerate(report.rows, start=top + 1):
        for number, (column, value) in enumerate(zip(report.columns, values, strict=True)):
            sheet.put(row, number, titled_value(column, value), column.kind)
    if report.rows:
        sheet.sheet.autofilter(top, 0, last, len(report.columns) - 1)
    return last
