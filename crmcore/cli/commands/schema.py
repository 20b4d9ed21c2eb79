"""``crmcore schema``: the entities as they are composed, where each keyword comes from, and plain JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crmcore.cli import completing
from crmcore.cli.arguments import no_such_field
from crmcore.cli.instance import Instance, pass_instance
from crmcore.cli.lazy import Group
from crmcore.cli.output import Heading, json_option, print_json, print_table
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from crmcore.registry import Registry
    from crmcore.schema.model import Entity, Field

__all__ = ["schema"]


@click.group(cls=Group, help=_("Look at entities and their fields."))
def schema() -> None:
    """Group the commands about schemas."""


@schema.command("list", help=_("List the entities."))
@json_option(_("Print the entities as JSON."))
@pass_instance
def list_(instance: Instance, *, as_json: bool) -> None:
    """Print a line for each entity."""
    entities = [entity for entity in instance.registry.entities.values() if not entity.internal]
    if as_json:
        print_json([_entity_json(entity) for entity in entities])
        return
    headings = [Heading(_("Name")), Heading(_("Title")), Heading(_("Fields"), right=True), Heading(_("From"))]
    rows = [[entity.name, entity.title(), str(len(entity.fields)), ", ".join(_origins(entity))] for entity in entities]
    print_table(headings, rows)


@schema.command(help=_("Show the fields of ENTITY."))
@click.argument("entity", shell_complete=completing.entities)
@json_option(_("Print the fields as JSON."))
@pass_instance
def show(instance: Instance, entity: str, *, as_json: bool) -> None:
    """Print a line for each field."""
    model = _entity(instance.registry, entity)
    if as_json:
        print_json({**_entity_json(model), "fields": [_field_json(field) for field in model.fields.values()]})
        return
    titles = (_("Name"), _("Title"), _("Holds"), _("Rules"), _("From"))
    rows = [[f.name, f.title(), _holds(f), ", ".join(_rules(f)), f.origin] for f in model.fields.values()]
    print_table([Heading(title) for title in titles], rows, title=f"{model.title()} ({model.name})")


@schema.command(help=_("Show which file sets each keyword of a field: crmcore schema why customer.name."))
@click.argument("field", metavar="ENTITY.FIELD")
@json_option(_("Print the keywords as JSON."))
@pass_instance
def why(instance: Instance, field: str, *, as_json: bool) -> None:
    """Print a line for each keyword and file."""
    entity, _dot, name = field.partition(".")
    model = _entity(instance.registry, entity)
    if name not in model.fields:
        raise no_such_field(model, name, model.fields)
    settings = instance.registry.provenance[entity][name]
    if as_json:
        print_json(
            [
                {"keyword": s.keyword, "value": s.value, "origin": s.origin, "file": s.path, "line": s.line}
                for s in settings
            ]
        )
        return
    headings = [Heading(_("Keyword")), Heading(_("Value")), Heading(_("From")), Heading(_("File"), whole=True)]
    rows = [[s.keyword, json.dumps(s.value, ensure_ascii=False), s.origin, _place(s.path, s.line)] for s in settings]
    print_table(headings, rows)


@schema.command(help=_("Write plain JSON Schema 2020-12, for forms and other programs: of ENTITY, or of all of them."))
@click.argument("entity", required=False)
@click.option("--output", type=click.Path(path_type=Path), metavar="DIR", help=_("Write a file for each entity there."))
@pass_instance
def export(instance: Instance, entity: str | None, output: Path | None) -> None:
    """Print or write schemas."""
    from crmcore.schema.export import plain_schema  # noqa: PLC0415  # commands are imported for --help too

    registry = instance.registry
    chosen = [_entity(registry, entity)] if entity else [e for e in registry.entities.values() if not e.internal]
    schemas = {model.name: plain_schema(model) for model in chosen}
    if output is None:
        print_json(schemas[entity] if entity else schemas)
        return
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, document in schemas.items():
            file = output / f"{name}.json"
            file.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            click.echo(file)
    except OSError as error:
        message = _("{path} cannot be written: {reason}").format(path=error.filename or output, reason=error.strerror)
        raise UsageError(message) from error


def _place(path: str, line: int | None) -> str:
    """Return a file with its folder, which with its origin beside it is enough; JSON has all of it."""
    short = Path(*Path(path).parts[-2:])
    return f"{short}:{line}" if line else str(short)


def _entity(registry: Registry, name: str) -> Entity:
    from crmcore.conformance import did_you_mean  # noqa: PLC0415  # commands are imported for --help too

    if name not in registry.entities:
        message = _("there is no entity {name!r}").format(name=name)
        raise UsageError(message, hint=did_you_mean(name, registry.entities))
    return registry.entities[name]


def _origins(entity: Entity) -> dict[str, None]:
    return dict.fromkeys([entity.origin, *(field.origin for field in entity.fields.values())])


def _holds(field: Field) -> str:
    if field.ref is not None:
        return _("reference to {entity}").format(entity=_("any record") if field.ref == "*" else field.ref)
    if field.enum:
        return " | ".join(field.enum)
    words = {
        "text": _("text"),
        "integer": _("whole number"),
        "number": _("number"),
        "boolean": _("yes or no"),
        "money": _("amount"),
        "date": _("date"),
        "instant": _("date and time"),
        "json": _("list or object"),
    }
    return words[field.kind.value]


def _rules(field: Field) -> list[str]:
    rules = {
        _("required"): field.required,
        _("unique"): field.unique,
        _("owner"): field.owner,
        _("sensitive"): field.sensitive,
        _("computed by {name}").format(name=field.computed_by): bool(field.computed_by),
        _("read-only"): field.readonly and not field.computed_by,
        _("at most {n} characters").format(n=field.max_length): field.max_length is not None and not field.enum,
    }
    return [rule for rule, holds in rules.items() if holds]


def _entity_json(entity: Entity) -> dict[str, Any]:
    return {
        "name": entity.name,
        "plural": entity.plural,
        "titles": dict(entity.titles),
        "display": entity.display,
        "origins": list(_origins(entity)),
    }


def _field_json(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "kind": field.kind.value,
        "titles": dict(field.titles),
        "aliases": list(field.aliases),
        "values": list(field.enum) or None,
        "ref": field.ref,
        "required": field.required,
        "readonly": field.readonly,
        "computed_by": field.computed_by,
        "origin": field.origin,
    }
