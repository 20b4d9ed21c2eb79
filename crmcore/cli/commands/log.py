"""``crmcore log``: keep what happened with a customer: a visit, a call, a mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from crmcore.cli.arguments import day, reference, values_from
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Command
from crmcore.cli.output import json_option, print_json
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from crmcore.schema.model import Entity
    from crmcore.types import Ref

__all__ = ["log"]

_ACTIVITY = "activity"


@click.command(
    cls=Command,
    help=_("""Log what happened with a record: crmcore log visit customer:42 "They need 500 by May".

    KIND is a kind of activity, by its name or title: visit, call, mail, chat, meeting, event, note, or what plugins
    add. The first line of TEXT is its summary."""),
)
@click.argument("kind")
@click.argument("ref", type=reference)
@click.argument("text")
@click.option("--phase", metavar="PHASE", help=_("pre_sale, in_sale or after_sale, or its title."))
@click.option("--contact", metavar="CONTACT", help=_("Whom you met: a reference or a name."))
@click.option("--at", metavar="WHEN", help=_("When it happened (now)."))
@click.option("--due", type=day, metavar="DATE", help=_("A day on which it is to happen; it has not happened yet."))
@click.option("--follow-up", type=day, metavar="DATE", help=_("When to come back to it."))
@click.option(
    "--set", "values", multiple=True, metavar="FIELD=VALUE", help=_("Set another field. May be given several times.")
)
@json_option(_("Print the activity as JSON."))
@pass_instance
def log(instance: Instance, /, kind: str, ref: Ref, text: str, *, as_json: bool, **options: Any) -> None:
    """Create an activity and print its reference."""
    from crmcore.errors import UsageError  # noqa: PLC0415  # commands are imported for --help too

    if options["at"] and options["due"]:
        raise UsageError(_("--at is for what has happened, --due for what has not"))
    with instance.session() as session:
        model = session.runtime.entity(_ACTIVITY)
        session.get(ref.entity, ref.id)  # what it is about must be there, and be visible
        written = [f"kind={kind}", *_written(options), *options["values"]]
        values: dict[str, Any] = {"subject": str(ref), **_texts(model, text), **values_from(session, model, written)}
        if not (values.get("happened_at") or values.get("due_date")):
            values["happened_at"] = session.now
        if values.get("happened_at") and "done_by" in model.fields:
            values.setdefault("done_by", session.actor.id)
        record = session.create(_ACTIVITY, values)
    if as_json:  # not before it is committed
        print_json(record.as_json())
    else:
        said = model.fields["kind"].enum_titles.get(record["kind"], {})
        click.echo(f"{record.ref}  {_title(said, record['kind'])}  {ref}")


def _written(options: dict[str, Any]) -> Iterator[str]:
    fields = {"phase": "phase", "contact": "contact", "at": "happened_at", "due": "due_date"}
    for option, field in {**fields, "follow_up": "follow_up_date"}.items():
        given: str | dt.date | None = options[option]
        if given is not None:
            yield f"{field}={given}"


def _texts(model: Entity, text: str) -> dict[str, str]:
    """Return the first line as the summary; the whole as the body where there is more."""
    first = next(iter(text.strip().splitlines()), "")
    longest = model.fields["summary"].max_length or len(first)
    summary = first if len(first) <= longest else f"{first[: longest - 1]}…"
    return {"summary": summary} if summary == text.strip() else {"summary": summary, "body": text.strip()}


def _title(titles: Any, name: str) -> str:
    from crmcore.i18n import title_in  # noqa: PLC0415  # commands are imported for --help too

    return title_in(titles, name)
