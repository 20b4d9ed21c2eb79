"""The hooks: when each is called, with what, and an example."""

from __future__ import annotations

import inspect

import docstrings
from markdown import code, listed, signature, table

from crmcore import hookspecs

__all__ = ["hook", "overview"]

FIRST = "0.1"
"""Hooks that do not say since when they are there have been there from the beginning."""


def overview() -> str:
    """Return a table of all hooks."""
    rows = []
    for name in sorted(hookspecs.HOOKS, key=_position):
        summary = docstrings.read(getattr(hookspecs, name)).summary
        called = "once, for the registry" if name in hookspecs.DECLARATIONS else ""
        called = "per entity in `listens`" if name in hookspecs.LISTENED else called
        isolated = "yes" if name in hookspecs.ISOLATED else "no"
        rows.append((f"[`{name}`](#{name})", summary, called, isolated))
    return table(("hook", "what it is for", "called", "isolated"), rows)


def hook(name: str) -> str:
    """Return all that is to say of one hook."""
    spec = getattr(hookspecs, name)
    said = docstrings.read(spec)
    returns = said.text("Returns")
    kinds = hookspecs.RETURNS.get(name)
    facts = [
        ("returns", f"an iterable of {code(kinds.__name__)}. {returns}" if kinds else "nothing"),
        ("an exception", "; ".join(text for _, text in said.entries("Raises"))),
        ("called for", "entities that the manifest names under `listens`" if name in hookspecs.LISTENED else ""),
        ("isolated", "yes" if name in hookspecs.ISOLATED else "no"),
        ("since", said.text("Since") or FIRST),
    ]
    arguments = table(("argument", "what it is"), [(code(one), text) for one, text in said.entries("Args")])
    parts = [
        f"```python\ndef {name}{signature(spec)}\n```",
        said.summary,
        said.body,
        arguments,
        listed(facts),
        f"```python\n{said.sections['Example'].strip()}\n```",
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def _position(name: str) -> tuple[str, int]:
    spec = getattr(hookspecs, name)
    order = ["declarations", "writing", "questions", "lifecycle"]
    module = spec.__module__.rpartition(".")[2]
    return str(order.index(module)), inspect.getsourcelines(spec)[1]
