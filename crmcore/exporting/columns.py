"""The columns of an export: which fields it has, and headers by which importing knows them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from crmcore.errors import UsageError
from crmcore.i18n import gettext as _
from crmcore.importing.columns import called
from crmcore.importing.mapping import field_called, is_open
from crmcore.schema.model import SYSTEM_FIELDS
from crmcore.schema.suggestions import did_you_mean_hint

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from crmcore.schema.model import Entity, Field

__all__ = ["Column", "columns_of"]

_ID = SYSTEM_FIELDS["id"]


@frozen
class Column:
    """A column of an export."""

    header: str
    field: Field
    """The system field ``id`` for the record's own reference."""


def columns_of(
    entity: Entity, names: Sequence[str], hidden: Set[str], *, with_id: bool, codes: bool
) -> Sequence[Column]:
    """Return the columns of an export.

    A header is the field's title in the language that is spoken. Where importing would take that for another field,
    it is the name; and where even that is another one's, which only happens to fields that nobody fills, the name with
    the entity's.

    Args:
        entity: whose records are exported.
        names: of the fields, or their titles; none for all of them.
        hidden: fields that the actor may not read.
        with_id: whether the first column is the record's reference.
        codes: whether headers are names.

    Raises:
        UsageError: there is no such field, or none that the actor may read.
    """
    chosen = [_named(entity, name, hidden) for name in names]
    fields = chosen or [field for field in entity.fields.values() if field.name not in hidden]
    wanted = dict.fromkeys(field.name for field in fields if field is not _ID)
    found = [Column(_id_header(entity, codes=codes), _ID)] if with_id or _ID in chosen else []
    taken = {called(column.header) for column in found}
    for name in wanted:
        field = _field(entity, name)
        header = _header(entity, field, taken, codes=codes)
        taken.add(called(header))
        found.append(Column(header, field))
    return found


def _field(entity: Entity, name: str) -> Field:
    return entity.fields.get(name) or SYSTEM_FIELDS[name]


def _named(entity: Entity, name: str, hidden: Set[str]) -> Field:
    known = {field.name: field for field in (*SYSTEM_FIELDS.values(), *entity.fields.values())}
    visible = {name: field for name, field in known.items() if name not in hidden}
    titled = {called(title): field for field in visible.values() for title in field.titles.values()}
    field = visible.get(name) or titled.get(called(name))
    if field is None:
        raise UsageError(
            _("{entity} has no field {field!r}").format(entity=entity.name, field=name),
            hint=did_you_mean_hint(name, visible)
            or _("`crmcore schema show {entity}` lists its fields.").format(entity=entity.name),
        )
    return field


def _id_header(entity: Entity, *, codes: bool) -> str:
    word = called(_ID.title())
    of_field = any(word in map(called, (one.name, *one.titles.values())) for one in entity.fields.values())
    return _ID.name if codes or of_field else _ID.title()


def _header(entity: Entity, field: Field, taken: Set[str], *, codes: bool) -> str:
    """Return a header that importing knows the field by, or no field where nobody may fill it."""
    fits = field if is_open(field) else None
    for word in (field.name,) if codes else (field.title(), field.name):
        if field_called(entity, word) is fits and called(word) not in taken:
            return word
    return f"{entity.name}.{field.name}"
