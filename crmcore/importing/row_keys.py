"""Which rows of a file may lack a key of their own, told from their cells alone.

A row without any key is known again by what is in it, and how many like it came before: every import of a file must
count the same rows, one that goes on in the middle as well, whatever has become of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.importing.plan import Plan
    from crmcore.schema.model import Entity

__all__ = ["may_lack_key"]

_ADDRESSES = (("id",), ("external_id",))
"""Columns each of which says which record a row is."""


def may_lack_key(plan: Plan, entities: Mapping[str, Entity]) -> Callable[[Mapping[str, Any]], bool]:
    """Return the question whether a row, or the line in it, may have no key; in doubt it may.

    Args:
        plan: of the file.
        entities: all entities by name.
    """
    entity = entities[plan.lines.entity] if plan.lines else plan.entity
    prefix = (plan.lines.name,) if plan.lines else ()
    known = {plan.lines.field} if plan.lines else set()
    rules = [tuple(name for name in rule.fields if name not in known) for rule in entity.match if not rule.when]
    ways = [way for fields in (*_ADDRESSES, *rules) if (way := _headers(plan, prefix, fields)) is not None]
    # Mostly one cell tells, and every row is asked.
    alone = [header for way in ways if len(way) == 1 for header in way[0]]
    together = [way for way in ways if len(way) > 1]

    def may_lack(cells: Mapping[str, Any]) -> bool:
        for header in alone:
            if _filled(cells.get(header)):
                return False
        return not any(all(any(_filled(cells.get(header)) for header in field) for field in way) for way in together)

    return may_lack


def _headers(plan: Plan, prefix: tuple[str, ...], fields: Sequence[str]) -> list[list[str]] | None:
    """Return for each field the headers that fill it; None where one has none."""
    found = []
    for name in fields:
        wanted = (*prefix, name)
        # A replaced value may be empty, so a column that replaces says nothing for certain.
        headers = [c.header for c in plan.columns if c.path[: len(wanted)] == wanted and not c.style.values]
        if not headers:
            return None
        found.append(headers)
    return found


def _filled(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))
