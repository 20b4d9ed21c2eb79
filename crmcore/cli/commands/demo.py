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

from crmcore.cli.commands.import_file import outcome_line, print_problems
from crmcore.cli.commands.report import print_report
from crmcore.cli.commands.score import explanation_lines, run_line
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.new_instance import create_admin, create_database
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.app import CRM

__all__ = ["demo"]

_RULE = "abc.class"
_REPORT = "abc.classes"
_EXPLAINED = "C001"
_SALES = (("li.wei", "李伟"), ("wang.fang", "王芳"))


@click.command(
    cls=Command,
    help=_("""Make an example in DIR (./demo) and show it.

    Customers and orders are imported, conditions label the customers A, B and C, a report prints the classes.
    A folder that an earlier demonstration made is replaced; any other that is not empty is refused."""),
)
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path("demo"))
@click.option("--database", metavar="URL", help=_("Use this database, for instance postgresql://user@host/database."))
@pass_instance
def demo(instance: Instance, folder: Path, database: str | None) -> None:
    """Make and show an example instance."""
    from crmcore.cli.demo.files import TIMEZONE, write_files  # noqa: PLC0415  # commands are imported for --help too

    write_files(folder, database, dt.datetime.now(ZoneInfo(TIMEZONE)).date())
    with create_database(folder / "crm.toml") as crm:
        create_admin(crm, instance.login)
        for login, name in _SALES:
            create_admin(crm, login, {"name": name, "roles": ["sales"]})
        said = _("{folder}: an instance, {login} its administrator, li.wei and wang.fang in sales")
        click.echo(said.format(folder=folder, login=instance.login))
        _import(crm, folder, instance.login)
        _score(crm, instance.login)
    _print_next_steps(folder)


def _import(crm: CRM, folder: Path, login: str) -> None:
    from crmcore.cli.demo.files import CUSTOMERS, ORDERS  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.importing import import_file  # noqa: PLC0415  # it imports SQLAlchemy

    for entity, name in (("customer", CUSTOMERS), ("order", ORDERS)):
        result = import_file(crm, folder / name, entity, actor=login)
        click.echo(f"{folder / name}: {outcome_line(result)}")
        print_problems(result, indent="  ")


def _score(crm: CRM, login: str) -> None:
    from crmcore import scoring  # noqa: PLC0415  # it imports SQLAlchemy
    from crmcore.reporting import run_report  # noqa: PLC0415  # the same

    with crm.session(login, source="cli") as session:
        (rule,) = scoring.rules(crm.registry, [_RULE])
        done = scoring.run(session, rule)
        click.echo(run_line(done) + "\n")
        print_report(run_report(session, _REPORT))
        example = session.find("customer", f"code = '{_EXPLAINED}'")[0].ref
        click.echo()
        click.echo("\n".join(explanation_lines(session, example, scoring.explain(session, rule, example.id))))


def _print_next_steps(folder: Path) -> None:
    # After `make demo` the program is in an environment that the shell does not know yet.
    unknown = shutil.which("crmcore") is None
    steps = {
        **({f'PATH="{Path(sys.executable).parent}:$PATH"': ""} if unknown else {}),
        f"cd {shlex.quote(str(folder))}": "",
        "crmcore list customer --where \"abc_class = 'A'\"": _("the best customers"),
        "crmcore --as li.wei list customer": _("what a sales person sees"),
        "crmcore show customer:1": _("one record"),
        "crmcore history customer:1": _("who changed it"),
        "crmcore --lang zh-CN report run abc.classes": _("the report in Chinese"),
    }
    click.echo("\n" + _("Now try:"))
    for step, meaning in steps.items():
        click.echo(f"  {step:<50}{f'# {meaning}' if meaning else ''}".rstrip())
