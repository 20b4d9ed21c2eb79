"""From the rows that a caller gives to drafts: known fields, values in JSON form, what the actor may set.

Nothing here looks into the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from attrs import evolve

from crmcore.conformance import did_you_mean
from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.records.drafts import Draft
from crmcore.records.keys import draft_keys, know_keys
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.schema.values import MAX_INTEGER, all_to_json, to_json
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crmcore.access import FieldRights
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

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
    given = [_mapping(row) for row in rows]
    drafts = [Draft(row=number, incoming={}) for number in range(len(given))]
    _read_fields(entity, drafts, given)
    defaults = defaults_of(entity)
    new = [(draft, row) for draft, row in zip(drafts, given, strict=True) if draft.id is None]
    for draft, _row in new:
        draft.values = {**defaults, **draft.incoming}
        if None in draft.values.values():
            draft.values = {name: value for name, value in draft.values.items() if value is not None}
    know_keys(entity, [draft for draft, _row in new])
    for draft, row in new:
        _settle_key(draft, row.get("row_key"))
    return drafts


def defaults_of(entity: Entity) -> dict[str, Any]:
    """Return the defaults of an entity's fields in JSON form."""
    return {name: declared.default for name, declared in entity.fields.items() if declared.default is not None}


def refuse_closed(entity: Entity, rights: FieldRights, drafts: Iterable[Draft]) -> None:
    """Refuse what was given for fields that the actor may not set; the stored value given back is no change."""
    for draft, name in _given_of(rights.fixed | entity.closed_fields, drafts):
        declared = entity.fields[name]
        if draft.incoming[name] == (draft.before or {}).get(name):
            continue
        if name in rights.fixed:
            draft.refuse(_closed(draft, name, _("you may not set this field")))
        elif declared.computed_by:
            draft.refuse(_closed(draft, name, _("{rule} computes this field").format(rule=declared.computed_by)))
        else:
            draft.refuse(_closed(draft, name, _("this field is read-only")))


def refuse_hidden(session: Session, entity: Entity, drafts: Iterable[Draft]) -> None:
    """Refuse what was given for fields that the actor may not read, and forget it before anything is compared with it.

    Whether the guess was right must not be told by what happens next.
    """
    for draft, name in _given_of(session.access.fields(session.actor, entity.name).hidden, drafts):
        draft.refuse(evolve(_closed(draft, name, _("you may not set this field")), value=None))
        del draft.incoming[name]
        draft.assign(name, None)


def rounds(entity: Entity, drafts: Iterable[Draft]) -> list[list[Draft]]:
    """Split rows so that two rows of one round are never the same record.

    The second of two rows with one key must find what the first has saved, so it waits for the next round.
    """
    last: dict[object, int] = {}
    found: list[list[Draft]] = []
    open_drafts = [draft for draft in drafts if draft.outcome is None]
    all_keys = [[draft.id] if draft.id is not None else draft_keys(entity, draft) for draft in open_drafts]
    if len(set(chain.from_iterable(all_keys))) == sum(map(len, all_keys)):
        return [open_drafts] if open_drafts else []
    for draft, keys in zip(open_drafts, all_keys, strict=True):
        number = max((last.get(key, -1) for key in keys), default=-1) + 1
        last.update(dict.fromkeys(keys, number))
        if number == len(found):
            found.append([])
        found[number].append(draft)
    return found


def _mapping(row: object) -> Mapping[str, Any]:
    if isinstance(row, Mapping):
        return row
    raise UsageError(_("expected a mapping of fields to values, found {found}").format(found=type(row).__name__))


def _given_of(names: frozenset[str], drafts: Iterable[Draft]) -> Iterator[tuple[Draft, str]]:
    """Yield what was given of some fields, which is mostly nothing."""
    for draft in drafts:
        if not names.isdisjoint(draft.incoming):
            yield from [(draft, name) for name in draft.incoming if name in names]


def _read_fields(entity: Entity, drafts: Sequence[Draft], rows: Sequence[Mapping[str, Any]]) -> None:
    """Read what rows say, name by name: a batch has far more rows than names. What is wrong is a problem of its row."""
    columns: dict[str, Sequence[Any]] = {}
    for name in dict.fromkeys(chain.from_iterable(rows)):
        declared = entity.fields.get(name)
        if declared is None:
            _read_other(entity, name, drafts, rows)
            continue
        told = [pair for pair in zip(drafts, rows, strict=True) if name in pair[1]]
        column = all_to_json(declared, [row[name] for _draft, row in told])
        if column is None:
            _read_field(declared, told)
        elif len(told) == len(rows):
            columns[name] = column
        else:
            for (draft, _row), value in zip(told, column, strict=True):
                draft.incoming[name] = value
    if columns:
        for draft, values in zip(drafts, zip(*columns.values(), strict=True), strict=True):
            draft.incoming.update(zip(columns, values, strict=True))


def _read_field(declared: Field, told: Iterable[tuple[Draft, Mapping[str, Any]]]) -> None:
    """Read what rows say of a field, one by one."""
    for draft, row in told:
        value = row[declared.name]
        try:
            draft.incoming[declared.name] = to_json(declared, value)
        except ValueError as error:
            draft.refuse(_unreadable(declared.name, value, draft, error))


def _read_other(entity: Entity, name: str, drafts: Sequence[Draft], rows: Sequence[Mapping[str, Any]]) -> None:
    """Read what rows say under a name that is no field's."""
    if name == "row_key":
        return  # is asked for where a row has no other key
    for draft, row in zip(drafts, rows, strict=True):
        if name not in row:
            continue
        if name not in _ADDRESS:
            draft.refuse(_unknown(entity, draft.row, name))
            continue
        try:
            _read_address(entity, draft, name, row[name])
        except ValueError as error:
            draft.refuse(_unreadable(name, row[name], draft, error))


def _unreadable(name: str, value: Any, draft: Draft, error: ValueError) -> Problem:
    return Problem(message=str(error), field=name, value=value, row=draft.row, code="type")


def _settle_key(draft: Draft, row_key: Callable[[], str] | None) -> None:
    if draft.external_id is not None and draft.source is None:
        message = _("an external id says nothing without the source that gave it")
        draft.refuse(Problem(message=message, field="source", row=draft.row, code="required"))
    elif row_key is not None and draft.external_id is None and not draft.keys:
        draft.source, draft.external_id = WITHOUT_KEY, row_key()
        draft.keys = None


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
    else:
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
