"""Whether a schema document has the shape that the meta-schemas in ``schemas/meta`` ask for.

What its parts mean is judged in :mod:`crmcore.schema.rules`; the words for what is wrong are in
:mod:`crmcore.schema.misshapen`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.schema.decide import decider
from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import jsonschema_rs

__all__ = ["ENTITY", "EXTENSION", "PROPERTY", "Fault", "meta_schemas", "shape_faults"]

ENTITY = "urn:crmcore:entity:1"
EXTENSION = "urn:crmcore:extension:1"
PROPERTY = f"{ENTITY}#/$defs/property"
"""One property: a field, or what a rule or an extension says of one."""


@frozen
class Fault:
    """Something in a schema document that the dialect refuses."""

    pointer: str
    message: str
    hint: str | None = None
    """What to write instead."""
    code: str = "keyword"
    beside: str | None = None
    """Pointer of the other part, where two parts do not go together."""


def shape_faults(document: Any, meta: str) -> Iterator[Fault]:
    """Yield what a meta-schema refuses, each fault once."""
    if not _meta_decider(meta).is_valid(document):
        from crmcore.schema.misshapen import explained  # noqa: PLC0415 - brings jsonschema: only where something is wrong

        yield from explained(document, meta)


def meta_schemas() -> Mapping[str, Mapping[str, Any]]:
    """Return the meta-schemas by the name that schema documents give in ``$schema``."""
    return {schema["$id"]: schema for schema in map(meta_schema, ("entity", "extension"))}


@cache
def _meta_decider(meta: str) -> jsonschema_rs.Validator:
    return decider({"$ref": meta}, meta_schemas())
