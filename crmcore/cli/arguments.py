"""Arguments that several commands take: references, dates, and values of fields as ``--set FIELD=VALUE``."""

from __future__ import annotations

import datetime as dt
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.output import print_json
from crmcore.errors import UsageError, ValidationError
from crmcore.i18n import gettext as _
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field
    from crmcore.schema.records import Record

__all__ = [
    "day",
    "no_such_field",
    "options_from",
    "pair",
    "print_saved",
    "reference",
    "set_option",
    "values_from",
]


_SETTABLE = ("source", "external_id")
"""Fields of every record that people set: where it comes from."""


def reference(text: str) -> Ref:
    """Read a reference to a record: ``customer:42``."""
    try:
        return Ref.parse(text)
    except ValueError:
        raise click.BadParameter(
            _("expected a reference such as customer:42, found {text!r}").format(text=text)
        ) from None


def day(text: str) -> dt.date:
    """Read a day: ``2026-11-21``."""
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(_("expected a date such as 2026-11-21, found {text!r}").format(text=text)) from None


def pair(text: str, option: str) -> tuple[str, str]:
    """Split ``name=value`` at the first equals sign.

    Raises:
        UsageError: there is none, or nothing before it.
    """
    name, sign, value = text.partition("=")
    if not (sign and name.strip()):
        raise UsageError(_("{option} expects NAME=VALUE, found {text!r}").format(option=option, text=text))
    return name.strip(), value


def options_from(schema: Mapping[str, Any], texts: Iterable[str], option: str) -> dict[str, Any]:
    """Read what is given as ``name=value`` for a JSON Schema: as JSON where it expects something else than text.

    Args:
        schema: of an object; it is not judged here whether it allows the values.
        texts: ``name=value`` each.
        option: of the command line that they were given with.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    given: dict[str, Any] = {}
    for text in texts:
        name, written = pair(text, option)
        given[name] = written
        if properties.get(name, {}).get("type") != "string":
            with suppress(ValueError):  # the schema says what is expected
                given[name] = json.loads(written)
    return given


def set_option(*, required: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option ``--set`` of a command that saves values."""
    return click.option(
        "--set",
        "values",
        multiple=True,
        required=required,
        metavar="FIELD=VALUE",
        help=_("Set a field, by its name or title; an empty value empties it. May be given several times."),
    )


def values_from(session: Session, entity: Entity, texts: Iterable[str]) -> dict[str, Any]:
    """Read the values of ``--set``, as cells of an imported file are read; an empty one empties the field.

    Args:
        session: finds records that are named instead of given by reference.
        entity: of the record.
        texts: ``field=value`` each; a field may be called by its title.

    Raises:
        UsageError: a text is no pair, there is no such field, or it is there twice.
        ValidationError: values that cannot be read, all of them.
    """
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for text in texts:
        called, written = pair(text, "--set")
        field = _field(entity, called)
        if field.name in values:
            raise UsageError(_("{field} is set twice").format(field=field.name))
        try:
            values[field.name] = _value(session, field, written)
        except ValueError as error:
            values[field.name] = None
            problems.append(Problem(message=str(error), field=field.name, value=written, code="type"))
    if problems:
        raise ValidationError(problems)
    return values


def no_such_field(entity: Entity, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a field that an entity does not have, with the name that was meant."""
    from crmcore.conformance import did_you_mean  # noqa: PLC0415  # commands are imported for --help too

    return UsageError(
        _("{entity} has no field {field!r}").format(entity=entity.name, field=name),
        hint=did_you_mean(name, known)
        or _("`crmcore schema show {entity}` lists its fields.").format(entity=entity.name),
    )


def _field(entity: Entity, called: str) -> Field:
    from crmcore.importing import field_called  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.schema.model import SYSTEM_FIELDS  # noqa: PLC0415  # commands are imported for --help too

    found = entity.fields.get(called) or SYSTEM_FIELDS.get(called) or field_called(entity, called)
    if called in SYSTEM_FIELDS and called not in _SETTABLE:
        raise UsageError(_("{field} is kept by crmcore itself").format(field=called))
    if found is None:
        raise no_such_field(entity, called, entity.fields)
    return found


def _value(session: Session, field: Field, written: str) -> Any:
    from crmcore.importing.coercion import coerce  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.importing.references import find_named  # noqa: PLC0415  # the same
    from crmcore.schema.model import Kind  # noqa: PLC0415  # the same

    value = coerce(field, written, currency=session.runtime.registry.config.currency, timezone=session.timezone)
    if field.kind is not Kind.REF or field.ref is None or not isinstance(value, str):
        return value
    found = find_named(session, session.runtime.entity(field.ref), [value])[value]
    if found.id is None:
        raise ValueError(found.reason)
    return found.id


def print_saved(session: Session, record: Record, *, as_json: bool) -> None:
    """Print a record that was saved: its reference and its name."""
    if as_json:
        print_json(record.as_json())
        return
    entity = session.runtime.entity(record.ref.entity)
    name = record[entity.display] if entity.display in entity.fields else None
    click.echo(f"{record.ref}  {name}" if name else str(record.ref))
