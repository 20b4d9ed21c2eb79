"""The forms of a value: Python's and JSON's, and the folded text that comparisons use.

The JSON form is canonical inside the write path: what validation decides on, what history and outbox keep. Its bounds
are those that every JSON reader, both databases and Python share. The database's own form is in :mod:`crmcore.store`.
Whether a value fits its field's schema (length, enum, format) is not asked here, but in :mod:`crmcore.schema.validate`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from copy import deepcopy
from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar
from unicodedata import normalize

from crmcore.i18n import gettext as _
from crmcore.schema.model import Kind
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from crmcore.schema.model import Field

__all__ = [
    "ANY_REF_PATTERN",
    "FROM_JSON",
    "MAX_INTEGER",
    "MONEY_PATTERN",
    "NOT_NEGATIVE",
    "TO_JSON",
    "WRITTEN",
    "all_to_json",
    "fold",
    "fold_all",
    "from_json",
    "shown",
    "to_json",
]

MAX_INTEGER = 2**53 - 1
"""Largest integer that every JSON reader keeps exactly; the smallest is its negative."""
MONEY_PATTERN = r"^-?(0|[1-9][0-9]{0,13})(\.[0-9]{1,4})?$"
"""Fourteen digits and four places: what a 64-bit integer of ten-thousandths holds."""
NOT_NEGATIVE = "^[0-9]"
"""Beside `MONEY_PATTERN`: how schemas say that an amount may not be below zero."""
ANY_REF_PATTERN = r"^[a-z][a-z0-9]*(_[a-z0-9]+)*:[1-9][0-9]{0,15}$"

_FRACTION = Decimal("0.0001")
_MONEY_LIMIT = Decimal(10) ** 14
_EXACT = Context(prec=40, traps=[Inexact, InvalidOperation])
"""Own context: the application may have set another precision for the thread."""
_MONEY = re.compile(MONEY_PATTERN, re.ASCII)
_ANY_REF = re.compile(ANY_REF_PATTERN, re.ASCII)
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})", re.IGNORECASE
)
_CANONICAL_LENGTH = len("2026-11-21T18:55:00Z")
_MAX_DEPTH = 32
_SHOWN = 60
_T = TypeVar("_T")


def fold(text: str) -> str:
    """Return the form in which texts are compared: compatibility forms unified, case folded."""
    if text.isascii():
        return text.lower()
    # Folding takes some letters apart again, so the second pass makes folding a folded text change nothing.
    return normalize("NFKC", normalize("NFKC", text).casefold())


def fold_all(texts: Sequence[str | None]) -> list[str | None]:
    """Fold many texts that were cleaned, at once: what is between them keeps them apart while they are folded."""
    there = [text for text in texts if text is not None]
    folded = fold("\0".join(there)).split("\0") if there else []
    if len(there) == len(texts):
        return list(folded)
    each = iter(folded)
    return [None if text is None else next(each) for text in texts]


def to_json(field: Field, value: Any) -> Any:
    """Bring a value, given in its Python or its JSON form, into its canonical JSON form.

    In a loop over many rows take ``TO_JSON[field.kind]`` out of it.

    Returns:
        The JSON form; None for None and for empty text, lists and objects.

    Raises:
        ValueError: the value is of another kind, or cannot be stored exactly; the message says what was expected.
    """
    return TO_JSON[field.kind](field, value)


def all_to_json(field: Field, values: Sequence[Any]) -> Sequence[Any] | None:
    """Bring many values into their canonical JSON form at once; None where they must be looked at one by one."""
    if field.kind is Kind.TEXT and {value.__class__ for value in values} == {str}:
        texts = [value.strip() for value in values]
        whole = "".join(texts)
        if "\0" in whole or not (whole.isascii() or _storable(whole)):
            return None
        return texts if all(texts) else [text or None for text in texts]
    convert = TO_JSON[field.kind]
    try:
        return [convert(field, value) for value in values]
    except ValueError:
        return None


def from_json(field: Field, value: Any) -> Any:
    """Return the Python form of a value in its canonical JSON form."""
    return None if value is None else FROM_JSON[field.kind](value)


def shown(value: Any) -> str:
    """Return a value as a message shows it: as JSON, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = type(value).__name__
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _text(_field: Field, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _unexpected(_("text"), value)
    return _clean(value) or None


def _clean(text: str) -> str:
    stripped = str.strip(text)  # plain also where the text is of a subclass, which the validator does not take
    if "\0" in stripped or not (stripped.isascii() or _storable(stripped)):
        raise ValueError(_("the text has a NUL character or half a surrogate pair, which cannot be stored"))
    return stripped


def _storable(text: str) -> bool:
    """Tell whether UTF-8 can hold the text: lone surrogates it cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(_field: Field, value: Any) -> int | None:
    if type(value) is not int:
        if _is_empty(value):
            return None
        if type(value) is not float or not value.is_integer():
            raise _unexpected(_("an integer"), value)
    number = int(value)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise ValueError(_("integers are kept exactly up to {most}").format(most=MAX_INTEGER))
    return number


def _number(_field: Field, value: Any) -> float | None:
    if type(value) is not float:
        if _is_empty(value):
            return None
        if type(value) is not int or not -MAX_INTEGER <= value <= MAX_INTEGER:
            raise _unexpected(_("a number"), value)
        return float(value)
    if value - value != 0:
        raise _unexpected(_("a finite number"), value)
    return value + 0.0  # minus zero becomes zero


def _boolean(_field: Field, value: Any) -> bool | None:
    if type(value) is bool:
        return value
    if _is_empty(value):
        return None
    raise _unexpected(_("true or false"), value)


def _money(_field: Field, value: Any) -> str | None:
    if type(value) is str:
        text = value.strip()
        if not text:
            return None
        if not _MONEY.fullmatch(text):
            raise _unexpected(_('an amount such as "1234.50"'), value)
        return _two_places(text)
    if type(value) is int or isinstance(value, Decimal):
        return _money_text(Decimal(value))
    if _is_empty(value):
        return None
    raise _unexpected(_("an amount as text or as a decimal, not a binary fraction"), value)


def _money_text(amount: Decimal) -> str:
    if not amount.is_finite():
        raise _unexpected(_("a finite amount"), str(amount))
    if not -_MONEY_LIMIT < amount < _MONEY_LIMIT:
        raise ValueError(_("amounts have at most 14 digits before the point"))
    try:
        written = str(amount)
        return _two_places(written if _MONEY.fullmatch(written) else str(amount.quantize(_FRACTION, context=_EXACT)))
    except Inexact:
        raise ValueError(_("amounts have at most 4 places after the point")) from None


def _two_places(text: str) -> str:
    """Return a decimal number with two places after the point, or more where they are not zero."""
    whole, _point, places = text.partition(".")
    places = places.rstrip("0").ljust(2, "0")
    return "0.00" if whole == "-0" and places == "00" else f"{whole}.{places}"


def _date(_field: Field, value: Any) -> str | None:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value.isoformat()
    if _is_empty(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        # Python reads further ISO forms, such as weeks; the canonical one alone is read back as it was written.
        if (found := _parsed(dt.date.fromisoformat, text)) and found.isoformat() == text:
            return text
    raise _unexpected(_("a date such as 2026-11-21"), value)


def _instant(_field: Field, value: Any) -> str | None:
    found = value
    if _is_empty(value):
        return None
    if isinstance(value, str):
        text = value.strip()
        found = _parsed(dt.datetime.fromisoformat, text.upper()) if _INSTANT.fullmatch(text) else None
        if found is not None and len(text) == _CANONICAL_LENGTH and text[10] + text[-1] == "TZ":
            return text  # what imports and histories mostly have is canonical already
    if not isinstance(found, dt.datetime):
        raise _unexpected(_("an instant such as 2026-11-21T18:55:00Z"), value)
    if found.utcoffset() is None:
        raise _unexpected(_("an instant with its time zone"), value)
    try:
        return _utc_text(found)
    except OverflowError:
        raise _unexpected(_("an instant in the years 1 to 9999"), value) from None


def _utc_text(instant: dt.datetime) -> str:
    return instant.astimezone(dt.UTC).replace(tzinfo=None).isoformat() + "Z"


def _ref(field: Field, value: Any) -> int | None:
    number = value
    if type(value) is not int:
        if _is_empty(value):
            return None
        ref = _referred(value)
        if ref is None:
            raise _unexpected(_("a reference such as {entity}:42").format(entity=field.ref), value)
        if ref.entity != field.ref:
            raise ValueError(
                _("expected a reference to {entity}, found {ref}").format(entity=field.ref, ref=shown(str(ref)))
            )
        number = ref.id
    if not 0 < number <= MAX_INTEGER:
        raise _unexpected(_("the id of a record"), value)
    return int(number)


def _any_ref(_field: Field, value: Any) -> str | None:
    if _is_empty(value):
        return None
    ref = _referred(value)
    text = str(ref)
    if ref is None or not _ANY_REF.fullmatch(text) or ref.id > MAX_INTEGER:
        raise _unexpected(_("a reference such as customer:42"), value)
    return text


def _referred(value: Any) -> Ref | None:
    if isinstance(value, str):
        return _parsed(Ref.parse, value.strip())
    ref = getattr(value, "ref", value)
    return ref if isinstance(ref, Ref) else None


def _json(_field: Field, value: Any) -> Any:
    if _is_empty(value):
        return None
    if not isinstance(value, list | tuple | dict):
        raise _unexpected(_("a list or an object"), value)
    return _plain(value, _MAX_DEPTH) or None


def _plain(value: Any, depth: int) -> Any:
    """Return a copy of a JSON value made of plain Python values, its texts stripped."""
    if depth == 0:
        raise ValueError(_("lists and objects are nested too deeply"))
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, list | tuple):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_plain_name(name): _plain(item, depth - 1) for name, item in value.items()}
    if value is None or type(value) is bool:
        return value
    if type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    if type(value) is float and value - value == 0:
        return value + 0.0
    raise _unexpected(_("a value that JSON can hold exactly"), value)


def _plain_name(name: Any) -> str:
    if not isinstance(name, str):
        raise _unexpected(_("a text as name"), name)
    _clean(name)
    return str.__str__(name)


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _parsed(parse: Callable[[str], _T], text: str) -> _T | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _unexpected(expected: str, value: Any) -> ValueError:
    return ValueError(_("expected {expected}, found {found}").format(expected=expected, found=shown(value)))


def _as_it_is(value: Any) -> Any:
    return value


TO_JSON: Mapping[Kind, Callable[[Field, Any], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.INSTANT: _instant,
    Kind.REF: _ref,
    Kind.ANY_REF: _any_ref,
    Kind.JSON: _json,
}
"""Kind -> the function behind `to_json`."""

WRITTEN: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _as_it_is,
    Kind.INTEGER: _as_it_is,
    Kind.NUMBER: _as_it_is,
    Kind.BOOLEAN: _as_it_is,
    Kind.MONEY: _money_text,
    Kind.DATE: dt.date.isoformat,
    Kind.INSTANT: _utc_text,
    Kind.REF: _as_it_is,
    Kind.ANY_REF: str,
    Kind.JSON: deepcopy,
}
"""Kind -> its JSON form, for values in their Python form that came out of a record and need no check."""

FROM_JSON: Mapping[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: _as_it_is,
    Kind.INTEGER: _as_it_is,
    Kind.NUMBER: _as_it_is,
    Kind.BOOLEAN: _as_it_is,
    Kind.MONEY: Decimal,
    Kind.DATE: dt.date.fromisoformat,
    Kind.INSTANT: dt.datetime.fromisoformat,
    Kind.REF: _as_it_is,
    Kind.ANY_REF: Ref.parse,
    Kind.JSON: _as_it_is,
}
"""Kind -> the function behind `from_json`, for values that are not None."""
