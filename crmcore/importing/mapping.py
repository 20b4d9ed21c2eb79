"""Which field each header of a file means: by name, title or alias, in any language of the schemas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crmcore.schema.model import Entity, Field

__all__ = ["HeaderMapping", "map_headers"]


@frozen
class HeaderMapping:
    """Header -> field, and what is left over."""

    fields: dict[str, Field]
    """Header as it is written -> the field that it fills."""
    unknown: tuple[str, ...]
    """Headers that mean no field; their cells are left out."""
    repeated: tuple[str, ...]
    """Headers that mean a field which an earlier header has taken; their cells are left out too."""


def map_headers(entity: Entity, headers: Iterable[str]) -> HeaderMapping:
    """Map headers to the fields that people may fill in; a name wins over a title, a title over an alias."""
    known = _names(entity)
    fields: dict[str, Field] = {}
    unknown, repeated = [], []
    taken: set[str] = set()
    for header in headers:
        field = known.get(_plain(header))
        if field is None:
            unknown.append(header)
        elif field.name in taken:
            repeated.append(header)
        else:
            fields[header] = field
            taken.add(field.name)
    return HeaderMapping(fields, tuple(unknown), tuple(repeated))


def _names(entity: Entity) -> dict[str, Field]:
    open_fields = [field for field in entity.fields.values() if not (field.readonly or field.computed_by)]
    known: dict[str, Field] = {}
    for words in (_name, _titles, _aliases):
        for field in open_fields:
            for word in words(field):
                known.setdefault(_plain(word), field)
    return known


def _name(field: Field) -> Iterator[str]:
    yield field.name


def _titles(field: Field) -> Iterator[str]:
    yield from field.titles.values()


def _aliases(field: Field) -> Iterator[str]:
    yield from field.aliases


def _plain(header: str) -> str:
    """Return a header as it is compared: its letters and digits, so that `CustomerID` is `Customer ID`."""
    return "".join(character for character in fold(header) if character.isalnum())
