"""``crmcore pipeline``: boards with their forecast, moving records from stage to stage, and where they have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli import completing
from crmcore.cli.arguments import day, print_saved, reference, set_option, values_from
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.types import Pipeline, Ref, Stage

__all__ = ["pipeline"]


@click.group(cls=Group, help=_("See what lies in the stages of pipelines, and move records on."))
def pipeline() -> None:
    """Group the commands about pipelines."""


_PIPELINE = click.option(
    "--pipeline", "name", metavar="PIPELINE", help=_("Which pipeline, where records go through several.")
)


@pipeline.command("list", help=_("List the pipelines and their stages."))
@json_option(_("Print the pipelines as JSON."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each pipeline."""
    known = instance.registry.pipelines.values()
    if as_json:
        print_json([_pipeline_json(instance.registry, each) for each in known])
    elif known:
        headings = [Heading(_("Pipeline"), whole=True), Heading(_("Field"), whole=True), Heading(_("Stages"))]
        print_table(headings, [_pipeline_row(instance.registry, each) for each in known])
    else:
        remark(_("no enabled plugin declares a pipeline"))


@pipeline.command(
    help=_("""Show what lies in each stage of PIPELINE, how long it has been there, and the forecast.

    The forecast is what was won in the period, and amount x win rate of all that is open.""")
)
@click.argument("name", metavar="[PIPELINE]", required=False, shell_complete=completing.pipelines)
@click.option("--where", metavar="CONDITION", help=_("Which records, for instance: amount >= 10000"))
@click.option("--owner", metavar="LOGIN", help=_("Only records of this user."))
@click.option("--from", "since", type=day, metavar="DATE", help=_("First day of the period (1 January)."))
@click.option("--to", "until", type=day, metavar="DATE", help=_("Last day of the period (today)."))
@click.option("--deals", is_flag=True, help=_("List the open records too."))
@json_option(_("Print the board as JSON."))
@pass_instance
def board(
    instance: Instance,
    name: str | None,
    where: str | None,
    owner: str | None,
    since: dt.date | None,
    until: dt.date | None,
    *,
    deals: bool,
    as_json: bool,
) -> None:
    """Print a table of the stages, then the forecast."""
    from crmcore import pipelines  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.cli import boards  # noqa: PLC0415  # the same

    chosen = pipelines.pipeline_named(instance.registry, name)
    with instance.session(read_only=True) as session:
        whose = boards.user_called(session, owner) if owner else None
        seen = pipelines.board(session, chosen, where, owner=whose, since=since, until=until)
        listed = pipelines.open_deals(session, chosen, where, owner=whose) if deals else None
        if as_json:
            print_json(boards.board_json(seen, listed))
        else:
            boards.print_board(session, seen, listed)


@pipeline.command(
    help=_("""Move a record to a stage: crmcore pipeline move opportunity:7 won --set amount=5000.

    STAGE is the code of the stage, or its title in any language.""")
)
@click.argument("ref", type=reference)
@click.argument("stage")
@set_option(required=False)
@_PIPELINE
@json_option(_("Print the record as JSON."))
@pass_instance
def move(instance: Instance, ref: Ref, stage: str, values: Sequence[str], name: str | None, *, as_json: bool) -> None:
    """Move a record and print its reference."""
    from crmcore import pipelines  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session() as session:
        chosen, found = _stage(session, ref, stage, name)
        read = values_from(session, session.runtime.entity(ref.entity), values)
        record = pipelines.move(session, chosen, ref.id, found.name, read)
    print_saved(session, record, as_json=as_json)  # not before it is committed


@pipeline.command(
    help=_("Show which stages a record went through, when, and for how long: pipeline history opportunity:7.")
)
@click.argument("ref", type=reference)
@_PIPELINE
@json_option(_("Print the moves as JSON."))
@pass_instance
def history(instance: Instance, ref: Ref, name: str | None, *, as_json: bool) -> None:
    """Print the moves of a record, then where it is."""
    from crmcore.cli import stage_history  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session(read_only=True) as session:
        session.get(ref.entity, ref.id)
        histories = [stage_history.history_of(session, each, ref.id) for each in _through(session, ref, name)]
        if as_json:
            print_json([stage_history.history_json(each) for each in histories])
        else:
            for each in histories:
                stage_history.print_history(session, each)


def _through(session: Session, ref: Ref, name: str | None) -> Sequence[Pipeline]:
    """Return the pipelines that a record goes through, or the one that is named."""
    from crmcore import pipelines  # noqa: PLC0415  # it imports SQLAlchemy

    session.runtime.entity(ref.entity)
    registry = session.runtime.registry
    if name is None:
        return pipelines.pipelines_of(registry, ref.entity)
    named = pipelines.pipeline_named(registry, name)
    if named.entity != ref.entity:
        message = _("{entity} records do not go through {pipeline}")
        raise UsageError(message.format(entity=ref.entity, pipeline=named.name))
    return [named]


def _stage(session: Session, ref: Ref, called: str, name: str | None) -> tuple[Pipeline, Stage]:
    """Return the stage that is meant; of several pipelines, the one that has such a stage."""
    from crmcore.pipelines import stage_named  # noqa: PLC0415  # it imports SQLAlchemy

    found, unknown = [], None
    for each in _through(session, ref, name):
        try:
            found.append((each, stage_named(session.runtime.registry, each, called)))
        except UsageError as error:
            unknown = unknown or error
    if len(found) > 1:
        named = ", ".join(each.name for each, _found in found)
        hint = _("Say which with --pipeline.")
        raise UsageError(
            _("{stage!r} is a stage of several pipelines: {named}").format(stage=called, named=named), hint=hint
        )
    if unknown and not found:
        raise unknown
    return found[0]


def _stage_titles(registry: Registry, each: Pipeline) -> Sequence[tuple[Stage, str]]:
    titles = registry.entities[each.entity].fields[each.field].enum_titles
    return [(stage, title_in(titles.get(stage.name, {}), stage.name)) for stage in each.stages]


def _pipeline_row(registry: Registry, each: Pipeline) -> list[str]:
    stages = ", ".join(f"{title} {stage.win_rate * 100:g} %" for stage, title in _stage_titles(registry, each))
    return [each.name, f"{each.entity}.{each.field}", stages]


def _pipeline_json(registry: Registry, each: Pipeline) -> dict[str, Any]:
    return {
        "name": each.name,
        "title": title_in(each.titles, each.name),
        "entity": each.entity,
        "field": each.field,
        "stages": [
            {
                "stage": stage.name,
                "title": title,
                "kind": stage.kind,
                "win_rate": stage.win_rate,
                "required": list(stage.required),
                "moves": None if stage.moves is None else list(stage.moves),
                "max_days": stage.max_days,
            }
            for stage, title in _stage_titles(registry, each)
        ],
    }
