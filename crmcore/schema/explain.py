"""Why an instance breaks a JSON Schema: every place, each with one problem in the language of the context.

`jsonschema` finds the places; its keywords for patterns and formats ask the decider, so that the two agree. Importing
this module imports `jsonschema`, and with it a grammar that takes a second to build where ``rfc3987-syntax`` is
installed: it is imported where something is wrong and nowhere else.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from crmcore.i18n import gettext as _
from crmcore.schema.decide import decider
from crmcore.schema.sentences import sentence, subject, suggestion
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import jsonschema_rs
    from jsonschema.protocols import Validator as Explainer
    from referencing import Registry

__all__ = ["explainer", "reasons"]


def explainer(schema: Mapping[str, Any], registry: Registry[Any] | None = None) -> Explainer:
    """Compile a schema for finding everything that is wrong."""
    compiled: Explainer = _Explainer(schema) if registry is None else _Explainer(schema, registry=registry)
    return compiled


@cache
def _string_decider(keyword: str, value: str) -> jsonschema_rs.Validator:
    return decider({keyword: value})


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _string_decider("pattern", pattern).is_valid(instance):
        yield _error("pattern")


def _format(_validator: Any, wanted: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _string_decider("format", wanted).is_valid(instance):
        yield _error("format")


def _required(_validator: Any, names: Sequence[str], instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        yield from (_error("", name) for name in names if name not in instance)


def _dependent_required(
    _validator: Any, needs: Mapping[str, Sequence[str]], instance: Any, _schema: Any
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for name, needed in needs.items():
            if name in instance:
                yield from (_error(name, missing) for missing in needed if missing not in instance)


def _if(
    validator: Any, condition: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    holds = validator.evolve(schema=condition).is_valid(instance)
    branch = "then" if holds else "else"
    for error in validator.descend(instance, schema[branch], schema_path=branch) if branch in schema else ():
        if not holds and error.validator == "required" and len(error.path) == 1:
            error.message = _instead(condition)
        yield error


def _instead(condition: Mapping[str, Any]) -> str:
    """Return the one field that a condition wants to be there: filled in, it does where another is missing."""
    names = condition.get("required", ())
    return str(names[0]) if len(names) == 1 and not condition.keys() - {"required", "$comment"} else ""


def _additional_properties(
    validator: Any, admitted: Any, instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        known = schema.get("properties", {})
        for name in (n for n in instance if n not in known):
            if admitted is False:
                yield ValidationError("additionalProperties", path=[name], instance=instance[name])
            else:
                yield from validator.descend(instance[name], admitted, path=name)


def _error(message: str, *path: str) -> ValidationError:
    """Return an error about a member of the instance; jsonschema puts the path to the instance before it."""
    return ValidationError(message, path=path)


_Explainer: Any = extend(  # type: ignore[no-untyped-call] # the stubs leave it untyped
    Draft202012Validator,
    {
        "pattern": _pattern,
        "format": _format,
        "required": _required,
        "dependentRequired": _dependent_required,
        "if": _if,
        "additionalProperties": _additional_properties,
    },
)


def reasons(compiled: Explainer, values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield everything that is wrong with the values of a record."""
    found = list(compiled.iter_errors(values))
    mistyped = {tuple(error.absolute_path) for error in found if error.validator == "type"}
    seen = set()
    for error in found:
        path = tuple(error.absolute_path)
        if path in mistyped and error.validator != "type":
            continue  # the other keywords say nothing that helps about a value of another type
        message = sentence(error, subject(path))
        if (path, message) not in seen:
            seen.add((path, message))
            yield _problem(error, message + _meant(error))


def _meant(error: ValidationError) -> str:
    meant = suggestion(error)
    return "" if meant is None else _(' (did you mean "{meant}"?)').format(meant=meant)


def _problem(error: ValidationError, message: str) -> Problem:
    keyword = str(error.validator)
    field = str(error.absolute_path[0]) if error.absolute_path else None
    missing = keyword in ("required", "dependentRequired")
    return Problem(message=message, code=keyword, field=field, value=None if missing else error.instance)
