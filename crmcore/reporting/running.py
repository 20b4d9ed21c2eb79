"""Running reports: declared types, their parameters checked, their results checked. Forms are modules of their own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from crmcore.errors import CRMError, UsageError
from crmcore.i18n import gettext as _
from crmcore.reporting.outcomes import Computed, Failed
from crmcore.reporting.parameters import checked_parameters
from crmcore.reporting.results import checked_report, with_value_titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.reporting.outcomes import Outcome
    from crmcore.types import Report, ReportType

__all__ = ["report_type", "run_report", "run_reports"]

_log = logging.getLogger("crmcore.plugins")


def report_type(registry: Registry, name: str) -> ReportType:
    """Return a report type by its name.

    Raises:
        UsageError: there is none of that name.
    """
    found = registry.report_types.get(name)
    if found is None:
        known = ", ".join(sorted(registry.report_types)) or _("none: enable a plugin that declares one")
        raise UsageError(
            _("there is no report {name!r}").format(name=name), hint=_("Known: {known}").format(known=known)
        )
    return found


def run_report(session: Session, name: str, parameters: Mapping[str, Any] | None = None) -> Report:
    """Compute a report over what the session's actor may see.

    Args:
        session: the transaction; reports only read.
        name: of the report type.
        parameters: values for its parameters; defaults are filled in. Days are `datetime.date` or ISO text.

    Raises:
        UsageError: there is no such report.
        ValidationError: parameters that its schema refuses.
        AccessDenied: it shows a field that the actor may not read.
        PluginError: the plugin failed, or what it computed is no report: rows of another width, values of another kind.
    """
    declared = report_type(session.runtime.registry, name)
    return _compute(session, declared, checked_parameters(declared, parameters or {}))


def run_reports(session: Session, wanted: Mapping[str, Mapping[str, Any]], *, isolated: bool = True) -> list[Outcome]:
    """Compute several reports in one transaction, so that they agree with each other.

    Args:
        session: the transaction; reports only read.
        wanted: name of each report -> its parameters.
        isolated: whether a report that fails is logged and `Failed` among the others; otherwise its error is raised.

    Raises:
        UsageError: there is no such report; nothing was computed.
        ValidationError: parameters that a schema refuses; nothing was computed.
    """
    declared = [report_type(session.runtime.registry, name) for name in wanted]
    prepared = [(each, checked_parameters(each, wanted[each.name])) for each in declared]
    run = _attempt if isolated else _computed
    return [run(session, each, given) for each, given in prepared]


def _attempt(session: Session, declared: ReportType, given: Mapping[str, Any]) -> Outcome:
    try:
        with session.connection.begin_nested():  # PostgreSQL goes on after a failed statement only from a savepoint
            return _computed(session, declared, given)
    except CRMError as error:
        said = _("report {name}: {reason}").format(name=declared.name, reason=error.message)
        _log.error("%s", said, exc_info=error)
        return Failed(declared=declared, error=error)


def _computed(session: Session, declared: ReportType, given: Mapping[str, Any]) -> Computed:
    return Computed(declared=declared, parameters=given, report=_compute(session, declared, given))


def _compute(session: Session, declared: ReportType, given: Mapping[str, Any]) -> Report:
    def checked() -> Report:
        return with_value_titles(checked_report(declared.compute(session, given)), session.runtime.registry.entities)

    return session.runtime.registry.attributed(declared.name, checked)
