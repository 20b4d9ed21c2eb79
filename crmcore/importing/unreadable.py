"""The errors of a cell that cannot be read: what was expected, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = ["ForeignAmount", "Unreadable"]


class Unreadable(ValueError):
    """A cell that cannot be read as a value of its field; the message says what was expected.

    Attributes:
        code: stable kind, as `crmcore.types.Problem` has it.
        hint: what to do about it, or None.
    """

    def __init__(self, message: str, *, code: str = "type", hint: str | None = None) -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


class ForeignAmount(Unreadable):
    """An amount that bears the sign of another currency than its column is in.

    Attributes:
        amount: in that currency.
        currencies: codes that the sign may stand for.
    """

    def __init__(self, amount: Decimal, currencies: frozenset[str], message: str, *, hint: str | None) -> None:
        super().__init__(message, code="currency", hint=hint)
        self.amount, self.currencies = amount, currencies
