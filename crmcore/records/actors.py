"""Who a login is: the actor that stands for a user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from crmcore.access import live
from crmcore.errors import AccessDenied
from crmcore.i18n import gettext as _
from crmcore.schema.values import fold
from crmcore.types import Actor

if TYPE_CHECKING:
    from sqlalchemy import Connection, Table

__all__ = ["find_actor"]


def find_actor(connection: Connection, user: Table, login: str) -> Actor:
    """Return the actor for a user's login.

    Args:
        connection: to the database.
        user: the table of users.
        login: as it is typed: case does not matter.

    Raises:
        AccessDenied: no active user has that login.
    """
    found = connection.execute(select(user).where(live(user), user.c.login__folded == fold(login))).first()
    if found is not None and found.active is not False:
        return Actor(login=found.login, id=found.id, roles=tuple(found.roles or ()), team=found.team)
    if connection.execute(select(user.c.id).limit(1)).first() is None:
        hint = _("Nobody is known here yet: `crmcore init` makes you the administrator.")
    else:
        hint = _("An administrator can create one: crmcore create user --set login={login}").format(login=login)
    raise AccessDenied(_("no active user has the login {login!r}").format(login=login), hint=hint)
