"""Fixtures and a conformance test class for authors of plugins; a pytest plugin that comes with the package.

Fixtures: ``crm_clock``, ``make_crm``, ``run_crmcore``. Functions do in one line what tests of plugins ask for: a plugin
from its package (`plugin_of`), a rule's run, a report, an import, a timeline, reminders. Nothing of the core is
imported before one of them is used.

Example:
    A test of a plugin, whole::

        import acme_visits
        from crmcore.testing import PluginConformance, plugin_of, run_rule

        VISITS = plugin_of(acme_visits)

        class TestConformance(PluginConformance):
            plugin = VISITS

        def test_a_customer_without_orders_is_low(make_crm):
            crm = make_crm(plugins=[VISITS])
            with crm.session() as session:
                session.create("customer", {"name": "Acme"})
            assert run_rule(crm, "visits.level").labels == (("high", 0), ("medium", 0), ("low", 1))
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from attrs import define

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    from click.testing import Result

    from crmcore import CRM
    from crmcore.importing import ImportResult
    from crmcore.scoring import ScoringRun
    from crmcore.types import Plugin, Reminder, Report, TimelineEntry

__all__ = [
    "Clock",
    "MakeCRM",
    "PluginConformance",
    "RunCrmcore",
    "crm_clock",
    "import_file",
    "make_crm",
    "plugin_of",
    "read_reminders",
    "read_timeline",
    "run_crmcore",
    "run_report",
    "run_rule",
]

LANGUAGES = ("en", "zh-CN")


@define
class Clock:
    """A clock that stands still until it is moved; call it for the instant."""

    instant: dt.datetime = dt.datetime(2026, 1, 15, 8, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        """Return the instant at which it stands."""
        return self.instant

    def advance(self, **duration: float) -> None:
        """Move it on by a `datetime.timedelta` given as its arguments: ``clock.advance(days=3)``."""
        self.instant += dt.timedelta(**duration)


class MakeCRM(Protocol):
    """What the fixture `make_crm` gives."""

    def __call__(
        self,
        *,
        plugins: Sequence[Plugin] = (),
        enabled: Sequence[str] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        roles: Mapping[str, Any] | None = None,
        database_url: str | None = None,
        timezone: str = "UTC",
    ) -> CRM:
        """Return a CRM on an empty database that is up to date.

        Args:
            plugins: plugins given as objects.
            enabled: names of installed plugins.
            settings: plugin -> its table of ``crm.toml``.
            roles: role -> its table of ``crm.toml``: ``{"sales": {"customer": {"read": "owner = me"}}}``.
            database_url: an empty database; a new SQLite file by default.
            timezone: of the instance.
        """


class RunCrmcore(Protocol):
    """What the fixture `run_crmcore` gives."""

    def __call__(self, *arguments: str, config: Path | None = None, typed: str | None = None) -> Result:
        """Run a command of ``crmcore`` and return click's result, exit code and output in it."""


@pytest.fixture
def crm_clock() -> Clock:
    """The clock of the CRMs that `make_crm` makes: 2026-01-15 08:00 UTC until a test moves it."""
    return Clock()


@pytest.fixture
def make_crm(tmp_path: Path, crm_clock: Clock) -> Iterator[MakeCRM]:
    """Give a function that makes CRMs; they are closed after the test."""
    import tomlkit

    from crmcore import CRM, load, read_config

    made: list[CRM] = []

    def make(
        *,
        plugins: Sequence[Plugin] = (),
        enabled: Sequence[str] = (),
        settings: Mapping[str, Mapping[str, Any]] | None = None,
        roles: Mapping[str, Any] | None = None,
        database_url: str | None = None,
        timezone: str = "UTC",
    ) -> CRM:
        folder = tmp_path / f"crm{len(made)}"
        folder.mkdir()
        config = {
            "instance": {"name": "Test", "timezone": timezone},
            "database": {"url": database_url or "sqlite:///crm.db"},
            "plugins": {"enabled": list(enabled), **(settings or {})},
            "roles": dict(roles or {}),
        }
        (folder / "crm.toml").write_text(tomlkit.dumps(config), encoding="utf-8")
        crm = CRM(load(read_config(folder / "crm.toml"), plugins), clock=crm_clock)
        made.append(crm)
        crm.upgrade()
        return crm

    yield make
    for crm in made:
        crm.close()


@pytest.fixture
def run_crmcore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunCrmcore:
    """Give a function that runs ``crmcore`` in the test's temporary folder."""
    from click.testing import CliRunner

    from crmcore.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, config: Path | None = None, typed: str | None = None) -> Result:
        chosen = ["--config", str(config)] if config else []
        return CliRunner().invoke(main, [*chosen, *arguments], input=typed, catch_exceptions=False)

    return run


def plugin_of(package: ModuleType) -> Plugin:
    """Return a plugin for `make_crm` from its package, as its folder holds it; whether it is installed does not matter.

    Args:
        package: the imported package, with ``plugin.json`` and perhaps ``schemas/`` in its folder.
    """
    from crmcore.types import Plugin

    folder = Path(package.__path__[0])
    return Plugin(
        manifest=_json(folder / "plugin.json"),
        module=package,
        schemas={file.name: _json(file) for file in sorted(folder.glob("schemas/*.json"))},
    )


