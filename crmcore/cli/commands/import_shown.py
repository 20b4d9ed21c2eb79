"""What ``crmcore import`` shows: what columns mean, how far it is, and what became of the rows."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import click
from attrs import asdict

from crmcore.cli.output import print_pairs, remark
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.importing import ImportResult, RejectReason
    from crmcore.importing.columns import MappedColumn
    from crmcore.importing.plan import Plan
    from crmcore.importing.progress import Progress
    from crmcore.importing.undo import UndoResult
    from crmcore.types import SourceHeader

__all__ = ["ProgressLine", "outcome_line", "print_plan", "print_result", "result_json", "undo_line"]

_SHOWN = 10
"""Reasons, and replaced cells, on the screen; the file of rejects and ``--json`` have more."""
_LONGEST = 1000
"""Characters of a reason on the screen: everything that is wrong with a row is one."""
_SECONDS_BETWEEN = 0.25
_CLEAR = "\r\033[K"


class ProgressLine:
    """How far an import is, in one line of a terminal that is written over; elsewhere nothing.

    Called with a `crmcore.importing.Progress`. Says what is in when the import is interrupted.

    Args:
        dry_run: whether nothing stays of it.
    """

    def __init__(self, *, dry_run: bool) -> None:
        self._dry_run = dry_run
        self._last: Progress | None = None
        self._shown_at = 0.0
        self._in_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_error: object) -> None:
        if self._shown_at:
            click.echo(_CLEAR, nl=False, err=True)
        if kind is KeyboardInterrupt and not self._dry_run:
            rows = self._last.rows if self._last else 0
            said = ngettext(
                "{n} row is in; the same command goes on from there",
                "{n} rows are in; the same command goes on from there",
                rows,
            )
            remark(said.format(n=f"{rows:,}"))

    def __call__(self, progress: Progress) -> None:
        """Show how far it is, at most four times a second."""
        if self._last is None and progress.resumed:
            said = _("goes on after row {n}, where import {id} was interrupted")
            remark(said.format(n=f"{progress.resumed:,}", id=progress.import_id))
        self._last = progress
        now = time.monotonic()
        if self._in_terminal and now - self._shown_at >= _SECONDS_BETWEEN:
            self._shown_at = now
            click.echo(_CLEAR + _progress_text(progress), nl=False, err=True)


def print_plan(path: Path, plan: Plan, header: SourceHeader) -> None:
    """Print on stderr what the columns of a file mean."""
    title = plan.entity.title() if plan.lines is None else _("{entity} with lines").format(entity=plan.entity.title())
    read_as = f"{path} ({header.form})" if header.form else str(path)
    remark(f"{read_as} -> {title}")
    print_pairs([(header, f"-> {meaning}") for header, meaning in _meanings(plan)], indent=2, err=True)


def outcome_line(outcomes: Mapping[str, int]) -> str:
    """Return how many rows were created, updated and so on, in one line."""
    words = {
        "created": _("{n} created"),
        "updated": _("{n} updated"),
        "unchanged": _("{n} unchanged"),
        "skipped": _("{n} skipped"),
        "rejected": _("{n} rejected"),
    }
    said = [words[outcome].format(n=f"{n:,}") for outcome in words if (n := outcomes.get(outcome, 0))]
    return ", ".join(said)


def undo_line(result: UndoResult) -> str:
    """Return how many records an undone import removed and reverted, in one line."""
    said = [_("{n} {entity} removed").format(n=f"{n:,}", entity=name) for name, n in result.removed.items()]
    said += [_("{n} {entity} reverted").format(n=f"{n:,}", entity=name) for name, n in result.reverted.items()]
    left = sum(result.reasons.values())
    said += [_("{n} left as they are").format(n=f"{left:,}")] if left else []
    return ", ".join(said) or _("nothing is left of it")


def print_result(result: ImportResult) -> None:
    """Print what an import did."""
    if not result.outcomes:
        click.echo(
            _("no rows: there is nothing below the header") if not result.skipped else _("no rows were imported")
        )
    else:
        click.echo(outcome_line(result.outcomes))
    if result.skipped:
        click.echo(ngettext("{n} row left out", "{n} rows left out", result.skipped).format(n=f"{result.skipped:,}"))
    if result.created:
        counts = ", ".join(f"{name} {n:,}" for name, n in sorted(result.created.items()))
        click.echo(_("created along: {counts}").format(counts=counts))
    _print_cleaned(result)
    _print_overwriting(result)
    _print_rejected(result)
    changed = any(result.outcomes.get(outcome) for outcome in ("created", "updated"))
    if result.dry_run:
        remark(_("this was tried and thrown away: nothing was saved"))
    elif changed or result.created:
        remark(_("`crmcore import undo {id}` takes it back").format(id=result.id))
    elif result.outcomes.get("unchanged"):
        remark(_("nothing has changed: all of it was here already"))


def _print_rejected(result: ImportResult) -> None:
    """Print why rows were rejected, the most frequent reasons first, and where the rows are."""
    shown = result.reasons[:_SHOWN]
    for reason in shown:
        click.echo(_reason_line(reason))
    more = result.outcomes.get("rejected", 0) - sum(reason.rows for reason in shown)
    if more > 0:
        said = ngettext("... and {n} row for another reason", "... and {n} rows for other reasons", more)
        click.echo(said.format(n=f"{more:,}"))
    if result.rejects:
        click.echo(_("rejected rows, with reasons: {file}").format(file=_from_here(result.rejects)))


def result_json(result: ImportResult) -> dict[str, Any]:
    """Return what an import did as JSON."""
    names = ("line", "field", "code", "message", "hint")
    fields: dict[str, list[str]] = {}
    for column in result.plan.columns:
        fields.setdefault(column.header, []).append(column.target)
    return {
        "id": result.id,
        "dry_run": result.dry_run,
        "form": result.form,
        "fields": {header: targets[0] if len(targets) == 1 else targets for header, targets in fields.items()},
        "lines": result.plan.lines.name if result.plan.lines else None,
        "totals": {name: ".".join(of) for name, of in result.plan.totals.items()},
        "left_out": [*result.plan.unknown, *result.plan.repeated, *result.plan.left_out],
        "outcomes": dict(result.outcomes),
        "rows_left_out": result.skipped,
        "created": dict(result.created),
        "cleaned": [{"header": h, "from": a, "to": b, "rows": n} for (h, a, b), n in result.cleaned.items()],
        "overwriting": {"rows": result.overwriting, "lines": list(result.overwriting_lines)},
        "problems": [{k: v for k in names if (v := getattr(problem, k)) is not None} for problem in result.problems],
        "reasons": [asdict(reason) for reason in result.reasons],
        "rejects": str(result.rejects) if result.rejects else None,
        "resumed": result.resumed,
    }


def _progress_text(progress: Progress) -> str:
    parts = [ngettext("{n} row", "{n} rows", progress.rows).format(n=f"{progress.rows:,}")]
    if progress.fraction is not None:
        parts.append(f"{progress.fraction:.0%}")
    if progress.rate is not None:
        parts.append(_("{n} rows/s").format(n=f"{progress.rate:,.0f}"))
    if progress.seconds_left is not None:
        minutes, seconds = divmod(round(progress.seconds_left), 60)
        parts.append(_("{time} left").format(time=f"{minutes}:{seconds:02}"))
    return ", ".join(parts)


def _meanings(plan: Plan) -> Iterator[tuple[str, str]]:
    for column in plan.columns:
        yield column.header, _meaning(column)
    for header in plan.unknown:
        unnamed = plan.mapping.declared
        yield header, _("left out: the mapping file does not name it") if unnamed else _("left out: it is no field")
    for header in plan.repeated:
        yield header, _("left out: another column fills that field")
    for header in plan.left_out:
        yield header, _("left out")
    for fill in plan.fills:
        yield "", f"{fill.field.title()} ({'.'.join(fill.path)}) = {fill.value}"
    for name, (relation, of) in plan.totals.items():
        yield "", _("{field} is the total of {lines}").format(field=name, lines=f"{relation}.{of}")


def _meaning(column: MappedColumn) -> str:
    """Return what a column means: its field, and how its cells are read."""
    style = column.style
    noted = [style.format, style.writing, style.currency]
    noted += [f"× {style.scale}"] if style.scale is not None else []
    noted += [f"× {style.rate}"] if style.rate is not None else []
    noted += [_("where it is empty otherwise")] if column.if_empty else []
    noted += [_("rounded to {n}").format(n=style.round)] if style.round is not None else []
    noted += [f"{cell} = {value}" for cell, value in list(style.values.items())[:_SHOWN]]
    named = ", ".join(note for note in noted if note)
    return f"{column.field.title()} ({column.target})" + (f": {named}" if named else "")


def _print_cleaned(result: ImportResult) -> None:
    most = sorted(result.cleaned.items(), key=lambda one: (-one[1], one[0]))
    for (header, cell, value), n in most[:_SHOWN]:
        said = ngettext(
            "cleaned: {header}: {cell} -> {value} ({n} row)", "cleaned: {header}: {cell} -> {value} ({n} rows)", n
        )
        click.echo(said.format(header=header, cell=cell, value=value, n=f"{n:,}"))
    more = len(most) - _SHOWN
    if more > 0:
        click.echo(ngettext("... and {n} more", "... and {n} more", more).format(n=f"{more:,}"))


def _print_overwriting(result: ImportResult) -> None:
    if not result.overwriting:
        return
    said = ngettext(
        "{n} row replaced what another row of the file had written, in line {lines}: the later one won",
        "{n} rows replaced what other rows of the file had written, in lines {lines}: the later ones won",
        result.overwriting,
    )
    lines = ", ".join(map(str, result.overwriting_lines))
    more = result.overwriting > len(result.overwriting_lines)
    click.echo(said.format(n=f"{result.overwriting:,}", lines=f"{lines}, ..." if more else lines))


def _from_here(path: Path) -> Path:
    """Return a path as people type it in the current folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _reason_line(reason: RejectReason) -> str:
    if reason.rows == 1:
        where = _("line {line}").format(line=reason.line)
    else:
        where = _("{n} rows, the first in line {line}").format(n=f"{reason.rows:,}", line=reason.line)
    text = reason.reason if len(reason.reason) <= _LONGEST else f"{reason.reason[:_LONGEST]}…"
    return f"{where}, {text}"
