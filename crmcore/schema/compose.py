"""Entities out of the documents of the core, the plugins and the instance, and which file set what.

All problems of all files are found before any is raised. What each rule means is in the modules below: `dialect` for
one document, `merging` for the documents of one entity; here are the rules between entities.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from pathlib import PurePath
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from crmcore.errors import SchemaError
from crmcore.i18n import gettext as _
from crmcore.once import Once
from crmcore.schema.building import entity_of, plural_of
from crmcore.schema.dialect import check_document
from crmcore.schema.documents import NAME
from crmcore.schema.entity_rules import entity_faults
from crmcore.schema.merging import Merged, Place, merge
from crmcore.schema.positions import step
from crmcore.schema.rules import field_faults, value_faults
from crmcore.schema.shape import PROPERTY, Fault, shape_faults
from crmcore.schema.suggestions import did_you_mean_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.schema.documents import SchemaDocument
    from crmcore.schema.model import Entity
    from crmcore.types import Problem

__all__ = ["Composition", "Setting", "compose"]

_REFERENCE = re.compile(rf"/properties/({NAME.pattern})/x-crm/ref")


@frozen
class Setting:
    """One keyword of a field and the file that set it."""

    keyword: str
    """``maxLength``, ``required``; members of ``x-crm`` as ``x-crm.index``."""
    value: Any
    """What that file says; where several do, the last one that is stricter holds, and lists are united."""
    origin: str
    path: str
    line: int | None


@frozen(eq=False)
class Composition:
    """Every entity, composed, and where each of its keywords comes from."""

    entities: Mapping[str, Entity]
    provenance: Mapping[str, Mapping[str, tuple[Setting, ...]]]
    """Entity -> field -> who set what, in the order of the documents."""
    once: Once = field(factory=Once, init=False, repr=False)
    """What layers above make of the entities, tables for instance: instances with the same schemas share it."""

    def why(self, entity: str, field: str) -> tuple[Setting, ...]:
        """Return which file set each keyword of a field.

        Raises:
            KeyError: there is no such entity or field.
        """
        return self.provenance[entity][field]


def compose(documents: Iterable[SchemaDocument], problems: Iterable[Problem] = ()) -> Composition:
    """Compose entities.

    Args:
        documents: in their order: the core's, the plugins' in the order in which they start, the instance's.
        problems: of files that could not be read; they are raised together with all others.

    Raises:
        SchemaError: everything that is wrong in any of the documents.
    """
    unread = tuple(problems)
    return _compose(tuple(documents), unread) if unread else _kept(tuple(documents))


@lru_cache(maxsize=32)
def _kept(documents: tuple[SchemaDocument, ...]) -> Composition:
    """Compose what instances in one process have in common only once."""
    return _compose(documents, ())


def _compose(documents: tuple[SchemaDocument, ...], problems: tuple[Problem, ...]) -> Composition:
    found = list(problems)
    unread = {PurePath(str(problem.file)).name.partition(".")[0] for problem in found if problem.file is not None}
    by_entity: dict[str, list[SchemaDocument]] = defaultdict(list)
    for document in documents:
        by_entity[document.entity].append(document)
    known = {name for name, of_entity in by_entity.items() if any(not d.extends for d in of_entity)} | unread
    every: dict[str, Merged] = {}
    for name, of_entity in by_entity.items():
        wrong = [*_declaration_problems(name, of_entity, known)]
        for document in of_entity:
            wrong += check_document(document)
            wrong += _reference_problems(document, known)
        if not wrong and name not in unread:
            every[name] = _merge(name, of_entity)
            wrong += every[name].problems
        found += wrong
    found += _name_problems(every)
    if found:
        raise SchemaError(found)
    entities = {name: entity_of(merged) for name, merged in every.items()}
    provenance = {name: MappingProxyType(_settings(merged)) for name, merged in every.items()}
    return Composition(MappingProxyType(entities), MappingProxyType(provenance))


def _declaration_problems(name: str, documents: list[SchemaDocument], known: Iterable[str]) -> Iterator[Problem]:
    """Yield what is wrong where an entity is not declared exactly once."""
    declared = [document for document in documents if not document.extends]
    for other in declared[1:]:
        message = _('the entity "{name}" is declared in {path} ({origin}) already').format(
            name=name, path=declared[0].path, origin=declared[0].origin
        )
        hint = _("Rename one of the two, or write {name}.extend.json to add to it.").format(name=name)
        yield other.problem("", message, hint=hint, code="conflict")
    if not declared and name not in known:
        for extension in documents:
            message = _('there is no entity "{name}" to extend').format(name=name)
            yield extension.problem("", message, hint=did_you_mean_hint(name, sorted(known)), code="unknown_entity")


def _merge(name: str, documents: Iterable[SchemaDocument]) -> Merged:
    """Merge the documents of an entity and judge what comes of it, where more than one had a say."""
    base, *extensions = sorted(documents, key=lambda document: document.extends)
    merged = merge(name, base, extensions)
    if extensions and not merged.problems:
        faults = [*_merged_faults(merged.document)]
        merged.problems += [_problem(merged, fault) for fault in faults]
    return merged


def _merged_faults(document: Mapping[str, Any]) -> Iterator[Fault]:
    for name, schema in document["properties"].items():
        pointer = step("/properties", name)
        yield from (evolve(fault, pointer=pointer + fault.pointer) for fault in shape_faults(schema, PROPERTY))
        yield from value_faults(pointer, schema)
        yield from field_faults(pointer, schema)
    yield from entity_faults(document)


def _problem(merged: Merged, fault: Fault) -> Problem:
    """Return a fault of a composed document at the file that spoke last, naming all that had a say."""
    at = fault.pointer
    while not merged.places.get(at):
        at = at.rpartition("/")[0]
    place = merged.places[at][-1]
    pointer = place.pointer + fault.pointer.removeprefix(at)
    if pointer not in place.document.positions.lines:
        pointer = place.pointer
    involved = [*_parties(merged, fault.pointer), *_parties(merged, fault.beside or "")]
    parties = dict.fromkeys(str(each) for each in involved if each.document is not place.document)
    message = fault.message
    if parties:
        message = _("{message}; see also {parties}").format(message=message, parties=", ".join(parties))
    return place.document.problem(pointer, message, hint=fault.hint, code=fault.code)


def _parties(merged: Merged, pointer: str) -> list[Place]:
    """Return who declared or extended the field that a pointer leads to."""
    field = "/".join(pointer.split("/")[:3])
    return merged.places.get(field, []) if field.startswith("/properties/") else []


def _reference_problems(document: SchemaDocument, known: Iterable[str]) -> Iterator[Problem]:
    """Yield references to entities that nobody declares; the document need not be sound otherwise."""
    for pointer in document.positions.lines:
        if (found := _REFERENCE.fullmatch(pointer)) is None:
            continue
        name, target = found[1], document.document["properties"][found[1]]["x-crm"]["ref"]
        if isinstance(target, str) and NAME.fullmatch(target) and target not in known:
            message = _('"{name}" refers to "{target}", and there is no such entity').format(name=name, target=target)
            yield document.problem(pointer, message, hint=did_you_mean_hint(target, sorted(known)), code="dangling_ref")


def _name_problems(every: Mapping[str, Merged]) -> Iterator[Problem]:
    """Yield plurals and former names that two entities claim."""
    plurals: dict[str, str] = {}
    former = dict.fromkeys(every)
    for name, merged in every.items():
        plural = plural_of(merged)
        other = plurals.setdefault(plural, name)
        if other != name:
            message = _('"{plural}" is the plural of "{other}" already').format(plural=plural, other=other)
            yield _problem(merged, Fault("/x-crm/plural", message, _("Choose another plural."), "conflict"))
        for index, was in enumerate(merged.document.get("x-crm", {}).get("was", ())):
            if was in former:
                message = _('"{name}" is the name, or a former name, of another entity').format(name=was)
                hint = _("A table can be renamed to one entity only.")
                yield _problem(merged, Fault(f"/x-crm/was/{index}", message, hint, "conflict"))
            former[was] = None


def _settings(merged: Merged) -> dict[str, tuple[Setting, ...]]:
    found: dict[str, list[Setting]] = {name: [] for name in merged.document["properties"]}
    for index, name in enumerate(merged.document.get("required", ())):
        found[name] += [_setting("required", evolve(p, value=True)) for p in merged.places[f"/required/{index}"]]
    for pointer, places in merged.places.items():
        start, *path = pointer.split("/")[1:] or [""]
        members = 3 if path[1:2] == ["x-crm"] else 2
        if start == "properties" and len(path) == members:
            found[path[0]] += [_setting(".".join(path[1:]), place) for place in places]
    return {name: tuple(settings) for name, settings in found.items()}


def _setting(keyword: str, place: Place) -> Setting:
    document = place.document
    return Setting(keyword, place.value, document.origin, document.path, document.line(place.pointer))
