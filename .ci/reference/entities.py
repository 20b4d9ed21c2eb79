"""The entities of the core: their fields, with titles in both languages, and how records are recognised."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from markdown import code, listed, table

from crmcore import Config, load
from crmcore.schema.model import SYSTEM_FIELDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.schema.model import Entity, Field, MatchRule

__all__ = ["entities", "fields", "system_fields"]

KINDS = {
    Kind.TEXT: "text",
    Kind.INTEGER: "whole number",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "true or false",
    Kind.MONEY: "amount",
    Kind.DATE: "date",
    Kind.INSTANT: "instant",
    Kind.ANY_REF: "any record",
    Kind.JSON: "list or object",
}


def entities() -> str:
    """Return a section for every entity that there is without any plugin."""
    return "\n\n".join(_section(entity) for entity in load(Config()).entities.values())


def fields(shown: Iterable[Field]) -> str:
    """Return a table of fields."""
    headings = ("field", "title", "标题", "holds", "rules")
    return table(headings, [(code(f.name), *_titles(f), holds(f), ", ".join(_rules(f))) for f in shown])


def system_fields() -> str:
    """Return a table of the fields that every record has."""
    return table(
        ("field", "title", "标题", "holds"), [(code(f.name), *_titles(f), holds(f)) for f in SYSTEM_FIELDS.values()]
    )


def holds(field: Field) -> str:
    """Return what a field holds, in words."""
    if field.kind is Kind.REF:
        return f"[{field.ref}](entities.md#{field.ref})"
    if field.enum:
        return ", ".join(code(value) for value in field.enum)
    if field.kind is Kind.TEXT and field.format:
        return field.format
    return KINDS[field.kind]


def _section(entity: Entity) -> str:
    facts = [
        ("title", ", ".join(dict.fromkeys(entity.titles.values()))),
        ("plural", code(entity.plural)),
        ("shown by", code(entity.display)),
        ("recognised by", "; ".join(_rule(rule) for rule in entity.match)),
        ("known by, for erasing", ", ".join(code(name) for name in entity.search)),
        *_between_fields(entity),
    ]
    parts = [f"## {entity.name}", listed(facts), fields(entity.fields.values())]
    return "\n\n".join(part.strip() for part in parts)


def _between_fields(entity: Entity) -> Iterable[tuple[str, str]]:
    """Yield what must be filled in where other fields are, or are not."""
    for rule in (entity.schema, *entity.schema.get("allOf", ())):
        looked_at = " and ".join(code(name) for name in rule.get("if", {}).get("required", ()))
        for clause, state in (("then", "filled in"), ("else", "empty")):
            needed = rule.get(clause, {}).get("required", ())
            yield f"needed where {looked_at} is {state}", ", ".join(code(name) for name in needed)


def _titles(field: Field) -> tuple[str, str]:
    return field.titles.get("en", ""), field.titles.get("zh-CN", "")


def _rules(field: Field) -> list[str]:
    written = f"written by {code(field.computed_by)}" if field.computed_by else "not set by people"
    rules = {
        "required": field.required,
        f"default {code(json.dumps(field.default))}": field.default is not None,
        f"at most {field.max_length} characters": field.max_length is not None,
        "unique": field.unique,
        "whose record it is": field.owner,
        "plugins may add values": field.open,
        "emptied when that is deleted": field.ref is not None and field.on_delete == "clear",
        "deleted along with that": field.ref is not None and field.on_delete == "delete",
        written: field.readonly,
        "sensitive": field.sensitive,
    }
    return [rule for rule, holds_good in rules.items() if holds_good]


def _rule(rule: MatchRule) -> str:
    when = " and ".join(f"{name} is {value}" for name, value in rule.when.items())
    return " and ".join(code(name) for name in rule.fields) + (f" (where {when})" if when else "")
