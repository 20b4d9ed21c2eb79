"""A syntax tree written as text again: with the fewest parentheses, so that parsing it gives the same tree."""

from __future__ import annotations

from functools import singledispatch

from crmcore.conditions import syntax as s

__all__ = ["unparse"]

# How tightly the parts of a condition bind, loosest first.
_OR, _AND, _NOT, _PREDICATE, _SUM, _PRODUCT, _SIGN, _ATOM = range(8)


def unparse(node: s.Node) -> str:
    """Return the text of a condition or of a part of one."""
    return _written(node)


def _inside(node: s.Node, level: int) -> str:
    """Write a part of something that binds as tightly as `level`."""
    text = _written(node)
    return text if _level(node) >= level else f"({text})"


def _level(node: s.Node) -> int:
    match node:
        case s.Or():
            return _OR
        case s.And():
            return _AND
        case s.Not():
            return _NOT
        case s.Comparison() | s.Between() | s.In() | s.Contains() | s.StartsWith() | s.Empty() | s.Any():
            return _PREDICATE
        case s.Arithmetic(op):
            return _SUM if op in "+-" else _PRODUCT
        case s.Minus():
            return _SIGN
    return _ATOM


@singledispatch
def _written(node: s.Node) -> str:
    raise TypeError(node)


@_written.register
def _(node: s.Or) -> str:
    return " or ".join(_inside(part, _AND) for part in node.parts)


@_written.register
def _(node: s.And) -> str:
    return " and ".join(_inside(part, _NOT) for part in node.parts)


@_written.register
def _(node: s.Not) -> str:
    return f"not {_inside(node.part, _NOT)}"


@_written.register
def _(node: s.Comparison) -> str:
    return f"{_inside(node.left, _SUM)} {node.op} {_inside(node.right, _SUM)}"


@_written.register
def _(node: s.Between) -> str:
    bounds = f"{_inside(node.low, _SUM)} and {_inside(node.high, _SUM)}"
    return f"{_inside(node.operand, _SUM)} {_not(node.negated)}between {bounds}"


@_written.register
def _(node: s.In) -> str:
    items = ", ".join(_inside(item, _SUM) for item in node.items)
    return f"{_inside(node.operand, _SUM)} {_not(node.negated)}in ({items})"


@_written.register
def _(node: s.Contains) -> str:
    return f"{_inside(node.operand, _SUM)} {_not(node.negated)}contains {_inside(node.text, _SUM)}"


@_written.register
def _(node: s.StartsWith) -> str:
    return f"{_inside(node.operand, _SUM)} {_not(node.negated)}starts with {_inside(node.text, _SUM)}"


@_written.register
def _(node: s.Empty) -> str:
    return f"{_inside(node.operand, _SUM)} is {_not(node.negated)}empty"


@_written.register
def _(node: s.Any) -> str:
    return f"any {node.relation}" + (f" ({_written(node.condition)})" if node.condition is not None else "")


@_written.register
def _(node: s.Name) -> str:
    return ".".join(node.parts)


@_written.register
def _(node: s.Viewer) -> str:
    return node.name


@_written.register
def _(node: s.Call) -> str:
    return f"{node.name}()"


@_written.register
def _(node: s.Number) -> str:
    return format(node.value, "f")


@_written.register
def _(node: s.String) -> str:
    doubled = node.value.replace("'", "''")
    return f"'{doubled}'"


@_written.register
def _(node: s.Boolean) -> str:
    return "true" if node.value else "false"


@_written.register
def _(node: s.Duration) -> str:
    return f"{node.count} {node.unit}{'' if node.count == 1 else 's'}"


@_written.register
def _(node: s.Arithmetic) -> str:
    level = _level(node)
    return f"{_inside(node.left, level)} {node.op} {_inside(node.right, level + 1)}"


@_written.register
def _(node: s.Minus) -> str:
    return f"-{_inside(node.operand, _SIGN)}"


def _not(negated: bool) -> str:
    return "not " if negated else ""
