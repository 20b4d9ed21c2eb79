"""Reports as Markdown with the tables of GitHub's dialect, for mails, tickets and wikis."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.reporting.outcomes import Computed
from crmcore.reporting.values import RIGHT, cell_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crmcore.reporting.outcomes import Imprint, Outcome
    from crmcore.types import Report

__all__ = ["render"]

# An underscore inside a word is one; `abc.at_risk` stays readable as text.
_MARKUP = re.compile(r"[\\`*\[\]<>|&~]|(?<!\w)_|_(?!\w)")
_BLOCK_START = re.compile(r"^(\d*)([#+\-=.)])")
"""What would begin a heading, a list or a rule at the start of a line."""


def render(outcomes: Sequence[Outcome], imprint: Imprint) -> str:  # noqa: ARG001  # every form's signature
    """Return the reports one after another: facts as a list, the table, notes."""
    return "\n".join(line for outcome in outcomes for line in _lines(outcome))


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"# {_text(outcome.title)}\n"
    if not isinstance(outcome, Computed):
        reason = _("This report could not be computed: {reason}").format(reason=outcome.error.message)
        yield f"{_line(reason)}\n"
        return
    report = outcome.report
    for fact in report.facts:
        yield f"- {_line(title_in(fact.titles, fact.name))}: **{_text(value_text(fact.kind, fact.value))}**"
    if report.facts:
        yield ""
    yield from _table(report)
    yield ""
    for note in report.notes:
        yield f"{_line(note)}\n"


def _table(report: Report) -> Iterator[str]:
    yield _row(_text(title_in(column.titles, column.name)) for column in report.columns)
    yield _row("---:" if column.kind in RIGHT else "---" for column in report.columns)
    for row in report.rows:
        yield _row(_text(cell_text(c, value)) for c, value in zip(report.columns, row, strict=True))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(text: str) -> str:
    """Return a text inside a line or a cell that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def _line(text: str) -> str:
    """Return a text that Markdown shows as it is, where a line begins."""
    return _BLOCK_START.sub(r"\1\\\2", _text(text))
