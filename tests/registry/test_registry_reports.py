"""What report types say of their parameters is judged when a plugin is loaded, not when somebody runs them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from crmcore import hookimpl, load
from crmcore.config import Config
from crmcore.types import Plugin, ReportType


def plugin(**properties):
    reports = [
        ReportType(
            name="figures.all", summary="x", compute=print, parameters={"type": "object", "properties": properties}
        )
    ]
    return Plugin(
        manifest={"name": "figures", "version": "1.0", "summary": "x"},
        module=SimpleNamespace(crm_report_types=hookimpl(lambda: reports)),
    )


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "strin"}, 'report figures.all: its parameters are no JSON Schema: "strin" is not valid'),
        ({"type": "string", "pattern": "("}, "report figures.all: its parameters are no JSON Schema"),
        (
            {"type": "integer", "default": "ten"},
            'report figures.all: the default of its parameter days is not what the parameter may be: "ten"',
        ),
    ],
)
def test_parameters_that_nobody_could_give_break_the_plugin(schema, reason):
    (problem,) = load(Config(), [plugin(days=schema)]).broken["figures"]
    assert problem.message.startswith(reason)


def test_parameters_that_fit_do_not():
    assert not load(Config(), [plugin(days={"type": "integer", "default": 10})]).broken
