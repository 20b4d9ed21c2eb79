"""``crmcore demo``: an example instance, made and shown step by step."""

from __future__ import annotations

import datetime as dt
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.new_instance import create_admin, create_database
from crmcore.cli.output import remark
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crmcore.app import CRM

__all__ = ["demo"]


@click.command(
    cls=Command,
    help=_("""Make an example in DIR (./demo) and show it.

    Customers, contacts, deals and orders are imported from files as companies have them, customers are labelled by
    conditions, rank and rhythm, deals are moved, and a page of reports is written.

    A folder that an earlier demonstration made is replaced; any other that is not empty is refused."""),
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--database", metavar="URL", help=_("Use this database, for instance postgresql://user@host/database."))
@pass_instance
def demo(instance: Instance, folder: Path, database: str | None) -> None:
    """Make and show an example instance."""
    from crmcore.cli.demo import story  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.cli.demo.config import TIMEZONE  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.cli.demo.files import PAGE, missing_extras, write_files  # noqa: PLC0415  # the same

    inputs = write_files(folder, database, dt.datetime.now(ZoneInfo(TIMEZONE)).date())
    _name_missing(missing_extras())
    with create_database(folder / "crm.toml") as crm:
        _create_users(crm, folder, instance.login)
        story.import_all(crm, inputs, instance.login)
        story.score_all(crm, instance.login)
        story.work(crm, instance.login)
        story.show_findings(crm, instance.login)
        story.write_page(crm, folder / PAGE, instance.login)
    _print_next_steps(folder)


def _name_missing(extras: list[str]) -> None:
    without: Mapping[str, str] = {
        "xlsx": _("orders come from a CSV file instead of a workbook"),
        "charts": _("the page of reports has tables and no charts"),
    }
    for extra in extras:
        said = _("`crmcore[{extra}]` is not installed: {without}").format(extra=extra, without=without[extra])
        remark(said)


def _create_users(crm: CRM, folder: Path, login: str) -> None:
    from crmcore.cli.demo.companies import SALES  # noqa: PLC0415  # commands are imported for --help too

    create_admin(crm, login)
    for sales_login, name in SALES.items():
        create_admin(crm, sales_login, {"name": name, "roles": ["sales"]})
    said = _("{folder}: an instance; {login} is its administrator, {n} people are in sales")
    click.echo(said.format(folder=folder, login=login, n=len(SALES)))


def _print_next_steps(folder: Path) -> None:
    # After `make demo` the program is in an environment that the shell does not know yet.
    unknown = shutil.which("crmcore") is None
    steps = {
        **({f'PATH="{Path(sys.executable).parent}:$PATH"': ""} if unknown else {}),
        f"cd {shlex.quote(str(folder))}": "",
        "crmcore list customer --where \"abc_class = 'A'\"": _("the best customers"),
        "crmcore score explain customer:1": _("why they are"),
        "crmcore show customer:1 --timeline": _("what happened with one"),
        "crmcore remind": _("whom to call"),
        "crmcore pipeline board": _("deals and forecast"),
        "crmcore --as li.wei list customer": _("what a sales person sees"),
        "crmcore --lang zh-CN report run abc.pareto": _("a report in Chinese"),
    }
    click.echo("\n" + _("Now try:"))
    for step, meaning in steps.items():
        click.echo(f"  {step:<50}{f'# {meaning}' if meaning else ''}".rstrip())
