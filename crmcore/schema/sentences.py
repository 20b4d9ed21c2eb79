"""The words for what is wrong with a value: what was expected, what was found, and what was probably meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from crmcore.i18n import gettext as _
from crmcore.i18n import ngettext
from crmcore.schema.suggestions import closest
from crmcore.schema.values import ANY_REF_PATTERN, MONEY_PATTERN, NOT_NEGATIVE, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from jsonschema.exceptions import ValidationError

__all__ = ["sentence", "subject", "suggestion"]


def sentence(error: ValidationError, name: str) -> str:
    """Say what is wrong with the value called ``name``, what was expected and what was found."""
    say = _SENTENCES.get(str(error.validator), _not_allowed)
    return say(error, name, shown(error.instance))


def subject(path: Iterable[str | int]) -> str:
    """Return a path as people read it: ``tags[2]``, ``address.city``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or _("the document")


def suggestion(error: ValidationError) -> str | None:
    """Return what was probably meant by an unknown name or value, or None."""
    if error.validator == "additionalProperties" and isinstance(error.schema, dict):
        return closest(error.absolute_path[-1], error.schema.get("properties", {}))
    if error.validator == "enum" and isinstance(error.instance, str):
        values: Any = error.validator_value
        return closest(error.instance, values)
    return None


def _type(error: ValidationError, name: str, found: str) -> str:
    words = {
        "string": _("text"),
        "integer": _("an integer"),
        "number": _("a number"),
        "boolean": _("true or false"),
        "array": _("a list"),
        "object": _("an object"),
    }
    wanted: Any = error.validator_value
    names = [wanted] if isinstance(wanted, str) else wanted
    expected = _(" or ").join(words.get(n, n) for n in names)
    return _('"{name}" must be {expected}; found {found}').format(name=name, expected=expected, found=found)


def _enum(error: ValidationError, name: str, found: str) -> str:
    values: Any = error.validator_value
    return _('"{name}" must be one of: {values}; found {found}').format(
        name=name, values=", ".join(map(str, values)), found=found
    )


def _const(error: ValidationError, name: str, found: str) -> str:
    return _('"{name}" must be {value}; found {found}').format(
        name=name, value=shown(error.validator_value), found=found
    )


def _missing(error: ValidationError, name: str, _found: str) -> str:
    if error.message:
        return _('"{name}" or "{other}" is required').format(name=name, other=error.message)
    return _('"{name}" is required').format(name=name)


def _missing_beside(error: ValidationError, name: str, _found: str) -> str:
    return _('"{name}" is required where "{other}" is filled in').format(name=name, other=error.message)


def _unknown(_error: ValidationError, name: str, _found: str) -> str:
    return _('"{name}" is not known').format(name=name)


def _too_short(error: ValidationError, name: str, _found: str) -> str:
    least = _limit(error)
    return ngettext(
        '"{name}" must have at least {n} character; found {found}',
        '"{name}" must have at least {n} characters; found {found}',
        least,
    ).format(name=name, n=least, found=len(_sized(error)))


def _too_long(error: ValidationError, name: str, _found: str) -> str:
    most = _limit(error)
    return ngettext(
        '"{name}" must have at most {n} character; found {found}',
        '"{name}" must have at most {n} characters; found {found}',
        most,
    ).format(name=name, n=most, found=len(_sized(error)))


def _too_few(error: ValidationError, name: str, _found: str) -> str:
    least = _limit(error)
    return ngettext(
        '"{name}" must have at least {n} item; found {found}',
        '"{name}" must have at least {n} items; found {found}',
        least,
    ).format(name=name, n=least, found=len(_sized(error)))


def _too_many(error: ValidationError, name: str, _found: str) -> str:
    most = _limit(error)
    return ngettext(
        '"{name}" must have at most {n} item; found {found}',
        '"{name}" must have at most {n} items; found {found}',
        most,
    ).format(name=name, n=most, found=len(_sized(error)))


def _empty(_error: ValidationError, name: str, _found: str) -> str:
    return _('"{name}" must not be empty').format(name=name)


def _repeated(_error: ValidationError, name: str, found: str) -> str:
    return _('"{name}" must not list an item twice; found {found}').format(name=name, found=found)


def _bad_pattern(error: ValidationError, name: str, found: str) -> str:
    known = {
        MONEY_PATTERN: _('an amount such as "1234.50"'),
        ANY_REF_PATTERN: _("a reference such as customer:42"),
        NOT_NEGATIVE: _("an amount that is not below zero"),
    }
    pattern: Any = error.validator_value
    if pattern in known:
        return _('"{name}" must be {expected}; found {found}').format(name=name, expected=known[pattern], found=found)
    return _('"{name}" must match the pattern {pattern}; found {found}').format(name=name, pattern=pattern, found=found)


def _bad_format(error: ValidationError, name: str, found: str) -> str:
    wanted = str(error.validator_value)
    expected = {
        "date": _("a date such as 2026-11-21"),
        "date-time": _("an instant such as 2026-11-21T18:55:00Z"),
        "time": _("a time such as 18:55:00Z"),
        "email": _("a mail address such as name@example.com"),
        "uri": _("a web address such as https://example.com"),
        "uuid": _("a UUID such as 123e4567-e89b-12d3-a456-426614174000"),
        "ipv4": _("an IPv4 address such as 192.0.2.1"),
        "ipv6": _("an IPv6 address such as 2001:db8::1"),
        "hostname": _("a host name such as www.example.com"),
    }.get(wanted, wanted)
    return _('"{name}" must be {expected}; found {found}').format(name=name, expected=expected, found=found)


def _bound(error: ValidationError, name: str, found: str) -> str:
    message = {
        "minimum": _('"{name}" must be at least {limit}; found {found}'),
        "maximum": _('"{name}" must be at most {limit}; found {found}'),
        "exclusiveMinimum": _('"{name}" must be more than {limit}; found {found}'),
        "exclusiveMaximum": _('"{name}" must be less than {limit}; found {found}'),
        "multipleOf": _('"{name}" must be a multiple of {limit}; found {found}'),
    }[str(error.validator)]
    return message.format(name=name, limit=error.validator_value, found=found)


def _not_allowed(_error: ValidationError, name: str, found: str) -> str:
    return _('"{name}" is not allowed here; found {found}').format(name=name, found=found)


def _limit(error: ValidationError) -> int:
    limit: Any = error.validator_value
    return int(limit)


def _sized(error: ValidationError) -> Any:
    return error.instance


_SENTENCES: Mapping[str, Callable[[ValidationError, str, str], str]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "required": _missing,
    "dependentRequired": _missing_beside,
    "additionalProperties": _unknown,
    "minLength": _too_short,
    "maxLength": _too_long,
    "minItems": _too_few,
    "maxItems": _too_many,
    "uniqueItems": _repeated,
    "pattern": _bad_pattern,
    "format": _bad_format,
    "minimum": _bound,
    "maximum": _bound,
    "exclusiveMinimum": _bound,
    "exclusiveMaximum": _bound,
    "multipleOf": _bound,
    "minProperties": _empty,
}