def _json(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def run_rule(crm: CRM, name: str, as_of: dt.date | None = None) -> ScoringRun:
    """Run a scoring rule, as ``crmcore score run NAME`` does.

    Returns:
        What it did: `changed`, the number of records whose value differs now, and `labels`, each with its number of
        records.
    """
    from crmcore import scoring

    with crm.session() as session:
        return scoring.run_rules(session, [name], as_of)[0]


def run_report(crm: CRM, name: str, **parameters: Any) -> Report:
    """Compute a report over all records, as ``crmcore report run NAME`` does, and check what the plugin gave."""
    from crmcore import reporting

    with crm.session(read_only=True) as session:
        return reporting.run_report(session, name, parameters)


def import_file(crm: CRM, file: Path, entity: str, **options: Any) -> ImportResult:
    """Import a file, as ``crmcore import ENTITY FILE`` does.

    Args:
        crm: with the plugin that reads such files.
        file: to import.
        entity: name of the entity.
        **options: ``mapping``, ``on_match``, ``create_missing``, ``dry_run``, ``date_format``, and ``options`` (those
            of the reader).

    Returns:
        What it did: `outcomes`, the number of rows ``created``, ``updated``, ``unchanged``, ``rejected``, and
        `problems`, each with file and line.
    """
    from crmcore import importing

    return importing.import_file(crm, file, entity, **options)


def read_timeline(crm: CRM, entity: str, id: int) -> Sequence[TimelineEntry]:
    """Return what happened to a record, the latest first, as ``crmcore show customer:42 --timeline`` does.

    Raises:
        PluginError: a plugin could not tell what happened; on the command line it is named beside the timeline.
    """
    from crmcore import timeline

    with crm.session(read_only=True) as session:
        told = timeline.timeline(session, entity, [id])
    for failure in told.failures:
        raise failure
    return told.entries


def read_reminders(crm: CRM, *, days: int = 7) -> Sequence[Reminder]:
    """Return what is due within some days, today included, the earliest first, as ``crmcore remind`` does.

    Raises:
        PluginError: a plugin could not remind; on the command line it is named beside the list.
    """
    from crmcore import reminders

    with crm.session(read_only=True) as session:
        found = reminders.reminders(session, days=days)
    for failure in found.failures:
        raise failure
    return found.entries


class PluginConformance:
    """What every plugin must fulfil; subclass it as ``Test...`` and set `plugin`.

    Attributes:
        plugin: the name of an installed plugin, or a `crmcore.types.Plugin`.
        enabled: names of other plugins that it needs.
        settings: its table of ``crm.toml``, where it cannot do with its defaults.
    """

    plugin: str | Plugin
    enabled: Sequence[str] = ()
    settings: Mapping[str, Any] = {}

    @pytest.fixture
    def conforming_crm(self, make_crm: MakeCRM) -> CRM:
        """A CRM with the plugin."""
        settings = {self._name: self.settings} if self.settings else {}
        if isinstance(self.plugin, str):
            return make_crm(enabled=[*self.enabled, self.plugin], settings=settings)
        return make_crm(enabled=self.enabled, plugins=[self.plugin], settings=settings)

    @property
    def _name(self) -> str:
        return self.plugin if isinstance(self.plugin, str) else str(self.plugin.manifest["name"])

    def test_it_loads_with_its_default_settings(self, conforming_crm: CRM) -> None:
        """It is imported, its hooks are known, and its schemas compose with the core's."""
        assert self._name in conforming_crm.registry.plugins

    def test_its_fields_have_titles_in_every_language(self, conforming_crm: CRM) -> None:
        """People read titles in lists, forms and headers."""
        untitled = [
            f"{entity.name}.{field.name}: {language}"
            for entity in conforming_crm.registry.entities.values()
            for field in entity.fields.values()
            for language in LANGUAGES
            if field.origin == self._name and language not in field.titles
        ]
        assert untitled == []

    def test_its_rules_run_on_an_empty_database(self, conforming_crm: CRM) -> None:
        """A new instance has no records yet."""
        from crmcore import scoring

        with conforming_crm.session() as session:
            runs = [scoring.run(session, rule) for rule in self._own(conforming_crm.registry.scoring_rules)]
        assert [run.changed for run in runs] == [0] * len(runs)

    def test_its_reports_run_on_an_empty_database(self, conforming_crm: CRM) -> None:
        """There is at least one column; rows, values and charts are checked by running it, and charts can be drawn."""
        from crmcore import reporting
        from crmcore.reporting import charts

        with conforming_crm.session() as session:
            for declared in self._own(conforming_crm.registry.report_types):
                report = reporting.run_report(session, declared.name)
                assert report.columns, declared.name
                drawn = [charts.draw(report, chart, label=declared.name, prefix="") for chart in report.charts]
                assert all(drawn) or not charts.can_draw(), declared.name

    def _own(self, declared: Mapping[str, Any]) -> list[Any]:
        return [value for name, value in declared.items() if name.partition(".")[0] == self._name]
