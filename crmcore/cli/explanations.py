"""Runs of scoring rules, and the reasons of one record's value, as lines for people and as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.cli.output import screen_width
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field
    from crmcore.scoring import Decision, Explanation, ScoringRun, Standing
    from crmcore.types import Ref

__all__ = ["explanation_json", "explanation_lines", "run_json", "run_line"]

_NOTHING = "–"
_TODAY = "today()"
"""Not worth repeating beside each comparison with it."""


def run_line(done: ScoringRun, field: Field | None = None) -> str:
    """Return what a run did, in one line; labels by their titles where the field is given."""
    text = _("{rule}: {values} ({changed} changed)")
    return text.format(rule=done.rule.name, values=_outcome(done, field), changed=f"{done.changed:,}")


def run_json(done: ScoringRun) -> dict[str, Any]:
    """Return what a run did."""
    found: dict[str, Any] = {"rule": done.rule.name, "changed": done.changed}
    if done.summary is None:
        return {**found, "labels": [{"label": label, "records": n} for label, n in done.labels]}
    summary = done.summary
    return {**found, "filled": summary.filled, "empty": summary.empty, "least": summary.least, "most": summary.most}


def explanation_lines(session: Session, ref: Ref, found: Explanation) -> list[str]:
    """Return why a record has its value, and what that looked at."""
    return [*_Explained(session, session.runtime.entity(ref.entity), found).lines(ref)]


def explanation_json(found: Explanation) -> dict[str, Any]:
    """Return why a record has its value."""
    said: dict[str, Any] = {"rule": found.rule.name, "label": found.label, "stored": found.stored}
    if found.rule.expression is not None:
        return {**said, "expression": found.rule.expression, "inputs": dict(found.inputs)}
    decisions = [
        {
            "label": decision.label,
            "condition": decision.condition,
            "holds": decision.holds,
            "findings": [{"text": f.text, "holds": f.held, "inputs": dict(f.inputs)} for f in decision.findings],
        }
        for decision in found.decisions
    ]
    if found.rule.rank is None:
        return {**said, "decisions": decisions}
    return {**said, "conditions": decisions, "standing": _standing_json(found.standing)}


def _standing_json(standing: Standing | None) -> dict[str, Any] | None:
    if standing is None:
        return None
    return {
        "by": standing.by,
        "value": standing.value,
        "inputs": dict(standing.inputs),
        "position": standing.position,
        "ranked": standing.ranked,
        "before": standing.before,
        "bands": [{"label": p.label, "upto": p.upto, "first": p.first, "reached": p.reached} for p in standing.places],
    }


def _outcome(done: ScoringRun, field: Field | None) -> str:
    summary = done.summary
    if summary is None:
        counted = [(label, n) for label, n in done.labels if label is not None or n]
        return ", ".join(f"{_titled(field, label)} {n:,}" for label, n in counted)
    filled = _("{filled} filled, {empty} empty").format(filled=f"{summary.filled:,}", empty=f"{summary.empty:,}")
    if not summary.filled:
        return filled
    ends = {"least": _plain(summary.least), "most": _plain(summary.most)}
    return _("{filled}, from {least} to {most}").format(filled=filled, **ends)


def _titled(field: Field | None, label: str | None) -> str:
    if label is None:
        return _NOTHING
    return title_in(field.enum_titles.get(label, {}), label) if field else label


def _plain(value: Any) -> str:
    from crmcore.reporting.values import plain_text  # noqa: PLC0415  # it imports SQLAlchemy

    return plain_text(value)


@frozen
class _Explained:
    """One explanation, and what is needed to say it."""

    session: Session
    entity: Entity
    found: Explanation

    def lines(self, ref: Ref) -> Iterator[str]:
        yield self.first_line(ref)
        rule = self.found.rule
        if rule.expression is not None:
            yield f"  {rule.expression}"
            yield from self.input_line(self.found.inputs)
        elif rule.rank is not None:
            yield from self.rank_lines()
        else:
            yield from self.label_lines()

    def first_line(self, ref: Ref) -> str:
        record, rule = self.session.get(ref.entity, ref.id), self.found.rule
        name = record[self.entity.display] if self.entity.display in self.entity.fields else None
        said = _("{title} of {record}: {label}").format(
            title=title_in(rule.titles, self.field.title()),
            record=f"{name} ({ref})" if name else ref,
            label=self.shown(self.found.label),
        )
        if self.found.stored == self.found.label:
            return said
        stored = _("(stored is {label}: run the rule to write it)").format(label=self.shown(self.found.stored))
        return f"{said} {stored}"

    def label_lines(self) -> Iterator[str]:
        decisions = self.found.decisions
        labels = (*(decision.label for decision in decisions), self.found.label)
        width = max(screen_width(self.shown(label)) for label in labels)
        for decision in decisions:
            yield f"  {_padded(self.shown(decision.label), width)}  {_tried(decision)}"
            yield from self.finding_lines(decision, width + 6)
        if all(decision.holds is False for decision in decisions):
            yield f"  {_padded(self.shown(self.found.label), width)}  " + _("because no condition holds")

    def rank_lines(self) -> Iterator[str]:
        for decision in self.found.decisions:
            yield f"  {_tried(decision)}"
            yield from self.finding_lines(decision, 5)
        standing = self.found.standing
        if standing is None:
            yield "  " + _("what it is ranked by is not yours to see")
            return
        yield "  " + self.standing_line(standing)
        if [name for name, _value in standing.inputs] != [standing.by]:
            yield from self.input_line(standing.inputs)
        if standing.position is None:
            yield f"  {self.shown(self.found.label)}  " + _("because it is not ranked")
            return
        yield from self.place_lines(standing)

    def standing_line(self, standing: Standing) -> str:
        value = self.value(standing.by, standing.value)
        if standing.position is None:
            value = next((self.value(name, v) for name, v in standing.inputs if name == standing.by), _("empty"))
            return _("not among the {ranked} that are ranked by {by}, which is {value}").format(
                ranked=f"{standing.ranked:,}", by=standing.by, value=value
            )
        by_number = _("no. {position} of {ranked} by {by}, which is {value}; {before} of the records come before it")
        by_value = _("no. {position} of {ranked} by {by}, which is {value}; {before} of the value comes before it")
        return (by_value if self.by_value else by_number).format(
            position=f"{standing.position:,}",
            ranked=f"{standing.ranked:,}",
            by=standing.by,
            value=value,
            before=_NOTHING if standing.before is None else f"{standing.before:.1%}",
        )

    def place_lines(self, standing: Standing) -> Iterator[str]:
        reached = next((n for n, place in enumerate(standing.places, start=1) if place.reached), len(standing.places))
        places = standing.places[:reached]
        width = max(screen_width(self.shown(label)) for label in (*(place.label for place in places), self.found.label))
        for place in places:
            share, first = f"{place.upto * 100:.6g}%", f"{place.first or 0:,}"
            ends = _("the first {share} of the value") if self.by_value else _("the first {first} ({share})")
            label = _padded(self.shown(place.label), width)
            yield f"  {label}  {_yes_or_no(place.reached)}  {ends.format(share=share, first=first)}"
        if not places[-1].reached:
            yield f"  {_padded(self.shown(self.found.label), width)}  " + _("because it is beyond the last band")

    def finding_lines(self, decision: Decision, indent: int) -> Iterator[str]:
        width = max((screen_width(finding.text) for finding in decision.findings), default=0)
        for finding in decision.findings:
            inputs = self.inputs(finding.inputs)
            yield f"{' ' * indent}{_yes_or_no(finding.held)}  {_padded(finding.text, width)}  {inputs}".rstrip()

    def input_line(self, inputs: Sequence[tuple[str, Any]]) -> Iterator[str]:
        if inputs:
            yield f"    {self.inputs(inputs)}"

    def inputs(self, inputs: Sequence[tuple[str, Any]]) -> str:
        return ", ".join(f"{name} = {self.value(name, value)}" for name, value in inputs if name != _TODAY)

    def value(self, name: str, value: Any) -> str:
        from crmcore.cli.cells import field_cell  # noqa: PLC0415  # it imports SQLAlchemy

        field = self.entity.fields.get(name)
        text = field_cell(field, value, self.session.timezone, names={}) if field else _plain(value)
        return text or _("empty")

    def shown(self, value: Any) -> str:
        """Return a value of the rule's field."""
        return _NOTHING if value is None else self.value(self.field.name, value)

    @property
    def by_value(self) -> bool:
        rank = self.found.rule.rank
        return rank is not None and rank.of == "value"

    @property
    def field(self) -> Field:
        return self.entity.fields[self.found.rule.field]


def _tried(decision: Decision) -> str:
    """Return whether a condition holds, and what it says."""
    if decision.holds is None:
        return _("the condition is not yours to see")
    return f"{_yes_or_no(decision.holds)}  {decision.condition}"


def _yes_or_no(holds: bool) -> str:
    """Return the answer, as wide as the other one."""
    yes, no = _("yes"), _("no")
    return _padded(yes if holds else no, max(screen_width(yes), screen_width(no)))


def _padded(text: str, width: int) -> str:
    return text + " " * (width - screen_width(text))
