"""Running reports: a declared type, its parameters checked, its table computed. Showing it is the command line's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.conformance import Source, breaches, with_defaults
from crmcore.errors import PluginError, UsageError, ValidationError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.records.session import Session
    from crmcore.registry import Registry
    from crmcore.types import Report, ReportType

__all__ = ["report_type", "run_report"]


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
        parameters: values for its parameters; defaults are filled in.

    Raises:
        UsageError: there is no such report.
        ValidationError: parameters that its schema refuses.
        AccessDenied: it shows a field that the actor may not read.
        PluginError: the plugin failed.
    """
    declared = report_type(session.runtime.registry, name)
    schema = {"type": "object", "additionalProperties": False, **declared.parameters}
    given = with_defaults(dict(parameters or {}), schema)
    problems = breaches(given, schema, Source(toml=True))
    if problems:
        raise ValidationError(problems)
    try:
        return session.runtime.registry.attributed(name, declared.compute, session, given)
    except PluginError as error:
        # `Session.table` leaves hidden fields out, so asking for one is asking for what is not there.
        if isinstance(error.cause, AttributeError) and str(error.cause) in {field for _entity, field in session.hidden}:
            raise session.access.denied(session.actor, "read", str(error.cause)) from error
        raise
