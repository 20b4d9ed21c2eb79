"""What came of running reports, and what a printed page says of itself. Nothing is computed here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore.i18n import title_in

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from crmcore.errors import CRMError
    from crmcore.records.session import Session
    from crmcore.types import Report, ReportType

__all__ = ["Computed", "Failed", "Imprint", "Outcome", "imprint_of"]


@frozen(kw_only=True)
class Computed:
    """A report that was computed and checked."""

    declared: ReportType
    parameters: Mapping[str, Any]
    """What it was computed with, defaults filled in."""
    report: Report

    @property
    def title(self) -> str:
        """The report's title in the language that is spoken."""
        return title_in(self.report.titles, title_in(self.declared.titles, self.declared.summary))


@frozen(kw_only=True)
class Failed:
    """A report of several that could not be computed."""

    declared: ReportType
    error: CRMError

    @property
    def title(self) -> str:
        """The title of the report type in the language that is spoken."""
        return title_in(self.declared.titles, self.declared.summary)


Outcome = Computed | Failed
"""What came of a report."""


@frozen(kw_only=True)
class Imprint:
    """Where, when and for whom reports were computed; rights decide what is counted."""

    instance: str
    at: dt.datetime
    """In the instance's time zone."""
    login: str
    currency: str
    """Of every amount."""


def imprint_of(session: Session) -> Imprint:
    """Return the imprint of reports that a session computes."""
    config = session.runtime.registry.config
    return Imprint(
        instance=config.name,
        at=session.now.astimezone(session.timezone),
        login=session.actor.login,
        currency=config.currency,
    )
