"""Figures as people read them: lines on the terminal, and the table that is put into ``docs/benchmarks.md``.

The rest of the page is written by hand; what stands between the two marks is made here.
"""

from __future__ import annotations

import json
import statistics
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import MEGABYTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.figures import Figure, Options
    from benchmarks.results import Measured

__all__ = ["lines", "table", "write"]

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures: written by python -m benchmarks --write -->", "<!-- end of figures -->"
HEADER = """\
| work | against | bar | aim | median | rounds | ours | theirs | |
|---|---|---|---|---|---|---|---|---|"""


def lines(measured: Measured) -> Iterator[str]:
    """Yield the figures of a work as lines for the terminal."""
    for figure in measured.figures:
        judged = {True: "ok", False: "MISSED", None: "for orientation"}[figure.passes]
        yield f"{figure.work}, against {figure.against}"
        yield f"  {_amount(figure, figure.ratio)} ({_spread(figure)}), bar {_bar(figure)}, aim {_aim(figure)}: {judged}"
        yield f"  {_absolute(figure, figure.ours)} against {_absolute(figure, figure.theirs)}"
        yield from (f"  {note}" for note in _asides(figure))


def table(all_measured: Sequence[Measured]) -> str:
    """Return all figures as a table in Markdown, after the machine that they were measured on."""
    described = [*dict.fromkeys(_machine(measured) for measured in all_measured)]
    rows = [_row(figure) for measured in all_measured for figure in measured.figures]
    return "\n".join([*described, "", HEADER, *rows])


def write(all_measured: Sequence[Measured], options: Options, page: Path = PAGE) -> None:
    """Put the figures into the page between its marks, and beside it as JSON."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} has no place for figures: {BEGIN} ... {END}")
    page.write_text(f"{before}{BEGIN}\n\n{table(all_measured)}\n\n{END}{after}", encoding="utf-8")
    document = {"customers": options.customers, "works": [measured.as_json() for measured in all_measured]}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    page.with_suffix(".json").write_text(text + "\n", encoding="utf-8")


def _row(figure: Figure) -> str:
    judged = {True: "yes", False: "**no**", None: ""}[figure.passes]
    asides = "".join(f"; {aside}" for aside in _asides(figure))
    cells = [
        figure.work + asides,
        figure.against,
        _bar(figure),
        _aim(figure),
        f"**{_amount(figure, figure.ratio)}**",
        _spread(figure),
        _absolute(figure, figure.ours),
        _absolute(figure, figure.theirs),
        judged,
    ]
    return f"| {' | '.join(cells)} |"


def _machine(measured: Measured) -> str:
    known = dict(measured.machine)
    first = f"{known.pop('date')}: {known.pop('processor')}, {known.pop('cores')} cores, {known.pop('memory')}"
    return f"{first}, {known.pop('system')}, {', '.join(f'{name} {said}' for name, said in known.items())}."


def _amount(figure: Figure, ratio: float) -> str:
    if figure.form == "cost":
        return f"{ratio:+.1%}"
    return f"{ratio:.2f}x"


def _spread(figure: Figure) -> str:
    return f"{_amount(figure, min(figure.ratios))} to {_amount(figure, max(figure.ratios))}"


def _bar(figure: Figure) -> str:
    slack = f" + {figure.slack * 1000:g} ms" if figure.slack else ""
    memory = f", {figure.peak_bar / MEGABYTE:.0f} MB" if figure.peak_bar else ""
    return f"{_limit(figure, figure.bar)}{slack}{memory}"


def _aim(figure: Figure) -> str:
    return _limit(figure, figure.aim)


def _limit(figure: Figure, limit: float | None) -> str:
    if limit is None:
        return "–"
    if figure.form == "cost":
        return f"{limit:.1%}"
    return f"{'≥' if figure.form == 'rate' else '≤'} {limit:g}x"


def _absolute(figure: Figure, seconds: Sequence[float]) -> str:
    median = statistics.median(seconds)
    if figure.form == "rate" and figure.units:
        return f"{figure.units / median:,.0f}/s"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if median >= size:
            return f"{median / size:.3g} {unit}"
    return f"{median:.1e} s"


def _asides(figure: Figure) -> Iterator[str]:
    yield from figure.notes
    yield from (f"{check}: {'yes' if holds else 'NO'}" for check, holds in figure.checks.items())
