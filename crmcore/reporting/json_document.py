"""Reports as JSON, for other programs: facts, columns, rows and notes; values keep every digit."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from crmcore.i18n import title_in
from crmcore.reporting.outcomes import Computed
from crmcore.reporting.values import json_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.reporting.outcomes import Imprint, Outcome
    from crmcore.types import Column, Fact

__all__ = ["render"]


def render(outcomes: Sequence[Outcome], imprint: Imprint) -> str:  # noqa: ARG001  # every form's signature
    """Return one report as an object, several as an array of them; one that failed has its ``error``."""
    documents = [_document(outcome) for outcome in outcomes]
    return json.dumps(documents[0] if len(documents) == 1 else documents, ensure_ascii=False, indent=2) + "\n"


def _document(outcome: Outcome) -> dict[str, Any]:
    named = {"name": outcome.declared.name, "title": outcome.title}
    if not isinstance(outcome, Computed):
        return {**named, "error": outcome.error.as_json()}
    report = outcome.report
    names = [column.name for column in report.columns]
    return {
        **named,
        "parameters": {name: json_value(value) for name, value in outcome.parameters.items()},
        "facts": [{**_heading(fact), "value": json_value(fact.value)} for fact in report.facts],
        "columns": [_heading(column) for column in report.columns],
        "rows": [dict(zip(names, map(json_value, row), strict=True)) for row in report.rows],
        "notes": list(report.notes),
    }


def _heading(named: Column | Fact) -> dict[str, str]:
    return {"name": named.name, "title": title_in(named.titles, named.name), "kind": named.kind}
