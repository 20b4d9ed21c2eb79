"""Start-up, stage by stage: from a configuration to a registry. Nothing of a plugin runs before its schemas are judged.

:func:`load` stops at the first stage that finds something wrong and reports all of that stage; :func:`diagnose` goes
on with what is sound, for ``crmcore check``.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import frozen

from crmcore import hookspecs
from crmcore.config import examine
from crmcore.conformance import did_you_mean
from crmcore.errors import ConfigError, ManifestError, PluginError, ProblemsError, SchemaError, StartRefused
from crmcore.i18n import gettext as _
from crmcore.i18n import languages
from crmcore.manifest import SCHEMAS
from crmcore.plugins.discovery import discover, manifest_at
from crmcore.plugins.order import ordered, unmet
from crmcore.plugins.settings import settings_of
from crmcore.registry.checks import listening_problems
from crmcore.registry.instance import instance_extensions
from crmcore.registry.model import Registry
from crmcore.registry.roles import Absent, role_problems
from crmcore.registry.running import Candidate, Running
from crmcore.schema.compose import compose
from crmcore.schema.documents import CORE, INSTANCE, core_documents, document_of, read_documents
from crmcore.types import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from crmcore.config import Config
    from crmcore.manifest import Manifest
    from crmcore.plugins.calling import Listener
    from crmcore.plugins.discovery import Found
    from crmcore.plugins.loading import LoadedPlugin
    from crmcore.schema.compose import Composition
    from crmcore.schema.documents import SchemaDocument
    from crmcore.schema.model import Entity
    from crmcore.types import Plugin

__all__ = ["Diagnosis", "diagnose", "load"]

_log = logging.getLogger("crmcore.plugins")


@frozen
class Diagnosis:
    """What :func:`diagnose` found."""

    problems: tuple[Problem, ...]
    """What is wrong, broken plugins without which the core runs included."""
    warnings: tuple[Problem, ...]
    """What somebody should look at, although nothing depends on it."""
    raised: tuple[PluginError, ...] = ()
    """What plugins raised, with its traceback as its cause."""


def load(config: Config, plugins: Iterable[Plugin] = ()) -> Registry:
    """Find, order, import and register the enabled plugins, compose the schemas, and freeze what was declared.

    Args:
        config: which plugins run and what they are set to, and the roles.
        plugins: plugins given as objects; they run without being named in ``enabled``.

    Raises:
        ConfigError: unknown plugins, wrong settings, or roles that fit nothing.
        ManifestError: manifests that are wrong, clash, or cannot be put in order.
        SchemaError: schemas that cannot be composed.
        PluginError: one plugin without which nothing may run failed.
        StartRefused: several did, or hooks or declarations are not what they have to be.
    """
    startup = _Startup(config, plugins)
    stages = (
        (ConfigError, startup.choose),
        (ManifestError, startup.read_manifests),
        (ConfigError, startup.settle),
        (SchemaError, startup.compose),
    )
    refusal: type[ProblemsError]
    for refusal, stage in stages:
        problems = stage()
        if problems:
            raise refusal(problems)
    problems = startup.run()
    failures = startup.running.failures
    if len(problems) == len(failures) == 1:
        raise failures[0]
    if problems:
        raise StartRefused(problems)
    problems = startup.judge_roles()
    if problems:
        raise ConfigError(problems)
    registry = startup.registry()
    _log.info("loaded: %s", ", ".join(f"{name} {version}" for name, version in registry.versions.items()))
    return registry


def diagnose(path: Path | str, plugins: Iterable[Plugin] = ()) -> Diagnosis:
    """Report everything that is wrong with an instance at once, as far as one mistake does not hide another.

    Plugins are imported where nothing is wrong with them; no database is opened.

    Args:
        path: ``crm.toml``.
        plugins: plugins given as objects.
    """
    config, problems = examine(path)
    if config is None:
        return Diagnosis(problems, ())
    startup = _Startup(config, plugins)
    stages = (startup.choose, startup.read_manifests, startup.settle, startup.compose, startup.run, startup.judge_roles)
    found = [*problems, *(problem for stage in stages for problem in stage())]
    broken = [problem for each in startup.running.broken.values() for problem in each]
    return Diagnosis((*found, *broken), tuple(startup.warnings), tuple(startup.running.raised))


class _Startup:
    """One start. Each stage returns what it found wrong and leaves what is sound to the next."""

    def __init__(self, config: Config, plugins: Iterable[Plugin]) -> None:
        self.config = config
        self.found, warnings = discover(config, plugins)
        self.warnings = list(warnings)
        self.chosen: dict[str, list[Found]] = {}
        self.manifests: dict[str, Manifest] = {}
        self.order: tuple[str, ...] = ()
        self.settings: dict[str, Mapping[str, Any]] = {}
        self.documents: list[SchemaDocument] = []
        self.composition: Composition | None = None
        self.running = Running({})

    def choose(self) -> list[Problem]:
        """Drop what is not enabled; find what is enabled or set and not there."""
        by_name: dict[str, list[Found]] = defaultdict(list)
        for found in self.found:
            if found.given is not None or found.name in self.config.enabled:
                by_name[found.name].append(found)
        self.chosen = dict(by_name)
        known = {found.name for found in self.found}
        wanted: list[tuple[tuple[str | int, ...], str]]
        wanted = [(("plugins", "enabled", index), name) for index, name in enumerate(self.config.enabled)]
        wanted += [(("plugins", name), name) for name in self.config.plugin_settings if name not in self.config.enabled]
        unknown = [self._unknown(path, name, known) for path, name in wanted if name not in known]
        self.warnings += [self._idle(path, name) for path, name in wanted if name in known - self.chosen.keys()]
        # A manifest that cannot be read hides its plugin's name: the one that is missing may be there.
        hiding = [found for found in self.found if found.folder and found.name not in self.config.enabled]
        return [*(problem for found in hiding for problem in _unreadable(found)), *unknown] if unknown else []

    def _idle(self, path: tuple[str | int, ...], name: str) -> Problem:
        message = _("nobody reads the settings of `{plugin}`, which is not enabled").format(plugin=name)
        hint = _("Enable it: crmcore plugins enable {plugin}").format(plugin=name)
        return self.config.source.problem(path, message, code="idle_settings", hint=hint)

    def _unknown(self, path: tuple[str | int, ...], name: str, known: set[str]) -> Problem:
        hint = did_you_mean(name, known) or _("`crmcore plugins list` shows what is installed.")
        unread = ", ".join(str(warning.file) for warning in self.warnings if warning.code == "entry_points")
        if unread:
            hint = _("{hint} It may be in what cannot be read: {files}.").format(hint=hint, files=unread)
        message = _("there is no plugin `{name}`").format(name=name)
        return self.config.source.problem(path, message, code="unknown_plugin", hint=hint)

    def read_manifests(self) -> list[Problem]:
        """Read the manifests of what is enabled and put the plugins in order."""
        problems = []
        for name, candidates in self.chosen.items():
            if len(candidates) > 1:
                problems.append(_clash(name, candidates))
                continue
            try:
                self.manifests[name] = manifest_at(candidates[0])
            except ManifestError as error:
                problems += error.problems
        known = {found.name for found in self.found}
        problems += unmet(self.manifests, known)
        self.order, circular = ordered(self.manifests)
        return [*problems, *circular]

    def settle(self) -> list[Problem]:
        """Judge the settings of every plugin."""
        problems: list[Problem] = []
        for name in self.order:
            settings, wrong = settings_of(self.manifests[name], self.config)
            problems += wrong
            if not wrong:
                self.settings[name] = settings
        return problems

    def compose(self) -> list[Problem]:
        """Read and compose the schemas of the core, of the plugins in their order, and of the instance."""
        unread: list[Problem] = []
        for documents, wrong in self._schemas():
            self.documents += documents
            unread += wrong
        try:
            self.composition = compose(self.documents, unread)
        except SchemaError as error:
            return [*error.problems]
        problems: list[Problem] = []
        for name in self.order:
            foreign, doubtful = listening_problems(self.manifests[name], self.composition.entities, self.manifests)
            problems += foreign
            self.warnings += doubtful
        self.warnings += self._language_warnings(self.composition.entities)
        return problems

    def _language_warnings(self, entities: Mapping[str, Entity]) -> Iterator[Problem]:
        language = self.config.language
        known = [*languages(), *(tag for entity in entities.values() for tag in entity.titles)]
        if language not in known:
            message = _("nothing is written in the language `{language}`").format(language=language)
            hint = did_you_mean(language, known) or _("Known: {known}").format(known=", ".join(dict.fromkeys(known)))
            yield self.config.source.problem(("instance", "language"), message, code="language", hint=hint)

    def _schemas(self) -> Iterator[tuple[Sequence[SchemaDocument], Sequence[Problem]]]:
        yield core_documents()
        for name in self.order:
            yield from _schemas_of(self.chosen[name][0])
        own, wrong = read_documents(self.config.schemas, INSTANCE) if self.config.schemas else ((), ())
        # Before the instance's own files, which may say more of the fields that its rules write.
        yield tuple(instance_extensions(self.config, [*self.documents, *own])), ()
        yield own, wrong

    def run(self) -> list[Problem]:
        """Import the plugins, register their hooks, and check what they declare."""
        sound = [name for name in self.order if name in self.settings]
        self.running = Running(
            {name: Candidate(self.manifests[name], self.chosen[name][0], self.settings[name]) for name in sound}
        )
        self.running.start()
        # Where a plugin is missing that should run, so are its metrics, and rules that use them look wrong.
        whole = self.composition is not None and len(sound) == len(self.chosen) and not self.running.refused
        self.running.judge(self.composition.entities if whole and self.composition else None, self.config)
        return self.running.refused

    def judge_roles(self) -> list[Problem]:
        """Check roles against entities and permissions."""
        if self.composition is None:
            return []
        entities, permissions = self.composition.entities, self.running.declarations.permissions
        problems, warnings = role_problems(self.config, entities, permissions, Absent())
        if problems:  # a plugin that does not run may be why; only then are its schemas worth reading
            problems, warnings = role_problems(self.config, entities, permissions, self._absent())
        self.warnings += warnings
        return problems

    def _absent(self) -> Absent:
        away = [found for found in self.found if found.name not in self.running.loaded]
        entities: dict[str, str] = {}
        fields: dict[tuple[str, str], str] = {}
        for found in away:
            for documents, _wrong in _schemas_of(found):
                for document in documents:
                    if not document.extends:
                        entities[document.entity] = found.name
                    properties = document.document.get("properties", {})
                    fields |= {(document.entity, name): found.name for name in properties}
        return Absent({found.name for found in away}, entities, fields)

    def registry(self) -> Registry:
        """Freeze what was found."""
        assert self.composition is not None, "asked for after a stage that found something wrong"  # noqa: S101
        entities = self.composition.entities
        implementing = {hook: self.running.implementations(hook) for hook in hookspecs.HOOKS}
        origins = [CORE, *self.running.loaded, *([INSTANCE] if self.config.schemas else [])]
        origins += [document.origin for document in self.documents if document.origin.startswith(f"{INSTANCE}.")]
        documents: dict[str, dict[str, Mapping[str, Any]]] = {origin: {} for origin in origins}
        for document in self.documents:
            documents[document.origin][Path(document.path).name] = document.document
        return Registry(
            config=self.config,
            plugins=self.running.loaded,
            broken=self.running.broken,
            warnings=tuple(self.warnings),
            composition=self.composition,
            documents=documents,
            declarations=self.running.declarations,
            implementing=implementing,
            listening=_listening(implementing, self.running.loaded, entities),
        )


def _unreadable(found: Found) -> tuple[Problem, ...]:
    try:
        manifest_at(found)
    except ManifestError as error:
        return error.problems
    return ()


def _clash(name: str, candidates: Sequence[Found]) -> Problem:
    places = ", ".join(
        f"{found.origin} ({found.package})" if found.package and not found.folder else found.origin
        for found in candidates
    )
    message = _("more than one plugin is called `{name}`: {places}").format(name=name, places=places)
    return Problem(message=message, hint=_("Remove one of them."), code="clash", plugin=name)


def _schemas_of(found: Found) -> Iterator[tuple[Sequence[SchemaDocument], Sequence[Problem]]]:
    if found.given is not None:
        for file_name, document in found.given.schemas.items():
            yield document_of(file_name, document, found.name)
        return
    location = found.location
    if location is not None:
        yield read_documents(location / SCHEMAS, found.name)


def _listening(
    implementing: Mapping[str, tuple[Listener, ...]], loaded: Mapping[str, LoadedPlugin], entities: Mapping[str, Entity]
) -> dict[tuple[str, str], tuple[Listener, ...]]:
    """Return who listens to what. ``*`` leaves out entities that are the private tables of a plugin."""
    listening = {}
    for hook in hookspecs.LISTENED:
        for entity in entities.values():
            names = {entity.name} if entity.internal else {entity.name, "*"}
            found = tuple(each for each in implementing[hook] if names & {*loaded[each.plugin].manifest.listens[hook]})
            if found:
                listening[hook, entity.name] = found
    return listening
