"""Schema documents as they are read: which file says what, on which line. What it means is judged elsewhere.

Documents come from three kinds of origin: ``core``, a plugin (its name), and ``instance`` (the folder beside
``crm.toml``). The file name gives the entity: ``customer.schema.json`` declares it, ``customer.extend.json`` extends
it.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from crmcore.errors import SchemaError
from crmcore.i18n import gettext as _
from crmcore.schema.positions import Positions, positions
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "CORE",
    "INSTANCE",
    "NAME",
    "SchemaDocument",
    "core_documents",
    "document_of",
    "meta_schema",
    "parse_json",
    "read_documents",
    "schemas_folder",
    "written_text",
]

CORE = "core"
INSTANCE = "instance"
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
"""What entities and fields may be called, to be matched in full."""
MAX_NAME = 40
"""PostgreSQL cuts identifiers at 63 bytes; a table, a field and the words of an index have to fit."""
_MOST_BYTES = 1_000_000
"""A file that a person writes has a hundredth of it."""
_MOST_VALUES = 10_000
"""Of objects, lists, texts and numbers together; some checks take time with the square of it."""
_MOST_DIGITS = 400
"""More than any float has before its point."""
_MAX_DEPTH = 32
"""Nesting that no schema needs; far below what the readers of JSON and the validators can bear."""
_FILE_NAME = re.compile(rf"({NAME.pattern})\.(schema|extend)\.json")


@frozen(kw_only=True, eq=False)
class SchemaDocument:
    """One file that declares or extends an entity; whoever reads the same file again gets the same object."""

    origin: str
    """``core``, a plugin's name, ``instance``, or ``instance.<rule>`` for the field of a rule in ``crm.toml``."""
    path: str
    """The file as people are shown it."""
    entity: str
    extends: bool
    document: Mapping[str, Any]
    positions: Positions = field(repr=False)

    @property
    def plugin(self) -> str | None:
        """The plugin that it comes from, or None."""
        return _plugin(self.origin)

    def line(self, pointer: str) -> int | None:
        """Return the line where a JSON pointer starts, or its nearest parent that is in the file."""
        while pointer and pointer not in self.positions.lines:
            pointer = pointer.rpartition("/")[0]
        return self.positions.lines.get(pointer)

    def problem(self, pointer: str, message: str, *, hint: str | None = None, code: str = "schema") -> Problem:
        """Return a problem at a place of this document."""
        line = self.line(pointer)
        return Problem(
            message=message, hint=hint, code=code, file=self.path, line=line, pointer=pointer, plugin=self.plugin
        )


def core_documents() -> tuple[tuple[SchemaDocument, ...], tuple[Problem, ...]]:
    """Read the entities that come with crmcore."""
    return read_documents(schemas_folder(), CORE)


def schemas_folder() -> Path:
    """Return the folder of the core's schemas: inside an installed package, else beside it in a checkout."""
    package = Path(__file__).parent.parent
    return packed if (packed := package / "schemas").is_dir() else package.parent / "schemas"


@cache
def meta_schema(name: str) -> Mapping[str, Any]:
    """Return the meta-schema ``schemas/meta/<name>.json``."""
    read: Mapping[str, Any] = json.loads((schemas_folder() / "meta" / f"{name}.json").read_text(encoding="utf-8"))
    return read


def read_documents(folder: Path, origin: str) -> tuple[tuple[SchemaDocument, ...], tuple[Problem, ...]]:
    """Read the schema files of a folder, in the order of their names; a folder that is not there has none.

    Returns:
        The documents that could be read, and a problem for every file that could not.
    """
    documents: list[SchemaDocument] = []
    problems: list[Problem] = []
    for path in sorted(p for p in folder.glob("*") if p.suffix.lower() == ".json" and p.is_file()):
        try:
            text = written_text(path)
        except (OSError, ValueError) as error:
            problems.append(Problem(message=_("cannot be read: {reason}").format(reason=error), file=str(path)))
            continue
        try:
            documents.append(_document(text, path.name, str(path), origin))
        except SchemaError as error:
            problems += error.problems
    return tuple(documents), tuple(evolve(problem, plugin=_plugin(origin)) for problem in problems)


