"""What ``crm.toml`` declares itself: metrics and scoring rules called ``instance.<name>``, and the fields they write.

Each rule that writes a field of its own brings it as an extension of an origin of its own, ``instance.<name>``: where
the rule is taken out of ``crm.toml`` its column stays, as that of a disabled plugin does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.schema.documents import INSTANCE, SchemaDocument
from crmcore.schema.positions import Positions, step
from crmcore.types import Band, Label, Metric, Rank, ScoringRule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crmcore.config import Config

__all__ = ["instance_declarations", "instance_extensions"]

_KINDS: Mapping[str, Mapping[str, Any]] = {
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "money": {"type": "string", "x-crm": {"money": True}},
    "date": {"type": "string", "format": "date"},
}
_DEPTH = 4
"""How deep the objects of a generated extension are nested."""


def instance_declarations(config: Config) -> Mapping[str, tuple[Any, ...]]:
    """Return what a configuration declares, by the hook through which a plugin would."""
    return {
        "crm_metrics": tuple(Metric(name=f"{INSTANCE}.{own}", **table) for own, table in config.metrics.items()),
        "crm_scoring_rules": tuple(_rule(own, table) for own, table in config.scoring.items()),
    }


def instance_extensions(config: Config, documents: Iterable[SchemaDocument]) -> Iterator[SchemaDocument]:
    """Yield an extension for each rule that writes a field which no document declares.

    Args:
        config: holds the rules.
        documents: those of the core, the plugins and the instance.
    """
    declared = {
        (document.entity, name)
        for document in documents
        for name, schema in _properties(document).items()
        if not document.extends or (isinstance(schema, dict) and "type" in schema)
    }
    for own, table in config.scoring.items():
        if (table["entity"], table["field"]) not in declared:
            declared.add((table["entity"], table["field"]))
            yield _extension(config, own, table)


def _properties(document: SchemaDocument) -> Mapping[str, Any]:
    found = document.document.get("properties")
    return found if isinstance(found, dict) else {}


def _rule(own: str, table: Mapping[str, Any]) -> ScoringRule:
    rank = table.get("rank")
    if rank is not None:
        rank = Rank(**{**rank, "bands": [Band(value, upto) for value, upto in rank["bands"].items()]})
    return ScoringRule(
        name=f"{INSTANCE}.{own}",
        entity=table["entity"],
        field=table["field"],
        labels=[Label(value, condition) for value, condition in table.get("labels", {}).items()],
        rank=rank,
        expression=table.get("expression"),
        otherwise=table.get("otherwise"),
        titles=table.get("titles", {}),
    )


def _extension(config: Config, own: str, table: Mapping[str, Any]) -> SchemaDocument:
    schema, titles = _schema(table), table.get("titles")
    notes = {**schema.pop("x-crm", {}), **({"titles": titles} if titles else {}), "computed_by": f"{INSTANCE}.{own}"}
    document = {
        "$schema": "urn:crmcore:extension:1",
        "properties": {table["field"]: {**schema, "x-crm": notes}},
    }
    return SchemaDocument(
        origin=f"{INSTANCE}.{own}",
        path=str(config.path or "crm.toml"),
        entity=table["entity"],
        extends=True,
        document=document,
        positions=Positions(dict(_lines(config, own, table)), (), _DEPTH),
    )


def _schema(table: Mapping[str, Any]) -> dict[str, Any]:
    if "expression" in table:
        return dict(_KINDS[table.get("kind", "number")])
    values = [*table.get("labels", {}), *table.get("rank", {}).get("bands", {})]
    otherwise = table.get("otherwise")
    # A rule without any shape is reported as such; until then its field holds any text.
    enum = list(dict.fromkeys([*values, *([] if otherwise is None else [otherwise])]))
    return {"type": "string", **({"enum": enum} if enum else {}), "x-crm": {"index": True}}


def _lines(config: Config, own: str, table: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield where ``crm.toml`` says what the extension does."""
    written, field = config.source.lines, step("/properties", table["field"])
    rule = step("/scoring", own)
    shape = next((key for key in ("labels", "rank", "expression") if key in table), "field")
    for pointer, key in (
        ("", ""),
        (field, "field"),
        (f"{field}/enum", shape),
        (f"{field}/type", "kind"),
        (f"{field}/x-crm/titles", "titles"),
    ):
        line = written.get(f"{rule}/{key}" if key else rule)
        if line is not None:
            yield pointer, line
