"""``crmcore export``: records of an entity as a file that ``crmcore import`` reads, or on stdout."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli import completing
from crmcore.cli.arguments import options_from
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.exporting import Exported
    from crmcore.types import Importer

__all__ = ["export"]

_STDOUT = Path("-")
_FORMAT = "csv"
"""What goes to stdout where nobody says a format."""
_LOOKED_AT = 4096


@click.command(
    "export",
    cls=Command,
    help=_("""Write the records of ENTITY that you may see to FILE, so that `crmcore import` reads it.

    The ending of FILE says the format: .csv, .jsonl, .xlsx, .vcf, as far as plugins write them. Without FILE, CSV goes
    to stdout. Imported again, the file changes nothing but what was edited in it: its first column says which record a
    row is. Fields that you may not read are left out."""),
)
@click.argument("entity", shell_complete=completing.entities)
@click.argument("file", type=click.Path(path_type=Path), default=_STDOUT)
@click.option(
    "--where", metavar="CONDITION", help=_("Which records, for instance: region = '华东' and tags is not empty")
)
@click.option("--order", metavar="FIELDS", help=_("Fields separated by commas, a minus before those that descend."))
@click.option("--fields", metavar="FIELDS", help=_("Fields to write, separated by commas, by their names or titles."))
@click.option("--format", "format_", metavar="FORMAT", help=_("Format, where the ending of FILE does not say it."))
@click.option("--codes", is_flag=True, help=_("Write names of fields and codes of values, not titles."))
@click.option("--no-id", is_flag=True, help=_("Leave out the column of references: for import into another instance."))
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="NAME=VALUE",
    help=_("An option of the writer, such as encoding=gb18030. May be given several times."),
)
@click.option("--force", is_flag=True, help=_("Replace FILE if it is there."))
@json_option(_("Print what was written as JSON; it needs a FILE."))
@pass_instance
def export(
    instance: Instance,
    /,
    entity: str,
    file: Path,
    fields: str | None,
    format_: str | None,
    options: Sequence[str],
    *,
    no_id: bool,
    force: bool,
    as_json: bool,
    **settings: Any,
) -> None:
    """Write the records, and say how many there were."""
    from crmcore.exporting.files import format_of  # noqa: PLC0415  # it imports SQLAlchemy

    to_stdout = file == _STDOUT
    if to_stdout and as_json:
        raise UsageError(_("the records themselves go to stdout"), hint=_("Name a file, or leave out --json."))
    importer = format_of(instance.registry, file, format_ or (_FORMAT if to_stdout else None))
    settings |= {
        "fields": [name.strip() for name in (fields or "").split(",") if name.strip()],
        "format": importer.name,
        "with_id": not no_id,
        "options": options_from(importer.options, options, "--option"),
    }
    if to_stdout:
        _to_stdout(instance, importer, entity, settings)
        return
    written = _export(instance, entity, file, replace=force, **settings)
    if as_json:
        print_json(_as_json(written))
    else:
        click.echo(_line(written))


def _export(instance: Instance, entity: str, path: Path, **settings: Any) -> Exported:
    from crmcore.exporting import export_file  # noqa: PLC0415  # it imports SQLAlchemy

    with instance.session(read_only=True) as session:
        return export_file(session, entity, path, **settings)


def _to_stdout(instance: Instance, importer: Importer, entity: str, settings: dict[str, Any]) -> None:
    """Copy a file to stdout once it is whole: half of a table is worse than none."""
    if "encoding" in importer.options.get("properties", {}):
        # Programs that read a pipe take the mark of a file for a part of its first header.
        settings["options"] = {"encoding": "utf-8", **settings["options"]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"export{importer.suffixes[0]}"
        _export(instance, entity, path, **settings)
        with path.open("rb") as file:
            if sys.stdout.isatty() and b"\0" in file.read(_LOOKED_AT):
                raise UsageError(
                    _("a terminal cannot show {format} files").format(format=importer.name), hint=_("Name a file.")
                )
            file.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)


def _line(written: Exported) -> str:
    n = written.records
    return ngettext("{n} record written to {file}", "{n} records written to {file}", n).format(
        n=f"{n:,}", file=written.path
    )


def _as_json(written: Exported) -> dict[str, Any]:
    return {
        "file": str(written.path),
        "format": written.format,
        "records": written.records,
        "columns": dict(written.headers),
    }
