"""``crmcore score``: run the rules that plugins declare, and ask why a record has its label."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import day, reference
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import json_option, print_json
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.records.session import Session
    from crmcore.scoring import Decision, Explanation, ScoringRun
    from crmcore.types import Ref

__all__ = ["explanation_lines", "run_line", "score"]

_NO_LABEL = "–"
_TODAY = "today()"
"""Not worth repeating beside each comparison with it."""


@click.group(cls=Group, help=_("Label records by rules, and explain the labels."))
def score() -> None:
    """Group the commands about scoring."""


@score.command(help=_("Run rules, by name or all of them, and write the labels that changed."))
@click.argument("rules", metavar="[RULE...]", nargs=-1)
@click.option("--as-of", type=day, metavar="DATE", help=_("Day as of which metrics are computed (today)."))
@json_option(_("Print what was done as JSON."))
@pass_instance
def run(instance: Instance, rules: Sequence[str], as_of: dt.date | None, *, as_json: bool) -> None:
    """Run rules, and say how many records have each label."""
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy

    chosen = scoring.rules(instance.registry, rules)
    with instance.session() as session:
        runs = [scoring.run(session, rule, as_of) for rule in chosen]
    if as_json:
        print_json([{"rule": r.rule.name, "changed": r.changed, "labels": _label_json(r)} for r in runs])
        return
    for done in runs:
        click.echo(run_line(done))
    if not runs:
        click.echo(_("no enabled plugin declares a rule"))


@score.command(help=_("Show which condition gives a record its label, and on which values."))
@click.argument("ref", type=reference)
@click.argument("rule", required=False)
@click.option("--as-of", type=day, metavar="DATE", help=_("Day as of which metrics are computed (today)."))
@json_option(_("Print the explanation as JSON."))
@pass_instance
def explain(instance: Instance, ref: Ref, rule: str | None, as_of: dt.date | None, *, as_json: bool) -> None:
    """Explain the labels of a record."""
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session(read_only=True) as session:
        session.runtime.entity(ref.entity)
        chosen = scoring.rules(instance.registry, [rule] if rule else [])
        fitting = [one for one in chosen if one.entity == ref.entity]
        if not fitting:
            raise UsageError(_("no scoring rule labels {entity} records").format(entity=ref.entity))
        found = [scoring.explain(session, one, ref.id, as_of) for one in fitting]
        if as_json:
            print_json([_explanation_json(one) for one in found])
            return
        for one in found:
            click.echo("\n".join(explanation_lines(session, ref, one)))


def run_line(done: ScoringRun) -> str:
    """Return what a run did, in one line."""
    counted = ", ".join(f"{label or _NO_LABEL} {n:,}" for label, n in done.labels)
    return _("{rule}: {labels} ({changed} changed)").format(
        rule=done.rule.name, labels=counted, changed=f"{done.changed:,}"
    )


def explanation_lines(session: Session, ref: Ref, found: Explanation) -> list[str]:
    """Return why a record has its label: each condition, each of its comparisons, and the values these looked at."""
    lines = [_first_line(session, ref, found)]
    for decision in found.decisions:
        lines.append(f"  {decision.label}  {_yes_or_no(decision.holds)}  {decision.condition}")
        lines += [f"       {line}" for line in _finding_lines(session, found, decision)]
    if not any(decision.holds for decision in found.decisions):
        lines.append(f"  {found.label or _NO_LABEL}  " + _("because no condition holds"))
    return lines


def _first_line(session: Session, ref: Ref, found: Explanation) -> str:
    entity = session.runtime.entity(ref.entity)
    record = session.get(ref.entity, ref.id)
    name = record[entity.display] if entity.display in entity.fields else None
    said = _("{title} of {record}: {label}").format(
        title=title_in(found.rule.titles, found.rule.name),
        record=f"{name} ({ref})" if name else ref,
        label=found.label or _NO_LABEL,
    )
    if found.stored == found.label:
        return said
    return said + " " + _("(stored is {label}: run the rule to write it)").format(label=found.stored or _NO_LABEL)


def _finding_lines(session: Session, found: Explanation, decision: Decision) -> list[str]:
    from rich.cells import cell_len  # noqa: PLC0415  # rich is for commands that print tables

    width = max((cell_len(finding.text) for finding in decision.findings), default=0)
    lines = []
    for finding in decision.findings:
        read = [(name, value) for name, value in finding.inputs if name != _TODAY]
        inputs = ", ".join(f"{name} = {_value(session, found, name, value)}" for name, value in read)
        padding = " " * (width - cell_len(finding.text))
        lines.append(f"{_yes_or_no(finding.held)}  {finding.text}{padding}  {inputs}".rstrip())
    return lines


def _value(session: Session, found: Explanation, name: str, value: Any) -> str:
    from crmcore.cli.cells import field_cell, plain_cell  # noqa: PLC0415  # it imports SQLAlchemy

    field = session.runtime.entity(found.rule.entity).fields.get(name)
    text = field_cell(field, value, session.timezone, names={}) if field else plain_cell(value)
    return text or _("empty")


def _yes_or_no(holds: bool) -> str:
    """Return the answer, as wide as the other one."""
    from rich.cells import cell_len, set_cell_size  # noqa: PLC0415  # rich is for commands that print tables

    yes, no = _("yes"), _("no")
    return set_cell_size(yes if holds else no, max(cell_len(yes), cell_len(no)))


def _label_json(run: ScoringRun) -> list[dict[str, Any]]:
    return [{"label": label, "records": n} for label, n in run.labels]


def _explanation_json(found: Explanation) -> dict[str, Any]:
    return {
        "rule": found.rule.name,
        "label": found.label,
        "stored": found.stored,
        "decisions": [
            {
                "label": d.label,
                "condition": d.condition,
                "holds": d.holds,
                "findings": [{"text": f.text, "holds": f.held, "inputs": dict(f.inputs)} for f in d.findings],
            }
            for d in found.decisions
        ],
    }
