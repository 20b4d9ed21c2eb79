"""What is wrong with the shape of a schema document, in words, and what to write instead.

`jsonschema` finds the places under a meta-schema; each of its keywords has its own words here, because somebody who
writes a schema needs other advice than somebody who fills in a record.
"""

from __future__ import annotations

from functools import cache, reduce
from typing import TYPE_CHECKING, Any

from referencing import Registry, Resource

from crmcore.i18n import gettext as _
from crmcore.schema.documents import MAX_NAME
from crmcore.schema.explain import explainer
from crmcore.schema.positions import step
from crmcore.schema.sentences import sentence, suggestion
from crmcore.schema.shape import Fault, meta_schemas
from crmcore.schema.suggestions import did_you_mean_hint
from crmcore.schema.values import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator as Explainer

__all__ = ["explained"]


def explained(document: Any, meta: str) -> Iterator[Fault]:
    """Yield what a meta-schema refuses, each fault once."""
    yield from dict.fromkeys(map(_fault, _meta_explainer(meta).iter_errors(document)))


@cache
def _meta_explainer(meta: str) -> Explainer:
    schemas = meta_schemas()
    resources = ((name, Resource.from_contents(schema)) for name, schema in schemas.items())
    registry: Registry[Any] = Registry().with_resources(resources)
    # Not by reference where it can be helped: "$schema" at the target would bring back the stock keywords.
    return explainer(schemas.get(meta, {"$ref": meta}), registry)


def _fault(error: ValidationError) -> Fault:
    where = list(error.absolute_schema_path)
    if "dependentSchemas" in where:
        return _inapplicable(error, str(where[where.index("dependentSchemas") + 1]))
    if "propertyNames" in where:
        return _bad_name(error)
    if error.validator == "not":
        return _out_of_place(error)
    say = _FAULTS.get(str(error.validator), _plain_fault)
    return say(error)


def _pointer(path: Sequence[str | int]) -> str:
    return reduce(step, path, "")


def _last(error: ValidationError) -> str:
    return str(error.absolute_path[-1]) if error.absolute_path else _("the document")


def _inapplicable(error: ValidationError, keyword: str) -> Fault:
    """A keyword stands beside a type, or another keyword, that it says nothing about."""
    *parent, beside = error.absolute_path
    pointer = step(_pointer(parent), keyword)
    if error.validator == "not":
        message = _('"{keyword}" and "{other}" do not go together').format(keyword=keyword, other=beside)
        return Fault(pointer, message, _('Keep one of the two; "{keyword}" says enough.').format(keyword=keyword))
    types: Any = error.validator_value
    message = _('"{keyword}" says nothing about the type {type}').format(keyword=keyword, type=shown(error.instance))
    hint = _('Leave it out, or write "type": {types}.').format(
        types=shown(types) if isinstance(types, str) else _(" or ").join(map(shown, types))
    )
    return Fault(pointer, message, hint)


def _bad_name(error: ValidationError) -> Fault:
    name = str(error.instance)
    pointer = step(_pointer(error.absolute_path), name)
    if "titles" in map(str, error.absolute_path) or "values" in map(str, error.absolute_path):
        message = _('"{name}" is no language tag').format(name=name)
        return Fault(pointer, message, _('Write for instance "en" or "zh-CN".'), "name")
    message = _('"{name}" cannot be a name').format(name=name)
    return Fault(pointer, message, _name_hint(), "name")


def _name_hint() -> str:
    return _("Names are lower-case letters, digits and single underscores, a letter first, at most {most}.").format(
        most=MAX_NAME
    )


def _out_of_place(error: ValidationError) -> Fault:
    keyword = str(error.absolute_path[-1])
    hints = {
        "x-crm": _("References and notes belong to fields of the entity: make it a field, or an entity of its own."),
        "default": _("A default belongs to the field itself."),
        "plural": _("Only the file that declares the entity gives its plural."),
        "internal": _("Only the file that declares the entity makes it internal."),
    }
    message = _('"{keyword}" is not allowed here').format(keyword=keyword)
    return Fault(_pointer(error.absolute_path), message, hints.get(keyword))


def _unknown_keyword(error: ValidationError) -> Fault:
    keyword = str(error.absolute_path[-1])
    known: Mapping[str, Any] = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
    hint = _foreign_keywords().get(keyword) or did_you_mean_hint(keyword, known)
    message = _('"{keyword}" is not known').format(keyword=keyword)
    return Fault(_pointer(error.absolute_path), message, hint, "unknown_keyword")


def _foreign_keywords() -> Mapping[str, str]:
    """Return keywords of JSON Schema and of its relatives that the dialect leaves out, and what to write instead."""
    shapes = _("Write rules on the entity with if, then and else.")
    whole = _("Write the schema out where it is used.")
    return {
        **dict.fromkeys(("anyOf", "oneOf", "not", "allOf", "if", "then", "else", "dependentSchemas"), shapes),
        **dict.fromkeys(("$ref", "$defs", "definitions", "$id", "$anchor", "$dynamicRef"), whole),
        "nullable": _("Empty fields are simply absent; to allow that, leave the field out of required."),
        "readOnly": _('Write "readonly": true in x-crm.'),
        "additionalProperties": _("An entity admits its fields and no others."),
        "patternProperties": _("Write properties or additionalProperties."),
    }


def _missing_keyword(error: ValidationError) -> Fault:
    *parent, keyword = error.absolute_path
    message = _('"{keyword}" is missing').format(keyword=keyword)
    hints = {
        "type": _('Write "type": one of string, integer, number, boolean, array, object.'),
        "$schema": _('Write "$schema": "urn:crmcore:entity:1".'),
        "properties": _('Write "properties": the fields of the entity.'),
    }
    return Fault(_pointer(parent), message, hints.get(str(keyword)), "required")


def _missing_beside(error: ValidationError) -> Fault:
    *parent, keyword = error.absolute_path
    message = _('"{other}" needs "{keyword}" beside it').format(other=error.message, keyword=keyword)
    hint = _('Write "{keyword}", or leave "{other}" out.').format(keyword=keyword, other=error.message)
    return Fault(step(_pointer(parent), error.message), message, hint, "required")


def _wrong_value(error: ValidationError) -> Fault:
    hint: str | None
    meant = suggestion(error)
    if error.absolute_path and error.absolute_path[-1] == "type" and isinstance(error.instance, list):
        hint = _("Write one type; an empty field is absent, not null.")
    elif meant is not None:
        hint = _("Write {value}.").format(value=shown(meant))
    elif error.validator == "const":
        hint = _("Write {value}.").format(value=shown(error.validator_value))
    elif error.validator == "enum":
        values: Any = error.validator_value
        hint = _("Write one of: {values}.").format(values=", ".join(map(shown, values)))
    else:
        hint = None
    return Fault(_pointer(error.absolute_path), sentence(error, _last(error)), hint, "value")


def _bad_pattern(error: ValidationError) -> Fault:
    return Fault(_pointer(error.absolute_path), sentence(error, _last(error)), _name_hint(), "name")


def _plain_fault(error: ValidationError) -> Fault:
    return Fault(_pointer(error.absolute_path), sentence(error, _last(error)), None, "value")


_FAULTS: Mapping[str, Callable[[ValidationError], Fault]] = {
    "additionalProperties": _unknown_keyword,
    "required": _missing_keyword,
    "dependentRequired": _missing_beside,
    "enum": _wrong_value,
    "const": _wrong_value,
    "type": _wrong_value,
    "pattern": _bad_pattern,
}
