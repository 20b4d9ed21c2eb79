"""Whom a conversation is about: the customer of the contact, or the contact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore.types import Ref
from sqlalchemy import select

if TYPE_CHECKING:
    from crmcore.types import Batch, Transaction


def set_subjects(tx: Transaction, batch: Batch, *, about_customer: bool) -> None:
    """Set the subject of conversations that have a contact and no subject; their contacts are read in one statement."""
    open_ = [change for change in batch if change.after.get("kind") == "wechat" and not change.after.get("subject")]
    contacts = {change.after["contact"] for change in open_ if change.after.get("contact")}
    if not contacts:
        return
    contact = tx.table("contact")
    found = tx.execute(select(contact.c.id, contact.c.customer).where(contact.c.id.in_(contacts)))
    customers = {row.id: row.customer for row in found}
    for change in open_:
        meant = change.after.get("contact")
        customer = customers.get(meant) if about_customer else None
        if meant is not None:
            change.set("subject", Ref("customer", customer) if customer else Ref("contact", meant))
