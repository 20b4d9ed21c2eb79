"""Text of a condition to its syntax tree. What the names mean is not looked at here.

Lark reads ``grammar.lark`` on first use. Its LALR parser keeps its own stack and builds the tree as it reads, so no
text, however nested, reaches Python's recursion limit.
"""

from __future__ import annotations

import unicodedata
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve

from crmcore.conditions import limits
from crmcore.conditions import syntax as s
from crmcore.conditions.excerpt import Mistake
from crmcore.conditions.misreadings import misread
from crmcore.i18n import gettext as _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lark import Lark, Token

__all__ = ["is_condition", "parse"]

_GRAMMAR = Path(__file__).with_name("grammar.lark")
_TREES = 256
"""Texts whose trees are kept: pages of one list, one after the other, ask the same."""
_FORBIDDEN = ("Cc", "Cs")
"""Unicode categories that no stored text has: control characters and halves of surrogate pairs."""


def parse(text: str) -> s.Node:
    """Read a condition.

    Args:
        text: the condition as a person wrote it.

    Returns:
        The tree of what was written; `crmcore.conditions.unparse` writes it as text again.

    Raises:
        ConditionError: the text is not a condition, or exceeds a limit of the language.

    Example:
        >>> parse("amount > 1000").left
        Name(span=(0, 6), parts=('amount',))
    """
    try:
        return read(text)
    except Mistake as mistake:
        raise mistake.within(text) from None


@lru_cache(maxsize=_TREES)
def read(text: str) -> s.Node:
    """Read a condition for a caller that knows the text: what `parse` does, raising `Mistake`."""
    from lark.exceptions import UnexpectedInput  # noqa: PLC0415  (Lark is loaded with the first condition)

    _check_characters(text)
    try:
        tree: object = _lark().parse(text)
    except UnexpectedInput as error:
        raise misread(text, error) from None
    assert isinstance(tree, s.Node)  # noqa: S101  (for the type checker: the start rule returns its only child)
    _check_size(tree)
    return tree


def is_condition(node: s.Node) -> bool:
    """Return whether a node can only be true or false, whatever its names mean."""
    return isinstance(
        node, s.And | s.Or | s.Not | s.Comparison | s.Between | s.In | s.Contains | s.StartsWith | s.Empty | s.Any
    )


def _check_characters(text: str) -> None:
    if len(text) > limits.MAX_TEXT:
        reason = _("the text has {n} characters, more than {limit}").format(n=len(text), limit=limits.MAX_TEXT)
        raise Mistake(reason, (limits.MAX_TEXT, limits.MAX_TEXT + 1))
    if not text.strip():
        raise Mistake(_("the condition is empty"), (0, len(text)), _("Write for instance: amount >= 1000"))
    for at, char in enumerate(text):
        if unicodedata.category(char) in _FORBIDDEN and char not in "\t\r\n":
            raise Mistake(_("a control character (U+{code:04X})").format(code=ord(char)), (at, at + 1))


def _check_size(tree: s.Node) -> None:
    comparisons = 0
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        comparisons += is_condition(node) and not isinstance(node, s.And | s.Or | s.Not)
        if comparisons > limits.MAX_COMPARISONS:
            reason = _("more than {limit} comparisons in one condition").format(limit=limits.MAX_COMPARISONS)
            raise Mistake(reason, node.span, _("Values of one field can be listed: region in ('East', 'West')."))
        waiting.extend(reversed(s.children(node)))


@cache
def _lark() -> Lark:
    from lark import Lark  # noqa: PLC0415  (as above)

    return Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer="contextual",
        transformer=_Builder(),
        keep_all_tokens=True,
    )


