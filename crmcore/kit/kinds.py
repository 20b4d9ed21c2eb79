"""The kinds of plugins that there are templates for. The templates lie in ``templates/<kind>/``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["KINDS", "Kind"]


@frozen
class Kind:
    """A kind of plugin to start from."""

    name: str
    summary: str
    """What the plugin says of itself in its manifest, in English as the whole of it."""
    adds_fields: bool = True
    """Whether it has schemas, so that the database is to be upgraded once it is enabled."""


_KINDS = (
    Kind("scoring", "Says how active customers are: high, medium or low."),
    Kind("pipeline", "Takes customers through stages with win rates, from the first question to an agreement."),
    Kind("importer", "Reads and writes text files with a few lines for each record.", adds_fields=False),
    Kind("report", "Reports orders and revenue by region.", adds_fields=False),
    Kind("entity", "Keeps what is agreed with customers for a period of time."),
)
KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _KINDS}
"""By name; the first is the default."""
