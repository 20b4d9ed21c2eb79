"""Locks on keys: of two transactions that look for the same record one waits, lest both find none and create it.

Only PostgreSQL needs them: SQLite has one writer at a time. They are held until the transaction ends.

A transaction that begins with a few rows locks their keys, one that begins with many the whole entity: others wait for
its end. As with rows, two transactions can wait for each other: when they come to the same keys, or to the same
entities, in different orders; or when both began with a few keys and come to more than a server has room for, and to
the whole entity with them. The database ends one of the two, and its error says to try again. Whoever knows beforehand
what will be saved, as imports do, locks the entities first.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING

from attrs import define, field
from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, func, select

from crmcore.records.keys import draft_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.records.drafts import Draft
    from crmcore.schema.model import Entity

__all__ = ["KeyLocks"]

_FEW = 64
"""Keys of rows that are saved together; with more of them one lock is cheaper than many."""
_MOST = 2000
"""Keys of one entity; a server as it is installed has room for 6,400 locks of all transactions."""


@define
class KeyLocks:
    """The keys that a transaction has locked, those of savepoints that were rolled back included."""

    _connection: Connection
    _keys: Counter[str] = field(factory=Counter)
    """Entity -> number of keys that were locked each."""
    _whole: set[str] = field(factory=set)
    """Entities that were locked in the stead of keys."""
    _beforehand: set[str] = field(factory=set)
    """Entities that are locked for certain."""

    def lock_keys(self, entity: Entity, drafts: Iterable[Draft]) -> None:
        """Let nobody else look for the keys of rows before this transaction has ended."""
        name = entity.name
        if name in self._beforehand or not self._is_needed:
            return
        keys = {key for draft in drafts for key in draft_keys(entity, draft)}
        locked = self._keys[name]
        if len(keys) > (_MOST - locked if locked else _FEW):
            self._whole.add(name)
        if name in self._whole:
            # Said every time: a savepoint that was rolled back has let go of its locks.
            self._connection.execute(select(func.pg_advisory_xact_lock(_number(name, "all"))))
        elif keys:
            self._keys[name] += len(keys)
            self._connection.execute(select(func.pg_advisory_xact_lock_shared(_number(name, "all"))))
            self._lock_each({_number(name, key) for key in keys})

    def lock_entities(self, entities: Iterable[str]) -> None:
        """Let nobody else look for any key of entities; to be called before anything is saved, and in no savepoint."""
        names = set(entities) - self._beforehand
        if self._is_needed and names:
            self._lock_each({_number(name, "all") for name in names})
            self._beforehand |= names

    @property
    def _is_needed(self) -> bool:
        return self._connection.dialect.name == "postgresql"

    def _lock_each(self, numbers: Iterable[int]) -> None:
        # In one order, so that two who want the same ones wait and do not deadlock.
        each = func.unnest(bindparam("numbers", sorted(numbers), ARRAY(BigInteger()))).column_valued("number")
        self._connection.execute(select(func.pg_advisory_xact_lock(each)))


def _number(*what: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(what).encode()).digest()[:8], signed=True)
