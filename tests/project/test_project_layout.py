"""The tree and pyproject.toml say the same: plugins are packaged, announced, bound by contract; commands explained."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = sorted(path.name for path in (CHECKOUT / "plugins").iterdir() if path.name.startswith("crmcore_"))
CONTRACTS = {contract["id"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}


def test_every_first_party_plugin_is_announced_as_an_entry_point_and_no_other() -> None:
    announced = PROJECT["project"]["entry-points"]["crmcore.plugins"]
    assert sorted(announced.values()) == PLUGINS


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_first_party_plugin_has_its_manifest_under_the_name_that_announces_it(plugin: str) -> None:
    manifest = json.loads((CHECKOUT / "plugins" / plugin / "plugin.json").read_text(encoding="utf-8"))
    assert PROJECT["project"]["entry-points"]["crmcore.plugins"][manifest["name"]] == plugin


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_first_party_plugin_explains_itself(plugin: str) -> None:
    assert (CHECKOUT / "plugins" / plugin / "README.md").read_text(encoding="utf-8").startswith("# ")


def test_every_first_party_plugin_is_bound_by_the_contract() -> None:
    assert sorted(CONTRACTS["public"]["source_modules"]) == PLUGINS
    assert sorted(PROJECT["tool"]["importlinter"]["root_packages"]) == ["crmcore", *PLUGINS]


def test_every_command_of_the_makefile_is_explained_by_make_help() -> None:
    text = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    (declared,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    explained = re.findall(r"^([a-z-]+):.*## \w", text, re.MULTILINE)
    steps_in_between = {"python", "installed", "installed-dev"}
    assert sorted(set(declared.split()) - steps_in_between) == sorted(explained)
