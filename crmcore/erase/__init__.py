"""Erasure of a person's data on request (R43: PIPL, GDPR), and the disclosure of what is held about one.

Erasing cannot be undone.
"""

from crmcore.erase.records import ERASE, Erased, erase, held_about

__all__ = ["ERASE", "Erased", "erase", "held_about"]
