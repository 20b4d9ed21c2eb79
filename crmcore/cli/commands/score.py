"""``crmcore score``: run the rules that plugins and ``crm.toml`` declare, and ask why a record has its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import day, reference
from crmcore.cli.explanations import explanation_json, explanation_lines, run_json, run_line
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.registry import Registry
    from crmcore.types import Ref, ScoringRule

__all__ = ["score"]


@click.group(cls=Group, help=_("Score records by rules, and explain their labels, ranks and numbers."))
def score() -> None:
    """Group the commands about scoring."""


@score.command(help=_("Run rules, by name or all of them, and write the values that changed."))
@click.argument("rules", metavar="[RULE...]", nargs=-1)
@click.option("--as-of", type=day, metavar="DATE", help=_("Day as of which metrics are computed (today)."))
@json_option(_("Print what was done as JSON."))
@pass_instance
def run(instance: Instance, rules: Sequence[str], as_of: dt.date | None, *, as_json: bool) -> None:
    """Run rules, each after those that write what it reads, and say what the records have now."""
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session() as session:
        runs = scoring.run_rules(session, rules, as_of)
    if as_json:
        print_json([run_json(done) for done in runs])
        return
    for done in runs:
        click.echo(run_line(done, instance.registry.entities[done.rule.entity].fields[done.rule.field]))
    if not runs:
        _say_that_there_are_none()


@score.command(help=_("Show what gives a record its label, rank or number, and on which values."))
@click.argument("ref", type=reference)
@click.argument("rule", required=False)
@click.option("--as-of", type=day, metavar="DATE", help=_("Day as of which metrics are computed (today)."))
@json_option(_("Print the explanation as JSON."))
@pass_instance
def explain(instance: Instance, ref: Ref, rule: str | None, as_of: dt.date | None, *, as_json: bool) -> None:
    """Explain what rules say of a record."""
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session(read_only=True) as session:
        session.runtime.entity(ref.entity)
        chosen = scoring.rules(instance.registry, [rule] if rule else [])
        fitting = [one for one in chosen if one.entity == ref.entity]
        if not fitting:
            raise UsageError(_("no scoring rule labels {entity} records").format(entity=ref.entity))
        readable = [one for one in fitting if rule or (one.entity, one.field) not in session.hidden]
        found = [scoring.explain(session, one, ref.id, as_of) for one in readable]
        if as_json:
            print_json([explanation_json(one) for one in found])
            return
        for one in found:
            click.echo("\n".join(explanation_lines(session, ref, one)))


@score.command("list", help=_("List the rules, in the order in which they run."))
@json_option(_("Print the rules as JSON."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each rule."""
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy

    registry = instance.registry
    rules = scoring.rules(registry)
    if as_json:
        print_json([_rule_json(registry, rule) for rule in rules])
        return
    if not rules:
        _say_that_there_are_none()
        return
    shapes = {"labels": _("labels"), "rank": _("rank"), "expression": _("expression")}
    headings = [Heading(title) for title in (_("Name"), _("Title"), _("Field"), _("Shape"), _("Values"))]
    print_table(
        headings,
        [
            (rule.name, _title(registry, rule), f"{rule.entity}.{rule.field}", shapes[_shape(rule)], _values(rule))
            for rule in rules
        ],
    )


def _say_that_there_are_none() -> None:
    remark(_("there are no scoring rules: plugins declare some, and [scoring] in crm.toml"))


def _title(registry: Registry, rule: ScoringRule) -> str:
    field = registry.entities[rule.entity].fields[rule.field]
    return title_in(rule.titles, field.title())


def _shape(rule: ScoringRule) -> str:
    if rule.rank is not None:
        return "rank"
    return "labels" if rule.expression is None else "expression"


def _values(rule: ScoringRule) -> str:
    return rule.expression if rule.expression is not None else ", ".join(_labels(rule))


def _labels(rule: ScoringRule) -> list[str]:
    bands = rule.rank.bands if rule.rank else ()
    values = [*(label.value for label in rule.labels), *(band.value for band in bands), rule.otherwise]
    return list(dict.fromkeys(value for value in values if value is not None))


def _rule_json(registry: Registry, rule: ScoringRule) -> dict[str, Any]:
    said: dict[str, Any] = {
        "name": rule.name,
        "entity": rule.entity,
        "field": rule.field,
        "kind": registry.entities[rule.entity].fields[rule.field].kind.value,
        "shape": _shape(rule),
        "titles": dict(rule.titles),
    }
    if rule.expression is not None:
        return {**said, "expression": rule.expression}
    if rule.rank is not None:
        said |= {"by": rule.rank.by, "of": rule.rank.of, "where": rule.rank.where}
        said["bands"] = {band.value: band.upto for band in rule.rank.bands}
    else:
        said["labels"] = {label.value: label.condition for label in rule.labels}
    return {**said, "otherwise": rule.otherwise}
