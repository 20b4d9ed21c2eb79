"""From a cell to a value of a field: what each kind of field takes, and how declared styles change it.

Numbers and dates are taken apart in `crmcore.importing.numbers` and `crmcore.importing.dates`. Only what can be read
in one way is read; whether a value fits its field's schema is asked at the write door.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from crmcore.conformance import closest
from crmcore.i18n import gettext as _
from crmcore.importing.columns import Style
from crmcore.importing.dates import date_reader, instant_reader
from crmcore.importing.numbers import EXACT, Written, rounded, significant, without_noise, written_number
from crmcore.importing.unreadable import ForeignAmount, Unreadable
from crmcore.schema.model import Kind
from crmcore.schema.values import fold, shown
from crmcore.types import Ref

if TYPE_CHECKING:
    from collections.abc import Callable

    from crmcore.importing.columns import Writing
    from crmcore.schema.model import Field

    Reader = Callable[[Any], Any]

__all__ = ["cell_reader", "cell_text", "coerce", "four_places", "in_writing"]

_TRUE = frozenset(map(fold, ("true", "yes", "y", "1", "on", "是", "有", "对", "√", "✓", "✔")))
_FALSE = frozenset(map(fold, ("false", "no", "n", "0", "off", "否", "无", "错", "×", "✗", "✘")))
_BETWEEN = re.compile(r"[,;，；、\n]")
_WHOLE = re.compile(r"-?[0-9]{1,15}", re.ASCII)
_AMOUNT = re.compile(r"-?[0-9]{1,14}(?:\.[0-9]{1,4})?", re.ASCII)
"""What nearly every cell of an export looks like: it is read at once, with no question of signs or separators."""
_PLACES = 4
"""Of amounts, as they are stored."""


def coerce(field: Field, cell: Any, *, currency: str, timezone: dt.tzinfo) -> Any:
    """Return the value of one cell for a field; None for an empty one.

    Args:
        field: that is filled. A reference stays the text that names the record.
        cell: text as people write it, or a value of another kind.
        currency: of the instance, whose sign amounts may bear.
        timezone: of the instance, for instants that say none.

    Raises:
        ValueError: the cell cannot be read as a value of the field's kind; the message says what was expected.
    """
    if cell is None or (isinstance(cell, str) and not cell.strip()):
        return None
    return cell_reader(field, Style(), currency=currency, timezone=timezone)(cell)


def cell_reader(field: Field, style: Style, *, currency: str, timezone: dt.tzinfo) -> Reader:
    """Return the function that reads the cells of a column; they are not empty.

    The function raises `Unreadable`, and `ForeignAmount` where the amount is in another currency than the instance's.
    """
    if field.enum:
        return _choice_reader(field)
    match field.kind:
        case Kind.DATE:
            return date_reader(style.format, timezone)
        case Kind.INSTANT:
            return instant_reader(style.format, timezone)
        case Kind.MONEY:
            return _money_reader(style, currency)
        case Kind.INTEGER | Kind.NUMBER:
            return _number_reader(field.kind, style)
        case Kind.TEXT | Kind.REF:
            return _text_reader(style.writing)
        case Kind.BOOLEAN:
            return _boolean
        case Kind.ANY_REF:
            return _any_ref if style.of is None else _text_reader(style.writing)
        case Kind.JSON:
            return _list


def cell_text(cell: Any) -> str:
    """Return a cell as people see it: a whole number without ``.0``, a date as ``2026-11-21``.

    Raises:
        Unreadable: the cell is a list or an object.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, int):
        return str(cell)
    if isinstance(cell, float | Decimal):
        number = Decimal(repr(cell)) if isinstance(cell, float) else cell
        if number.is_finite() and abs(number.adjusted()) <= _PRINTED:
            return f"{number:f}".removesuffix(".0")
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat() if cell.time() == dt.time() and not cell.tzinfo else cell.isoformat(" ")
    if isinstance(cell, dt.date | dt.time):
        return cell.isoformat()
    raise Unreadable(_("expected text, found {found}").format(found=shown(cell)))


_PRINTED = 40
"""Powers of ten that a number is written out with; no code or phone number is longer."""
_POWERS = 400
"""Powers of ten beyond those of any float; a number of a million digits would take minutes."""


def in_writing(writing: Writing, text: str) -> str:
    """Return a text in a declared way of writing: ``Moses O'Hara`` as login is ``moses.ohara``."""
    if writing == "lower":
        return text.lower()
    if writing == "upper":
        return text.upper()
    words = re.sub("['\u2019]", "", fold(text))
    return re.sub(r"[^\w@-]+", ".", words).strip(".")


def four_places(number: Decimal) -> Decimal:
    """Return an amount that was converted, as it can be stored: halves of a ten-thousandth away from zero."""
    return rounded(number, _PLACES)


def _text_reader(writing: Writing | None) -> Reader:
    if writing is not None:
        return lambda cell: in_writing(writing, cell_text(cell))
    return lambda cell: cell.strip() if cell.__class__ is str else cell_text(cell)


def _choice_reader(field: Field) -> Reader:
    known = {fold(title): value for value in field.enum for title in field.enum_titles.get(value, {}).values()}
    known |= {fold(value): value for value in field.enum}

    def read(cell: Any) -> str:
        if cell.__class__ is str and cell in known:
            return known[cell]
        text = cell_text(cell).strip()
        found = known.get(fold(text))
        if found is None:
            raise _no_choice(field, text, known)
        return found

    return read


