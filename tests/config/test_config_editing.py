from __future__ import annotations

import os
import stat
import tomllib
from pathlib import Path

import pytest

from crmcore.config import add_plugin_dir, disable, enable
from crmcore.errors import ConfigError, UsageError

LAYOUT = """\
# The shop.
[instance]
name   = "Shop"   # with odd  spacing

[plugins]
# what runs
enabled = [
    "tabular",  # imports
    'abc',
]

[plugins.abc]     # classes
A = "revenue_365d >= 1_000"
"""


@pytest.fixture
def crm_toml(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_text(LAYOUT, encoding="utf-8")
    return path


def test_enabling_adds_a_line_and_keeps_everything_else(crm_toml):
    assert enable(crm_toml, "churn") is True

    assert crm_toml.read_text(encoding="utf-8") == LAYOUT.replace("    'abc',\n", "    'abc',\n    \"churn\",\n")


def test_a_folder_with_plugins_is_added_once_and_as_the_file_sees_it(crm_toml, monkeypatch):
    monkeypatch.chdir(crm_toml.parent.parent)
    mine = crm_toml.parent / "mine" / "acme_visits"
    mine.mkdir(parents=True)

    assert add_plugin_dir(crm_toml, mine.relative_to(Path.cwd()))
    assert not add_plugin_dir(crm_toml, mine)
    assert tomllib.loads(crm_toml.read_text(encoding="utf-8"))["plugins"]["plugin_dirs"] == ["mine/acme_visits"]


def test_enabling_and_disabling_gives_the_file_back(crm_toml):
    enable(crm_toml, "churn")
    disable(crm_toml, "churn")

    assert crm_toml.read_text(encoding="utf-8") == LAYOUT


def test_disabling_keeps_the_settings(crm_toml):
    assert disable(crm_toml, "abc") is True

    document = tomllib.loads(crm_toml.read_text(encoding="utf-8"))
    assert document["plugins"] == {"enabled": ["tabular"], "abc": {"A": "revenue_365d >= 1_000"}}
    assert "# with odd  spacing" in crm_toml.read_text(encoding="utf-8")


@pytest.mark.parametrize(("edit", "name"), [(enable, "abc"), (disable, "churn")])
def test_what_is_so_already_leaves_the_file_untouched(crm_toml, edit, name):
    before = crm_toml.stat()

    assert edit(crm_toml, name) is False

    assert crm_toml.read_text(encoding="utf-8") == LAYOUT
    assert crm_toml.stat().st_ino == before.st_ino


def test_a_plugin_that_is_there_twice_is_taken_out_twice(crm_toml):
    crm_toml.write_text('[plugins]\nenabled = ["abc", "tabular", "abc"]\n', encoding="utf-8")

    disable(crm_toml, "abc")

    assert crm_toml.read_text(encoding="utf-8") == '[plugins]\nenabled = ["tabular"]\n'


@pytest.mark.parametrize(
    "text", ["", '[instance]\nname = "x"\n', "[plugins]\n", "[plugins.abc]\nx = 1\n", "plugins = {}\n"]
)
def test_a_list_of_plugins_is_made_where_there_is_none(tmp_path, text):
    path = tmp_path / "crm.toml"
    path.write_text(text, encoding="utf-8")

    enable(path, "abc")

    edited = tomllib.loads(path.read_text(encoding="utf-8"))
    assert edited["plugins"].pop("enabled") == ["abc"]
    original = tomllib.loads(text)
    assert {**edited, "plugins": edited["plugins"]} == {**original, "plugins": original.get("plugins", {})}


def test_windows_line_ends_and_permissions_are_kept(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_bytes(b'[plugins]\r\nenabled = ["abc"]\r\n')
    path.chmod(0o640)

    enable(path, "churn")

    assert path.read_bytes() == b'[plugins]\r\nenabled = ["abc", "churn"]\r\n'
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(crm_toml, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(crm_toml)

    enable(link, "churn")

    assert link.is_symlink()
    assert '"churn"' in crm_toml.read_text(encoding="utf-8")


def test_nothing_is_left_behind_beside_the_file(crm_toml):
    enable(crm_toml, "churn")

    assert os.listdir(crm_toml.parent) == ["crm.toml"]  # noqa: PTH208  # names are what is meant


def test_a_file_that_is_not_toml_is_left_alone(tmp_path):
    path = tmp_path / "crm.toml"
    path.write_text("[plugins\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="cannot be read"):
        enable(path, "abc")

    assert path.read_text(encoding="utf-8") == "[plugins\n"


@pytest.mark.parametrize("text", ["plugins = 1\n", '[plugins]\nenabled = "abc"\n'])
def test_a_list_of_another_shape_is_left_alone(tmp_path, text):
    path = tmp_path / "crm.toml"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(ConfigError, match=r"plugins\.enabled"):
        enable(path, "abc")

    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        disable(tmp_path / "crm.toml", "abc")


@pytest.mark.parametrize("name", ["", "A b", "../x", 'a"', "a__b"])
def test_what_cannot_be_a_plugin_is_not_written(crm_toml, name):
    with pytest.raises(UsageError):
        enable(crm_toml, name)
