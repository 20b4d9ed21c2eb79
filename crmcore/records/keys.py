"""Keys: what the matching rules of an entity compare of a row, or of a stored record.

Which records have the same keys is asked in :mod:`crmcore.records.matching`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.schema.model import Kind
from crmcore.schema.values import fold, fold_all, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore.records.drafts import Draft, Key
    from crmcore.schema.model import Entity, Field

__all__ = ["draft_keys", "keys_of", "know_keys"]


def keys_of(entity: Entity, values: Mapping[str, Any], source: str | None, external_id: str | None) -> list[Key]:
    """Return the keys under which a record can be found, strongest first; none when it has no key at all.

    Args:
        entity: the record's entity.
        values: its values in Python form.
        source: name of the system that its external id belongs to.
        external_id: its id there.
    """
    keys: list[Key] = [(0, (source, external_id))] if source and external_id else []
    for number, rule in enumerate(entity.match, start=1):
        if any(values.get(name) != wanted for name, wanted in rule.when.items()):
            continue
        compared = tuple(_compared(entity, name, values.get(name)) for name in rule.fields)
        if None not in compared:
            keys.append((number, compared))
    return keys


def draft_keys(entity: Entity, draft: Draft) -> list[Key]:
    """Return the keys of a row that is being saved."""
    return draft.keys if draft.keys is not None else know_keys(entity, [draft])[0]


def know_keys(entity: Entity, drafts: Sequence[Draft]) -> list[list[Key]]:
    """Work out the keys of many rows, field by field."""
    found: list[list[Key]] = []
    for draft in drafts:
        external = (draft.source, draft.external_id)
        draft.keys = [(0, external)] if all(external) else []
        found.append(draft.keys)
    given = {name: [draft.values.get(name) for draft in drafts] for name in entity.match_fields}
    compared = {name: _all_compared(entity.fields[name], values) for name, values in given.items()}
    for number, rule in enumerate(entity.match, start=1):
        columns = [compared[name] for name in rule.fields]
        if any(column.count(None) == len(column) for column in columns):
            continue
        applies = [[value == wanted for value in given[name]] for name, wanted in rule.when.items()]
        for keys, values, *whens in zip(found, zip(*columns, strict=True), *applies, strict=True):
            if None not in values and all(whens):
                keys.append((number, values))
    return found


def _all_compared(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.folded:
        return fold_all(values)
    return values if field.kind is Kind.TEXT else [from_json(field, value) for value in values]


def _compared(entity: Entity, name: str, value: Any) -> Any:
    return fold(value) if value is not None and entity.fields[name].folded else value
