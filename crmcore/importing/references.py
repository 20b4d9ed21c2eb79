"""From what a file calls a record to its id: ``customer:42``, a key of a matching rule, or its display name.

One statement for each way of naming and batch, never one for each row.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import select

from crmcore.access import live
from crmcore.i18n import gettext as _
from crmcore.records.writing import chunks
from crmcore.schema.model import Kind
from crmcore.schema.values import MAX_INTEGER, fold
from crmcore.store.tables import compared_column
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["Found", "find_named"]


@frozen
class Found:
    """The record that a cell names, or why there is none."""

    id: int | None
    reason: str = ""


def find_named(session: Session, entity: Entity, names: Iterable[str]) -> Mapping[str, Found]:
    """Return for each text the visible record of an entity that it names.

    Keys are tried first (fields that alone are an alternative of matching: a code, a number), then the external id,
    then the display name. A text that names two records by the same field names none.
    """
    found: dict[str, Found] = {}
    wanted = dict.fromkeys(names)
    for name in wanted:
        ref = _parsed(name)
        if ref is not None:
            there = ref.entity == entity.name and ref.id <= MAX_INTEGER
            known = there and session.sees(entity.name, ref.id)
            found[name] = Found(ref.id) if known else _none(entity, name)
    for column, folded in _ways(entity):
        missing: dict[str, list[str]] = defaultdict(list)
        for name in wanted:
            if name not in found:
                missing[fold(name) if folded else name].append(name)
        for value, ids in _holders(session, entity, column, missing).items():
            for name in missing[value]:
                found[name] = Found(ids[0]) if len(ids) == 1 else _several(entity, name, ids)
    return {name: found.get(name) or _none(entity, name) for name in wanted}


def _ways(entity: Entity) -> list[tuple[str, bool]]:
    """Return the columns by which a record may be named, and whether each is folded."""
    single = [rule.fields[0] for rule in entity.match if len(rule.fields) == 1]
    names = dict.fromkeys([*single, entity.display])
    texts = [entity.fields[name] for name in names if entity.fields[name].kind is Kind.TEXT]
    display = [field for field in texts if field.name == entity.display]
    keys = [(compared_column(field), field.folded) for field in texts if field.name != entity.display]
    return [*keys, ("external_id", False), *((compared_column(field), field.folded) for field in display)]


def _holders(session: Session, entity: Entity, column: str, values: Iterable[Any]) -> Mapping[Any, list[int]]:
    table = session.runtime.tables.entity[entity.name]
    holders: dict[Any, list[int]] = defaultdict(list)
    statement = select(table.c[column], table.c.id).where(live(table), session.may("read", entity.name, table))
    for some in chunks(values):
        for value, id in session.connection.execute(statement.where(table.c[column].in_(some))):
            holders[value].append(id)
    return holders


def _parsed(name: str) -> Ref | None:
    try:
        return Ref.parse(name)
    except ValueError:
        return None


def _none(entity: Entity, name: str) -> Found:
    return Found(None, _('there is no {entity} "{name}"').format(entity=entity.name, name=name))


def _several(entity: Entity, name: str, ids: Iterable[int]) -> Found:
    refs = ", ".join(str(Ref(entity.name, id)) for id in sorted(ids))
    return Found(None, _('"{name}" is more than one: {refs}').format(name=name, refs=refs))
