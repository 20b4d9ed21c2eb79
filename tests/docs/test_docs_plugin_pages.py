"""The pages of the first-party plugins agree with their manifests."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from crmcore import Config, load

PLUGINS = Path(__file__).parents[2] / "plugins"
NAMES = sorted(folder.name.removeprefix("crmcore_") for folder in PLUGINS.glob("crmcore_*"))


def page(plugin: str) -> str:
    return (PLUGINS / f"crmcore_{plugin}" / "README.md").read_text(encoding="utf-8")


def settings(plugin: str) -> dict[str, Any]:
    """Return the settings of a plugin with their defaults, as its manifest has them."""
    manifest = json.loads((PLUGINS / f"crmcore_{plugin}" / "plugin.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = manifest.get("config", {}).get("properties", {})
    return found


@pytest.mark.parametrize("plugin", ["abc", "churn"])
def test_the_table_of_settings_holds_the_defaults(plugin: str) -> None:
    (table,) = re.findall(rf"^```toml\n(\[plugins\.{plugin}\].*?)^```$", page(plugin), re.MULTILINE | re.DOTALL)

    assert tomllib.loads(table)["plugins"][plugin] == {n: one["default"] for n, one in settings(plugin).items()}


def test_the_stages_of_sales_are_the_defaults() -> None:
    opportunity = settings("sales")["pipelines"]["properties"]["opportunity"]["properties"]
    row = re.compile(r"^\| `(\w+)` \| [^|]+ \| (\d+) % \| (?:(\d+) days)? ?\| (?:`(\w+)`)? ?\|$", re.MULTILINE)

    stages = [
        {
            "name": name,
            "win_rate": int(rate) / 100,
            **({"max_days": int(days)} if days else {}),
            **({"required": [required]} if required else {}),
        }
        for name, rate, days, required in row.findall(page("sales"))
    ]

    declared = opportunity["stages"]["default"]
    assert stages == [{key: value for key, value in stage.items() if key != "kind"} for stage in declared]


@pytest.mark.parametrize("plugin", NAMES)
def test_a_page_names_what_the_plugin_declares(plugin: str) -> None:
    written = page(plugin)

    assert [name for name in settings(plugin) if name not in written] == []
    assert "```console" in written


def test_a_page_names_the_reports_and_their_parameters() -> None:
    for name, report in load(Config(enabled=NAMES)).report_types.items():
        written = page(name.partition(".")[0])
        assert f"`{name}`" in written
        assert [one for one in report.parameters["properties"] if f"`{one}`" not in written] == [], name


def test_a_page_names_the_fields_that_its_rules_write() -> None:
    registry = load(Config(enabled=NAMES))
    for name, rule in registry.scoring_rules.items():
        written = page(name.partition(".")[0])
        assert f"| `{rule.field}` | `{name}` |" in written
