"""What a document breaks of its JSON Schema, in words for the person who wrote it.

For documents that people write by hand: ``plugin.json``, ``crm.toml`` and the settings of plugins. Records are judged
by :mod:`crmcore.schema`. A meta-schema may say ``x-expected`` beside a keyword: the words that name what is expected.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore import i18n
from crmcore.i18n import gettext as _
from crmcore.schema.positions import step
from crmcore.types import Problem

if TYPE_CHECKING:
    import pathlib
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import jsonschema_rs

__all__ = ["Source", "breaches", "closest", "did_you_mean", "quoted", "with_defaults"]

_SHOWN = 60
"""Characters of a value that a message repeats."""
_FEW = 12
"""Names that a hint lists in full."""


@frozen
class Source:
    """The text that a document was read from; neither file nor lines where the document was made in code."""

    file: pathlib.Path | None = None
    lines: Mapping[str, int] = field(factory=dict, repr=False, eq=False)
    """JSON pointer -> line."""
    toml: bool = False
    plugin: str | None = None

    def problem(self, path: Sequence[str | int], message: str, *, code: str, hint: str | None = None) -> Problem:
        """Return a problem with the value at a path, or with the nearest part of the document around it."""
        at = pointer = reduce(step, path, "")
        while at and at not in self.lines:
            at = at.rpartition("/")[0]
        return Problem(
            message=message,
            hint=hint,
            code=code,
            file=self.file,
            line=self.lines.get(at),
            pointer=(_dotted(path) if self.toml else pointer) or None,
            plugin=self.plugin,
        )


_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE_KEY.fullmatch(part) else json.dumps(part, ensure_ascii=False)
            text += f".{key}" if text else key
    return text


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the known name that somebody who wrote ``word`` most likely meant, or None."""
    names = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), names, n=1, cutoff=0.6)
    return names[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the closest known name, else the known names where they are few."""
    names = sorted(known)
    near = closest(word, names)
    if near is not None:
        return _("Did you mean `{name}`?").format(name=near)
    if 0 < len(names) <= _FEW:
        return _("Known here: {names}.").format(names=", ".join(names))
    return None


def quoted(value: object) -> str:
    """Return a value as a message shows it: as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def with_defaults(value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with the defaults of its schema filled in, in the objects inside it as well."""
    filled = dict(value)
    for name, below in schema.get("properties", {}).items():
        if name not in filled and "default" in below:
            filled[name] = json.loads(json.dumps(below["default"]))  # a copy, so that no two plugins share it
        if isinstance(filled.get(name), dict):
            filled[name] = with_defaults(filled[name], below)
    return filled


def breaches(
    document: Any,
    schema: Mapping[str, Any],
    source: Source | None = None,
    *,
    at: Sequence[str | int] = (),
    shown: Any = None,
) -> list[Problem]:
    """Return everything that a document breaks of its schema, in the order of the text.

    Args:
        document: plain JSON values.
        schema: a JSON Schema of draft 2020-12 without references to other documents.
        source: where the document was read; nowhere, by default.
        at: path of the document inside its source.
        shown: the document as messages may show it, where it differs: with names of variables in place of secrets.
    """
    import jsonschema_rs  # noqa: PLC0415  # layers below do not pay for it

    judge = jsonschema_rs.Draft202012Validator(dict(schema), validate_formats=True)
    if judge.is_valid(document):
        return []
    written, source = document if shown is None else shown, source or Source()
    broken = [_Breach(error, schema, written, source, tuple(at)) for error in judge.iter_errors(document)]
    found = [problem for breach in broken for problem in breach.problems()]
    return sorted(found, key=lambda problem: problem.line or 0)


@frozen
class _Breach:
    """One thing that the judge found, and what is needed to say it."""

    error: jsonschema_rs.ValidationError
    schema: Mapping[str, Any]
    shown: Any
    source: Source
    at: tuple[str | int, ...]

    def problems(self) -> Iterator[Problem]:
        keyword = self.error.kind.name
        yield from (_SPECIAL.get(keyword) or _plain)(self)

    @property
    def around(self) -> Mapping[str, Any]:
        """The part of the schema that holds the keyword."""
        return self.part(self.error.schema_path[:-1])

    def part(self, path: Sequence[str | int]) -> Mapping[str, Any]:
        return dict(_followed(self.schema, path)[-1][1])

    @property
    def value(self) -> Any:
        return _followed(self.shown, self.error.instance_path)[-1][1]

    def problem(self, message: str, *below: str, code: str, hint: str | None = None) -> Problem:
        inside = [name for name, _value in _followed(self.shown, self.error.instance_path)[1:]]
        return self.source.problem((*self.at, *inside, *below), message, code=code, hint=hint)

    def named(self, attribute: str) -> Any:
        """Return what the judge knows besides: the keys that it did not expect, the one that it missed."""
        return getattr(self.error.kind, attribute)  # each kind is a class of its own, unknown to the stubs


def _followed(value: Any, path: Sequence[str | int]) -> list[tuple[str | int, Any]]:
    """Return the steps of a path into a value, each with what is there; the judge takes the key "007" for an index."""
    steps: list[tuple[str | int, Any]] = [("", value)]
    for place in path:
        name = place
        if isinstance(value, Mapping) and place not in value:
            name = next(key for key in value if key.isdecimal() and int(key) == place)
        value = value[name]
        steps.append((name, value))
    return steps


def _unknown(breach: _Breach) -> Iterator[Problem]:
    known = breach.around.get("properties", {})
    for name in breach.named("unexpected"):
        message = _("unknown key `{name}`").format(name=name)
        yield breach.problem(message, name, code="unknown_key", hint=did_you_mean(name, known))


def _missing(breach: _Breach) -> Iterator[Problem]:
    name = breach.named("property")
    what = breach.around.get("properties", {}).get(name, {}).get("description")
    yield breach.problem(_("`{name}` is missing").format(name=name), code="required", hint=what)


def _misnamed(breach: _Breach) -> Iterator[Problem]:
    name = str(breach.named("error").instance)
    names = breach.part(breach.error.schema_path[: breach.error.schema_path.index("propertyNames") + 1])
    expected = _named(names) or names.get("pattern", "")
    message = _("`{name}` cannot be a name here: expected {expected}").format(name=name, expected=expected)
    yield breach.problem(message, name, code="name")


def _not_among(breach: _Breach) -> Iterator[Problem]:
    around = breach.around
    allowed = around["enum"] if "enum" in around else [around["const"]]
    hint = did_you_mean(breach.value, map(str, allowed)) if isinstance(breach.value, str) else None
    listed = ", ".join(quoted(value) for value in allowed)
    yield breach.problem(_expected(listed, breach.value), code=breach.error.kind.name, hint=hint)


def _plain(breach: _Breach) -> Iterator[Problem]:
    keyword, around = breach.error.kind.name, breach.around
    words = _KEYWORDS.get(keyword, lambda limit: f"{keyword} {quoted(limit)}")
    expected = _named(around) or words(around.get(keyword))
    yield breach.problem(_expected(expected, breach.value), code=keyword)


def _named(schema: Mapping[str, Any]) -> str:
    """Return the words in which a schema says what it expects; catalogues have those of our meta-schemas."""
    written: str = schema.get("x-expected", "")
    return i18n.gettext(written) if written else ""


def _expected(expected: str, value: object) -> str:
    return _("expected {expected}, found {value}").format(expected=expected, value=quoted(value))


_SPECIAL: Mapping[str, Callable[[_Breach], Iterator[Problem]]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "propertyNames": _misnamed,
    "enum": _not_among,
    "const": _not_among,
}


def _type_names(names: str | Sequence[str]) -> str:
    words = {
        "string": _("text"),
        "integer": _("a whole number"),
        "number": _("a number"),
        "boolean": _("true or false"),
        "array": _("a list"),
        "object": _("a table of keys"),
        "null": _("nothing"),
    }
    wanted = [names] if isinstance(names, str) else names
    return _(" or ").join(words[name] for name in wanted)


_KEYWORDS: Mapping[str, Callable[[Any], str]] = {
    "type": _type_names,
    "minimum": lambda limit: _("at least {limit}").format(limit=limit),
    "maximum": lambda limit: _("at most {limit}").format(limit=limit),
    "exclusiveMinimum": lambda limit: _("more than {limit}").format(limit=limit),
    "exclusiveMaximum": lambda limit: _("less than {limit}").format(limit=limit),
    "multipleOf": lambda step: _("a multiple of {step}").format(step=step),
    "minLength": lambda limit: _("at least {limit} characters").format(limit=limit),
    "maxLength": lambda limit: _("at most {limit} characters").format(limit=limit),
    "minItems": lambda limit: _("at least {limit} entries").format(limit=limit),
    "maxItems": lambda limit: _("at most {limit} entries").format(limit=limit),
    "uniqueItems": lambda _unique: _("each entry once"),
    "pattern": lambda pattern: _("text that matches {pattern}").format(pattern=pattern),
    "format": lambda name: _("text in the format {name}").format(name=name),
}
