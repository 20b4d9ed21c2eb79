"""Parameters that the reports of sales share: the pipeline, the period, the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore import gettext as _
from crmcore.errors import ValidationError
from crmcore.types import Problem
from crmcore_sales.settings import pipelines_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from crmcore import Session
    from crmcore.types import Pipeline

DAY = {"type": "string", "format": "date"}


def pipeline_parameter(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the schema of the parameter that chooses a pipeline."""
    names = [*settings["pipelines"]]
    default = "opportunity" if "opportunity" in names else names[0]
    return {
        "type": "string",
        "title": "Pipeline",
        "x-crm": {"titles": {"zh-CN": "管道"}},
        "enum": names,
        "default": default,
    }


def pipeline_of(tx: Session, parameters: Mapping[str, Any]) -> Pipeline:
    """Return the pipeline that is asked for."""
    return pipelines_in(tx.settings("sales"))[parameters["pipeline"]]


def refuse_backwards(since: dt.date | None, until: dt.date | None) -> None:
    """Raise where a period ends before it begins.

    Raises:
        ValidationError: it does.
    """
    if since and until and until < since:
        message = _("the period ends before it begins: {since} to {until}").format(since=since, until=until)
        raise ValidationError([Problem(message=message, field="to", value=until.isoformat())])


def owner_of(tx: Session, parameters: Mapping[str, Any]) -> int | None:
    """Return the id of the user whose login is asked for, if any.

    Raises:
        ValidationError: there is no such user that the actor may see.
    """
    login = parameters.get("owner")
    if not login:
        return None
    found = tx.user_id(login)
    if found is not None:
        return found
    raise ValidationError([Problem(message=_("there is no user {login!r}").format(login=login), field="owner")])
