"""Whose a declaration is and where it was written: a plugin's problem, or a line of ``crm.toml``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from attrs import evolve

from crmcore.schema.documents import INSTANCE
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crmcore.config import Config

__all__ = ["declaration_problem"]


def declaration_problem(
    config: Config,
    table: Literal["metrics", "scoring"],
    name: str,
    message: str,
    *,
    code: str,
    hint: str | None = None,
    path: Sequence[str | int] = (),
    text: str | None = None,
) -> Problem:
    """Return a problem with a declaration.

    Args:
        config: where it may have been written.
        table: of ``crm.toml`` that declares such things for the instance itself.
        name: of the declaration, ``<plugin>.<own>`` or ``instance.<own>``.
        message: what is wrong.
        code: of the problem.
        hint: what to do.
        path: key in the instance's own table that it is about.
        text: condition or calculation that it is about; a plugin's mostly comes from its settings unchanged.
    """
    plugin, _dot, own = name.partition(".")
    if plugin == INSTANCE:
        return config.source.problem((table, own, *path), message, code=code, hint=hint)
    written = None if text is None else _written_at(config.plugin_settings.get(plugin, {}), text)
    if written is None:
        return Problem(message=message, hint=hint, code=code, plugin=plugin)
    found = config.source.problem(("plugins", plugin, *written), message, code=code, hint=hint)
    return evolve(found, plugin=plugin)


def _written_at(value: Any, text: str) -> tuple[str | int, ...] | None:
    """Return the path of a text in the settings of a plugin."""
    if value == text:
        return ()
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    for key, below in inner:
        path = _written_at(below, text)
        if path is not None:
            return (key, *path)
    return None
