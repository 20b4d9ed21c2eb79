"""``plugin.json``: what a plugin is, needs and adds, read and judged without importing it."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from crmcore import hookspecs
from crmcore.conformance import Source, breaches, did_you_mean, with_defaults
from crmcore.errors import ManifestError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import meta_schema, parse_json, written_text
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

__all__ = ["FILE_NAME", "Command", "Manifest", "manifest_of", "read_manifest"]

FILE_NAME = "plugin.json"
_NO_SETTINGS: Mapping[str, Any] = {"type": "object", "properties": {}}
SCHEMAS = "schemas"
"""Folder of a plugin's entities and extensions, beside `FILE_NAME`."""


@frozen
class Command:
    """A command that a plugin adds to the command line."""

    name: str
    summary: str
    function: str
    """``package.module:function``, imported when the command runs."""


@frozen(kw_only=True)
class Manifest:
    """What a plugin says of itself."""

    name: str
    version: str
    summary: str
    config: Mapping[str, Any]
    """JSON Schema of its settings; keys that it does not name are refused unless it says otherwise."""
    requires_core: str = ""
    """PEP 440 specifiers; empty for any core."""
    requires: tuple[str, ...] = ()
    """Plugins that must be there, and start before it."""
    after: tuple[str, ...] = ()
    """Plugins that start before it where they are enabled."""
    needs: Mapping[str, str] = field(factory=dict)
    """Python package that it imports -> what to give to pip."""
    commands: tuple[Command, ...] = ()
    listens: Mapping[str, tuple[str, ...]] = field(factory=dict)
    """Hook -> entities; ``*`` for all."""
    owns_schemas: bool = False
    """Whether it brings entities or additions to others."""
    source: Source = field(factory=Source, eq=False, repr=False)

    @property
    def essential(self) -> bool:
        """Whether the core may not run without it once it is enabled.

        True where leaving it out would let something be written or seen that it refuses: it has schemas, or it takes
        part in transactions or access rules. A plugin that only declares reports or reacts to what is committed is not.
        """
        return self.owns_schemas or any(hook not in hookspecs.ISOLATED for hook in self.listens)


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in the folder of a plugin.

    Raises:
        ManifestError: everything that is wrong with it, each with file, line, JSON pointer and what to write instead.
    """
    file = folder / FILE_NAME
    try:
        text = written_text(file)
    except (OSError, ValueError) as error:
        message = _("cannot be read: {reason}").format(reason=error)
        hint = _("A plugin is a package with a file {name} in it.").format(name=FILE_NAME)
        raise ManifestError([Problem(message=message, hint=hint, code="unreadable", file=file)]) from error
    return _manifest_in(text, file, owns_schemas=any((folder / SCHEMAS).glob("*.json")))


@lru_cache(maxsize=256)
def _manifest_in(text: str, file: Path, *, owns_schemas: bool) -> Manifest:
    """Make a manifest of a file's text; what is sound is kept for the next instance in this process."""
    document, positions, problems = parse_json(text, str(file))
    if positions is None:
        raise ManifestError(problems)
    return _manifest(document, Source(file, positions.lines), owns_schemas=owns_schemas)


def manifest_of(document: Mapping[str, Any], *, owns_schemas: bool = False) -> Manifest:
    """Make a manifest from what ``plugin.json`` would say.

    Raises:
        ManifestError: everything that is wrong with it.
    """
    name = document.get("name")
    source = Source(plugin=name if isinstance(name, str) else None)
    try:
        plain = json.loads(json.dumps(document))
    except (TypeError, ValueError) as error:
        message = _("is not JSON: {reason}").format(reason=error)
        raise ManifestError([source.problem((), message, code="json")]) from error
    return _manifest(plain, source, owns_schemas=owns_schemas)


