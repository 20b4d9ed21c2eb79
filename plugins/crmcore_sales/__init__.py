"""Plugin ``sales``: pipelines with win rates (R20), the funnel and its forecast (R21), what was won, stale deals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import hookimpl
from crmcore.types import Permission, ReportType
from crmcore_sales.closing import REOPEN, refuse_reopening, set_closing_day
from crmcore_sales.funnel import funnel
from crmcore_sales.funnel import parameters as funnel_parameters
from crmcore_sales.reminders import reminders
from crmcore_sales.settings import pipelines_in
from crmcore_sales.timeline import timeline
from crmcore_sales.won import parameters as won_parameters
from crmcore_sales.won import won

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore import Session
    from crmcore.types import Batch, Pipeline, Problem, Reminder, TimelineEntry


@hookimpl
def crm_pipelines(settings: Mapping[str, Any]) -> Iterable[Pipeline]:
    """Declare the pipelines of the settings."""
    return pipelines_in(settings).values()


@hookimpl
def crm_permissions() -> Iterable[Permission]:
    """Declare who may take a closed deal back into the funnel."""
    return [Permission(REOPEN, "Move a won or lost deal to another stage.")]


@hookimpl
def crm_report_types(settings: Mapping[str, Any]) -> Iterable[ReportType]:
    """Declare the reports of the funnel and of what was won."""
    yield ReportType(
        name="sales.funnel",
        summary="Stages with win rates, the forecast, and progress through the funnel",
        titles={"en": "Sales funnel", "zh-CN": "销售漏斗"},
        parameters=funnel_parameters(settings),
        compute=funnel,
    )
    yield ReportType(
        name="sales.won",
        summary="Won amounts by period and owner, team, product or customer",
        titles={"en": "Won deals", "zh-CN": "赢单统计"},
        parameters=won_parameters(settings),
        compute=won,
    )


@hookimpl
def crm_before_validate(tx: Session, batch: Batch) -> None:
    """Keep the day of closing: set where a record is won or lost, emptied where it is open again."""
    for pipeline in pipelines_in(tx.settings("sales"), batch.entity).values():
        if pipeline.closed:
            set_closing_day(tx, pipeline, batch)


@hookimpl
def crm_check_transition(tx: Session, pipeline: Pipeline, batch: Batch) -> Iterable[Problem]:
    """Refuse that a closed record is opened again by somebody who may not."""
    return refuse_reopening(tx, pipeline, batch)


@hookimpl
def crm_timeline(tx: Session, entity: str, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Tell of moves from stage to stage, and of the orders and deals of a customer."""
    return timeline(tx, entity, ids)


@hookimpl
def crm_reminders(tx: Session, since: dt.date, until: dt.date) -> Iterator[Reminder]:
    """Remind of deals that stand still, that are late, and whose next step is due."""
    return reminders(tx, since, until)
