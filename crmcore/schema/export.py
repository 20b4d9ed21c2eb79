"""An entity as plain JSON Schema 2020-12, for forms, other languages and other programs.

What it asserts is what crmcore itself decides by; ``x-crm`` is written out in standard keywords or left out.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.plain import plain_object
from crmcore.schema.values import MAX_INTEGER

if TYPE_CHECKING:
    from crmcore.schema.model import Entity, Field

__all__ = ["plain_schema"]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plain_schema(entity: Entity, *, language: str | None = None) -> dict[str, Any]:
    """Return the JSON Schema of an entity's records as `crmcore.schema.records.Record.as_json` gives them.

    Args:
        entity: a composed entity.
        language: of the titles; that of the context when None.

    Returns:
        A document of its own; system fields and other fields that people cannot write are ``readOnly``.
    """
    plain = deepcopy(plain_object(entity.schema))
    declared = {
        name: {**schema, **_annotations(entity.fields[name], language)} for name, schema in plain["properties"].items()
    }
    system = {name: {**_system(field), **_annotations(field, language)} for name, field in SYSTEM_FIELDS.items()}
    return {
        "$schema": _DIALECT,
        "$id": f"urn:crmcore:schema:{entity.name}",
        **plain,
        "title": entity.title(language),
        "properties": {**system, **declared},
    }


def _annotations(field: Field, language: str | None) -> dict[str, Any]:
    title = {"title": field.title(language)}
    return {**title, "readOnly": True} if field.readonly else title


def _system(field: Field) -> dict[str, Any]:
    if field.kind is Kind.INSTANT:
        return {"type": "string", "format": "date-time"}
    if field.kind is Kind.TEXT:
        return {"type": "string"}
    return {"type": "integer", "minimum": 1, "maximum": MAX_INTEGER}
