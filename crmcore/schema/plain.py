"""What a property of our dialect means in plain JSON Schema 2020-12: its kind, and the assertions behind ``x-crm``.

The plain form decides what is valid and is what others are given; titles and documents are not made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.schema.model import ANY_ENTITY, Kind
from crmcore.schema.values import ANY_REF_PATTERN, MAX_INTEGER, MONEY_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["kind_of", "plain_object", "plain_property"]

_KINDS = {
    "string": Kind.TEXT,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "array": Kind.JSON,
    "object": Kind.JSON,
}
_FORMAT_KINDS = {"date": Kind.DATE, "date-time": Kind.INSTANT}
_PATTERNS = {Kind.MONEY: MONEY_PATTERN, Kind.ANY_REF: ANY_REF_PATTERN}
_LEAST = {Kind.INTEGER: -MAX_INTEGER, Kind.REF: 1}


def kind_of(schema: Mapping[str, Any]) -> Kind:
    """Return what a field with this property holds."""
    notes = schema.get("x-crm", {})
    if notes.get("money"):
        return Kind.MONEY
    if "ref" in notes:
        return Kind.ANY_REF if notes["ref"] == ANY_ENTITY else Kind.REF
    return _FORMAT_KINDS.get(schema.get("format", ""), _KINDS[schema["type"]])


def plain_property(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the property without ``x-crm``; what that asserts, and the bounds of integers, are written out."""
    plain = {keyword: value for keyword, value in schema.items() if keyword != "x-crm"}
    kind = kind_of(schema)
    if kind in _LEAST:
        plain.setdefault("minimum", _LEAST[kind])
        plain.setdefault("maximum", MAX_INTEGER)
    if kind in _PATTERNS:
        plain["allOf"] = [{"pattern": _PATTERNS[kind]}]
    if "items" in plain:
        plain["items"] = plain_property(plain["items"])
    if "properties" in plain:
        plain["properties"] = {name: plain_property(inner) for name, inner in plain["properties"].items()}
    if isinstance(plain.get("additionalProperties"), dict):
        plain["additionalProperties"] = plain_property(plain["additionalProperties"])
    return plain


def plain_object(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entity's document as a plain JSON Schema that admits its fields and no others."""
    dropped = ("$schema", "x-crm")
    return {
        **{keyword: value for keyword, value in schema.items() if keyword not in dropped},
        "properties": {name: plain_property(inner) for name, inner in schema["properties"].items()},
        "additionalProperties": False,
    }
