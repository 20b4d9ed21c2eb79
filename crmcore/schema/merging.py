"""One entity's documents made into one: its declaration and the extensions, and who set what.

Whether the result makes sense is asked in :mod:`crmcore.schema.compose`, which brings the documents in order.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from attrs import Factory, define, frozen

from crmcore.i18n import gettext as _
from crmcore.schema.documents import CORE
from crmcore.schema.positions import step
from crmcore.schema.suggestions import did_you_mean_hint
from crmcore.schema.tightening import ENTITY_RULES, FIELD_RULES, LABELS, NOTE_RULES, Disagreement, united
from crmcore.schema.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.schema.documents import SchemaDocument
    from crmcore.schema.tightening import Rule
    from crmcore.types import Problem

__all__ = ["Merged", "Place", "merge"]


@frozen
class Place:
    """Where a document says something that the composed entity says too."""

    document: SchemaDocument
    pointer: str
    value: Any

    def __str__(self) -> str:
        line = self.document.line(self.pointer)
        return f"{self.document.path}:{line} ({self.document.origin})"


@define
class Merged:
    """An entity while its documents are being merged."""

    name: str
    document: dict[str, Any] = Factory(dict)
    places: dict[str, list[Place]] = Factory(dict)
    """Pointer in the composed document -> who set what is there, in order."""
    problems: list[Problem] = Factory(list)

    def origin(self, field: str) -> str:
        """Return who declared a field."""
        return self.places[step("/properties", field)][0].document.origin


def merge(name: str, base: SchemaDocument, extensions: Iterable[SchemaDocument]) -> Merged:
    """Merge the declaration of an entity and its extensions, in their order."""
    merged = Merged(name)
    _declare(merged, base)
    for extension in extensions:
        _extend(merged, extension)
    return merged


def _declare(merged: Merged, base: SchemaDocument) -> None:
    merged.document = deepcopy(dict(base.document))
    _claim(merged, base, "", merged.document)


def _claim(merged: Merged, document: SchemaDocument, pointer: str, value: Any, at: str | None = None) -> None:
    """Record that a document set a part of the composed one, and everything in it."""
    at = pointer if at is None else at
    merged.places[at] = [Place(document, pointer, value)]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in members:
        _claim(merged, document, step(pointer, name), inner, step(at, name))


def _extend(merged: Merged, extension: SchemaDocument) -> None:
    said = extension.document
    for member, value in said.get("x-crm", {}).items():
        _apply(merged, extension, f"/x-crm/{member}", ENTITY_RULES[member], value)
    for field, fragment in said.get("properties", {}).items():
        _extend_field(merged, extension, field, deepcopy(fragment))
    if "required" in said:
        _apply(merged, extension, "/required", united, said["required"])
    for name, needed in said.get("dependentRequired", {}).items():
        _apply(merged, extension, step("/dependentRequired", name), united, needed)
    rules = [("", {k: said[k] for k in ("if", "then", "else") if k in said})] if "if" in said else []
    rules += [(f"/allOf/{index}", rule) for index, rule in enumerate(said.get("allOf", ()))]
    for pointer, rule in rules:
        every = merged.document.setdefault("allOf", [])
        every.append(deepcopy(rule))
        _claim(merged, extension, pointer, rule, f"/allOf/{len(every) - 1}")


def _extend_field(merged: Merged, extension: SchemaDocument, field: str, fragment: dict[str, Any]) -> None:
    fields, pointer = merged.document["properties"], step("/properties", field)
    if field not in fields:
        if "type" not in fragment:
            message = _('there is no field "{name}" to extend').format(name=field)
            hint = did_you_mean_hint(field, fields)
            merged.problems.append(extension.problem(pointer, message, hint=hint, code="unknown_field"))
            return
        fields[field] = fragment
        _claim(merged, extension, pointer, fragment)
        return
    declared = merged.places[pointer][0]
    if fragment == declared.value and declared.document.origin != CORE:
        merged.places[pointer].append(Place(extension, pointer, fragment))
        return
    if "type" in fragment and declared.document.plugin and extension.plugin not in (None, declared.document.plugin):
        message = _('the field "{name}" is declared in {place} already, and differently').format(
            name=field, place=declared
        )
        hint = _("Rename one of the two, or leave the type out to make the other one stricter.")
        merged.problems.append(extension.problem(pointer, message, hint=hint, code="conflict"))
        return
    merged.places[pointer].append(Place(extension, pointer, fragment))
    for keyword, value in fragment.items():
        if keyword == "enum":
            _extend_enum(merged, extension, field, value)
        elif keyword != "x-crm":
            _apply(merged, extension, f"{pointer}/{keyword}", FIELD_RULES[keyword], value)
    for member, value in fragment.get("x-crm", {}).items():
        _apply(merged, extension, f"{pointer}/x-crm/{member}", NOTE_RULES[member], value)


def _apply(merged: Merged, extension: SchemaDocument, pointer: str, rule: Rule, new: Any) -> None:
    """Let a rule decide what holds at a place of the composed document."""
    *path, keyword = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    around: Any = merged.document
    for part in path:
        around = around.setdefault(part, {})
    places = merged.places.setdefault(pointer, [])
    current = around.get(keyword)
    try:
        if extension.plugin is None and keyword in LABELS:
            holds = _replaced(current, new)
        else:
            holds = rule(places[0].value if places else None, current, deepcopy(new))
    except Disagreement as disagreement:
        _refuse(merged, extension, pointer, disagreement, places)
        return
    if holds != current:
        around[keyword] = holds
        places.append(Place(extension, pointer, new))
        _claim_items(merged, extension, pointer, holds)


def _claim_items(merged: Merged, extension: SchemaDocument, pointer: str, holds: Any) -> None:
    """Record who set the items of a list, which stand elsewhere in the composed document than in their own."""
    said = merged.places[pointer][-1].value
    for index, item in enumerate(holds if isinstance(holds, list) else ()):
        if item in said:
            at, own = f"{pointer}/{index}", f"{pointer}/{said.index(item)}"
            earlier = merged.places.pop(at, [])
            _claim(merged, extension, own, item, at)
            merged.places[at][:0] = earlier


def _replaced(current: Any, new: Any) -> Any:
    """Return labels with those of the instance in place of what they replace."""
    if isinstance(current, dict) and isinstance(new, dict):
        return {**current, **{name: _replaced(current.get(name), value) for name, value in new.items()}}
    return deepcopy(new)


def _refuse(
    merged: Merged, extension: SchemaDocument, pointer: str, disagreement: Disagreement, parties: Iterable[Place]
) -> None:
    message = disagreement.reason
    if named := ", ".join(map(str, parties)):
        message = _("{reason}; see also {parties}").format(reason=message, parties=named)
    merged.problems.append(extension.problem(pointer, message, hint=disagreement.hint, code="conflict"))


def _extend_enum(merged: Merged, extension: SchemaDocument, field: str, values: list[str]) -> None:
    """Add values to an open enum, or leave only some: an extension that names no declared value adds."""
    pointer = f"{step('/properties', field)}/enum"
    schema = merged.document["properties"][field]
    places = merged.places.setdefault(pointer, [])
    declared = places[0].value if places else None
    current = schema.get("enum", values)
    try:
        if declared is None or not _adds(declared, current, values, is_open=bool(schema.get("x-crm", {}).get("open"))):
            schema["enum"] = _kept(current, values, places, extension)
        else:
            _stay_whole(declared, current)
            schema["enum"] = list(dict.fromkeys([*current, *values]))
    except Disagreement as disagreement:
        _refuse(merged, extension, pointer, disagreement, places)
        return
    places.append(Place(extension, pointer, values))
    _claim_items(merged, extension, pointer, schema["enum"])


def _adds(declared: list[str], current: list[str], values: list[str], *, is_open: bool) -> bool:
    """Tell whether an extension adds to an enum, rather than leaving out some of it."""
    new = [value for value in values if value not in current]
    named = [value for value in values if value in declared]
    if not is_open:
        if new:
            reason = _("{new} is not among the values").format(new=", ".join(map(shown, new)))
            raise Disagreement(reason, _('Only an enum with "open": true can be added to; others can be shortened.'))
        return False
    if new and named and len(named) < len(declared):
        reason = _("new: {new}; left out: {missing}").format(
            new=", ".join(map(shown, new)), missing=", ".join(shown(v) for v in declared if v not in named)
        )
        raise Disagreement(
            reason, _("Write the new values only, to add them, or only old ones, to leave out the rest.")
        )
    return bool(new) or not named


def _kept(current: list[str], values: list[str], places: list[Place], extension: SchemaDocument) -> list[str]:
    """Return the values that an extension leaves; no plugin takes away what another one added."""
    dropped = [value for value in current if value not in values]
    added = {value for place in places[1:] for value in place.value}
    if extension.plugin and added.intersection(dropped):
        reason = _("left out: {dropped}").format(dropped=", ".join(map(shown, dropped)))
        raise Disagreement(reason, _("Only the instance may leave out what another plugin added."))
    kept = [value for value in current if value in values]
    if not kept:
        raise Disagreement(_("no value is left"), _("Agree on one value at least."))
    return kept


def _stay_whole(declared: list[str], current: list[str]) -> None:
    missing = [value for value in declared if value not in current]
    if missing:
        reason = _("left out before: {missing}").format(missing=", ".join(map(shown, missing)))
        raise Disagreement(reason, _("One extension shortens the list and another one adds to it: keep one of them."))
