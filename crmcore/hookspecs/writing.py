"""Hooks around the two write doors: called with batches of records, inside the transaction.

Each says for which actions it is called. A reference that is emptied because its record was deleted is an ``update`` of
which `crm_after_save` alone is told.
"""

# mypy: disable-error-code="empty-body"
# Specifications have no body: pluggy reads their names and arguments.

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.hookspecs.markers import hookspec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crmcore.types import Batch, Pipeline, Problem, Transaction

__all__ = [
    "crm_after_save",
    "crm_before_save",
    "crm_before_validate",
    "crm_check_transition",
    "crm_computed",
    "crm_validate",
]


@hookspec
def crm_before_validate(tx: Transaction, batch: Batch) -> None:
    """Bring values into the form in which they shall be judged and stored (`Change.set`).

    Called for every batch of an entity in ``listens`` that is created or updated (`Batch.action` is ``create`` or
    ``update``), before validation, inside the transaction.

    Args:
        tx: the transaction: it reads and saves, and cannot commit.
        batch: the records; a batch of one for a single save.

    Raises:
        Exception: nothing of the batch is written.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_before_validate(tx, batch):
        ...     for change in batch:
        ...         if change.after.get("code"):
        ...             change.set("code", change.after["code"].upper())
    """


@hookspec
def crm_validate(tx: Transaction, batch: Batch) -> Iterable[Problem]:
    """Judge records beyond what their schema says.

    Called for every batch of an entity in ``listens`` that is created, updated, deleted or restored (`Batch.action` is
    ``create``, ``update``, ``delete`` or ``restore``); its problems are reported together with the schema's own, which
    is not asked about a deletion. Go by the action: what may not be stored may well be deleted.

    Args:
        tx: the transaction.
        batch: the records.

    Returns:
        What `Change.problem` made; nothing where all is well.

    Raises:
        Exception: nothing of the batch is written.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_validate(tx, batch):
        ...     if batch.action in ("create", "update"):
        ...         for change in batch:
        ...             ordered = change.after["order_date"]
        ...             if ordered is not None and ordered > tx.today:
        ...                 yield change.problem("lies in the future", field="order_date")
    """


@hookspec
def crm_check_transition(tx: Transaction, pipeline: Pipeline, batch: Batch) -> Iterable[Problem]:
    """Judge moves of records from one stage of a pipeline to another, beyond what the pipeline says.

    Called for every batch of an entity in ``listens`` in which records are created in a stage or change it
    (`Batch.action` is ``create`` or ``update``); the problems are reported together with those of validation. What is
    restored, or taken back with an import, does not move.

    Args:
        tx: the transaction.
        pipeline: the pipeline.
        batch: the records that move; `Change.before` has the old stage, and is empty for a new record.

    Returns:
        What `Change.problem` made; nothing where all is well.

    Raises:
        Exception: nothing of the batch is written.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_check_transition(tx, pipeline, batch):
        ...     for change in batch:
        ...         if change.after[pipeline.field] == "contract" and not change.after.get("next_step"):
        ...             yield change.problem("say what comes next", field="next_step")
        >>> list(crm_check_transition(tx=None, pipeline=None, batch=[]))
        []
    """


@hookspec
def crm_before_save(tx: Transaction, batch: Batch) -> None:
    """Act on records that are valid and about to be stored, or deleted.

    Called for every batch of an entity in ``listens`` that is created, updated or deleted (`Batch.action` is
    ``create``, ``update`` or ``delete``). It may set more, except on records that are deleted; what it touches is
    validated again.

    Args:
        tx: the transaction.
        batch: the records.

    Raises:
        Exception: the save is aborted and nothing of the batch is written.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_before_save(tx, batch):
        ...     if batch.action != "delete":
        ...         for change in batch:
        ...             if change.after["short_name"] is None:
        ...                 change.set("short_name", change.after["name"][:20])
    """


@hookspec
def crm_after_save(tx: Transaction, batch: Batch) -> None:
    """Follow a save with more work in the same transaction.

    Called for every batch of an entity in ``listens`` that is created, updated, deleted or restored (`Batch.action` is
    ``create``, ``update``, ``delete`` or ``restore``), when its rows are written and not yet committed.

    Args:
        tx: the transaction.
        batch: the records, with their ids.

    Raises:
        Exception: the transaction is rolled back, the save included.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_after_save(tx, batch):
        ...     if batch.action == "create":
        ...         call = {"kind": "call", "summary": "Welcome", "due_date": tx.today}
        ...         tx.save_many("activity", [{**call, "subject": f"customer:{change.id}"} for change in batch])
    """


@hookspec
def crm_computed(tx: Transaction, batch: Batch) -> None:
    """Follow a change of labels and scores, in the same transaction.

    Called for every batch of an entity in ``listens`` whose computed fields a rule has written.

    Args:
        tx: the transaction.
        batch: the records whose values differ; action ``computed``.

    Raises:
        Exception: the transaction is rolled back, the computed values included.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_computed(tx, batch):
        ...     for change in batch:
        ...         if "abc_class" in change.changed:
        ...             told = f"class {change.after['abc_class']} since {tx.today}"
        ...             tx.update("customer", change.id, {"notes": told})
    """
