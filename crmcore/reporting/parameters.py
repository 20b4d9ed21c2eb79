"""Parameters of reports: shared out among several reports, checked against JSON Schema, in the form plugins get."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from crmcore.conformance import Source, breaches, did_you_mean, quoted, with_defaults
from crmcore.errors import ValidationError
from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.types import ReportType

__all__ = ["checked_parameters", "parameter_title", "share_out"]

_FIRST_DAY = "1900-01-01"


def share_out(declared: Sequence[ReportType], given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each report, by name, those of the given parameters that it has.

    Raises:
        ValidationError: parameters that none of the reports has.
    """
    unknown = [name for name in given if not any(_takes(each, name) for each in declared)]
    if unknown:
        known = {name for each in declared for name in _properties(each)}
        raise ValidationError([_unknown(name, known) for name in unknown])
    return {each.name: {name: value for name, value in given.items() if _takes(each, name)} for each in declared}


def checked_parameters(declared: ReportType, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as a report's function gets them: defaults filled in, days as `datetime.date`.

    Args:
        declared: the report type.
        given: in JSON's form; days may be `datetime.date` too.

    Raises:
        ValidationError: its schema refuses them.
    """
    schema = {"type": "object", "additionalProperties": False, **declared.parameters}
    written = {name: value.isoformat() if isinstance(value, dt.date) else value for name, value in given.items()}
    filled = with_defaults(written, schema)
    problems = breaches(filled, schema, Source(toml=True))
    if problems:
        raise ValidationError(problems)
    days = [name for name, value in filled.items() if _is_day(declared, name) and isinstance(value, str)]
    return {**filled, **{name: _day(name, filled[name]) for name in days}}


def parameter_title(declared: ReportType, name: str) -> str:
    """Return what people call a parameter, in the language that is spoken."""
    schema = _properties(declared).get(name, {})
    return title_in(schema.get("x-crm", {}).get("titles", {}), schema.get("title", name))


def _properties(declared: ReportType) -> Mapping[str, Any]:
    found: Mapping[str, Any] = declared.parameters.get("properties", {})
    return found


def _takes(declared: ReportType, name: str) -> bool:
    return name in _properties(declared) or declared.parameters.get("additionalProperties", False) is not False


def _is_day(declared: ReportType, name: str) -> bool:
    return bool(_properties(declared).get(name, {}).get("format") == "date")


def _day(name: str, text: str) -> dt.date:
    if text < _FIRST_DAY:  # reports count back from a day by many years; JSON Schema knows the year 0000 too
        message = _("expected a date from {first} on, found {text}").format(first=_FIRST_DAY, text=quoted(text))
        raise ValidationError([Problem(message=message, code="format", pointer=name, value=text)])
    return dt.date.fromisoformat(text)


def _unknown(name: str, known: Iterable[str]) -> Problem:
    message = _("unknown key `{name}`").format(name=name)
    return Problem(message=message, hint=did_you_mean(name, known), code="unknown_key", pointer=name)
