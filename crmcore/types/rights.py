"""Declarations of who may do what."""

from __future__ import annotations

from typing import Literal

import attrs
from attrs import frozen
from attrs.validators import in_, matches_re

from crmcore.types.names import QUALIFIED

__all__ = ["AccessRule", "Permission"]


@frozen
class Permission:
    """A named right besides the four actions on entities, which roles may be granted (``scoring.run``)."""

    name: str = attrs.field(validator=matches_re(QUALIFIED))
    summary: str = ""


@frozen(kw_only=True)
class AccessRule:
    """Rows of an entity on which a plugin allows, or forbids, an action, as a condition."""

    where: str
    effect: Literal["allow", "forbid"] = attrs.field(default="allow", validator=in_(("allow", "forbid")))
    reason: str = ""
    """Shown by ``crmcore access explain``."""
