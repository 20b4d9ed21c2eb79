"""Fixtures and a conformance test class for authors of plugins; a pytest plugin that comes with the package.

Fixtures: ``crm_clock``, ``make_crm``, ``run_crmcore``. Nothing of the core is imported before a fixture is used.

Example:
    A test of a plugin, whole::

        from crmcore.testing import PluginConformance

        class TestConformance(PluginConformance):
            plugin = "abc"

        def test_a_customer_without_orders_is_c(make_crm):
            crm = make_crm(enabled=["abc"])
            with crm.session() as session:
                customer = session.create("customer", {"name": "Acme"})
            ...
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from attrs import define

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from click.testing import Result

    from crmcore import CRM
    from crmcore.types import Plugin

__all__ = ["Clock", "MakeCRM", "PluginConformance", "RunCrmcore", "crm_clock", "make_crm", "run_crmcore"]

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
