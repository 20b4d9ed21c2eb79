"""What declarations may be called, and the two parts of a name: whose it is, and what its plugin calls it."""

from __future__ import annotations

__all__ = ["NAME", "QUALIFIED", "is_called", "own_name", "plugin_name"]

NAME = r"[a-z][a-z0-9_]*"
QUALIFIED = rf"{NAME}\.{NAME}"
"""``plugin.name``."""


def plugin_name(qualified: str) -> str:
    """Return the plugin that a declaration is of: ``abc`` of ``abc.revenue_365d``."""
    return qualified.partition(".")[0]


def own_name(qualified: str) -> str:
    """Return the short name of a declaration: ``revenue_365d`` of ``abc.revenue_365d``."""
    return qualified.partition(".")[2]


def is_called(qualified: str, name: str) -> bool:
    """Tell whether a declaration may be called by a name: by its whole one or its short one."""
    return name in (qualified, own_name(qualified))
