"""What plugins answer when they are asked what is due, and what has happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from attrs import frozen
from attrs.validators import matches_re

from crmcore.types.checked import a, a_day, when
from crmcore.types.names import QUALIFIED
from crmcore.types.values import Ref

if TYPE_CHECKING:
    import datetime as dt

__all__ = ["Reminder", "TimelineEntry"]


@frozen(kw_only=True)
class Reminder:
    """Something that somebody should see to, on a day."""

    kind: str = attrs.field(validator=matches_re(QUALIFIED))
    """``plugin.kind``, for instance ``sales.stale``."""
    due: dt.date = attrs.field(validator=a_day)
    ref: Ref = attrs.field(validator=a(Ref))
    """The record that it is about."""
    title: str = attrs.field(validator=a(str))
    """What to do, in the language that is spoken (`crmcore.gettext`)."""
    reason: str = attrs.field(default="", validator=a(str))
    """Why, with the figures behind it."""
    owner: int | None = None
    """Id of the user who should see to it; None where it is nobody's in particular."""


@frozen(kw_only=True)
class TimelineEntry:
    """Something that happened to a record, or to what belongs to it."""

    about: Ref = attrs.field(validator=a(Ref))
    """The record whose timeline this is in."""
    at: dt.datetime | dt.date = attrs.field(validator=when)
    """When: an aware instant, or a day where no more is known."""
    kind: str
    """A word for what it is: ``order``, ``stage``, ``visit``."""
    title: str = attrs.field(validator=a(str))
    """What happened, in the language that is spoken (`crmcore.gettext`)."""
    detail: str = attrs.field(default="", validator=a(str))
    ref: Ref | None = None
    """The record in which it is kept, where that is another one."""
    actor: str | None = None
    """Login or name of who did it, where that is known."""
