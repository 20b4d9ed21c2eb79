"""``crmcore list``: records of an entity by condition and order, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from crmcore.cli import completing
from crmcore.cli.arguments import no_such_field
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import Heading, fits, json_option, print_json, print_table, remark
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crmcore.records.reading import Page
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["list_"]

_MOST, _FEWEST = 6, 2
"""Columns besides the reference and what rules computed, where nobody asks for others."""
_LONGEST = 200
"""Fields whose text may be longer are for `crmcore show`."""


@click.command(
    "list",
    cls=Command,
    help=_("""List the records of ENTITY that you may see.

    Without --columns, the first fields are shown that say something on this page."""),
)
@click.argument("entity", shell_complete=completing.entities)
@click.option(
    "--where", metavar="CONDITION", help=_("Which records, for instance: region = '华东' and tags is not empty")
)
@click.option("--order", metavar="FIELDS", help=_("Fields separated by commas, a minus before those that descend."))
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    metavar="N",
    help=_("At most so many records (50)."),
)
@click.option("--after", metavar="CURSOR", help=_("Continue where the page before ended."))
@click.option("--columns", metavar="FIELDS", help=_("Fields to show, by name or title, separated by commas."))
@json_option(_("Print the records as JSON, with the cursor of the next page."))
@pass_instance
def list_(
    instance: Instance,
    entity: str,
    where: str | None,
    order: str | None,
    limit: int,
    after: str | None,
    columns: str | None,
    *,
    as_json: bool,
) -> None:
    """Print a page of records."""
    with instance.session(read_only=True) as session:
        model = session.runtime.entity(entity)
        chosen = [_chosen(session, model, name.strip()) for name in (columns or "").split(",") if name.strip()]
        page = session.find(entity, where, order=order, limit=limit, after=after)
        if as_json:
            _print_json(page, chosen)
            return
        if len(page):
            _print_table(session, model, page, chosen)
        total = session.count(entity, where) if page.next or after else len(page)
    _print_remarks(page, total, following=bool(after))


def _chosen(session: Session, entity: Entity, called: str) -> str:
    """Return the name of a field that is called by it or by a title."""
    from crmcore.importing import field_called  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.schema.model import SYSTEM_FIELDS  # noqa: PLC0415  # the same

    hidden = session.access.fields(session.actor, entity.name).hidden
    known = {*SYSTEM_FIELDS, *entity.fields} - hidden
    found = None if called in known else field_called(entity, called)
    name = found.name if found else called
    if name in hidden:
        raise UsageError(_("you may not read {entity}.{field}").format(entity=entity.name, field=name))
    if name not in known:
        raise no_such_field(entity, called, known)
    return name


def _columns(entity: Entity, page: Page) -> Iterator[list[str]]:
    """Yield columns to show, ever fewer: the display field, others that say something on the page, computed ones."""
    from crmcore.schema.model import Kind  # noqa: PLC0415  # commands are imported for --help too
    from crmcore.schema.values import from_json  # noqa: PLC0415  # the same
    from crmcore.types import HIDDEN  # noqa: PLC0415  # the same

    def short(field: Field) -> bool:
        return field.kind is not Kind.JSON and not (field.kind is Kind.TEXT and (field.max_length or 0) > _LONGEST)

    def told(field: Field) -> bool:
        unsaid = (None, HIDDEN, from_json(field, field.default))
        return any(record[field.name] not in unsaid for record in page)

    telling = [field for field in entity.fields.values() if told(field)]
    computed = [field.name for field in telling if field.computed_by]
    others = dict.fromkeys([entity.display, *(f.name for f in telling if short(f) and not f.computed_by)])
    others.pop("id", None)  # it is part of the reference
    for most in range(_MOST, _FEWEST - 1, -1):
        yield [*[*others][:most], *computed]


def _print_json(page: Page, chosen: Sequence[str]) -> None:
    records = [record.as_json() for record in page]
    if chosen:
        records = [{name: record[name] for name in ("id", *chosen) if name in record} for record in records]
    print_json({"records": records, "next": page.next})


def _print_table(session: Session, entity: Entity, page: Page, chosen: Sequence[str]) -> None:
    for names in [chosen] if chosen else _columns(entity, page):
        headings, rows = _table(session, entity, page, names)
        if fits(headings, rows):
            break
    print_table(headings, rows)


def _table(
    session: Session, entity: Entity, page: Page, names: Sequence[str]
) -> tuple[Sequence[Heading], Sequence[Sequence[str]]]:
    from crmcore.cli.cells import NUMBERS, field_cell, field_of, names_of  # noqa: PLC0415  # it imports SQLAlchemy

    fields = [field_of(entity, name) for name in names]
    known = names_of(session, entity, names, page.records)
    rows = [
        [str(record.ref), *(field_cell(f, record[f.name], session.timezone, names=known) for f in fields)]
        for record in page
    ]
    headings = [Heading(entity.title(), whole=True), *(Heading(f.title(), right=f.kind in NUMBERS) for f in fields)]
    return headings, rows


def _print_remarks(page: Page, total: int, *, following: bool) -> None:
    if not len(page):
        remark(_("nothing found"))
    elif page.next or following:
        remark(_("{shown} of {total}").format(shown=len(page), total=total))
    if page.next:
        remark(_("next page: the same command with --after {cursor}").format(cursor=page.next))
