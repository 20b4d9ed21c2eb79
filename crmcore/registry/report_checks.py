"""Whether what report types say of their parameters is a JSON Schema that their own defaults fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.conformance import breaches, quoted
from crmcore.i18n import gettext as _
from crmcore.types import Problem
from crmcore.types.names import plugin_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.types import ReportType

__all__ = ["report_problems"]


def report_problems(reports: Mapping[str, ReportType]) -> Iterator[Problem]:
    """Yield what is wrong with the parameters of report types, each problem with the plugin that it belongs to."""
    for name, declared in reports.items():
        for reason in _faults(declared.parameters):
            message = _("report {report}: {reason}").format(report=name, reason=reason)
            yield Problem(message=message, code="report", plugin=plugin_name(name))


def _faults(parameters: Mapping[str, Any]) -> Iterator[str]:
    import jsonschema_rs  # noqa: PLC0415  # as in `crmcore.conformance`: only where there is something to judge

    try:
        jsonschema_rs.Draft202012Validator(dict(parameters))
    except (jsonschema_rs.ValidationError, ValueError) as error:
        said = str(getattr(error, "message", error))
        yield _("its parameters are no JSON Schema: {reason}").format(reason=said.partition("\n")[0])
        return
    for parameter, schema in parameters.get("properties", {}).items():
        if isinstance(schema, dict) and "default" in schema and breaches(schema["default"], schema):
            message = _("the default of its parameter {name} is not what the parameter may be: {value}")
            yield message.format(name=parameter, value=quoted(schema["default"]))
