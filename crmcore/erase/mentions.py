"""Whether a text names a record: the values by which people know it, today's and those of its history.

Rather a row too many than one too few, because what names a person must go; but a person called Li does not take
everybody called Lilian along.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import select

from crmcore.records.writing import load_drafts
from crmcore.schema.model import Kind
from crmcore.schema.values import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["Mentions", "identifying_values", "texts"]

_SHORTEST = 2
_SHORTEST_NUMBER = 6
_DIGITS_COMPARED = 11
"""Of a telephone number from its end: one file has it with the code of the country, another without."""
_NUMBER = re.compile(r"[0-9 +().\-/]+")
_BETWEEN_DIGITS = re.compile(r"(?<=[0-9])[ +().\-/]+(?=[0-9])")


@frozen
class Mentions:
    """What texts are searched for."""

    pattern: re.Pattern[str] | None
    """Folded values; None where nothing identifies the record."""
    numbers: tuple[str, ...]
    """The last digits of values that are telephone numbers."""

    @classmethod
    def of(cls, values: Iterable[str]) -> Mentions:
        """Return what finds any of some values, however they are written."""
        folded = sorted({value for value in (fold(one.strip()) for one in values) if len(value) >= _SHORTEST})
        numbers = (re.sub(r"[^0-9]", "", value) for value in folded if _NUMBER.fullmatch(value))
        pattern = re.compile("|".join(map(_bounded, folded))) if folded else None
        return cls(pattern, tuple(n[-_DIGITS_COMPARED:] for n in numbers if len(n) >= _SHORTEST_NUMBER))

    def are_in(self, text: str) -> bool:
        """Return whether a text holds one of the values."""
        if self.pattern is None:
            return False
        folded = fold(text)
        if self.pattern.search(folded):
            return True
        joined = _BETWEEN_DIGITS.sub("", folded) if self.numbers else ""
        return any(number in joined for number in self.numbers)


def identifying_values(session: Session, entity: Entity, id: int) -> Mentions:
    """Return what names a record: its display name, what it is matched by and searched by, and its external id."""
    names = {entity.display, *entity.search, *(name for rule in entity.match for name in rule.fields)}
    fields = {name for name in names if name in entity.fields and entity.fields[name].kind is Kind.TEXT}
    fields = {name for name in fields if not entity.fields[name].enum}
    values = [draft.values for draft in load_drafts(session, entity, [id])]
    history, table = session.runtime.tables.history, session.runtime.tables.entity[entity.name]
    old = select(history.c.old).where(history.c.entity == entity.name, history.c.record_id == id)
    values += session.connection.execute(old).scalars()
    external = session.connection.execute(select(table.c.external_id).where(table.c.id == id)).scalar()
    found = [some[name] for some in values for name in fields & some.keys()]
    return Mentions.of(value for value in (*found, external) if isinstance(value, str))


def texts(value: Any) -> Iterator[str]:
    """Yield every text inside a value of lists and mappings."""
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from texts(part)
    elif value is not None:
        yield str(value)


def _bounded(value: str) -> str:
    """Return the pattern of a value that is no part of a longer word, in scripts that put words apart."""
    before = "(?<![0-9a-z])" if re.match(r"[0-9a-z]", value) else ""
    after = "(?![0-9a-z])" if re.search(r"[0-9a-z]$", value) else ""
    return f"{before}{re.escape(value)}{after}"