def _manifest(document: Any, source: Source, *, owns_schemas: bool) -> Manifest:
    problems = breaches(document, meta_schema("plugin"), source)
    if not problems:
        problems = [*_meaning(document, source)]
    if problems:
        raise ManifestError(problems)
    return Manifest(
        name=document["name"],
        version=document["version"],
        summary=document["summary"],
        requires_core=document.get("requires_core", ""),
        requires=tuple(document.get("requires", ())),
        after=tuple(document.get("after", ())),
        needs=document.get("needs", {}),
        config=_closed(document.get("config", _NO_SETTINGS)),
        commands=tuple(Command(**command) for command in document.get("commands", ())),
        listens={hook: tuple(entities) for hook, entities in document.get("listens", {}).items()},
        owns_schemas=owns_schemas,
        source=source,
    )


def _meaning(document: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    """Judge what no JSON Schema can say."""
    yield from _core_versions(document, source)
    for key in ("requires", "after"):
        if document["name"] in document.get(key, ()):
            message = _("a plugin cannot start before itself")
            yield source.problem((key, document[key].index(document["name"])), message, code="cycle")
    for hook in document.get("listens", ()):
        if hook not in hookspecs.LISTENED:
            yield _not_listened(hook, source)
    names = Counter(command["name"] for command in document.get("commands", ()))
    for index, command in enumerate(document.get("commands", ())):
        if names[command["name"]] > 1:
            message = _("command `{name}` is there twice").format(name=command["name"])
            yield source.problem(("commands", index, "name"), message, code="duplicate")
    yield from _settings(document.get("config", {}), ("config",), source)


def _core_versions(document: Mapping[str, Any], source: Source) -> Iterator[Problem]:
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415  # only where a plugin has some

    wanted = document.get("requires_core", "")
    try:
        SpecifierSet(wanted)
    except InvalidSpecifier:
        message = _("`{wanted}` names no versions").format(wanted=wanted)
        hint = _('Write for instance ">=0.1,<2".')
        yield source.problem(("requires_core",), message, code="requires_core", hint=hint)


def _not_listened(hook: str, source: Source) -> Problem:
    if hook in hookspecs.HOOKS:
        message = _("`{hook}` is not called for records").format(hook=hook)
        hint: str | None = _("Implement it and leave it out here.")
    else:
        message = _("there is no hook `{hook}`").format(hook=hook)
        hint = did_you_mean(hook, hookspecs.LISTENED)
    return source.problem(("listens", hook), message, code="unknown_hook", hint=hint)


def _settings(schema: Mapping[str, Any], path: tuple[str, ...], source: Source) -> Iterator[Problem]:
    """Judge the schema of a setting, then those inside it: patterns can be read, defaults are what they admit."""
    try:
        breaches("", {"pattern": schema.get("pattern", "")}, source)
    except ValueError:
        message = _("this is no pattern that can be matched: {pattern}").format(pattern=schema["pattern"])
        yield source.problem((*path, "pattern"), message, code="pattern")
        return
    below: list[tuple[tuple[str, ...], Any]]
    below = [(("properties", name), inner) for name, inner in schema.get("properties", {}).items()]
    keywords = ("items", "additionalProperties", "propertyNames")
    below += [((key,), schema[key]) for key in keywords if isinstance(schema.get(key), dict)]
    wrong = [problem for more, inner in below for problem in _settings(inner, (*path, *more), source)]
    if "default" in schema and not wrong:
        default = schema["default"]
        filled = with_defaults(default, schema) if isinstance(default, dict) else default
        wrong = breaches(filled, schema, source, at=(*path, "default"))
    yield from wrong


def _closed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a setting so that objects admit only what it names, unless it says otherwise."""
    closed = dict(schema)
    if "properties" in closed:
        closed["properties"] = {name: _closed(below) for name, below in closed["properties"].items()}
        closed.setdefault("additionalProperties", False)
    for keyword in ("items", "additionalProperties"):
        if isinstance(closed.get(keyword), dict):
            closed[keyword] = _closed(closed[keyword])
    return closed