class _Builder:
    """Makes nodes of what the grammar's rules matched; Lark calls the method with the name of the rule."""

    def start(self, found: list[s.Node]) -> s.Node:
        return found[0]

    def either(self, found: list[s.Node | Token]) -> s.Node:
        return _nested(s.Or(_condition_parts(found), span=_span(found)))

    def both(self, found: list[s.Node | Token]) -> s.Node:
        return _nested(s.And(_condition_parts(found), span=_span(found)))

    def negation(self, found: list[s.Node | Token]) -> s.Node:
        return _nested(s.Not(*_nodes(found), span=_span(found)))

    def comparison(self, found: list[s.Node | Token]) -> s.Node:
        left, right = _operands(found)
        return _nested(s.Comparison(str(found[1]), left, right, span=_span(found)))

    def between(self, found: list[s.Node | Token]) -> s.Node:
        operand, low, high = _operands(found)
        return _nested(s.Between(operand, low, high, _negated(found), span=_span(found)))

    def membership(self, found: list[s.Node | Token]) -> s.Node:
        operand, *items = _operands(found)
        if len(items) > limits.MAX_LIST:
            reason = _("a list of {n} values, more than {limit}").format(n=len(items), limit=limits.MAX_LIST)
            raise Mistake(reason, items[limits.MAX_LIST].span)
        return _nested(s.In(operand, tuple(items), _negated(found), span=_span(found)))

    def contains(self, found: list[s.Node | Token]) -> s.Node:
        operand, text = _operands(found)
        return _nested(s.Contains(operand, text, _negated(found), span=_span(found)))

    def starts_with(self, found: list[s.Node | Token]) -> s.Node:
        operand, text = _operands(found)
        return _nested(s.StartsWith(operand, text, _negated(found), span=_span(found)))

    def emptiness(self, found: list[s.Node | Token]) -> s.Node:
        (operand,) = _operands(found)
        return _nested(s.Empty(operand, _negated(found), span=_span(found)))

    def related(self, found: list[s.Node | Token]) -> s.Node:
        name = found[1]
        condition = next(iter(_nodes(found)), None)
        return _nested(s.Any(str(name), condition, span=_span(found), relation_span=_span([name])))

    def arithmetic(self, found: list[s.Node | Token]) -> s.Node:
        left, right = _operands(found)
        node = _nested(s.Arithmetic(str(found[1]), left, right, span=_span(found)))
        if _operand_count(node) > limits.MAX_OPERANDS:
            reason = _("more than {limit} values in one calculation").format(limit=limits.MAX_OPERANDS)
            raise Mistake(reason, right.span)
        return node

    def minus(self, found: list[s.Node | Token]) -> s.Node:
        return _nested(s.Minus(*_operands(found), span=_span(found)))

    def number(self, found: list[Token]) -> s.Node:
        written = str(found[0])
        if len(written.replace(".", "")) > limits.MAX_DIGITS:
            reason = _("a number of more than {limit} digits").format(limit=limits.MAX_DIGITS)
            raise Mistake(reason, _span(found))
        return s.Number(Decimal(written), span=_span(found))

    def duration(self, found: list[Token]) -> s.Node:
        written = str(found[0]).lower()
        digits = written[: len(written) - len(written.lstrip("0123456789"))]
        if len(digits) > limits.MAX_DIGITS or int(digits) > limits.MAX_DURATION:
            reason = _("a duration of more than {limit}").format(limit=limits.MAX_DURATION)
            raise Mistake(reason, _span(found))
        return s.Duration(int(digits), written[len(digits) :].strip().removesuffix("s"), span=_span(found))

    def string(self, found: list[Token]) -> s.Node:
        quote = found[0][0]
        return s.String(found[0][1:-1].replace(quote * 2, quote), span=_span(found))

    def boolean(self, found: list[Token]) -> s.Node:
        return s.Boolean(found[0].lower() == "true", span=_span(found))

    def name(self, found: list[Token]) -> s.Node:
        written = str(found[0])
        if written.lower() in ("me", "my_team"):
            return s.Viewer(written.lower(), span=_span(found))
        return s.Name(tuple(written.split(".")), span=_span(found))

    def call(self, found: list[Token]) -> s.Node:
        return s.Call(str(found[0]), span=_span(found))

    def group(self, found: list[s.Node | Token]) -> s.Node:
        (node,) = _nodes(found)
        return evolve(node, span=_span(found))


def _nodes(found: Sequence[s.Node | Token]) -> list[s.Node]:
    return [part for part in found if isinstance(part, s.Node)]


def _condition_parts(found: Sequence[s.Node | Token]) -> tuple[s.Node, ...]:
    return tuple(_nodes(found))


def _operands(found: Sequence[s.Node | Token]) -> list[s.Node]:
    """Return the nodes, none of which may be a condition: ``(a = 1) = 2`` compares nothing."""
    nodes = _nodes(found)
    for node in nodes:
        if is_condition(node):
            raise Mistake(_("a condition stands where a value is expected"), node.span)
    return nodes


def _negated(found: Sequence[s.Node | Token]) -> bool:
    return any(not isinstance(part, s.Node) and part.type == "NOT" for part in found)


def _span(found: Sequence[s.Node | Token]) -> s.Span:
    first, last = found[0], found[-1]
    start = first.span[0] if isinstance(first, s.Node) else first.start_pos
    end = last.span[1] if isinstance(last, s.Node) else last.end_pos
    return (start or 0, end or 0)


def _nested(node: s.Node) -> s.Node:
    """Return the node unless it stands too deep. What is below was checked before, so this looks no deeper."""
    if _depth(node) > limits.MAX_DEPTH:
        reason = _("nested more than {limit} levels deep").format(limit=limits.MAX_DEPTH)
        raise Mistake(reason, node.span)
    anys = _any_depth(node)
    if anys > limits.MAX_ANY:
        raise Mistake(_("`any` nested more than {limit} levels deep").format(limit=limits.MAX_ANY), node.span)
    return node


def _depth(node: s.Node) -> int:
    return max((_depth(child) + _deeper(node, child) for child in s.children(node)), default=0)


def _deeper(node: s.Node, child: s.Node) -> int:
    # A chain such as a + b + c is a tree that leans to the left, and no nesting that anybody wrote.
    chained = isinstance(node, s.Arithmetic) and isinstance(child, s.Arithmetic) and child is node.left
    return 0 if chained else 1


def _any_depth(node: s.Node) -> int:
    return isinstance(node, s.Any) + max(map(_any_depth, s.children(node)), default=0)


def _operand_count(node: s.Node) -> int:
    return sum(map(_operand_count, s.children(node))) or 1
