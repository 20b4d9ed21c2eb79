"""What a meta-schema cannot say about one field: patterns, bounds, defaults, and what its ``x-crm`` asks of it.

The parts judged here have the right shape already; rules between fields are in :mod:`crmcore.schema.entity_rules`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.schema.decide import decider
from crmcore.schema.model import ANY_ENTITY, Field, Kind
from crmcore.schema.patterns import pattern_fault
from crmcore.schema.plain import kind_of, plain_property
from crmcore.schema.positions import step
from crmcore.schema.shape import Fault
from crmcore.schema.suggestions import did_you_mean_hint
from crmcore.schema.values import shown, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import jsonschema_rs

__all__ = ["field_faults", "refusal", "value_faults"]

_BOUNDS = (
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minimum", "maximum"),
    ("exclusiveMinimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
)


def refusal(
    field: str, schema: Mapping[str, Any], value: Any, decided: jsonschema_rs.Validator | None = None
) -> str | None:
    """Return why a field does not take a value in its JSON form, or None.

    Args:
        field: its name.
        schema: of the field.
        value: in its JSON form.
        decided: the schema compiled, from somebody who asks about many values.
    """
    try:
        kept = to_json(Field(name=field, kind=kind_of(schema), ref=schema.get("x-crm", {}).get("ref")), value)
    except ValueError as error:
        return str(error)
    if kept is None:
        return _("it is empty")
    if isinstance(value, str) and value != value.strip():
        return _("it begins or ends with white space")
    if not (decided or decider(plain_property(schema))).is_valid(kept):
        return _("the schema refuses it")
    return None


def value_faults(pointer: str, schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield faults of a property, whole or a fragment, and of everything nested in it, that need no type."""
    if "pattern" in schema:
        yield from _pattern_faults(f"{pointer}/pattern", schema["pattern"])
    for least, most in _BOUNDS:
        if least in schema and most in schema and _cross(least, most, schema):
            message = _('no value can have "{least}" {low} and "{most}" {high}').format(
                least=least, low=schema[least], most=most, high=schema[most]
            )
            yield Fault(f"{pointer}/{least}", message, _("Make the lower bound the smaller one."), "bounds")
    declared = schema.get("properties", {})
    if schema.get("additionalProperties") is False:
        for index, name in enumerate(schema.get("required", ())):
            if name not in declared:
                message = _('"{name}" is required and not admitted').format(name=name)
                yield Fault(f"{pointer}/required/{index}", message, did_you_mean_hint(name, declared), "unknown_field")
    for below, inner in _nested(pointer, schema):
        yield from value_faults(below, inner)
        yield from _example_faults(below, inner)


def _cross(least: str, most: str, schema: Mapping[str, Any]) -> bool:
    excluded = least.startswith("exclusive") or most.startswith("exclusive")
    return bool(schema[least] > schema[most] or (excluded and schema[least] == schema[most]))


def _nested(pointer: str, schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield f"{pointer}/{keyword}", schema[keyword]
    for name, inner in schema.get("properties", {}).items():
        yield step(f"{pointer}/properties", name), inner


def _pattern_faults(pointer: str, pattern: str) -> Iterator[Fault]:
    if (found := pattern_fault(pattern)) is not None:
        part, hint = found
        yield Fault(
            pointer, _("the pattern has {part}, which not every engine reads alike").format(part=part), hint, "pattern"
        )
        return
    try:
        re.compile(pattern)
        decider({"pattern": pattern})
    except (re.error, ValueError, OverflowError, RecursionError):
        message = _("this is no pattern that can be matched: {pattern}").format(pattern=shown(pattern))
        yield Fault(pointer, message, _("Close every bracket, and let ranges and repetitions rise."), "pattern")


def _example_faults(pointer: str, schema: Mapping[str, Any]) -> Iterator[Fault]:
    given = {f"{pointer}/{keyword}": schema[keyword] for keyword in ("default", "const") if keyword in schema}
    given |= {f"{pointer}/{word}/{n}": v for word in ("examples", "enum") for n, v in enumerate(schema.get(word, ()))}
    if not given:
        return
    try:
        decided = decider(plain_property(schema))
    except ValueError:  # it cannot be compiled, which is said elsewhere
        return
    name = pointer.rpartition("/")[2]
    for where, example in given.items():
        if (reason := refusal(name, schema, example, decided)) is not None:
            message = _("the field does not take its own {value}: {reason}").format(value=shown(example), reason=reason)
            yield Fault(where, message, _("Write a value that the field takes, in its JSON form."), "default")


def field_faults(pointer: str, schema: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield faults of a whole field: its examples and default, and what ``x-crm`` asks of its type."""
    notes = schema.get("x-crm", {})
    for member, fits, instead in _member_rules():
        if notes.get(member) and not fits(schema, notes):
            message = _('"{member}" does not fit this field').format(member=member)
            yield Fault(f"{pointer}/x-crm/{member}", message, instead, "x-crm")
    for value in notes.get("values", {}):
        if value not in schema.get("enum", ()):
            message = _('"{value}" is not among the values of the field').format(value=value)
            hint = did_you_mean_hint(value, schema.get("enum", ()))
            yield Fault(step(f"{pointer}/x-crm/values", value), message, hint, "unknown_value")
    yield from _example_faults(pointer, schema)


def _member_rules() -> Iterator[tuple[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool], str]]:
    """Yield a member of ``x-crm``, whether it fits a property and the other members, and what to write otherwise."""
    yield "money", _is_money, _('Write "type": "string" without enum, format, lengths and ref.')
    yield "ref", _is_reference, _('Write "type": "integer" without bounds, or "string" for a reference to "*".')
    yield "owner", lambda _schema, notes: notes.get("ref") == "user", _('Write "ref": "user".')
    yield "open", lambda schema, _notes: "enum" in schema, _("Add an enum, which extensions may then extend.")
    yield "values", lambda schema, _notes: "enum" in schema, _("Write the enum whose values have these titles.")
    yield "index", _is_scalar, _("Leave it out: lists and objects have no index.")
    yield "unique", _is_scalar, _("Leave it out: lists, objects and true or false cannot be unique.")
    yield "computed_by", lambda _schema, notes: notes.get("readonly", True), _('Leave "readonly" out.')


def _is_money(schema: Mapping[str, Any], notes: Mapping[str, Any]) -> bool:
    foreign = {"enum", "format", "minLength", "maxLength", "const"} & schema.keys()
    return schema["type"] == "string" and not foreign and "ref" not in notes


def _is_reference(schema: Mapping[str, Any], notes: Mapping[str, Any]) -> bool:
    wanted = "string" if notes["ref"] == ANY_ENTITY else "integer"
    described = {"type", "x-crm", "title", "description", "$comment", "deprecated"}
    return schema["type"] == wanted and schema.keys() <= described


def _is_scalar(schema: Mapping[str, Any], notes: Mapping[str, Any]) -> bool:
    return kind_of(schema) is not Kind.JSON and not (notes.get("unique") and schema["type"] == "boolean")
