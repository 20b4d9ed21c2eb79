"""Record classes: a frozen slotted attrs class for each entity, values in their Python form.

A class depends on nothing but the names and kinds of the entity's fields, so that two tenants with the same schema
share it and a pickled record finds it again. Reading and writing records is in :mod:`crmcore.records`.
"""

from __future__ import annotations

import keyword
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from crmcore.schema.model import SYSTEM_FIELDS, Kind
from crmcore.schema.values import FROM_JSON, WRITTEN
from crmcore.types import HIDDEN, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from crmcore.schema.model import Entity

__all__ = ["Record", "record_class"]

_Shape = tuple[tuple[str, Kind], ...]
_CLASSES = 1024
"""Classes that are kept: some ten tenants with a hundred differing entities each."""


class Record:
    """A record as it was read; equal to another one when every value is.

    ``record.name`` and ``record["name"]`` give a value; None is empty, `crmcore.types.HIDDEN` may not be read. A field
    that Python or this class has another use for (``from``, ``ref``) is an attribute with a trailing underscore.
    """

    __slots__ = ()

    entity: ClassVar[str]
    _kinds: ClassVar[Mapping[str, Kind]]
    _attributes: ClassVar[Mapping[str, str]]
    """Field -> attribute."""

    @property
    def ref(self) -> Ref:
        """The public reference, ``customer:42``."""
        return Ref(self.entity, self["id"])

    def __getitem__(self, field: str) -> Any:
        return getattr(self, self._attributes[field])

    def as_json(self) -> dict[str, Any]:
        """Return the values in their JSON form: system fields first, without empty and hidden values."""
        filled = ((name, self[name], kind) for name, kind in self._kinds.items())
        return {name: WRITTEN[kind](value) for name, value, kind in filled if value is not None and value is not HIDDEN}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Build a record from what `as_json` returned."""
        read = {name: FROM_JSON[cls._kinds[name]](value) for name, value in values.items() if value is not None}
        return cls(**{cls._attributes[name]: value for name, value in read.items()})

    def __hash__(self) -> int:
        # Equal records have equal references; lists among the values could not be hashed.
        return hash((self.entity, self["id"]))

    def __repr__(self) -> str:
        filled = ((name, self[name]) for name in self._kinds)
        values = ", ".join(f"{name}={value!r}" for name, value in filled if value is not None)
        return f"{type(self).__name__}({values})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.entity, tuple(self._kinds.items()), tuple(self[name] for name in self._kinds))


def record_class(entity: Entity) -> type[Record]:
    """Return the class of an entity's records.

    Its constructor takes the values by position: `SYSTEM_FIELDS` first, then the fields in the entity's order.
    """
    fields = (*SYSTEM_FIELDS.values(), *entity.fields.values())
    return _class_of(entity.name, tuple((f.name, f.kind) for f in fields))


@lru_cache(maxsize=_CLASSES)
def _class_of(entity: str, shape: _Shape) -> type[Record]:
    attributes = {name: f"{name}_" if name in _TAKEN else name for name, _kind in shape}
    body: dict[str, Any] = {
        "__doc__": f"A record of the entity ``{entity}``.",
        "__hash__": Record.__hash__,
        "__module__": __name__,
        "entity": entity,
        "_kinds": dict(shape),
        "_attributes": attributes,
    }
    return attrs.make_class(
        "".join(word.capitalize() for word in entity.split("_")),
        {attribute: attrs.field(default=None) for attribute in attributes.values()},
        bases=(Record,),
        class_body=body,
        frozen=True,
        slots=True,
        repr=False,
        hash=False,
    )


def _restored(entity: str, shape: _Shape, values: tuple[Any, ...]) -> Record:
    return _class_of(entity, shape)(*values)


_TAKEN = frozenset({*keyword.kwlist, "self", "entity", *(name for name in vars(Record) if not name.startswith("_"))})
