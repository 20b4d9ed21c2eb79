"""Values that everything speaks of: references, problems, actors, events."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import frozen
from attrs.validators import instance_of

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

__all__ = ["HIDDEN", "SYSTEM", "Action", "Actor", "Event", "Hidden", "Problem", "Ref"]

Action = Literal["create", "read", "update", "delete"]


@frozen(order=True)
class Ref:
    """Public reference of a record, written ``customer:42``."""

    entity: str
    id: int

    @classmethod
    def parse(cls, text: str) -> Ref:
        """Read ``customer:42``.

        Raises:
            ValueError: the text is not ``<entity>:<positive integer>``.
        """
        entity, colon, number = text.partition(":")
        positive = number.isascii() and number.isdigit() and int(number) > 0
        if not (colon and entity.isidentifier() and positive):
            raise ValueError(text)
        return cls(entity, int(number))

    def __str__(self) -> str:
        return f"{self.entity}:{self.id}"


@frozen(kw_only=True)
class Problem:
    """One thing that is wrong, and where: in a record, a schema, a manifest, ``crm.toml`` or an imported row.

    Plugins return problems from ``crm_validate`` with `field` and `message`; the core adds the rest.
    """

    message: str = attrs.field(validator=instance_of(str))
    hint: str | None = None
    """What to do about it, as a sentence."""
    code: str = "invalid"
    """Stable machine-readable kind, for instance ``required`` or ``unknown_field``."""
    field: str | None = None
    value: Any = None
    row: int | None = None
    """Number of the row in a batch (from 0) or of the line in an imported file (from 1)."""
    file: Path | str | None = None
    line: int | None = None
    column: int | None = None
    pointer: str | None = None
    """JSON pointer, or dotted key, inside `file`."""
    plugin: str | None = None

    @property
    def where(self) -> str:
        """The place as people read it: ``file:line:column pointer``; empty when there is none."""
        place = ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)
        plugin = f"[{self.plugin}]" if self.plugin else None
        return " ".join(p for p in (plugin, place, self.pointer or self.field) if p)

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text} ({self.hint})" if self.hint else text


@frozen(kw_only=True)
class Actor:
    """Who does something: a user with roles, or the system."""

    login: str
    id: int | None = None
    """Id of the ``user`` record; None for the system."""
    roles: tuple[str, ...] = ()
    team: int | None = None
    read_only: bool = False
    system: bool = False
    """The library used without an actor: no access rule applies."""


SYSTEM = Actor(login="system", system=True)


class Hidden(enum.Enum):
    """The type of `HIDDEN`; an enum, so that copies and pickles of the value are the value itself."""

    HIDDEN = "<hidden>"

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return self.value

    __str__ = __repr__


HIDDEN = Hidden.HIDDEN
"""Stands in a record for the value of a field that the actor may not read."""


@frozen(kw_only=True)
class Event:
    """Something that was committed, delivered through ``crm_committed`` at least once."""

    id: int
    """Of the event; a receiver that keeps the ids it has seen handles each once."""
    entity: str
    action: str
    """``create``, ``update``, ``delete``, ``restore``, ``computed`` or ``erase``."""
    record_id: int
    at: dt.datetime
    actor: str
