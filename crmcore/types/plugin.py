"""A plugin given as an object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Plugin"]


@frozen(kw_only=True)
class Plugin:
    """A plugin given as an object instead of an installed package, for tests and applications.

    Example:
        >>> from types import SimpleNamespace
        >>> Plugin(manifest={"name": "hello", "version": "1.0", "summary": "Greets."},
        ...        module=SimpleNamespace()).manifest["name"]
        'hello'
    """

    manifest: Mapping[str, Any]
    """What ``plugin.json`` would say."""
    module: object
    """Module, class instance or namespace whose attributes are ``@hookimpl`` functions."""
    schemas: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    """File name (``customer.extend.json``) -> document, as the folder ``schemas/`` would hold them."""
