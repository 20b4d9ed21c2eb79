"""The fixtures for authors of plugins, used as an author would: in a project of their own, from its own folder."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest

from crmcore import hookimpl
from crmcore.errors import PluginError
from crmcore.testing import import_file, plugin_of, read_reminders, read_timeline, run_report, run_rule
from crmcore.types import Plugin, Ref, Reminder, TimelineEntry

PLUGIN = """
from types import SimpleNamespace

from crmcore import hookimpl
from crmcore.testing import PluginConformance
from crmcore.types import Column, Plugin, Report, ReportType

TITLES = {titles}


def compute(tx, parameters):
    customers = tx.table("customer")
    return Report(titles=TITLES, columns=[Column(name="name")], rows=[{row}])


@hookimpl
def crm_report_types():
    yield ReportType(name="vip.list", summary="The list", compute=compute)


EXTENSION = {{
    "$schema": "urn:crmcore:extension:1",
    "properties": {{"vip": {{"type": "boolean", "x-crm": {{"titles": TITLES}}}}}},
}}
VIP = Plugin(
    manifest={{"name": "vip", "version": "1.0", "summary": "Marks customers."}},
    module=SimpleNamespace(crm_report_types=crm_report_types),
    schemas={{"customer.extend.json": EXTENSION}},
)


class TestConformance(PluginConformance):
    plugin = VIP


def test_a_customer_can_be_marked(make_crm, crm_clock):
    crm = make_crm(plugins=[VIP])
    with crm.session() as session:
        assert session.create("customer", {{"name": "Acme", "vip": True}}).vip is True
    crm_clock.advance(days=1)
    assert crm.now().day == 16


def test_the_command_line_runs(run_crmcore):
    assert run_crmcore("--version").exit_code == 0
"""
BOTH = {"en": "Very important", "zh-CN": "重要客户"}


def outcomes(pytester: pytest.Pytester, **parts: object) -> dict[str, int]:
    pytester.makepyfile(test_vip=PLUGIN.format(**parts))
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider").parseoutcomes()


def test_a_sound_plugin_conforms(pytester):
    assert outcomes(pytester, titles=BOTH, row="['Acme']") == {"passed": 6}


def test_a_field_without_a_chinese_title_does_not_conform(pytester):
    assert outcomes(pytester, titles={"en": "Very important"}, row="['Acme']") == {"passed": 5, "failed": 1}


def test_a_report_whose_rows_do_not_fit_its_columns_does_not_conform(pytester):
    assert outcomes(pytester, titles=BOTH, row="['Acme', 1]") == {"passed": 5, "failed": 1}


def test_the_clock_stands_still_until_it_is_moved(crm_clock):
    before = crm_clock()
    assert crm_clock() == before
    crm_clock.advance(hours=2)
    assert crm_clock() - before == dt.timedelta(hours=2)


def test_two_crms_of_one_test_have_two_databases(make_crm):
    first, second = make_crm(), make_crm()
    with first.session() as session:
        session.create("customer", {"name": "Acme"})
    with second.session(read_only=True) as session:
        assert session.count("customer") == 0


def test_a_plugin_is_read_from_its_package(make_crm):
    import crmcore_abc

    plugin = plugin_of(crmcore_abc)

    assert plugin.manifest["name"] == "abc"
    assert sorted(plugin.schemas) == ["customer.extend.json", "order.extend.json"]
    assert [*make_crm(plugins=[plugin]).registry.plugins] == ["abc"]


def test_rules_reports_and_files_are_run_in_one_line(make_crm, tmp_path):
    crm = make_crm(enabled=["abc", "tabular"])
    file = tmp_path / "customers.csv"
    file.write_text("name,city\nAcme,深圳\n", encoding="utf-8")

    assert import_file(crm, file, "customer").outcomes == {"created": 1}
    assert run_rule(crm, "abc.class").labels == (("A", 0), ("B", 0), ("C", 1))
    assert [row[:2] for row in run_report(crm, "abc.classes", days=30).rows] == [("C", 1)]


def following(title):
    """A plugin that tells and reminds, or fails where its title is None."""

    @hookimpl
    def crm_timeline(tx, entity, ids):
        return [TimelineEntry(about=Ref(entity, id), at=tx.today, kind="rain", title=title) for id in ids]

    @hookimpl
    def crm_reminders(tx, since, until):
        return [Reminder(kind="rain.umbrella", due=until, ref=Ref("customer", 1), title=title)]

    hooks = SimpleNamespace(crm_timeline=crm_timeline, crm_reminders=crm_reminders)
    return Plugin(manifest={"name": "rain", "version": "1.0", "summary": "Rains."}, module=hooks)


def test_what_happened_and_what_is_due_is_read(make_crm):
    crm = make_crm(plugins=[following("It rains")])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})

    assert "It rains" in [entry.title for entry in read_timeline(crm, "customer", 1)]
    assert [one.due for one in read_reminders(crm, days=3)] == [dt.date(2026, 1, 17)]


def test_a_plugin_that_fails_to_tell_or_remind_fails_its_test(make_crm):
    crm = make_crm(plugins=[following(None)])
    with crm.session() as session:
        session.create("customer", {"name": "Acme"})

    with pytest.raises(PluginError, match="crm_timeline"):
        read_timeline(crm, "customer", 1)
    with pytest.raises(PluginError, match="crm_reminders"):
        read_reminders(crm)
