"""What one line of a card says: its name, parameters and value, decoded and taken apart."""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING

from attrs import frozen

from crmcore import EncodingError, codec_name
from crmcore import gettext as _
from crmcore_vcard.cards import BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Property", "list_of", "parsed", "parts_of", "plain", "text_of"]

_NAME = r"[A-Za-z0-9_-]+"
_HEAD = re.compile(r'(?:[^":]++|"[^"]*")*+(?=:)')
_PARAMETER = re.compile(r'(?:[^";]++|"[^"]*")++')
_PARAMETER_VALUE = re.compile(r'"[^"]*"|[^",]+')
_CALLED = re.compile(rf"[ \t]*(?:({_NAME})\.)?({_NAME})[ \t]*")
_ENCODINGS = frozenset({"7BIT", "8BIT", "QUOTED-PRINTABLE", "BASE64", "B"})
_CARETS = {"^n": "\n", "^^": "^", "^'": '"'}
"""RFC 6868: how parameters hold what they otherwise could not."""

_PIECE = re.compile(r"\\.|[;,]|[^\\;,]+|\\", re.DOTALL)
_PIECE_2_1 = re.compile(r"\\[;,:]|[;,]|[^\\;,]+|\\", re.DOTALL)
_ESCAPES = {r"\n": "\n", r"\N": "\n", r"\\": "\\", r"\;": ";", r"\,": ",", r"\:": ":"}
_WIDER = {"ascii": "utf-8", "us-ascii": "utf-8"}
"""What calls itself ASCII and has other characters is mostly this."""


@frozen
class Property:
    """One property of a card."""

    line: int
    group: str
    """What binds it to others: ``item1`` of ``item1.TEL`` and ``item1.X-ABLabel``."""
    name: str
    """In capitals."""
    parameters: Mapping[str, Sequence[str]]
    """Name in capitals -> values; a bare word of version 2.1 is a TYPE or an ENCODING."""
    raw: str
    """Its value, one character for each byte."""
    version: str

    def parameter(self, name: str) -> str:
        """Return the first value of a parameter, or an empty text."""
        return next(iter(self.parameters.get(name, ())), "")

    @property
    def encoded(self) -> bool:
        """Whether the value is base64: a picture, a sound, a key."""
        return self.parameter("ENCODING").upper() in ("B", "BASE64")


def parsed(number: int, line: str, version: str, encoding: str) -> Property:
    """Read a line.

    Args:
        number: of the line.
        line: one character for each byte.
        version: of the card.
        encoding: of the file, for its parameters; empty where nobody knows it.

    Raises:
        ValueError: it is no property.
    """
    head = found[0] if (found := _HEAD.match(line)) else line.partition(":")[0]
    decoded = head.encode(BYTES).decode(encoding or "utf-8", errors="replace")
    called, *parameters = _PARAMETER.findall(decoded) or [""]
    name = _CALLED.fullmatch(called)
    if len(head) == len(line) or name is None or "\0" in decoded:
        raise ValueError(_("line {number} is no property: a name, a colon and a value").format(number=number))
    read: dict[str, list[str]] = {}
    for parameter in parameters:
        key, values = _parameter(parameter, carets=not version.startswith("2"))
        read.setdefault(key, []).extend(values)
    return Property(number, name[1] or "", name[2].upper(), read, line[len(head) + 1 :], version)


def _parameter(text: str, *, carets: bool) -> tuple[str, list[str]]:
    key, equals, written = text.partition("=")
    if not equals:
        word = key.strip()
        return ("ENCODING" if word.upper() in _ENCODINGS else "TYPE"), [word]
    values = [value.strip('"') for value in _PARAMETER_VALUE.findall(written.strip())]
    if carets:
        values = [re.sub(r"\^[n^']", lambda found: _CARETS[found[0]], value) for value in values]
    return key.strip().upper(), values


def text_of(one: Property, encoding: str) -> str:
    """Return the decoded value, its escapes untouched.

    In a file of UTF-8 what is not quoted-printable is UTF-8, whatever CHARSET it came with once.

    Args:
        one: the property.
        encoding: of the file; empty where its properties have charsets of their own.

    Raises:
        ValueError: its bytes are not in the charset that it names, or in the file's.
    """
    if one.parameter("ENCODING").upper() == "QUOTED-PRINTABLE":
        content = binascii.a2b_qp(one.raw.encode(BYTES))
        charset = one.parameter("CHARSET") or encoding
    else:
        content = one.raw.encode(BYTES)
        charset = encoding if encoding == "utf-8" else one.parameter("CHARSET") or encoding
    known = _WIDER.get(charset.lower(), charset) or "utf-8"
    try:
        text = content.decode(codec_name(known))
    except EncodingError:
        message = _("line {number} is in {charset}, an encoding that is not known")
    except UnicodeError:
        message = _("line {number} is not in {charset}, as it should be")
    else:
        if "\0" not in text:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        message = _("there is a NUL character in line {number}, as in a damaged file")
    raise ValueError(message.format(number=one.line, charset=charset or "UTF-8"))


def parts_of(text: str, version: str) -> list[list[str]]:
    """Take a structured value apart: parts between semicolons, each a list between commas, without escapes."""
    parts = [[""]]
    for piece in _pieces(text, version):
        if piece == ";":
            parts.append([""])
        elif piece == ",":
            parts[-1].append("")
        else:
            parts[-1][-1] += _plain(piece, version)
    return [[item.strip() for item in part if item.strip()] for part in parts]


def list_of(text: str, version: str) -> list[str]:
    """Take a list apart, without escapes; in versit's 2.1 semicolons part its items too."""
    separators = ",;" if version.startswith("2") else ","
    items = [""]
    for piece in _pieces(text, version):
        if piece in separators:
            items.append("")
        else:
            items[-1] += _plain(piece, version)
    return [item.strip() for item in items if item.strip()]


def plain(text: str, version: str) -> str:
    """Return a text without its escapes, stripped."""
    return "".join(_plain(piece, version) for piece in _pieces(text, version)).strip()


def _pieces(text: str, version: str) -> Sequence[str]:
    return (_PIECE_2_1 if version.startswith("2") else _PIECE).findall(text)


def _plain(piece: str, version: str) -> str:
    return piece[1:] if version.startswith("2") and len(piece) == 2 and piece[0] == "\\" else _ESCAPES.get(piece, piece)
