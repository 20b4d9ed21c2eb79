"""Keys: what the matching rules of an entity compare of a row, or of a stored record.

Which records have the same keys is asked in :mod:`crmcore.records.matching`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.schema.model import Kind
from crmcore.schema.values import FROM_JSON, fold_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crmcore.records.drafts import Draft, Key
    from crmcore.schema.model import Entity, Field

__all__ = ["draft_keys", "keys_of", "know_keys"]


def keys_of(
    entity: Entity, columns: Mapping[str, Sequence[Any]], external_ids: Sequence[tuple[str | None, str | None]]
) -> list[list[Key]]:
    """Return for each of many records the keys under which it can be found, strongest first; none without any key.

    Args:
        entity: of the records.
        columns: field that takes part in a rule -> its values in Python form, one for each record.
        external_ids: for each record the name of the system that its external id belongs to, and its id there.
    """
    found: list[list[Key]] = [[(0, one)] if all(one) else [] for one in external_ids]
    compared = {name: fold_all(columns[name]) if entity.fields[name].folded else columns[name] for name in columns}
    for number, rule in enumerate(entity.match, start=1):
        parts = [compared[name] for name in rule.fields]
        if any(column.count(None) == len(column) for column in parts):
            continue
        applies = [[value == wanted for value in columns[name]] for name, wanted in rule.when.items()]
        for keys, values, *whens in zip(found, zip(*parts, strict=True), *applies, strict=True):
            if None not in values and all(whens):
                keys.append((number, values))
    return found


def draft_keys(entity: Entity, draft: Draft) -> list[Key]:
    """Return the keys of a row that is being saved."""
    return draft.keys if draft.keys is not None else know_keys(entity, [draft])[0]


def know_keys(entity: Entity, drafts: Sequence[Draft]) -> list[list[Key]]:
    """Work out the keys of many rows that are being saved."""
    columns = {
        name: _python_forms(entity.fields[name], [draft.values.get(name) for draft in drafts])
        for name in entity.match_fields
    }
    found = keys_of(entity, columns, [(draft.source, draft.external_id) for draft in drafts])
    for draft, keys in zip(drafts, found, strict=True):
        draft.keys = keys
    return found


def _python_forms(field: Field, values: Sequence[Any]) -> Sequence[Any]:
    if field.kind is Kind.TEXT:
        return values
    convert = FROM_JSON[field.kind]
    return [None if value is None else convert(value) for value in values]
