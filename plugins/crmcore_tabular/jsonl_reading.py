"""Reading JSON Lines: an object on every line; the header is made of all their keys."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import gettext as _
from crmcore.types import Problem, SourceHeader, SourceRow
from crmcore_tabular.texts import open_text, text_encoding
from crmcore_tabular.unreadable import MOST_COLUMNS, Unreadable, nul_character, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from crmcore import Encoding

__all__ = ["OPTIONS", "read_jsonl"]

OPTIONS: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "encoding": {
            "type": "string",
            "minLength": 1,
            "description": "Found where it can be proved; written as UTF-8, as the format has it.",
        }
    },
}

_HALF = re.compile("[\ud800-\udfff]")


def read_jsonl(path: Path, options: Mapping[str, Any]) -> Iterator[SourceHeader | SourceRow | Problem]:
    """Yield the header and a row for every object; values stay what JSON says they are, text is stripped.

    The first reading finds the keys, in the order in which they appear. Empty lines, and objects without any value,
    are passed over.
    """
    try:
        encoding = text_encoding(path, options.get("encoding"))
        names = _keys(path, encoding)
    except Unreadable as error:
        yield error.problem
        return
    shape = _("JSON Lines, {encoding}").format(encoding=encoding.label)
    yield SourceHeader(names, lines=encoding.lines, form=shape)
    for line in _lines(path, encoding):
        if line.wrong:
            yield Problem(message=line.wrong, code="unreadable", file=path, line=line.number, value=shown(line.text))
        elif any(value is not None for value in line.values.values()):
            yield SourceRow(line.number, {name: line.values.get(name) for name in names})


@frozen
class _Line:
    number: int
    text: str
    values: Mapping[str, Any]
    wrong: str | None = None


def _keys(path: Path, encoding: Encoding) -> Sequence[str]:
    keys: dict[str, None] = {}
    first = None
    for line in _lines(path, encoding):
        first = first or line
        keys.update(dict.fromkeys(line.values))
        if len(keys) > MOST_COLUMNS:
            message = _("the objects have more than {most:,} different keys").format(most=MOST_COLUMNS)
            raise Unreadable(path, message, line=line.number)
    if first is None:
        raise Unreadable(path, _("there is nothing in the file"), code="empty")
    if not keys:
        hint = None
        if first.text.startswith(("[", "{")):
            hint = _("One JSON document over many lines becomes JSON Lines with: jq -c '.[]' FILE")
        raise Unreadable(path, _("no line is a JSON object with keys"), hint=hint, line=first.number)
    return tuple(keys)


def _lines(path: Path, encoding: Encoding) -> Iterator[_Line]:
    with open_text(path, encoding) as file:
        for number, raw in enumerate(file, start=1):
            text = raw.strip()
            if text:
                yield _line(number, text)


def _line(number: int, text: str) -> _Line:
    try:
        values = _decoder.decode(text)
        if "\\u" in text:
            _check_characters(values)
    except json.JSONDecodeError as error:
        wrong = _("not JSON: {reason} at character {number}").format(reason=error.msg, number=error.pos + 1)
    except RecursionError:
        wrong = _("lists and objects are nested too deeply")
    except ValueError as error:
        wrong = str(error)
    else:
        if isinstance(values, dict):
            return _Line(number, text, {key: _cell(value) for key, value in values.items()})
        wrong = _("expected an object such as {example}").format(example='{"name": "Acme"}')
    return _Line(number, text, {}, wrong)


def _cell(value: Any) -> Any:
    return value.strip() or None if isinstance(value, str) else value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen = set[str]()
        repeated = next(key for key, _value in pairs if key in seen or seen.add(key))
        raise ValueError(_("the key {name!r} is there more than once").format(name=repeated))
    if "" in found:
        raise ValueError(_("a key is empty"))
    return found


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(_("{text} is no number").format(text=text))
    return number


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # Python reads 4,300 digits
        raise ValueError(_("the number has {number:,} digits").format(number=len(text))) from None


def _check_characters(value: Any) -> None:
    """Refuse what an escape can write and no database takes."""
    for text in _texts(value):
        half = _HALF.search(text)
        if half:
            raise ValueError(_("{code} is half a character").format(code=f"\\u{ord(half[0]):04x}"))
        if "\0" in text:
            raise ValueError(nul_character())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield key
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_float=_number, parse_int=_integer, parse_constant=_number)
