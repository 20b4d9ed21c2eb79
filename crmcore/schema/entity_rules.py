"""What a meta-schema cannot say about the fields of one entity together: names that must be there, rules, matching.

Rules between entities are in :mod:`crmcore.schema.compose`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.i18n import gettext as _
from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.plain import kind_of
from crmcore.schema.positions import step
from crmcore.schema.rules import refusal
from crmcore.schema.shape import PROPERTY, Fault, shape_faults
from crmcore.schema.suggestions import did_you_mean_hint
from crmcore.schema.values import fold, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["entity_faults", "name_faults"]


def name_faults(properties: Iterable[str]) -> Iterator[Fault]:
    """Yield the fields that are named like a system column."""
    for name in properties:
        if name in SYSTEM_FIELDS:
            message = _('"{name}" is a column that every entity has').format(name=name)
            hint = _('Choose another name, for instance "own_{name}".').format(name=name)
            yield Fault(step("/properties", name), message, hint, "system_column")


def entity_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what is wrong between the fields of an entity, its extensions included."""
    yield from _required_faults(document)
    yield from _note_faults(document)
    yield from _match_faults(document)
    yield from _owner_faults(document)
    yield from _former_name_faults(document)
    yield from _header_faults(document)
    for pointer, rule in _rules(document):
        yield from _rule_faults(pointer, rule, document["properties"])


def _unknown(pointer: str, name: str, known: Iterable[str]) -> Fault:
    message = _('there is no field "{name}"').format(name=name)
    return Fault(pointer, message, did_you_mean_hint(name, known), "unknown_field")


def _unknown_names(pointer: str, names: Iterable[str], known: Iterable[str]) -> Iterator[Fault]:
    fields = list(known)
    yield from (_unknown(f"{pointer}/{n}", name, fields) for n, name in enumerate(names) if name not in fields)


def _required_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    fields = document["properties"]
    yield from _unknown_names("/required", document.get("required", ()), fields)
    for name, needed in document.get("dependentRequired", {}).items():
        pointer = step("/dependentRequired", name)
        if name not in fields:
            yield _unknown(pointer, name, fields)
        yield from _unknown_names(pointer, needed, fields)
    for index, name in enumerate(document.get("required", ())):
        notes = fields.get(name, {}).get("x-crm", {})
        reasons = {
            "readonly": _("nobody can fill it in"),
            "computed_by": _("it is computed after the record is saved"),
            "on_delete": _("it is emptied when the other record is deleted"),
        }
        for member, reason in reasons.items():
            if notes.get(member) not in (None, False, "restrict", "delete"):
                message = _('"{name}" cannot be required: {reason}').format(name=name, reason=reason)
                hint = _('Take it out of required, or "{member}" out of its x-crm.').format(member=member)
                yield Fault(f"/required/{index}", message, hint, "required")


def _note_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    fields, notes = document["properties"], document.get("x-crm", {})
    known = [*fields, *SYSTEM_FIELDS]
    if notes.get("display", "id") not in known:
        yield _unknown("/x-crm/display", notes["display"], known)
    yield from _unknown_names("/x-crm/search", notes.get("search", ()), fields)
    for index, name in enumerate(notes.get("search", ())):
        if name in fields and kind_of(fields[name]) is not Kind.TEXT:
            message = _('"{name}" is no text to search in').format(name=name)
            yield Fault(f"/x-crm/search/{index}", message, _("Name text fields only."), "search")
    for index, names in enumerate(notes.get("indexes", ())):
        yield from _unknown_names(f"/x-crm/indexes/{index}", names, fields)
        for n, name in enumerate(names):
            if name in fields and kind_of(fields[name]) in (Kind.JSON, Kind.ANY_REF):
                message = _('"{name}" is no single value that can be compared').format(name=name)
                yield Fault(f"/x-crm/indexes/{index}/{n}", message, _("Index fields with one value."), "indexes")


def _match_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    fields = document["properties"]
    for index, rule in enumerate(document.get("x-crm", {}).get("match", ())):
        pointer = f"/x-crm/match/{index}"
        yield from _unknown_names(f"{pointer}/fields", rule["fields"], fields)
        for n, name in enumerate(rule["fields"]):
            if name in fields and kind_of(fields[name]) in (Kind.JSON, Kind.ANY_REF):
                message = _('"{name}" is no single value that can be compared').format(name=name)
                yield Fault(f"{pointer}/fields/{n}", message, _("Match on fields with one value."), "match")
        for name, value in rule.get("when", {}).items():
            where = step(f"{pointer}/when", name)
            if name not in fields:
                yield _unknown(where, name, fields)
            elif kind_of(fields[name]) in (Kind.JSON, Kind.ANY_REF):
                message = _('"{name}" is no single value that can be compared').format(name=name)
                yield Fault(where, message, _("Match on fields with one value."), "match")
            else:
                yield from _impossible(where, name, fields[name], value)


