"""What declarations may be called."""

from __future__ import annotations

__all__ = ["NAME", "QUALIFIED"]

NAME = r"[a-z][a-z0-9_]*"
QUALIFIED = rf"{NAME}\.{NAME}"
"""``plugin.name``."""
