"""``crmcore init``: an empty instance, ready to work with."""

from __future__ import annotations

from pathlib import Path

import click

from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.new_instance import (
    SQLITE,
    create_admin,
    create_database,
    has_users,
    local_timezone,
    make_folder,
    open_instance,
    toml,
    write_text,
)
from crmcore.errors import CRMError, UsageError
from crmcore.i18n import current_language
from crmcore.i18n import gettext as _

__all__ = ["init"]

_CONFIG = """\
# The configuration of a crmcore instance. `crmcore check` says what is wrong with it.
# Fields and entities of your own go into a folder `schemas` beside this file.

[instance]
name = {name}
language = {language}  # of messages and titles: "en", "zh-CN"
timezone = {timezone}  # in which days begin
currency = "CNY"  # of all amounts

[database]
# Relative to this file; or "postgresql://user@host/database"; "env:NAME" reads an environment variable.
url = {url}

[plugins]
# `crmcore plugins list` shows what is installed, `crmcore plugins enable NAME` adds to this list.
enabled = ["tabular"]
# plugin_dirs = ["my_plugins"]  # folders with plugins that are not installed

# The settings of a plugin have a table of their own; `crmcore plugins info NAME` lists them.
# [plugins.abc]
# A = "revenue_365d >= 100000 or orders_365d >= 12"

# Roles say what people may do: true, false, or a condition on the record. What no role allows is forbidden.
# The role `admin` is always there and may do everything. Give a user roles with
# crmcore update user:2 --set roles=sales
#
# [roles.sales]
# title = "Sales"
#
# [roles.sales.customer]
# create = true
# read = true
# update = "owner = me"
# delete = false
# hide = ["annual_income"]  # fields that they may neither see nor set
# fixed = ["owner"]         # fields that they may see and not set
"""


@click.command(
    cls=Command,
    help=_("""Make an instance in DIR, by default this folder: crm.toml, a database, and you as its administrator.

    A crm.toml that is there is kept: where its database has no users yet, that is made, and you its administrator."""),
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--database", metavar="URL", default=SQLITE, help=_("postgresql://user@host/database, or the default: a file.")
)
@pass_instance
def init(instance: Instance, folder: Path, database: str) -> None:
    """Make an instance."""
    file = folder / "crm.toml"
    login = instance.login
    if file.exists():
        _take_up(file, login, database)
        return
    make_folder(folder)
    name = folder.absolute().name or "crm"
    write_text(
        file,
        _CONFIG.format(
            name=toml(name), language=toml(current_language()), timezone=toml(local_timezone()), url=toml(database)
        ),
    )
    try:
        with create_database(file) as crm:
            create_admin(crm, login)
    except CRMError:
        file.unlink()  # so that the next attempt is the first one again
        raise
    click.echo(_("{file} written, database made; {login} is its administrator").format(file=file, login=login))
    click.echo(_("Next: crmcore create customer --set name=..., or crmcore import customer FILE.csv"))


def _take_up(file: Path, login: str, database: str) -> None:
    """Make the database of a crm.toml that came without one, and its first user."""
    with open_instance(file) as crm:
        if database != SQLITE or has_users(crm):
            raise UsageError(
                _("{file} is there already").format(file=file),
                hint=_("Choose another folder, or remove the file first."),
            )
        crm.upgrade()
        create_admin(crm, login)
    click.echo(_("{file} was there, database made; {login} is its administrator").format(file=file, login=login))