def _impossible(pointer: str, name: str, field: Mapping[str, Any], value: Any) -> Iterator[Fault]:
    """Yield a fault where a field can never have a value that a rule waits for."""
    if (reason := refusal(name, field, value)) is not None:
        message = _('"{name}" can never be {value}: {reason}').format(name=name, value=shown(value), reason=reason)
        hint = did_you_mean_hint(str(value), field["enum"]) if "enum" in field else None
        yield Fault(pointer, message, hint or _("Write a value that the field takes."), "unknown_value")


def _owner_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    owners = [name for name, field in document["properties"].items() if field.get("x-crm", {}).get("owner")]
    for name in owners[1:]:
        message = _('"{name}" and "{other}" both say who the owner is').format(name=name, other=owners[0])
        pointer = f"{step('/properties', name)}/x-crm/owner"
        beside = step("/properties", owners[0])
        yield Fault(pointer, message, _("A record has one owner: keep one of the two."), "owner", beside)


def _former_name_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    taken = {name: name for name in (*document["properties"], *SYSTEM_FIELDS)}
    for field, schema in document["properties"].items():
        for index, name in enumerate(schema.get("x-crm", {}).get("was", ())):
            if name in taken:
                message = _('"{name}" is the name, or a former name, of another field').format(name=name)
                pointer = f"{step('/properties', field)}/x-crm/was/{index}"
                hint = _("A column can be renamed to one field only.")
                yield Fault(pointer, message, hint, "was", step("/properties", taken[name]))
            taken.setdefault(name, field)


def _header_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the aliases by which an importer could not tell two fields apart."""
    claimed: dict[str, str] = {}
    for field, schema in document["properties"].items():
        for header in (field, *schema.get("x-crm", {}).get("titles", {}).values()):
            claimed.setdefault(fold(header), field)
    for field, schema in document["properties"].items():
        for index, alias in enumerate(schema.get("x-crm", {}).get("aliases", ())):
            other = claimed.setdefault(fold(alias), field)
            if other != field:
                message = _('the alias "{alias}" means "{other}" already').format(alias=alias, other=other)
                pointer = f"{step('/properties', field)}/x-crm/aliases/{index}"
                hint = _("Give it to one of the two fields.")
                yield Fault(pointer, message, hint, "alias", step("/properties", other))


def _rules(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "if" in document:
        yield "", document
    yield from ((f"/allOf/{index}", rule) for index, rule in enumerate(document.get("allOf", ())))


def _rule_faults(pointer: str, rule: Mapping[str, Any], fields: Mapping[str, Any]) -> Iterator[Fault]:
    for keyword in ("if", "then", "else"):
        clause, where = rule.get(keyword, {}), f"{pointer}/{keyword}"
        yield from _unknown_names(f"{where}/required", clause.get("required", ()), fields)
        for name, fragment in clause.get("properties", {}).items():
            below = step(f"{where}/properties", name)
            if name not in fields:
                yield _unknown(below, name, fields)
                continue
            yield from _fragment_faults(below, name, fragment, fields[name])
            if keyword == "if" and name not in clause.get("required", ()):
                message = _('an empty "{name}" would fulfil this condition too').format(name=name)
                hint = _('Write "required": ["{name}"] beside "properties".').format(name=name)
                yield Fault(below, message, hint, "required")


def _fragment_faults(pointer: str, name: str, fragment: Mapping[str, Any], field: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield what a rule asks of a field that the field's own type, or its values, make senseless."""
    for fault in shape_faults({**fragment, "type": field["type"]}, PROPERTY):
        yield evolve(fault, pointer=pointer + fault.pointer)
    if fragment.get("type", field["type"]) != field["type"]:
        message = _('"{name}" is of the type {type}').format(name=name, type=shown(field["type"]))
        yield Fault(f"{pointer}/type", message, _("Leave the type out: the field has it."), "type")
    awaited = [("const", fragment["const"])] if "const" in fragment else []
    awaited += [(f"enum/{index}", value) for index, value in enumerate(fragment.get("enum", ()))]
    for place, value in awaited:
        yield from _impossible(f"{pointer}/{place}", name, field, value)
