"""That somebody is left who may do everything: without an administrator nobody could ever make one again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from crmcore.access import ADMIN, live
from crmcore.errors import AccessDenied
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.records.drafts import Draft
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["keep_an_administrator"]


def keep_an_administrator(session: Session, entity: Entity, drafts: Iterable[Draft]) -> None:
    """Refuse a change of users, already written, that takes the last active administrator away.

    Raises:
        AccessDenied: one of the users was an administrator, and no active one is left.
    """
    if entity.name != "user" or not any(_administers(draft.before or {}) for draft in drafts):
        return
    user = session.runtime.tables.entity["user"]
    left = session.connection.execute(select(user.c.roles, user.c.active).where(live(user))).mappings()
    if not any(_administers(dict(row)) for row in left):
        raise AccessDenied(
            _("nobody would be left who may do everything"),
            hint=_('Give another active user the role "admin" first.'),
        )


def _administers(user: Mapping[str, Any]) -> bool:
    return ADMIN in (user.get("roles") or ()) and user.get("active") is not False