def _no_choice(field: Field, text: str, known: dict[str, str]) -> Unreadable:
    near = closest(text, known)
    code = known[near] if near else field.enum[0]
    message = _('"{name}" must be one of: {values}; found {found}').format(
        name=field.name, values=", ".join(field.enum), found=shown(text)
    )
    hint = _("Did you mean {code}? A mapping file may say so: values = {{ {text} = {quoted} }}.").format(
        code=code, text=shown(text), quoted=shown(code)
    )
    return Unreadable(message, code="enum", hint=hint if near else None)


def _number_reader(kind: Kind, style: Style) -> Reader:
    plain, number_of = _is_plain(style), float if kind is Kind.NUMBER else int
    usual = _AMOUNT if kind is Kind.NUMBER else _WHOLE

    def read(cell: Any) -> int | float:
        if plain and cell.__class__ is str and usual.fullmatch(cell):
            return number_of(cell)
        written = _written(cell, style.decimal or ".")
        if written.currencies:
            raise Unreadable(_("expected a number without a currency, found {found}").format(found=shown(cell)))
        number = _scaled(written.number, style)
        if kind is Kind.NUMBER:
            return _finite(number, cell)
        whole = without_noise(number, significant(written.number))
        if whole != whole.to_integral_value():
            raise Unreadable(_("expected a whole number, found {found}").format(found=shown(cell)))
        return int(whole)

    return read


def _is_plain(style: Style) -> bool:
    """Whether nothing is declared that makes another number of plain digits."""
    return style.decimal in (None, ".") and style.scale is None and style.rate is None and style.round is None


def _finite(number: Decimal, cell: Any) -> float:
    found = float(number)
    if found - found != 0:
        raise Unreadable(_("expected a finite number, found {found}").format(found=shown(cell)))
    return found


def _money_reader(style: Style, currency: str) -> Reader:
    converts = style.rate is not None
    own = style.currency or currency
    any_sign = style.currency is not None and not converts  # declared: cells are in it, whatever they bear
    plain = _is_plain(style)

    def read(cell: Any) -> Decimal:
        if plain and cell.__class__ is str and _AMOUNT.fullmatch(cell):
            return Decimal(cell)
        written = _written(cell, style.decimal or ".")
        if written.percent:
            raise Unreadable(_("expected an amount, found a share: {found}").format(found=shown(cell)))
        amount = _amount(written.number, style, cell)
        if not written.currencies or any_sign:
            return amount
        if own not in written.currencies or (converts and style.currency is None):
            raise _foreign(cell, amount, written.currencies, own, declared=style.currency is not None)
        return amount

    return read


def _foreign(cell: Any, amount: Decimal, currencies: frozenset[str], own: str, *, declared: bool) -> ForeignAmount:
    message = _("the amount {found} is not in {currency}").format(found=shown(cell), currency=own)
    hint = _(
        'Declare it for the column in a mapping file: currency = "{sign}" with its rate, or currency = "{currency}" '
        "where cells are in {currency} all the same; or give the currency and the exchange_rate of the record."
    ).format(sign="USD" if "USD" in currencies else min(currencies), currency=own)
    return ForeignAmount(amount, currencies, message, hint=None if declared else hint)


def _amount(number: Decimal, style: Style, cell: Any) -> Decimal:
    amount = without_noise(_scaled(number, style), significant(number))
    if style.rate is not None and style.round is None:
        return four_places(amount)
    if -int(amount.as_tuple().exponent) > _PLACES and amount != rounded(amount, _PLACES):
        raise Unreadable(
            _("amounts have at most 4 places after the point, found {found}").format(found=shown(cell)),
            code="places",
            hint=_("Where it may be rounded, the column's mapping says so: round = 2."),
        )
    return amount


def _scaled(number: Decimal, style: Style) -> Decimal:
    if style.scale is not None:
        number = EXACT.multiply(number, style.scale)
    if style.rate is not None:
        number = EXACT.multiply(number, style.rate)
    return number if style.round is None else rounded(number, style.round)


def _written(cell: Any, decimal: str) -> Written:
    if isinstance(cell, str):
        return written_number(cell, decimal)
    if isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        number = Decimal(repr(cell)) if isinstance(cell, float) else Decimal(cell)
        if number.is_finite() and abs(number.adjusted()) <= _POWERS:
            return Written(number)
    raise Unreadable(_("expected a number, found {found}").format(found=shown(cell)))


def _boolean(cell: Any) -> bool:
    if isinstance(cell, bool):
        return cell
    word = fold(cell_text(cell).strip())
    if word not in _TRUE | _FALSE:
        raise Unreadable(_("expected yes or no, found {found}").format(found=shown(cell)))
    return word in _TRUE


def _any_ref(cell: Any) -> str:
    text = cell_text(cell).strip()
    try:
        return str(Ref.parse(text))
    except ValueError:
        message = _("expected a reference such as customer:42, found {found}").format(found=shown(text))
        raise Unreadable(message, code="reference") from None


def _list(cell: Any) -> Any:
    """Return a list or an object as it is, or what a text has between commas and semicolons of both widths."""
    if isinstance(cell, list | tuple | dict):
        return cell
    text = cell_text(cell).strip()
    if text[0] in "[{":
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            pass
    return [part.strip() for part in _BETWEEN.split(text) if part.strip()]
