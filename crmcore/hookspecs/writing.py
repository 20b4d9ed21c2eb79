"""Hooks around the two write doors: called with batches of records, inside the transaction."""

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

    Called for every batch of an entity in ``listens``, before validation, inside the transaction.

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

    Called for every batch of an entity in ``listens``; its problems are reported together with the schema's own.

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
        ...     for change in batch:
        ...         if change.after["order_date"] > tx.today:
        ...             yield change.problem("lies in the future", field="order_date")
        >>> list(crm_validate(tx=None, batch=[]))
        []
    """


@hookspec
def crm_check_transition(tx: Transaction, pipeline: Pipeline, batch: Batch) -> Iterable[Problem]:
    """Judge moves of records from one stage of a pipeline to another, beyond what the pipeline says.

    Called for every batch of an entity in ``listens`` in which records are created in a stage or change it; the
    problems are reported together with those of validation.

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
    """Act on records that are valid and about to be stored.

    Called for every batch of an entity in ``listens``. It may set more; what it touches is validated again.

    Args:
        tx: the transaction.
        batch: the records.

    Raises:
        Exception: the save is aborted and nothing of the batch is written.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_before_save(tx, batch):
        ...     for change in batch:
        ...         change.set("checked_on", tx.today)
    """


@hookspec
def crm_after_save(tx: Transaction, batch: Batch) -> None:
    """Follow a save with more work in the same transaction.

    Called for every batch of an entity in ``listens``, when its rows are written and not yet committed.

    Args:
        tx: the transaction.
        batch: the records, with their ids.

    Raises:
        Exception: the transaction is rolled back, the save included.

    Example:
        >>> from crmcore import hookimpl
        >>> @hookimpl
        ... def crm_after_save(tx, batch):
        ...     for change in batch:
        ...         tx.create("activity", {"subject": f"{batch.entity}:{change.id}", "kind": batch.action})
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
        ...         tx.update(batch.entity, change.id, {"follow_up": tx.today})
    """
