"""The properties of a card with their values decoded, and the words that say of what type each is."""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore_vcard.properties import parts_of, plain, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore_vcard.properties import Property

__all__ = ["Entry", "entries_of"]

_LABEL = "X-ABLABEL"
_APPLE_LABEL = re.compile(r"_\$!<(.*)>!\$_")
_UNSAID = frozenset({"voice", "pref", "internet", "text"})
"""Types that do not tell one of several numbers or addresses from the others."""
_LAST = 100
"""Preference of a value without any (RFC 6350, 5.3: 1 is the most preferred)."""
_DAY = re.compile(r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})(?:[T ].*)?", re.ASCII)


@frozen
class Entry:
    """A property with its decoded value and its types."""

    source: Property
    text: str
    """Decoded, its escapes untouched."""
    types: tuple[str, ...]
    """In small letters: TYPE, and the label that its group has."""

    @property
    def value(self) -> str:
        """The value without escapes."""
        return plain(self.text, self.source.version)

    @property
    def parts(self) -> list[list[str]]:
        """The parts of a structured value."""
        return parts_of(self.text, self.source.version)

    @property
    def preference(self) -> int:
        """How much it is preferred to others of its name: less is more."""
        written = self.source.parameter("PREF")
        if written.isascii() and written.isdigit():
            return int(written)
        return 1 if "pref" in self.types else _LAST

    @property
    def day(self) -> dt.date | None:
        """The day that it says; None for a day without a year, a year alone, or words."""
        found = _DAY.fullmatch(self.value)
        if found is None or self.source.parameter("X-APPLE-OMIT-YEAR") == found[1]:
            return None
        try:
            return dt.date(*map(int, found.groups()))
        except ValueError:
            return None

    def remark(self, value: str = "", name: str = "") -> str:
        """Return what the notes say of it, in the words of the card."""
        said = ", ".join(word for word in self.types if word not in _UNSAID)
        named = name or self.source.name
        return f"{named} ({said}): {value or self.value}" if said else f"{named}: {value or self.value}"


def entries_of(properties: Sequence[Property], encoding: str) -> Mapping[str, Sequence[Entry]]:
    """Return the properties that are text by name, decoded, in their order.

    Raises:
        ValueError: one is not in the charset that it should be in.
    """
    texts = [(one, text_of(one, encoding)) for one in properties if not one.encoded]
    labels = {one.group: plain(text, one.version) for one, text in texts if one.group and one.name == _LABEL}
    entries: dict[str, list[Entry]] = defaultdict(list)
    for one, text in texts:
        types = [word.strip() for value in one.parameters.get("TYPE", ()) for word in value.split(",")]
        label = _APPLE_LABEL.sub(r"\1", labels.get(one.group, ""))
        words = dict.fromkeys(word.lower() for word in (*types, label) if word)
        entries[one.name].append(Entry(one, text, tuple(words)))
    return entries
