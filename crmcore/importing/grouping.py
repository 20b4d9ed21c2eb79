"""Rows that are lines of records: which rows make one record, and whether they agree on what it is.

Rows of one record need not be adjacent, and chunks may part them, so what rows have said of a record is remembered for
the whole file. It is compared as it is written, before references are looked up: the verdict depends on the file alone.
Saving records and lines is :mod:`crmcore.importing.saving`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from attrs import define, field

from crmcore.i18n import gettext as _
from crmcore.importing.linking import header_of
from crmcore.schema.values import fold, from_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.importing.linking import Row
    from crmcore.importing.plan import Plan
    from crmcore.importing.seen import Seen
    from crmcore.schema.model import Entity, Field, Relation

__all__ = ["Grouped", "group", "join_record"]


@define(eq=False)
class Grouped:
    """A record and the rows of a chunk that are its lines."""

    rows: list[Row] = field(factory=list)
    values: dict[str, Any] = field(factory=dict)
    """Of the record, without its lines."""
    id: int | None = None
    outcome: str = ""


def join_record(seen: Seen, entities: Mapping[str, Entity], plan: Plan, lines: Relation, row: Row) -> None:
    """Note which record a row is a line of, and what it says of the record that earlier rows said otherwise.

    Args:
        seen: what earlier rows have said.
        entities: all entities by name.
        plan: of the file.
        lines: the relation under whose name the row's values have the line.
        row: the row; gets its `record_key`, or problems.
    """
    entity = plan.entity
    own = {name: value for name, value in row.values.items() if name != lines.name and value is not None}
    row.record_key = _record_key(entities, entity, own)
    if not row.record_key:
        message = _("the row does not say which {entity} it belongs to").format(entity=entity.name)
        row.fail(message, header=None, value=None, code="required")
        return
    said = seen.said_of(row.record_key)
    for name, value in own.items():
        meant = _comparable(entities, entity, name, value)
        before = said.setdefault(name, [meant, _shown(value), row.line])
        if before[0] != meant:
            row.fail(
                _('line {line} of the same {entity} has "{before}" here').format(
                    line=before[2], entity=entity.name, before=before[1]
                ),
                header=header_of(plan, (name,)),
                value=_shown(value),
                code="disagrees",
            )
    if not row.problems:
        seen.say(row.record_key, said)


def group(rows: Iterable[Row], lines: str) -> Sequence[Grouped]:
    """Put the rows of a chunk together to records; a value that only one row has is the record's."""
    records: dict[str, Grouped] = {}
    for row in rows:
        record = records.setdefault(row.record_key, Grouped())
        record.rows.append(row)
        for name, value in row.values.items():
            if name != lines and value is not None:
                record.values.setdefault(name, value)
    return list(records.values())


def _record_key(entities: Mapping[str, Entity], entity: Entity, values: Mapping[str, Any]) -> str:
    """Return the strongest key that a row has for its record; empty where it has none."""
    rules = [("id",), ("source", "external_id"), *(rule.fields for rule in entity.match)]
    whens: list[Mapping[str, Any]] = [{}, {}, *(rule.when for rule in entity.match)]
    for number, (fields, when) in enumerate(zip(rules, whens, strict=True)):
        applies = all(values.get(name, _default(entity.fields[name])) == wanted for name, wanted in when.items())
        if applies and all(name in values for name in fields):
            compared = [_comparable(entities, entity, name, values[name]) for name in fields]
            return json.dumps([number, *compared], ensure_ascii=False)
    return ""


def _default(field: Field) -> Any:
    return from_json(field, field.default)


def _comparable(entities: Mapping[str, Entity], entity: Entity, name: str, value: Any) -> str:
    """Return a value as text that is the same where two rows mean the same."""
    if isinstance(value, dict):
        target = entities[str(entity.fields[name].ref)]
        # Whoever has the same key is the same record, however its name is spelled in this row.
        return _record_key(entities, target, value) or repr(sorted(value.items()))
    if isinstance(value, str):
        return fold(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_normal)


def _normal(value: Any) -> str:
    # A decimal is the same amount with or without zeros at its end.
    return f"{value.normalize():f}" if hasattr(value, "normalize") else str(value)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value.values())) if isinstance(value, dict) else str(value)
