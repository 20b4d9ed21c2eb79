"""Keys of files that a JSON Schema describes: `crm.toml`, manifests, entity schemas, settings of plugins."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from markdown import code, table

from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any]

__all__ = ["keys", "keys_of", "keywords"]

LONGEST_DEFAULT = 120
"""Characters; a longer one is a table of its own."""
TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
}
MAX_SAFE = 2**53 - 1
"""What every JSON reader keeps exactly; not worth saying as a bound."""


def keys(document: str, pointer: str = "#") -> str:
    """Return a table of the keys of an object in one of the project's meta-schemas.

    Args:
        document: name of the meta-schema: `crm-toml`, `plugin`, `entity`, `extension`, `mapping`.
        pointer: JSON pointer of the object in it.
    """
    root = meta_schema(document)
    return keys_of(_resolved(_at(root, pointer), root), root)


def keywords(document: str, pointer: str) -> str:
    """Return the names of the keys of an object, without their meaning."""
    return ", ".join(code(name) for name in _at(meta_schema(document), pointer)["properties"])


def keys_of(schema: Schema, root: Schema, *, within: str = "") -> str:
    """Return a table of the keys of an object, each with what it means and takes."""
    rows = [
        (code(f"{within}{name}"), _meaning(one), _value(one, root), _default(one), needed)
        for name, one, needed in _properties(schema, root)
    ]
    return table(("key", "meaning", "value", "default", "needed"), rows)


def _value(schema: Any, root: Schema) -> str:
    """Return what a key takes, in words."""
    if not isinstance(schema, dict):
        return "anything"
    if "const" in schema:
        return code(schema["const"])
    if "enum" in schema:
        return ", ".join(code(one) for one in schema["enum"])
    types = schema.get("type", ())
    words = [_typed(name, schema, root) for name in ([types] if isinstance(types, str) else types)]
    return " or ".join(words)


def _resolved(schema: Any, root: Schema) -> Any:
    """Return a schema with what it refers to, its own keywords on top."""
    while isinstance(schema, dict) and "$ref" in schema:
        document, _, pointer = schema["$ref"].partition("#")
        # An extension says all of it by references into the meta-schema of entities, whose own lead on inside that.
        inside = meta_schema("entity") if document or "$defs" not in root else root
        schema = {**_at(inside, pointer), **{key: part for key, part in schema.items() if key != "$ref"}}
    return schema


def _typed(name: str, schema: Schema, root: Schema) -> str:
    if name == "array" and "items" in schema:
        inner = _value(_resolved(schema["items"], root), root)
        return f"list of {inner}" if inner else "list"
    if name == "object" and not schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
        inner = _value(_resolved(schema["additionalProperties"], root), root)
        return f"{_object(root)}: name = {inner}" if inner else _object(root)
    if name == "string" and schema.get("format"):
        return str(schema["format"])
    if name == "object":
        return _object(root)
    return TYPES[name] + _bounds(schema) if name in ("integer", "number") else TYPES[name]


def _object(root: Schema) -> str:
    """Return what an object is called in the file that a schema describes: JSON, or crm.toml."""
    return (
        "object"
        if root.get("$id", "").startswith(("urn:crmcore:entity", "urn:crmcore:ext", "urn:crmcore:plugin"))
        else "table"
    )


def _bounds(schema: Schema) -> str:
    low, above = schema.get("minimum"), schema.get("exclusiveMinimum")
    high, below = schema.get("maximum"), schema.get("exclusiveMaximum")
    parts = [
        *([f"from {low}"] if low is not None else []),
        *([f"above {above}"] if above is not None else []),
        *([f"to {high}"] if high not in (None, MAX_SAFE) else []),
        *([f"below {below}"] if below is not None else []),
    ]
    return f", {' '.join(parts)}" if parts else ""


def _properties(schema: Schema, root: Schema) -> Iterator[tuple[str, Any, str]]:
    required = schema.get("required", ())
    for name, one in schema.get("properties", {}).items():
        if one != {"not": {}}:
            yield name, _resolved(one, root), "yes" if name in required else ""


def _meaning(schema: Any) -> str:
    return str(schema.get("description") or schema.get("title") or "") if isinstance(schema, dict) else ""


def _default(schema: Any) -> str:
    if not isinstance(schema, dict) or schema.get("default") in (None, {}, ""):
        return ""
    written = json.dumps(schema["default"], ensure_ascii=False)
    return code(written) if len(written) <= LONGEST_DEFAULT else "see below"


def _at(root: Any, pointer: str) -> Any:
    for word in pointer.removeprefix("#").strip("/").split("/"):
        root = root[word] if word else root
    return root
