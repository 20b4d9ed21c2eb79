"""The model of an entity and its fields, out of its composed document. Everything was judged before."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.schema.model import Entity, Field, MatchRule
from crmcore.schema.plain import kind_of
from crmcore.schema.values import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.schema.merging import Merged

__all__ = ["entity_of", "plural_of"]


def plural_of(merged: Merged) -> str:
    """Return the plural that an entity gives, else its name and an s."""
    return str(merged.document.get("x-crm", {}).get("plural", f"{merged.name}s"))


def entity_of(merged: Merged) -> Entity:
    """Return the model of an entity whose documents are merged and sound."""
    document = merged.document
    notes = document.get("x-crm", {})
    required = document.get("required", ())
    fields = {
        name: _field(name, schema, required=name in required, origin=merged.origin(name))
        for name, schema in document["properties"].items()
    }
    return Entity(
        name=merged.name,
        plural=plural_of(merged),
        fields=MappingProxyType(fields),
        schema=document,
        titles=_titles(document),
        display=notes.get("display", "name" if "name" in fields else "id"),
        match=tuple(_match_rule(rule, fields) for rule in notes.get("match", ())),
        search=tuple(notes.get("search", ())),
        indexes=tuple(tuple(names) for names in notes.get("indexes", ())),
        internal=notes.get("internal", False),
        was=tuple(notes.get("was", ())),
        origin=merged.places[""][0].document.origin,
    )


def _field(name: str, schema: Mapping[str, Any], *, required: bool, origin: str) -> Field:
    notes = schema.get("x-crm", {})
    kind = kind_of(schema)
    maximum = schema.get("maxLength")
    declared = Field(
        name=name,
        kind=kind,
        titles=_titles(schema),
        aliases=tuple(notes.get("aliases", ())),
        required=required,
        enum=tuple(schema.get("enum", ())),
        enum_titles=notes.get("values", {}),
        open=notes.get("open", False),
        format=schema.get("format"),
        max_length=None if maximum is None else int(maximum),
        ref=notes.get("ref"),
        on_delete=notes.get("on_delete", "restrict"),
        index=notes.get("index", False),
        unique=notes.get("unique", False),
        owner=notes.get("owner", False),
        readonly=notes.get("readonly", False) or "computed_by" in notes,
        computed_by=notes.get("computed_by"),
        sensitive=notes.get("sensitive", False),
        was=tuple(notes.get("was", ())),
        exact="computed_by" in notes,  # rules write in SQL, which cannot fold
        origin=origin,
    )
    return evolve(declared, default=to_json(declared, schema.get("default")))


def _match_rule(rule: Mapping[str, Any], fields: Mapping[str, Field]) -> MatchRule:
    awaited = rule.get("when", {}).items()
    when = {name: from_json(fields[name], to_json(fields[name], value)) for name, value in awaited}
    return MatchRule(fields=tuple(rule["fields"]), when=when, distinct=rule.get("distinct", False))


def _titles(schema: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the titles by language; a plain JSON Schema title counts as the English one."""
    plain = {"en": schema["title"]} if "title" in schema else {}
    titles: Mapping[str, str] = {**plain, **schema.get("x-crm", {}).get("titles", {})}
    return titles
