"""The rule for access conditions: what is negated must be known not to be empty.

``not (secret = true)`` holds where nothing is known about ``secret``; a rule that allows something by it gives away
every record that was never filled in. So an access condition says beside it that the field has a value.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from crmcore.conditions import meaning as m
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.printer import unparse
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crmcore.conditions.syntax import Node

__all__ = ["check_negations"]

_NEVER_EMPTY = ("id", "version", "created_at", "updated_at")


def check_negations(predicate: m.Predicate, *, negated: bool = False, filled: tuple[Node, ...] = ()) -> None:
    """Check that whatever a condition negates is demanded not to be empty in the same conjunction.

    Args:
        predicate: the condition, or a part of it.
        negated: whether the part is under an odd number of ``not``.
        filled: what the conjunctions around it demand not to be empty.

    Raises:
        Mistake: a negated part may be empty; the hint says what to write.
    """
    match predicate:
        case m.Not(_, part):
            check_negations(part, negated=not negated, filled=filled)
        case m.And(_, parts) | m.Or(_, parts):
            if isinstance(predicate, m.And) is not negated:
                filled = (*filled, *chain.from_iterable(_demanded(part, negated) for part in parts))
            for part in parts:
                check_negations(part, negated=negated, filled=filled)
        case m.Related(_, _, _, condition):
            if condition is not None:
                # No record with a condition: every record must be known to fail it.
                check_negations(condition, negated=negated)
        case m.Empty():
            pass
        case _ if negated:
            _check_leaf(predicate, filled)


def _demanded(part: m.Predicate, negated: bool) -> Iterator[Node]:
    """Yield what a part of a conjunction demands not to be empty."""
    match part:
        case m.Not(_, inner):
            yield from _demanded(inner, not negated)
        case m.And(_, parts) | m.Or(_, parts) if isinstance(part, m.And) is not negated:
            for inner in parts:
                yield from _demanded(inner, negated)
        case m.Empty(_, operand) if negated:
            yield operand.source


def _check_leaf(leaf: m.Predicate, filled: tuple[Node, ...]) -> None:
    for operand in m.operands(leaf):
        missing = [source for source in _may_be_empty(operand) if source not in filled]
        if missing and operand.source not in filled:
            name = unparse(missing[0])
            hint = _("Write beside it, joined with `and`: {name} is not empty. Inside a negation: or {name} is empty.")
            raise Mistake(
                _("an access rule may not negate {name}, which can be empty").format(name=name),
                leaf.source.span,
                hint.format(name=name),
            )


def _may_be_empty(operand: m.Operand) -> Iterable[Node]:
    """Return the parts of a value any of which, being empty, makes it empty."""
    match operand:
        case m.Column(_, _, links, field):
            # What a link leads to may be deleted, so that nothing behind it is certain.
            certain = not links and (field.required or field.name in _NEVER_EMPTY)
            return () if certain else (operand.source,)
        case m.Viewer() | m.MetricValue():
            return (operand.source,)
        case m.Arithmetic(_, _, op) if op == "/" or not m.is_constant(operand):
            return (operand.source,)
    return chain.from_iterable(map(_may_be_empty, m.operands(operand)))
