"""The condition language of filters, segments, access rules and scoring: one text, decided in SQL or in Python.

A condition is true or false of a record; a calculation has a value.

Docs: docs/reference/conditions.md for the language, docs/decisions/conditions.md for its semantics.
"""

from crmcore.conditions.calculation import Expression, compile_expression
from crmcore.conditions.condition import Condition, Finding, compile_condition
from crmcore.conditions.context import PythonContext, SqlContext, Viewpoint
from crmcore.conditions.order import Order, compile_order
from crmcore.conditions.parser import parse
from crmcore.conditions.printer import unparse
from crmcore.conditions.scope import Scope, Use

__all__ = [
    "Condition",
    "Expression",
    "Finding",
    "Order",
    "PythonContext",
    "Scope",
    "SqlContext",
    "Use",
    "Viewpoint",
    "compile_condition",
    "compile_expression",
    "compile_order",
    "parse",
    "unparse",
]
