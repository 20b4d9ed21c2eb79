"""The timeline of records: activities and label changes, which the core knows, and what plugins tell.

Plugins answer :func:`crmcore.hookspecs.crm_timeline`; one that fails is named beside the timeline. Only what the
session's actor may see is told.
"""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import TYPE_CHECKING, Any

from attrs import frozen
from sqlalchemy import and_, null, select

from crmcore.i18n import gettext as _
from crmcore.i18n import title_in
from crmcore.schema.values import from_json
from crmcore.store.chunks import chunks
from crmcore.types import Ref, TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from sqlalchemy import ColumnElement, Row, RowMapping, Select, Subquery

    from crmcore.errors import PluginError
    from crmcore.records.session import Session
    from crmcore.schema.model import Entity, Field

__all__ = ["Timeline", "timeline"]

_ACTIVITY = "activity"
_NEEDED = ("subject__entity", "subject__id", "kind", "happened_at")
"""Columns without which an activity says nothing."""


@frozen
class Timeline:
    """What happened to records, the latest first."""

    entries: tuple[TimelineEntry, ...]
    failures: tuple[PluginError, ...] = ()
    """Plugins that could not tell theirs."""


def timeline(session: Session, entity: str, ids: Sequence[int]) -> Timeline:
    """Return everything that happened to some records of an entity.

    Args:
        session: the transaction; its actor must see the records to be told anything.
        entity: name of the entity.
        ids: of the records.

    Raises:
        UsageError: there is no such entity.
    """
    model = session.runtime.entity(entity)
    table = session.table(entity)
    seen = [
        id
        for some in chunks(sorted(set(ids)))
        for id in session.execute(select(table.c.id).where(table.c.id.in_(some))).scalars()
    ]
    told, failures = session.ask_isolated("crm_timeline", entity=entity, ids=seen)
    known = chain(
        _created(session, model, seen), _label_changes(session, model, seen), _activities(session, model, seen)
    )
    asked = {Ref(entity, id) for id in seen}
    fitting = (entry for entry in told if entry.about in asked)
    entries = sorted(chain(known, fitting), key=lambda entry: _instant(entry.at, session.timezone), reverse=True)
    return Timeline(tuple(entries), failures)


def _created(session: Session, entity: Entity, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    table = session.table(entity.name)
    user = session.runtime.tables.entity["user"]
    statement = select(table.c.id, table.c.created_at, table.c.import_id, user.c.login).outerjoin(
        user, user.c.id == table.c.created_by
    )
    for row in _rows(session, statement, table.c.id, ids):
        origin = _("import {id}").format(id=row.import_id) if row.import_id else ""
        yield TimelineEntry(
            about=Ref(entity.name, row.id),
            at=row.created_at,
            kind="created",
            title=_("{title} created").format(title=entity.title()),
            detail=origin,
            actor=row.login,
        )


def _label_changes(session: Session, entity: Entity, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Yield changes of computed fields; the value after a change is the one that the next change replaced."""
    table, history = session.table(entity.name), session.runtime.tables.history
    computed = {name: field for name, field in entity.fields.items() if field.computed_by and name in table.c}
    if not computed:
        return
    present = {
        row.id: {name: getattr(row, name) for name in computed}
        for row in _rows(session, select(table.c.id, *(table.c[name] for name in computed)), table.c.id, ids)
    }
    statement = (
        select(history)
        .where(history.c.entity == entity.name, history.c.action == "computed")
        .order_by(history.c.record_id, history.c.id.desc())
    )
    for row in _rows(session, statement, history.c.record_id, ids):
        after = present[row.record_id]
        for name, field in computed.items():
            if name not in row.old:
                continue
            old = from_json(field, row.old[name])
            yield TimelineEntry(
                about=Ref(entity.name, row.record_id),
                at=row.at,
                kind="label",
                title=f"{field.title()}: {_said(field, old)} → {_said(field, after[name])}",
                actor=row.actor,
            )
            after[name] = old


def _activities(session: Session, entity: Entity, ids: Sequence[int]) -> Iterator[TimelineEntry]:
    """Yield activities about the records, and about what refers to them: a customer's contacts, deals and orders."""
    activity = session.table(_ACTIVITY)
    if any(name not in activity.c for name in _NEEDED):
        return  # the actor may not read what they are about, or when they were
    told: set[int] = set()
    for statement, about in _about(session, activity, entity):
        for row in _rows(session, statement.add_columns(about.label("about")), about, ids):
            if row.id not in told:
                told.add(row.id)
                yield _activity(session, Ref(entity.name, row.about), row._mapping)  # noqa: SLF001  # a public name


def _about(session: Session, activity: Subquery, entity: Entity) -> Iterator[tuple[Select[Any], ColumnElement[int]]]:
    """Yield each way from activities to the records of an entity, with the column that has the record's id."""
    user = session.table("user")
    doer = activity.c.get("done_by", activity.c.get("owner", activity.c.created_by))
    every = select(activity, user.c.get("name", null()).label("doer")).outerjoin(user, user.c.id == doer)
    yield every.where(activity.c.subject__entity == entity.name), activity.c.subject__id
    for relation in session.runtime.registry.relations(entity.name).values():
        field = session.runtime.entity(relation.entity).fields[relation.field]
        if field.ref != entity.name or field.owner:
            continue
        if relation.entity == _ACTIVITY:  # with a contact, by a user
            if relation.field in activity.c:
                yield every, activity.c[relation.field]
        elif relation.entity != entity.name:
            child = session.table(relation.entity).alias()
            if relation.field in child.c:
                of_child = and_(activity.c.subject__entity == relation.entity, activity.c.subject__id == child.c.id)
                yield every.join(child, of_child), child.c[relation.field]


def _activity(session: Session, about: Ref, row: RowMapping) -> TimelineEntry:
    fields = session.runtime.entity(_ACTIVITY).fields
    kind = _said(fields["kind"], row["kind"])
    summary, body = row.get("summary"), row.get("body")
    title = f"{kind}: {summary or body}" if summary or body else kind
    if row["happened_at"] is None:
        title = _("planned: {title}").format(title=title)
    return TimelineEntry(
        about=about,
        at=row["happened_at"] or row.get("due_date") or row["created_at"],
        kind=str(row["kind"]),
        title=title,
        detail=str(body or "") if summary else "",
        ref=Ref(_ACTIVITY, row["id"]),
        actor=row["doer"],
    )


def _said(field: Field, value: Any) -> str:
    """Return a value as people call it."""
    if value is None:
        return _("empty")
    if field.enum:
        return title_in(field.enum_titles.get(value, {}), str(value))
    return f"{value:.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _rows(
    session: Session, statement: Select[Any], column: ColumnElement[int], ids: Sequence[int]
) -> Iterator[Row[Any]]:
    for some in chunks(ids):
        yield from session.execute(statement.where(column.in_(some)))


def _instant(at: dt.datetime | dt.date, timezone: ZoneInfo) -> dt.datetime:
    """Return when an entry is sorted: a day of which no more is known counts from its beginning."""
    return at if isinstance(at, dt.datetime) else dt.datetime.combine(at, dt.time(), timezone)
