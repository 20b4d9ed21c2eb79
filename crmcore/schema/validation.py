"""Whether a record's values in their JSON form are valid, and if not, why.

`jsonschema-rs` decides; only where it refuses, `jsonschema` looks for everything that is wrong (about seventy times
slower). Values have gone through :func:`crmcore.schema.values.to_json` before, so that plain JSON alone comes here.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.schema.decide import decider
from crmcore.schema.plain import plain_object
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import jsonschema_rs
    from jsonschema.protocols import Validator as Explainer

    from crmcore.schema.model import Entity

__all__ = ["Validator"]


class Validator:
    """Decides about values of an entity's fields and explains what is wrong; compiled once, shared by threads."""

    def __init__(self, entity: Entity) -> None:
        self._schema = plain_object(entity.schema)
        self._decider = decider(self._schema)

    def is_valid(self, values: Mapping[str, Any]) -> bool:
        """Tell whether values, in their JSON form and empty ones left out, are those of a valid record."""
        try:
            return self._decider.is_valid(values)
        except (ValueError, RecursionError):
            # What is no JSON at all: a value that did not go through to_json.
            return False

    def problems(self, values: Mapping[str, Any]) -> list[Problem]:
        """Return everything that is wrong with values that `is_valid` refuses; nothing when it does not."""
        if self.is_valid(values):
            return []
        from crmcore.schema.explain import reasons  # noqa: PLC0415 - brings jsonschema: only where something is wrong

        try:
            found = list(reasons(self._explainer, values))
        except (ValueError, RecursionError):
            found = []  # no JSON, as above: the decider says it best
        return found or list(_verdict(self._decider, values))

    @cached_property
    def _explainer(self) -> Explainer:
        from crmcore.schema.explain import explainer  # noqa: PLC0415 - as above

        return explainer(self._schema)


def _verdict(decided: jsonschema_rs.Validator, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield the decider's own findings, for what the explainer does not see."""
    try:
        for error in decided.iter_errors(values):
            field = str(error.instance_path[0]) if error.instance_path else None
            yield Problem(message=error.message, code=error.kind.name, field=field, value=error.instance)
    except (ValueError, RecursionError) as error:
        yield Problem(message=_("the values are no JSON: {reason}").format(reason=error), code="json")
