"""The decision whether JSON is valid: `jsonschema-rs`, set up in one way for everything that crmcore decides.

Why something is invalid is found in :mod:`crmcore.schema.explain`, which costs a second to import where an optional
package of jsonschema's is installed, and is therefore imported where something is wrong and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonschema_rs

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["decider"]


def decider(
    schema: Mapping[str, Any], resources: Mapping[str, Mapping[str, Any]] | None = None
) -> jsonschema_rs.Validator:
    """Compile a schema for the decision alone.

    Args:
        schema: of draft 2020-12.
        resources: documents that it may refer to, by their ``$id``.

    Raises:
        ValueError: a pattern in it is no regular expression.
    """
    known = {name: dict(document) for name, document in (resources or {}).items()}
    compiled: jsonschema_rs.Validator = jsonschema_rs.Draft202012Validator(
        dict(schema),
        validate_formats=True,
        # Patterns in linear time; "Ada <ada@example.com>" is no address that a mail can be sent to.
        pattern_options=jsonschema_rs.RegexOptions(),
        email_options=jsonschema_rs.EmailOptions(allow_display_text=False),
        registry=jsonschema_rs.Registry(known.items()),
        offline=True,
    )
    return compiled
