"""Reads ``crm.toml`` and reports everything that is wrong with it at once: file, line, key and what was meant."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmcore.config.model import Config, EntityRights, Role, currency_problem, timezone_problem
from crmcore.config.toml_file import read_toml
from crmcore.conformance import Source, breaches, did_you_mean, with_defaults
from crmcore.errors import ConfigError
from crmcore.i18n import gettext as _
from crmcore.schema.documents import meta_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from crmcore.types import Problem

__all__ = ["examine", "read_config"]

_ENV = "env:"
_DATABASE = re.compile(r"(sqlite|postgresql)(\+[a-z0-9]+)?://")
_SQLITE_FILE = re.compile(
    r"(?P<scheme>sqlite(?:\+[a-z0-9]+)?:///)(?P<file>(?!file:)[^/?:][^?]*)(?P<query>\?.*)?", re.DOTALL
)


def read_config(path: Path | str, environment: Mapping[str, str] | None = None) -> Config:
    """Read a configuration.

    Args:
        path: the file, usually ``crm.toml``.
        environment: where ``env:NAME`` is looked up; the process's by default.

    Raises:
        ConfigError: everything that is wrong with the file.
    """
    config, problems = examine(path, environment)
    if problems or config is None:
        raise ConfigError(problems)
    return config


def examine(
    path: Path | str, environment: Mapping[str, str] | None = None
) -> tuple[Config | None, tuple[Problem, ...]]:
    """Read as much of a configuration as is sound.

    Returns:
        The configuration, without the tables that are wrong (None where the file cannot be read at all), and every
        problem. A secret that is not in the environment stays ``env:NAME``.
    """
    path = Path(path)
    try:
        document, source = read_toml(path, missing=_("`crmcore init` makes one; `--config` names another."))
    except ConfigError as error:
        return None, error.problems
    reading = _Reading(source, path, document, os.environ if environment is None else environment)
    return reading.config(), tuple(sorted(reading.problems, key=lambda problem: problem.line or 0))


class _Reading:
    """One reading of a file: its document, and the problems found so far."""

    def __init__(self, source: Source, path: Path, document: dict[str, Any], environment: Mapping[str, str]) -> None:
        self.source = source
        self.path, self.folder = path, path.absolute().parent
        self.environment = environment
        self.problems: list[Problem] = []
        schema = meta_schema("crm-toml")
        tables: dict[str, Any] = {name: {} for name in schema["properties"]}
        self.document = with_defaults({**tables, **self._sound(document)}, schema)

    def config(self) -> Config:
        instance, plugins = self.document["instance"], self.document["plugins"]
        written = {name: table for name, table in plugins.items() if name not in ("enabled", "plugin_dirs")}
        schemas = self.folder / "schemas"
        for key, problem_of, instead in (("timezone", timezone_problem, "UTC"), ("currency", currency_problem, "CNY")):
            problem = problem_of(instance[key], self.source)
            if problem:
                self.problems.append(problem)
                instance[key] = instead
        return Config(
            source=self.source,
            path=self.path,
            name=instance.get("name", self.folder.name),
            timezone=instance["timezone"],
            language=instance["language"],
            currency=instance["currency"],
            database_url=self._database_url(),
            enabled=self._enabled(plugins.get("enabled", [])),
            plugin_dirs=list(self._plugin_dirs(plugins.get("plugin_dirs", []))),
            plugin_settings={name: self._revealed(table, ("plugins", name)) for name, table in written.items()},
            written_settings=written,
            roles={name: _role(name, table) for name, table in self.document["roles"].items()},
            metrics=self.document["metrics"],
            scoring=self.document["scoring"],
            schemas=schemas if schemas.is_dir() else None,
        )

    def _sound(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the tables that are as the meta-schema asks; report the others."""
        schema = meta_schema("crm-toml")
        sound = {}
        for name, table in document.items():
            if name not in schema["properties"]:
                message = _("unknown key `{name}`").format(name=name)
                hint = did_you_mean(name, schema["properties"])
                self.problems.append(self.source.problem((name,), message, code="unknown_key", hint=hint))
                continue
            wanted = {**schema["properties"][name], "$defs": schema["$defs"]}
            wrong = breaches(table, wanted, self.source, at=(name,))
            self.problems += wrong
            if not wrong:
                sound[name] = table
        return sound

    def _enabled(self, names: list[str]) -> list[str]:
        for index, name in enumerate(names):
            if name in names[:index]:
                message = _("`{name}` is there twice").format(name=name)
                path = ("plugins", "enabled", index)
                self.problems.append(self.source.problem(path, message, code="duplicate"))
        return list(dict.fromkeys(names))

    def _plugin_dirs(self, names: list[str]) -> Iterator[Path]:
        for index, name in enumerate(names):
            folder = self.folder / name
            with suppress(OSError, RuntimeError):  # a name that no file system takes; a user who is not there
                folder = self.folder / Path(name).expanduser()
                if folder.is_dir():
                    yield folder
                    continue
            message = _("there is no folder {folder}").format(folder=folder)
            self.problems.append(self.source.problem(("plugins", "plugin_dirs", index), message, code="no_folder"))

    def _revealed(self, value: Any, path: tuple[str | int, ...]) -> Any:
        """Return a value with the secrets of the environment put in."""
        if isinstance(value, dict):
            return {key: self._revealed(inner, (*path, key)) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._revealed(inner, (*path, index)) for index, inner in enumerate(value)]
        if not isinstance(value, str) or not value.startswith(_ENV):
            return value
        name = value.removeprefix(_ENV)
        if not self.environment.get(name):
            message = _("the environment variable {name} is not set").format(name=name)
            hint = _("Set it before crmcore starts, or write the value here.")
            self.problems.append(self.source.problem(path, message, code="unset", hint=hint))
            return value
        return self.environment[name]

    def _database_url(self) -> str:
        url: str = self._revealed(self.document["database"]["url"], ("database", "url"))
        if url.startswith(_ENV):
            return url
        if not _DATABASE.match(url):
            # The URL itself may hold a password, so the message leaves it out.
            message = _("expected a database that begins with sqlite:/// or postgresql://")
            self.problems.append(self.source.problem(("database", "url"), message, code="database"))
        file = _SQLITE_FILE.fullmatch(url)
        if not file:
            return url
        return f"{file['scheme']}{(self.folder / file['file']).as_posix()}{file['query'] or ''}"


def _role(name: str, table: Mapping[str, Any]) -> Role:
    rules = {entity: EntityRights(**rights) for entity, rights in table.items() if entity not in ("title", "grants")}
    return Role(name=name, title=table.get("title", ""), grants=table.get("grants", ()), rules=rules)
