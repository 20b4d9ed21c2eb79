"""Checks of what plugins build: a mistake is a `TypeError` where the plugin makes it, and so in the plugin's name."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from attrs import Attribute

    Check = Callable[[Any, Attribute[Any], Any], None]

__all__ = ["a", "a_day", "called", "each", "elements", "titles", "when"]


def elements(given: Iterable[Any]) -> tuple[Any, ...]:
    """Return several things as a tuple; a text, whose elements would be its letters, is refused."""
    if isinstance(given, str):
        raise TypeError(f"expected a list, found {given!r}")
    return tuple(given)


def a(*kinds: type) -> Check:
    """Return a check that a value is of one of some types."""

    def check(instance: Any, attribute: Attribute[Any], value: Any) -> None:
        if not isinstance(value, kinds):
            raise _unexpected(instance, attribute, " or ".join(kind.__name__ for kind in kinds), value)

    return check


def each(kind: type) -> Check:
    """Return a check that all elements of a value are of a type."""

    def check(instance: Any, attribute: Attribute[Any], value: Any) -> None:
        for element in value:
            a(kind)(instance, attribute, element)

    return check


def called(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise _unexpected(instance, attribute, "a function", value)


def titles(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    """Refuse what is not a text for each language."""
    if not isinstance(value, Mapping) or not all(isinstance(part, str) for pair in value.items() for part in pair):
        raise _unexpected(instance, attribute, "a text for each language", value)


def a_day(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    """Refuse what is not a day: an instant, which Python takes for one, too."""
    if isinstance(value, dt.datetime) or not isinstance(value, dt.date):
        raise _unexpected(instance, attribute, "a datetime.date", value)


def when(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    """Refuse what is neither a day nor an instant with a time zone."""
    naive = isinstance(value, dt.datetime) and value.utcoffset() is None
    if naive or not isinstance(value, dt.date):
        raise _unexpected(instance, attribute, "a datetime.date, or a datetime.datetime with a time zone", value)


def _unexpected(instance: Any, attribute: Attribute[Any], expected: str, found: Any) -> TypeError:
    return TypeError(f"{type(instance).__name__}.{attribute.name}: expected {expected}, found {found!r}")