def document_of(
    file_name: str, document: Mapping[str, Any], origin: str
) -> tuple[tuple[SchemaDocument, ...], tuple[Problem, ...]]:
    """Take a document that is no file, as a plugin given as an object has it.

    Returns:
        The document, or a problem, as `read_documents` returns them.
    """
    problems: Iterable[Problem]
    try:
        text = json.dumps(document, indent=2, ensure_ascii=False)
        return (_document(text, file_name, file_name, origin),), ()
    except SchemaError as error:
        problems = error.problems
    except (TypeError, ValueError, RecursionError) as error:
        problems = (_not_json(file_name, str(error)),)
    return (), tuple(evolve(problem, plugin=_plugin(origin)) for problem in problems)


def written_text(path: Path) -> str:
    """Return the text of a file that a person wrote, without its byte order mark.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not UTF-8, or larger than anything that a person writes.
    """
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        raise ValueError(_("it has more than {most:,} bytes").format(most=_MOST_BYTES))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(_("line {line} is not UTF-8: save the file in that encoding").format(line=line)) from error


def parse_json(text: str, path: str) -> tuple[Any, Positions | None, tuple[Problem, ...]]:
    """Read a JSON text strictly: no duplicate names, no NaN or Infinity, no number that a float cannot hold.

    Returns:
        The value and its positions, or None and None with the problems.
    """
    try:
        value = json.loads(text, parse_constant=_refuse_constant, parse_float=_finite, parse_int=_integer)
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        return None, None, (_not_json(path, error.msg, error.lineno, error.colno),)
    except RecursionError:
        return None, None, (_not_json(path, _("it is nested too deeply")),)
    except UnicodeEncodeError:
        return None, None, (_not_json(path, _("it has half of a surrogate pair, which is no character")),)
    except ValueError as error:
        return None, None, (_not_json(path, str(error)),)
    found = positions(text)
    problems = [_duplicate(path, found, pointer) for pointer in found.duplicates]
    if found.depth > _MAX_DEPTH:
        problems.append(_not_json(path, _("it is nested too deeply")))
    if len(found.lines) > _MOST_VALUES:
        problems.append(_not_json(path, _("it has more than {most:,} values").format(most=_MOST_VALUES)))
    if problems:
        return None, None, tuple(problems)
    return value, found, ()


@lru_cache(maxsize=512)
def _document(text: str, file_name: str, path: str, origin: str) -> SchemaDocument:
    """Take a text as a document; what is sound is kept, so that the next instance in this process starts sooner.

    Raises:
        SchemaError: it is none.
    """
    named = _FILE_NAME.fullmatch(file_name)
    if not named or len(named[1]) > MAX_NAME:
        raise SchemaError([_misnamed(path, file_name)])
    value, found, problems = parse_json(text, path)
    if found is None:
        raise SchemaError(problems)
    if not isinstance(value, dict):
        raise SchemaError([_not_json(path, _("an object was expected"))])
    return SchemaDocument(
        origin=origin, path=path, entity=named[1], extends=named[2] == "extend", document=value, positions=found
    )


def _plugin(origin: str) -> str | None:
    return None if origin.partition(".")[0] in (CORE, INSTANCE) else origin


def _misnamed(path: str, file_name: str) -> Problem:
    return Problem(
        message=_('"{name}" is no name of a schema file').format(name=file_name),
        hint=_(
            "Write <entity>.schema.json or <entity>.extend.json; an entity is named in lower-case letters, digits and "
            "single underscores, at most {most} characters."
        ).format(most=MAX_NAME),
        code="file_name",
        file=path,
    )


def _not_json(path: str, reason: str, line: int | None = None, column: int | None = None) -> Problem:
    message = _("is not a JSON document: {reason}").format(reason=reason)
    return Problem(message=message, code="json", file=path, line=line, column=column)


def _duplicate(path: str, found: Positions, pointer: str) -> Problem:
    return Problem(
        message=_('"{name}" stands twice in one object').format(name=pointer.rpartition("/")[2]),
        hint=_("Keep one of the two."),
        code="duplicate_name",
        file=path,
        line=found.lines[pointer],
        pointer=pointer,
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(_("{name} is no JSON number").format(name=name))


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(_("{text} is too large a number").format(text=text))
    return number


def _integer(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(_("the number has {number:,} digits").format(number=len(text)))
    return int(text)
