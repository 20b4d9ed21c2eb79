"""Text files: in which encoding they are, or why nobody can tell, and opening them.

The encoding is found by the core. What it calls a line is what the readers call one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crmcore import EncodingError, codec_name, detect_encoding
from crmcore import gettext as _
from crmcore_tabular.unreadable import LONGEST_LINE, Unreadable

if TYPE_CHECKING:
    from pathlib import Path
    from typing import TextIO

    from crmcore import Encoding

_MARK = "\ufeff"


def text_encoding(path: Path, declared: str | None = None) -> Encoding:
    """Find out the encoding of a file, reading all of it.

    Raises:
        Unreadable: the file is in no encoding that can be proved, not in the one that was declared, or it has a line
            that does not fit into memory.
    """
    try:
        return detect_encoding(path, declared or "", longest_line=LONGEST_LINE)
    except EncodingError as error:
        raise _unreadable(path, error) from None


def known_codec(path: Path, name: str) -> str:
    """Return the name under which Python knows the encoding that a file is to be written in.

    Raises:
        Unreadable: it knows none of that name.
    """
    try:
        return codec_name(name)
    except EncodingError as error:
        raise _unreadable(path, error) from None


def open_text(path: Path, encoding: Encoding) -> TextIO:
    """Open a file behind its byte order mark; line ends stay as they are."""
    file = path.open(encoding=encoding.name, newline="")
    if file.read(1) != _MARK:  # Python takes those of Unicode away, and leaves the one of GB18030 in the text
        file.seek(0)
    return file


def _unreadable(path: Path, error: EncodingError) -> Unreadable:
    hints = {
        "option": _("Encodings are called utf-8, utf-16, gb18030, big5, cp1252, shift_jis, for instance."),
        "encoding": _(
            'Say how it is written, Western European for instance: encoding = "cp1252" under [file] in the mapping'
            " file, or --option encoding=cp1252."
        ),
    }
    return Unreadable(path, str(error), hint=hints.get(error.code), line=error.line, code=error.code)
