"""``crmcore check``: everything that is wrong with an instance at once, from crm.toml to the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.failures import PROBLEMS
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.logs import logs_hidden, show_tracebacks
from crmcore.cli.output import json_option, print_json
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.types import Problem

__all__ = ["check"]


@click.command(
    cls=Command,
    help=_("""Find everything that is wrong with the configuration, plugins, schemas, roles and the database.

    Ends with code 1 if anything is."""),
)
@json_option(_("Print problems and warnings as JSON."))
@click.pass_context
@pass_instance
def check(instance: Instance, ctx: click.Context, *, as_json: bool) -> None:
    """Report all problems and warnings."""
    from crmcore.registry import diagnose  # noqa: PLC0415  # commands are imported for --help too

    with logs_hidden():  # the diagnosis says it all
        found = diagnose(instance.path)
    show_tracebacks(found.raised)
    # A database can only be judged by schemas that hold.
    problems = [*found.problems] or _database_problems(instance)
    warnings = [*found.warnings, *([] if problems else _unknown_roles(instance))]
    if as_json:
        print_json({"problems": [*map(_as_json, problems)], "warnings": [*map(_as_json, warnings)]})
    else:
        _print(problems, warnings)
    if problems:
        ctx.exit(PROBLEMS)


def _database_problems(instance: Instance) -> list[Problem]:
    from crmcore.errors import CRMError  # noqa: PLC0415  # as above
    from crmcore.types import Problem  # noqa: PLC0415  # as above

    try:
        behind = [origin.name for origin in instance.crm.status() if origin.needs_upgrade]
    except CRMError as error:
        return [Problem(message=error.message, hint=error.hint, code=error.code)]
    if not behind:
        return []
    message = _("the database is not up to date for: {origins}").format(origins=", ".join(behind))
    return [Problem(message=message, hint=_("Run `crmcore db upgrade`."), code="not_up_to_date")]


def _unknown_roles(instance: Instance) -> list[Problem]:
    """Return the users with roles that crm.toml does not have, and that therefore grant nothing."""
    from sqlalchemy import select  # noqa: PLC0415  # as above

    from crmcore.types import Problem  # noqa: PLC0415  # as above

    known = {"admin", *instance.config.roles}
    problems = []
    with instance.crm.session(read_only=True) as session:
        user = session.table("user")
        for row in session.execute(select(user.c.login, user.c.roles).where(user.c.roles.is_not(None))):
            for role in row.roles:
                if role not in known:
                    message = _("user {login} has the role {role}, which crm.toml does not have: it grants nothing")
                    hint = _("Known: {known}").format(known=", ".join(sorted(known)))
                    problems.append(Problem(message=message.format(login=row.login, role=role), hint=hint, code="role"))
    return problems


def _print(problems: Sequence[Problem], warnings: Sequence[Problem]) -> None:
    for problem in problems:
        click.echo(str(problem))
    for warning in warnings:
        click.echo(_("warning: {message}").format(message=warning))
    if problems:
        click.echo(ngettext("{n} problem", "{n} problems", len(problems)).format(n=len(problems)))
    else:
        click.echo(_("no problems"))


def _as_json(problem: Problem) -> dict[str, Any]:
    names = ("code", "message", "hint", "file", "line", "column", "pointer", "plugin")
    values = {name: getattr(problem, name) for name in names}
    return {name: str(value) if name == "file" else value for name, value in values.items() if value is not None}
