"""How an extension may change one keyword of a field that somebody else declared: it tightens, adds, or is refused.

Each rule takes what was declared, what composition has so far and what the extension says, and returns what holds
from now on. Values of enums are no matter of one keyword and are composed in :mod:`crmcore.schema.merging`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.schema.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    Rule: TypeAlias = Callable[[Any, Any, Any], Any]
    """What was declared, what holds so far and what the extension says -> what holds from now on."""

__all__ = ["ENTITY_RULES", "FIELD_RULES", "LABELS", "NOTE_RULES", "Disagreement", "united"]

_COLUMN_FORMATS = ("date", "date-time")
"""Formats that make another column of a text."""


class Disagreement(Exception):
    """Two documents that cannot both have their way.

    Attributes:
        reason: why, in the language of the context.
        hint: what to write instead.
    """

    def __init__(self, reason: str, hint: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.hint = reason, hint


def _fixed(_declared: Any, current: Any, new: Any) -> Any:
    if new != (current or type(new)()):
        raise Disagreement(
            _("{new} would make another field of it").format(new=shown(new)),
            _("Declare a field of your own."),
        )
    return current


def _added(_declared: Any, current: Any, new: Any) -> Any:
    if current is not None and new != current:
        raise Disagreement(
            _("{new} contradicts {current}").format(new=shown(new), current=shown(current)),
            _("An extension may set this only where it is not set yet."),
        )
    return new


def _format(declared: Any, current: Any, new: Any) -> Any:
    if current is None and new in _COLUMN_FORMATS:
        return _fixed(declared, "", new)
    return _added(declared, current, new)


def _at_most(declared: Any, current: Any, new: Any) -> Any:
    if declared is not None and new > declared:
        raise _loosens(declared, new)
    return new if current is None else min(current, new)


def _at_least(declared: Any, current: Any, new: Any) -> Any:
    if declared is not None and new < declared:
        raise _loosens(declared, new)
    return new if current is None else max(current, new)


def _switched_on(_declared: Any, current: Any, new: Any) -> Any:
    if current and not new:
        raise _loosens(current, new)
    return new


def _loosens(declared: Any, new: Any) -> Disagreement:
    return Disagreement(
        _("{new} is looser than {declared}").format(new=shown(new), declared=shown(declared)),
        _("An extension may only make a field stricter."),
    )


def united(_declared: Any, current: Any, new: Any) -> Any:
    """Return a list with what is new in another one behind it."""
    known = list(current or [])
    return known + [item for item in new if item not in known]


def _labelled(_declared: Any, current: Any, new: Any) -> Any:
    """Unite titles by language, or titles of values by value and language."""
    united = dict(current or {})
    for name, title in new.items():
        known = united.get(name)
        if isinstance(title, dict):
            united[name] = _labelled(None, known, title)
        elif known not in (None, title):
            raise Disagreement(
                _('{new} contradicts {current} in "{language}"').format(
                    new=shown(title), current=shown(known), language=name
                ),
                _("A plugin may add languages; only the instance may rename."),
            )
        else:
            united[name] = title
    return united


def _commented(_declared: Any, current: Any, _new: Any) -> Any:
    return current  # a comment is for the reader of its own file


FIELD_RULES: Mapping[str, Rule] = {
    "type": _fixed,
    "items": _fixed,
    "properties": _fixed,
    "required": _fixed,
    "additionalProperties": _fixed,
    "const": _added,
    "multipleOf": _added,
    "pattern": _added,
    "format": _format,
    "maxLength": _at_most,
    "maxItems": _at_most,
    "maximum": _at_most,
    "exclusiveMaximum": _at_most,
    "minLength": _at_least,
    "minItems": _at_least,
    "minimum": _at_least,
    "exclusiveMinimum": _at_least,
    "uniqueItems": _switched_on,
    "deprecated": _switched_on,
    "default": _added,
    "examples": _added,
    "title": _added,
    "description": _added,
    "$comment": _commented,
}
NOTE_RULES: Mapping[str, Rule] = {
    "ref": _fixed,
    "money": _fixed,
    "open": _fixed,
    "on_delete": _added,
    "computed_by": _added,
    "index": _switched_on,
    "unique": _switched_on,
    "owner": _switched_on,
    "readonly": _switched_on,
    "sensitive": _switched_on,
    "titles": _labelled,
    "values": _labelled,
    "aliases": united,
    "was": united,
}
ENTITY_RULES: Mapping[str, Rule] = {
    "display": _added,
    "titles": _labelled,
    "match": united,
    "search": united,
    "indexes": united,
    "was": united,
}
LABELS = frozenset({"title", "description", "default", "examples", "display", "titles", "values"})
"""What the instance may replace, because it loosens nothing: what people are shown, and what they start from."""
