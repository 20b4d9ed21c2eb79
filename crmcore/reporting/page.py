"""Reports as one self-contained HTML page that is read on a screen, on a phone and on paper. No network, no scripts.

How it looks is ``page.css``, which is put into the page; charts are drawn by :mod:`crmcore.reporting.charts`.
"""

from __future__ import annotations

import re
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from crmcore.i18n import current_language, title_in
from crmcore.i18n import gettext as _
from crmcore.reporting import charts
from crmcore.reporting.outcomes import Computed
from crmcore.reporting.parameters import parameter_title
from crmcore.reporting.values import RIGHT, cell_text, plain_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from crmcore.reporting.outcomes import Imprint, Outcome
    from crmcore.types import Chart, Column, Report
    from crmcore.types.reports import ValueKind

__all__ = ["render"]

# Whatever a value or a chart may hold, a browser loads nothing and runs nothing.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_CLASSES: Mapping[ValueKind, str] = {**dict.fromkeys(RIGHT, "number"), "date": "whole", "ref": "whole", "text": "text"}
"""How the cells of a kind are set: at the right in figures of one width, never broken into lines, or in lines."""
_LONG = 24
"""Characters of a text that is set in lines of a width for reading: a phone would make a tower of it."""
_CODE = re.compile(r"`([^`\n]+)`")


def render(outcomes: Sequence[Outcome], imprint: Imprint) -> str:
    """Return the page; with several reports it has a table of contents."""
    single = outcomes[0] if len(outcomes) == 1 else None
    title = single.title if single else _("Reports")
    body = [
        "<header>",
        f'<p class="instance">{escape(imprint.instance)}</p>',
        f"<h1>{escape(title)}</h1>",
        f'<p class="imprint">{escape(_imprint(outcomes, imprint))}</p>',
        "</header>",
        *(() if single else _contents(outcomes)),
        "<main>",
        *(line for outcome in outcomes for line in _section(outcome, titled=single is None)),
        "</main>",
    ]
    head = [
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)} · {escape(imprint.instance)}</title>",
        f"<style>\n{_style()}</style>",
    ]
    language = escape(current_language())
    return (
        "\n".join(
            [
                "<!doctype html>",
                f'<html lang="{language}">',
                "<head>",
                *head,
                "</head>",
                "<body>",
                *body,
                "</body>",
                "</html>",
            ]
        )
        + "\n"
    )


@cache
def _style() -> str:
    return Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def _imprint(outcomes: Sequence[Outcome], imprint: Imprint) -> str:
    said = [f"{imprint.at:%Y-%m-%d %H:%M}", _("as {login} may see it").format(login=imprint.login)]
    reports = [outcome.report for outcome in outcomes if isinstance(outcome, Computed)]
    columns = (column.kind for report in reports for column in report.columns)
    facts = (fact.kind for report in reports for fact in report.facts)
    if "money" in (*columns, *facts):
        said.append(_("amounts in {currency}").format(currency=imprint.currency))
    return " · ".join(said)


def _contents(outcomes: Sequence[Outcome]) -> Iterator[str]:
    label = _("Contents")
    yield f'<nav aria-label="{escape(label)}"><ol>'
    for outcome in outcomes:
        yield f'<li><a href="#{escape(outcome.declared.name)}">{escape(outcome.title)}</a></li>'
    yield "</ol></nav>"


def _section(outcome: Outcome, *, titled: bool) -> Iterator[str]:
    name = escape(outcome.declared.name)
    yield f'<section id="{name}">'
    if titled:
        yield f"<h2>{escape(outcome.title)}</h2>"
    if isinstance(outcome, Computed):
        yield from _parameters(outcome)
        yield from _facts(outcome.report)
        yield from _charts(outcome)
        yield from _table(outcome)
        yield from (f'<p class="note">{_sentence(note)}</p>' for note in outcome.report.notes)
    else:
        reason = _("This report could not be computed: {reason}").format(reason=outcome.error.message)
        yield f'<p class="warning">{_sentence(reason)}</p>'
    yield "</section>"


def _parameters(outcome: Computed) -> Iterator[str]:
    named = (f"{parameter_title(outcome.declared, name)}: {plain_text(v)}" for name, v in outcome.parameters.items())
    said = " · ".join(named)
    if said:
        yield f'<p class="parameters">{escape(said)}</p>'


def _facts(report: Report) -> Iterator[str]:
    if report.facts:
        yield '<dl class="facts">'
        for fact in report.facts:
            title, value = title_in(fact.titles, fact.name), value_text(fact.kind, fact.value)
            yield f"<div><dt>{escape(title)}</dt><dd>{escape(value)}</dd></div>"
        yield "</dl>"


def _charts(outcome: Computed) -> Iterator[str]:
    if outcome.report.charts and not charts.can_draw():
        yield f'<p class="warning">{_sentence(charts.missing_extra())}</p>'
        return
    for number, chart in enumerate(outcome.report.charts, start=1):
        yield from _figure(outcome, number, chart)


def _figure(outcome: Computed, number: int, chart: Chart) -> Iterator[str]:
    title = title_in(chart.titles, outcome.title)
    drawn = charts.draw(outcome.report, chart, label=title, prefix=f"{outcome.declared.name}-{number}-")
    yield f"<figure><figcaption>{escape(title)}</figcaption>"
    if drawn is None:
        said = _("This chart could not be drawn; the table has its values.")
        yield f'<p class="warning">{escape(said)}</p>'
    else:
        yield f'<div class="scroll chart">{drawn}</div>'
    yield "</figure>"


def _table(outcome: Computed) -> Iterator[str]:
    report = outcome.report
    if not report.rows:
        said = _("There is nothing to show.")
        yield f'<p class="empty">{escape(said)}</p>'
        return
    yield f'<div class="scroll" role="region" tabindex="0" aria-label="{escape(outcome.title)}"><table>'
    heads = (_cell("th", c, title_in(c.titles, c.name), ' scope="col"') for c in report.columns)
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for row in report.rows:
        cells = (_cell("td", c, cell_text(c, value)) for c, value in zip(report.columns, row, strict=True))
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table></div>"


def _cell(tag: str, column: Column, text: str, attributes: str = "") -> str:
    kind = _CLASSES.get(column.kind)
    if kind == "text" and tag == "td" and len(text) > _LONG:
        kind = "text long"
    set_as = f' class="{kind}"' if kind else ""
    return f"<{tag}{set_as}{attributes}>{escape(text)}</{tag}>"


def _sentence(text: str) -> str:
    """Return a sentence of a program with what stands between backticks, commands for instance, set as such."""
    return _CODE.sub(r"<code>\1</code>", escape(text))
