"""Whether one schema document speaks our dialect. What several documents say together is asked in compose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.schema.entity_rules import entity_faults, name_faults
from crmcore.schema.positions import step
from crmcore.schema.rules import field_faults, value_faults
from crmcore.schema.shape import ENTITY, EXTENSION, shape_faults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crmcore.schema.documents import SchemaDocument
    from crmcore.schema.shape import Fault
    from crmcore.types import Problem

__all__ = ["check_document"]


def check_document(document: SchemaDocument) -> list[Problem]:
    """Return everything in a document that the dialect refuses, with its line and what to write instead."""
    shape = list(shape_faults(document.document, EXTENSION if document.extends else ENTITY))
    faults = [*shape, *_meaning_faults(document, {fault.pointer for fault in shape})]
    faults.sort(key=lambda fault: document.line(fault.pointer) or 0)
    return [document.problem(f.pointer, f.message, hint=f.hint, code=f.code) for f in faults]


def _meaning_faults(document: SchemaDocument, misshapen: set[str]) -> Iterator[Fault]:
    """Yield what is wrong with those parts of a document whose shape is sound."""
    properties = document.document.get("properties")
    if isinstance(properties, dict):
        yield from name_faults(properties)
        for name, schema in properties.items():
            pointer = step("/properties", name)
            if not any(p == pointer or p.startswith(f"{pointer}/") for p in misshapen):
                yield from value_faults(pointer, schema)
                if "type" in schema:
                    yield from field_faults(pointer, schema)
    if not misshapen and not document.extends:
        yield from entity_faults(document.document)
