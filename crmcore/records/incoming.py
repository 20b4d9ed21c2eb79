"""From the rows that a caller gives to drafts: known fields, values in JSON form, what the actor may set.

Nothing here looks into the database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.conformance import did_you_mean
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.records.drafts import Draft
from crmcore.records.matching import draft_keys
from crmcore.schema.values import to_json
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.access import FieldRights
    from crmcore.schema.model import Entity

__all__ = ["defaults_of", "read_rows", "refuse_closed", "rounds"]

_ADDRESS = ("id", "version", "source", "external_id")
"""Keys of a row that say which record it is, instead of what is in it."""


def read_rows(entity: Entity, rows: Iterable[Mapping[str, Any]]) -> list[Draft]:
    """Return a draft for each row, with a problem for every unknown field and every value of a wrong kind.

    Raises:
        UsageError: a row's ``id`` or ``version`` is not a number.
    """
    defaults = defaults_of(entity)
    return [_read_row(entity, number, row, defaults) for number, row in enumerate(rows)]


def defaults_of(entity: Entity) -> dict[str, Any]:
    """Return the defaults of an entity's fields in JSON form."""
    return {name: declared.default for name, declared in entity.fields.items() if declared.default is not None}


def refuse_closed(entity: Entity, rights: FieldRights, draft: Draft) -> None:
    """Refuse what was given for fields that the actor may not set; the stored value given back is no change."""
    before = draft.before or {}
    for name, value in draft.incoming.items():
        declared = entity.fields[name]
        if value == before.get(name):
            continue
        if name in rights.hidden or name in rights.fixed:
            draft.refuse(_closed(draft, name, _("you may not set this field")))
        elif declared.computed_by:
            draft.refuse(_closed(draft, name, _("{rule} computes this field").format(rule=declared.computed_by)))
        elif declared.readonly:
            draft.refuse(_closed(draft, name, _("this field is read-only")))


def rounds(entity: Entity, drafts: Iterable[Draft]) -> list[list[Draft]]:
    """Split rows so that two rows of one round are never the same record.

    The second of two rows with one key must find what the first has saved, so it waits for the next round.
    """
    last: dict[object, int] = {}
    found: list[list[Draft]] = []
    for draft in drafts:
        if draft.outcome is not None:
            continue
        keys: list[object] = [draft.id] if draft.id is not None else list(draft_keys(entity, draft))
        number = max((last.get(key, -1) for key in keys), default=-1) + 1
        last.update(dict.fromkeys(keys, number))
        if number == len(found):
            found.append([])
        found[number].append(draft)
    return found


def _read_row(entity: Entity, number: int, row: Mapping[str, Any], defaults: Mapping[str, Any]) -> Draft:
    draft = Draft(row=number, incoming={})
    for name, value in row.items():
        declared = entity.fields.get(name)
        if declared is not None:
            try:
                draft.incoming[name] = to_json(declared, value)
            except ValueError as error:
                draft.refuse(Problem(message=str(error), field=name, value=value, row=number, code="type"))
        elif name in _ADDRESS:
            _read_address(entity, draft, name, value)
        else:
            draft.refuse(_unknown(entity, number, name))
    if draft.id is None:
        draft.values = {**defaults, **draft.incoming}
        for name in [name for name, value in draft.values.items() if value is None]:
            del draft.values[name]
    return draft


def _read_address(entity: Entity, draft: Draft, name: str, value: Any) -> None:
    if value is None:
        return
    if name in ("id", "version"):
        if not isinstance(value, int) or isinstance(value, bool):
            raise UsageError(
                _("{entity}: {name} is a whole number, not {value!r}").format(
                    entity=entity.name, name=name, value=value
                )
            )
        setattr(draft, "id" if name == "id" else "expected_version", value)
    else:
        setattr(draft, name, str(value).strip() or None)


def _unknown(entity: Entity, row: int, name: str) -> Problem:
    return Problem(
        message=_("{entity} has no field {field!r}").format(entity=entity.name, field=name),
        hint=did_you_mean(name, entity.fields),
        field=name,
        row=row,
        code="unknown_field",
    )


def _closed(draft: Draft, name: str, message: str) -> Problem:
    return Problem(message=message, field=name, value=draft.incoming[name], row=draft.row, code="readonly")
