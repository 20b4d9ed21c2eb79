"""From what a file calls a record to its id: ``customer:42``, a key, its display name, or several of its fields.

One statement for each way of naming and batch, never one for each row. Making what is missing, and putting ids into
rows, is :mod:`crmcore.importing.linking`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import select

from crmcore.access import live
from crmcore.i18n import gettext as _
from crmcore.records.incoming import read_rows
from crmcore.records.keys import draft_keys
from crmcore.records.matching import find_candidates
from crmcore.records.reading import visible_ids
from crmcore.schema.model import Kind
from crmcore.schema.values import MAX_INTEGER, fold
from crmcore.store.chunks import chunks
from crmcore.store.tables import compared_column
from crmcore.types import Problem, Ref

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crmcore.records.drafts import Draft
    from crmcore.records.matching import Candidate
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity

__all__ = ["Found", "find_described", "find_named", "identity"]


@frozen
class Found:
    """The record that a cell names, or why there is none."""

    id: int | None
    reason: str = ""
    missing: bool = False
    """Whether there is none of that name, so that it could be created; not so where there are several."""


def find_named(session: Session, entity: Entity, names: Iterable[str]) -> Mapping[str, Found]:
    """Return for each text the visible record of an entity that it names.

    Keys are tried first (fields that alone are an alternative of matching: a code, a number), then the external id,
    then the display name. A text that names two records by the same field names none. Nothing is looked for by a field
    that the actor may not read.
    """
    wanted = dict.fromkeys(names)
    found = _by_reference(session, entity, wanted)
    for column, folded in _ways(session, entity):
        missing: dict[str, list[str]] = defaultdict(list)
        for name in wanted:
            if name not in found:
                missing[fold(name) if folded else name].append(name)
        for value, ids in _holders(session, entity, column, missing).items():
            for name in missing[value]:
                found[name] = Found(ids[0]) if len(ids) == 1 else _several(entity, name, ids)
    return {name: found.get(name) or _none(entity, name) for name in wanted}


def find_described(session: Session, entity: Entity, described: Sequence[Mapping[str, Any]]) -> list[Found]:
    """Return for each set of values the visible record of an entity that they describe.

    Its matching rules decide, as they do for rows of its own; values that are no key find it by its display name. What
    the values say besides is not compared: rows tell whose they are, not what is true of it. Values that would be
    compared in a field that the actor may not read find nothing.

    Args:
        session: the transaction.
        entity: of the records.
        described: field -> value, references in it resolved.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for number, values in enumerate(described):
        alike[json.dumps(sorted(values.items()), ensure_ascii=False, default=str)].append(number)
    drafts = read_rows(entity, [described[numbers[0]] for numbers in alike.values()])
    _forget_hidden(session, entity, drafts)
    known = _by_keys(session, entity, [draft for draft in drafts if not draft.problems and draft_keys(entity, draft)])
    shown = {draft.row: str(draft.values[entity.display]) for draft in drafts if _only_named(entity, draft)}
    named = find_named(session, entity, shown.values()) if shown else {}
    found: list[Found] = [Found(None)] * len(described)
    for draft, numbers in zip(drafts, alike.values(), strict=True):
        one = known.get(draft.row) or named.get(shown.get(draft.row, "")) or _undescribed(entity, draft)
        for number in numbers:
            found[number] = one
    return found


def identity(entity: Entity, values: Mapping[str, Any]) -> str:
    """Return what makes two descriptions of a missing record the same one: its strongest key, else its name."""
    (draft,) = read_rows(entity, [values])
    keys = [] if draft.problems else draft_keys(entity, draft)
    if keys:
        return repr(keys[0])
    display = values.get(entity.display)
    return fold(display) if isinstance(display, str) else repr(sorted(values.items(), key=repr))


def _by_reference(session: Session, entity: Entity, names: Iterable[str]) -> dict[str, Found]:
    """Return what the texts among the names find that are references, ``customer:42``."""
    refs = {name: ref for name in names if (ref := _parsed(name)) is not None}
    ids = {ref.id for ref in refs.values() if ref.entity == entity.name and ref.id <= MAX_INTEGER}
    visible = visible_ids(session, entity, ids)
    return {
        name: Found(ref.id)
        if ref.entity == entity.name and ref.id in visible
        else Found(None, _none(entity, name).reason)
        for name, ref in refs.items()
    }


def _forget_hidden(session: Session, entity: Entity, drafts: Sequence[Draft]) -> None:
    """Compare nothing with fields that the actor may not read; a row that asks for it would find out what they hold."""
    hidden = session.access.fields(session.actor, entity.name).hidden
    for name in sorted(hidden & {*entity.match_fields, entity.display}):
        for draft in drafts:
            draft.assign(name, None)  # a default as well
            if draft.incoming.get(name) is not None:
                message = _("you may not look for records by this field")
                draft.refuse(Problem(message=message, field=f"{entity.name}.{name}", code="hidden"))


def _by_keys(session: Session, entity: Entity, drafts: Sequence[Draft]) -> dict[int, Found]:
    """Return for each draft, by its number, the record that matching finds."""
    if not drafts:
        return {}
    table = session.runtime.tables.entity[entity.name]
    candidates = find_candidates(session.connection, entity, table, drafts)
    found = {one.id for some in candidates.values() for one in some}
    visible = visible_ids(session, entity, found, deleted=True)
    seen = {row: [one for one in some if one.id in visible] for row, some in candidates.items()}
    return {d.row: _chosen(entity, d, seen.get(d.row, ())) for d in drafts}


def _chosen(entity: Entity, draft: Draft, candidates: Sequence[Candidate]) -> Found:
    """Return what a draft finds among the candidates that the actor may see, deleted ones included."""
    alive = {candidate.id for candidate in candidates if not candidate.deleted}
    if len(alive) == 1:
        return Found(alive.pop())
    if alive:
        return _several(entity, _shown(entity, draft), alive)
    if candidates:
        return Found(
            None, _('the {entity} "{name}" was deleted').format(entity=entity.name, name=_shown(entity, draft))
        )
    return _none(entity, _shown(entity, draft))


def _only_named(entity: Entity, draft: Draft) -> bool:
    return not draft.problems and entity.display in draft.values and not draft_keys(entity, draft)


def _undescribed(entity: Entity, draft: Draft) -> Found:
    if draft.problems:
        return Found(None, "; ".join(map(str, draft.problems)))
    return Found(None, _("this does not say which {entity} is meant").format(entity=entity.name), missing=True)


def _shown(entity: Entity, draft: Draft) -> str:
    """Return what a message calls a record by: the values of its file, the first that are a key or a name."""
    telling = [str(v) for n, v in draft.incoming.items() if n == entity.display or n in entity.match_fields]
    return ", ".join(telling or map(str, draft.incoming.values()))


def _ways(session: Session, entity: Entity) -> list[tuple[str, bool]]:
    """Return the columns by which the actor may name a record, and whether each is folded."""
    hidden = session.access.fields(session.actor, entity.name).hidden
    single = [rule.fields[0] for rule in entity.match if len(rule.fields) == 1]
    names = dict.fromkeys([*single, entity.display])
    texts = [entity.fields[name] for name in names if entity.fields[name].kind is Kind.TEXT and name not in hidden]
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
    return Found(None, _('there is no {entity} "{name}"').format(entity=entity.name, name=name), missing=True)


def _several(entity: Entity, name: str, ids: Iterable[int]) -> Found:
    refs = ", ".join(str(Ref(entity.name, id)) for id in sorted(ids))
    return Found(None, _('"{name}" is more than one: {refs}; write the one that is meant').format(name=name, refs=refs))
