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


def keep_an_administrator(session: Session, entity: Entity, drafts: Iterable[Draft], *, removed: bool = False) -> None:
    """Refuse a change of users, already written, that takes the last active administrator away.

    Args:
        session: the transaction.
        entity: the drafts' entity; nothing is looked at unless it is that of users.
        drafts: what was written.
        removed: they are gone, whatever roles they had last.

    Raises:
        AccessDenied: one of the users was an administrator, and no active one is left.
    """
    lost = (_administers(draft.before or {}) and (removed or not _administers(draft.values)) for draft in drafts)
    if entity.name != "user" or not any(lost):
        return
    user = session.runtime.tables.entity["user"]
    statement = select(user.c.id, user.c.roles, user.c.active).where(live(user)).order_by(user.c.id)
    known = [row["id"] for row in session.connection.execute(statement).mappings() if _administers(dict(row))]
    # Locked, so that of two administrators who take each other's rights away one waits and is refused.
    locked = statement.where(user.c.id.in_(known)).with_for_update(key_share=True)
    if not any(_administers(dict(row)) for row in session.connection.execute(locked).mappings()):
        raise AccessDenied(
            _("nobody would be left who may do everything"),
            hint=_('Give another active user the role "admin" first.'),
        )


def _administers(user: Mapping[str, Any]) -> bool:
    return ADMIN in (user.get("roles") or ()) and user.get("active") is not False
