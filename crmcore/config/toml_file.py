"""Reads a TOML file as plain JSON values, with the line of every key; what they mean is judged by whoever asked."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from typing import TYPE_CHECKING, Any

from crmcore.config.positions import toml_lines
from crmcore.conformance import Source
from crmcore.errors import ConfigError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import written_text
from crmcore.types import Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_toml"]

_MAX_DEPTH = 32
"""Nesting that no configuration needs; far below what the validators can bear."""
_PART = r"""(?:(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*)"""
_DEEP_KEY = re.compile(rf"(?:^|[{{,\[])[ \t]*{_PART}{{{_MAX_DEPTH}}}", re.MULTILINE)
"""A key of more parts: reading it takes time with the square of their number."""
_NOT_BARE = re.compile(r"[^\x00-\x7f]")
_AT = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")


def read_toml(path: Path, *, missing: str | None = None) -> tuple[dict[str, Any], Source]:
    """Return the values of a file, dates and times as text, and where they stand.

    Args:
        path: of the file.
        missing: what to do where there is no such file.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    text = ""
    try:
        text = _text(path)
        document: dict[str, Any] = _plain(tomllib.loads(text))
    except FileNotFoundError:
        problem = Problem(message=_("there is no such file"), hint=missing, code="unreadable", file=path)
    except tomllib.TOMLDecodeError as error:
        problem = _not_toml(path, text, str(error))
    except RecursionError:
        problem = _refused(path, _("it is nested too deeply"))
    except (OSError, ValueError) as error:
        too_long = "set_int_max_str_digits" in str(error)  # advice for programmers
        problem = _refused(path, _("a number has too many digits") if too_long else str(error))
    else:
        return document, Source(path, toml_lines(text), toml=True)
    raise ConfigError([problem])


def _text(path: Path) -> str:
    """Return the text of a file that is not nested too deeply to be read in time."""
    text = written_text(path)
    if _DEEP_KEY.search(text):
        raise RecursionError
    return text


def _refused(path: Path, reason: str) -> Problem:
    return Problem(message=_("cannot be read: {reason}").format(reason=reason), code="unreadable", file=path)


def _not_toml(path: Path, text: str, said: str) -> Problem:
    found = _AT.search(said)
    line, column = (found["line"], found["column"]) if found else (None, None)
    bare = line is not None and column == "1" and _NOT_BARE.match(text.splitlines()[int(line) - 1])
    return Problem(
        message=_("is not TOML: {reason}").format(reason=said[: found.start()] if found else said),
        hint=_("Names with other characters than A-Z, a-z, 0-9, _ and - stand in quotation marks.") if bare else None,
        code="toml",
        file=path,
        line=int(line) if line else len(text.splitlines()) or 1,
        column=int(column) if column else None,
    )


def _plain(value: Any, depth: int = 0) -> Any:
    """Return a TOML value as JSON has it: dates and times become text.

    Raises:
        RecursionError: it is nested deeper than anything that is meant.
    """
    if depth > _MAX_DEPTH:
        raise RecursionError
    if isinstance(value, dict):
        return {key: _plain(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, depth + 1) for inner in value]
    return value.isoformat() if isinstance(value, dt.date | dt.time) else value
