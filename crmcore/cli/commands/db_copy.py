"""``crmcore db copy``: everything into another database, every row compared. The copying is the store's."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.new_instance import toml
from crmcore.cli.output import Heading, json_option, print_json, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["copy"]

_MOST_URLS = 2
_SHOWN_OF_HASH = 16
_ENVIRONMENT = "env:"
_SECONDS_BETWEEN = 0.25
_CLEAR = "\r\033[K"


@click.command(
    cls=Command,
    help=_("""Copy everything that is stored into TARGET, an empty database of either kind, and compare every row.

    SOURCE is the database of this instance unless another is named. Both are URLs: sqlite:///crm.db,
    postgresql://user@host/database, or env:NAME for one that stands in an environment variable."""),
)
@click.argument("urls", metavar="[SOURCE] TARGET", nargs=-1, required=True)
@json_option(_("Print the tables with their rows and hashes as JSON."))
@pass_instance
def copy(instance: Instance, urls: Sequence[str], *, as_json: bool) -> None:
    """Copy a database, and say which line of crm.toml would make it the instance's own."""
    if len(urls) > _MOST_URLS:
        raise UsageError(_("expected one or two databases, found {n}").format(n=len(urls)))
    *source, target = urls
    with _ProgressLine() as progress:
        copied = instance.crm.copy_database(
            _revealed(target), source=_revealed(source[0]) if source else None, progress=progress
        )
    if as_json:
        print_json([{"table": table.name, "rows": table.rows, "sha256": table.sha256} for table in copied])
        return
    headings = [Heading(_("Table")), Heading(_("Rows"), right=True), Heading(_("SHA-256 in both"))]
    print_table(headings, [[table.name, f"{table.rows:,}", table.sha256[:_SHOWN_OF_HASH]] for table in copied])
    rows = sum(table.rows for table in copied)
    click.echo(
        ngettext("{n} row copied, and the same in both", "{n} rows copied, and the same in both", rows).format(
            n=f"{rows:,}"
        )
    )
    line = f"url = {toml(_as_configured(instance, target))}"
    remark(
        _("To work with the copy, write this into [database] of {file}: {line}").format(file=instance.path, line=line)
    )


class _ProgressLine:
    """How far a copy is, in one line of a terminal that is written over; elsewhere nothing."""

    def __init__(self) -> None:
        self._shown_at = 0.0
        self._in_terminal = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._shown_at:
            click.echo(_CLEAR, nl=False, err=True)

    def __call__(self, done: int, total: int) -> None:
        """Show how far it is, at most four times a second."""
        now = time.monotonic()
        if self._in_terminal and now - self._shown_at >= _SECONDS_BETWEEN:
            self._shown_at = now
            said = _("{share} copied and compared").format(share=f"{done / total:.0%}")
            click.echo(_CLEAR + said, nl=False, err=True)


def _revealed(url: str) -> str:
    """Return a URL of the command line, where a password would stand in the list of processes."""
    name = url.removeprefix(_ENVIRONMENT)
    if name == url:
        return url
    if not os.environ.get(name):
        raise UsageError(_("the environment variable {name} is not set").format(name=name))
    return os.environ[name]


def _as_configured(instance: Instance, url: str) -> str:
    """Return a URL as crm.toml would have it: without its password, files relative to the folder."""
    from sqlalchemy import make_url  # noqa: PLC0415  # commands are imported for --help too

    from crmcore.store.failures import shown  # noqa: PLC0415  # the same

    if url.startswith(_ENVIRONMENT):
        return url
    scheme, _slashes, file = url.partition(":///")
    if not scheme.startswith("sqlite"):
        return shown(make_url(url))
    folder, path = instance.path.resolve().parent, Path(file).resolve()
    return f"{scheme}:///{(path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()}"
