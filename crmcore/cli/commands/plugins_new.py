"""``crmcore plugins new``: a plugin to start from, with its tests. What is written is :mod:`crmcore.kit`'s."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.i18n import gettext as _
from crmcore.kit.kinds import KINDS

if TYPE_CHECKING:
    from crmcore.config import Config
    from crmcore.kit.kinds import Kind
    from crmcore.kit.naming import Names

__all__ = ["new"]

_DEFAULT_KIND = next(iter(KINDS))


@click.command(
    cls=Command,
    help=_(
        """Write a plugin of your own to start from, with settings, tests and a README. NAME is a prefix of yours, an
        underscore and the plugin's name: acme_visits makes the package acme_visits with the plugin visits."""
    ),
)
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice([*KINDS]),
    default=_DEFAULT_KIND,
    help=_("What it starts as ({kind}).").format(kind=_DEFAULT_KIND),
)
@click.option(
    "--dir",
    "parent",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help=_("Where its folder is made: here, if nothing is said."),
)
@pass_instance
def new(instance: Instance, name: str, kind: str, parent: Path) -> None:
    """Write a plugin and say what to do with it."""
    from crmcore.kit.naming import named  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.kit.writing import write_plugin  # noqa: PLC0415  # the same
    from crmcore.plugins.discovery import discover  # noqa: PLC0415  # the same

    names = named(name, {plugin.name: plugin.origin for plugin in discover(_config(instance))[0]})
    folder = write_plugin(names, KINDS[kind], parent)
    click.echo(_("{folder}: plugin {plugin}, {kind}").format(folder=folder, plugin=names.plugin, kind=kind))
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        click.echo(f"  {file.relative_to(folder).as_posix()}")
    click.echo()
    _say_what_next(names, KINDS[kind], folder)


def _config(instance: Instance) -> Config:
    """Return what crm.toml says, as far as it is there and can be read: a plugin may be written before an instance."""
    from crmcore.config import Config, examine  # noqa: PLC0415  # commands are imported for --help too

    return (examine(instance.path)[0] if instance.path.is_file() else None) or Config()


def _say_what_next(names: Names, kind: Kind, folder: Path) -> None:
    here = shlex.quote(str(folder))
    upgrade = ["crmcore db upgrade"] if kind.adds_fields else []
    steps = {
        _("Run its tests:"): [f"cd {here}", "pip install pytest", "python -m pytest"],
        _("Use it from its folder:"): [
            f"crmcore plugins enable {names.plugin} --dir {here}",
            *upgrade,
            "crmcore check",
        ],
        _("Or install it, and enable it without --dir:"): [f"pip install -e {here}"],
    }
    for title, lines in steps.items():
        click.echo("\n".join([title, *(f"  {line}" for line in lines), ""]))
    readme = folder / "README.md"
    click.echo(_("{file} says what it does; comments say what to change.").format(file=readme))
