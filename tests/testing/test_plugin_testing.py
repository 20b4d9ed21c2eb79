"""The fixtures for authors of plugins, used as an author would: in a project of their own, from its own folder."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

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
