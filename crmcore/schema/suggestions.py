"""What somebody probably meant who wrote a name that is not known."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["closest", "did_you_mean_hint"]

_COMPARED = 60
"""Characters of a word that are enough to find what was meant; a text of a megabyte would take minutes."""
_FEW = 30
"""Names that are still read when a hint lists them all; the dialect has 26 keywords for a field."""


def closest(word: object, known: Iterable[str]) -> str | None:
    """Return the known word that was probably meant, or None."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(str(word)[:_COMPARED].lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def did_you_mean_hint(name: str, known: Iterable[str]) -> str | None:
    """Return a hint that names what was probably meant, else what there is, where that is not too much."""
    names = list(known)
    if (meant := closest(name, names)) is not None:
        return _('Did you mean "{meant}"?').format(meant=meant)
    return _("Known here: {names}.").format(names=", ".join(names)) if 0 < len(names) <= _FEW else None
