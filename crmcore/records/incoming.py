"""From the rows that a caller gives to drafts: known fields, values in JSON form, what the actor may set.

Nothing here looks into the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.conformance import did_you_mean
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.records.drafts import Draft
from crmcore.records.matching import draft_keys
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.schema.values import MAX_INTEGER, to_json
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from crmcore.access import FieldRights
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["defaults_of", "read_rows", "refuse_closed", "rounds"]

_ADDRESS = ("id", "version", "source", "external_id", "row_key")
"""Keys of a row that say which record it is, instead of what is in it. ``row_key`` is a function that importers give:
it returns what stands for the row where it has no key of its own."""

WITHOUT_KEY = "row"
"""Source of records that came in rows without any key: their external id is the row itself, by its hash."""


def read_rows(entity: Entity, rows: Iterable[Mapping[str, Any]]) -> list[Draft]:
    """Return a draft for each row, with a problem for every unknown field and every value of a wrong kind.

    Raises:
        UsageError: a row is no mapping, or its ``id`` or ``version`` is not a number.
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
        if name in rights.fixed:
            draft.refuse(_closed(draft, name, _("you may not set this field")))
        elif declared.computed_by:
            draft.refuse(_closed(draft, name, _("{rule} computes this field").format(rule=declared.computed_by)))
        elif declared.readonly:
            draft.refuse(_closed(draft, name, _("this field is read-only")))


def refuse_hidden(session: Session, entity: Entity, draft: Draft) -> None:
    """Refuse what was given for fields that the actor may not read, and forget it before anything is compared with it.

    Whether the guess was right must not be told by what happens next.
    """
    hidden = session.access.fields(session.actor, entity.name).hidden
    for name in hidden & draft.incoming.keys():
        draft.refuse(evolve(_closed(draft, name, _("you may not set this field")), value=None))
        del draft.incoming[name]
        draft.values.pop(name, None)


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
    if not isinstance(row, Mapping):
        raise UsageError(_("expected a mapping of fields to values, found {found}").format(found=type(row).__name__))
    draft = Draft(row=number, incoming={})
    for name, value in row.items():
        declared = entity.fields.get(name)
        if declared is not None:
            try:
                draft.incoming[name] = to_json(declared, value)
            except ValueError as error:
                draft.refuse(Problem(message=str(error), field=name, value=value, row=number, code="type"))
        elif name in _ADDRESS:
            try:
                _read_address(entity, draft, name, value)
            except ValueError as error:
                draft.refuse(Problem(message=str(error), field=name, value=value, row=number, code="type"))
        else:
            draft.refuse(_unknown(entity, number, name))
    if draft.id is None:
        draft.values = {**defaults, **draft.incoming}
        for name in [name for name, value in draft.values.items() if value is None]:
            del draft.values[name]
        _settle_key(entity, draft, row.get("row_key"))
    return draft


def _settle_key(entity: Entity, draft: Draft, row_key: Callable[[], str] | None) -> None:
    if draft.external_id is not None and draft.source is None:
        message = _("an external id says nothing without the source that gave it")
        draft.refuse(Problem(message=message, field="source", row=draft.row, code="required"))
    elif row_key is not None and draft.external_id is None and not draft_keys(entity, draft):
        draft.source, draft.external_id = WITHOUT_KEY, row_key()


def _read_address(entity: Entity, draft: Draft, name: str, value: Any) -> None:
    if value is None:
        return
    if name in ("id", "version"):
        if not isinstance(value, int) or isinstance(value, bool) or not 0 < value <= MAX_INTEGER:
            raise UsageError(
                _("{entity}: {name} is a whole number, not {value!r}").format(
                    entity=entity.name, name=name, value=value
                )
            )
        setattr(draft, "id" if name == "id" else "expected_version", value)
    elif name != "row_key":
        setattr(draft, name, to_json(SYSTEM_FIELDS[name], value))


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
