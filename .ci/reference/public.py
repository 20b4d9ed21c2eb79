"""The public interface: what `crmcore` and its public modules export."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

import attrs
import docstrings
from markdown import code, from_docstring, one_line, signature, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from docstrings import Docstring

__all__ = ["names"]


def names(module: str) -> str:
    """Return a section for every public name of a module."""
    home = import_module(module)
    return "\n\n".join(_section(name, home) for name in home.__all__ if not name.startswith("__"))


def _section(name: str, module: ModuleType) -> str:
    thing = getattr(module, name)
    thing = getattr(thing, "_fixture_function", thing)  # what pytest makes of a fixture
    if inspect.isclass(thing) and not _is_function_in_disguise(thing):
        parts = _class(thing, module)
    elif inspect.isclass(thing) or inspect.isroutine(thing):
        called = vars(thing)["__call__"] if inspect.isclass(thing) else thing
        parts = [
            f"```python\n{name}{signature(called, method=inspect.isclass(thing))}\n```",
            *_told(docstrings.read(thing)),
            *_explained(called),
            _example(docstrings.read(called), module),
        ]
    else:
        parts = [code(thing) if "typing" in type(thing).__module__ else f"A {code(type(thing).__name__)}."]
    return "\n\n".join(part.strip() for part in [f"### {name}", *parts] if part.strip())


def _class(thing: type, module: ModuleType) -> list[str]:
    said = docstrings.read(thing)
    methods = "\n".join(f"- {line}" for line in _methods(thing))
    return [*_constructor(thing), *_told(said), _attributes(thing, said), methods, _example(said, module)]


def _constructor(thing: type) -> list[str]:
    """Return how a class is called that is not made of its attributes, and what its arguments are."""
    made = vars(thing).get("__init__")
    if attrs.has(thing) or not inspect.isfunction(made) or getattr(thing, "_is_protocol", False):
        return []
    return [f"```python\n{thing.__name__}{signature(made, method=True)}\n```", *_explained(made)]


def _told(said: Docstring) -> list[str]:
    return [said.summary, from_docstring(said.body)]


def _explained(function: object) -> list[str]:
    """Return the arguments of a function, what it returns and what it raises."""
    said = docstrings.read(function)
    raised = [f"{code(name)}: {text}" for name, text in said.entries("Raises")]
    return [
        table(("argument", "what it is"), [(code(name), text) for name, text in said.entries("Args")]),
        f"Returns: {said.text('Returns')}" if "Returns" in said.sections else "",
        f"Raises: {' '.join(raised)}" if raised else "",
    ]


def _example(said: Docstring, module: ModuleType) -> str:
    """Return the example of a docstring, with the names that it has from the module around it."""
    example = said.sections.get("Example", "").strip()
    if not example.startswith(">>>"):
        return ""
    used = [name for name in module.__all__ if re.search(rf"\b{name}\b", example)]
    clock = [">>> import datetime as dt"] if "dt." in example else []
    lines = [*clock, f">>> from {module.__name__} import {', '.join(used)}", example]
    return "\n".join(["```python", *lines, "```"])


def _attributes(thing: type, said: Docstring) -> str:
    """Return a table of the attributes of a class: those of attrs, and those that its docstring names."""
    texts = {**_texts_below(thing), **dict(said.entries("Attributes"))}
    fields = {field.name: field for field in (attrs.fields(thing) if attrs.has(thing) else ())}
    shown = [name for name in dict.fromkeys([*fields, *texts]) if not name.startswith("_")]
    rows = [
        (code(name), _type(fields[name]), _default(fields[name]), texts.get(name, ""))
        if name in fields
        else (code(name), "", "", texts[name])
        for name in shown
    ]
    return table(("attribute", "type", "default", "meaning"), rows)


def _type(field: attrs.Attribute[object]) -> str:
    return code(getattr(field.type, "__name__", field.type))


def _default(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return ""
    if isinstance(field.default, attrs.Factory):  # type: ignore[arg-type]  # attrs annotates it as a function
        return "empty"
    return code(repr(field.default))


def _methods(thing: type) -> Iterator[str]:
    for name, member in vars(thing).items():
        function = getattr(member, "fget", None) or getattr(member, "func", None) or getattr(member, "__func__", member)
        if name.startswith("_") or not inspect.isfunction(function):
            continue
        said = docstrings.read(function)
        is_value = isinstance(member, property | cached_property)
        written = name if is_value else f"{name}{signature(function, method=True)}"
        more = [said.summary, one_line(from_docstring(said.body))]
        arguments = ((name.replace("*", r"\*"), text) for name, text in said.entries("Args"))
        more += [f"*{argument}*: {text}" for argument, text in arguments]
        more += [f"Returns: {said.text('Returns')}"] if "Returns" in said.sections else []
        more += [f"Raises {code(error)}: {text}" for error, text in said.entries("Raises")]
        yield f"`{written}`  \n  {' '.join(part for part in more if part)}"


def _texts_below(thing: type) -> dict[str, str]:
    """Return the texts that stand below attributes in the source of a class."""
    try:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(thing))).body
    except (OSError, TypeError):
        return {}
    body = tree.body if isinstance(tree, ast.ClassDef) else []
    return {
        ast.unparse(first.target): from_docstring(one_line(str(second.value.value)))
        for first, second in pairwise(body)
        if isinstance(first, ast.AnnAssign) and isinstance(second, ast.Expr) and isinstance(second.value, ast.Constant)
    }


def _is_function_in_disguise(thing: type) -> bool:
    """Whether a class is the type of a function: a protocol with nothing but a call."""
    return getattr(thing, "_is_protocol", False) and "__call__" in vars(thing)
