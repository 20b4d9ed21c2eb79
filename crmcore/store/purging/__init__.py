"""Removing for good what a disabled plugin has stored, into an archive, and taking that back."""

from crmcore.store.purging.plan import Purge, plan_purge
from crmcore.store.purging.removal import purge
from crmcore.store.purging.undo import UndonePurge, undo_purge

__all__ = ["Purge", "UndonePurge", "plan_purge", "purge", "undo_purge"]
